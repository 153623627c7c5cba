"""Reading for dialogs: headers, reports and pages, in a process of its own that is capped and may die."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arviewer.errors import ArviewerError, Cancelled
from arviewer.imaging.dicom.untrusted import HEADER, LIMITS, PAGE, REPORT, as_refusal
from arviewer.model.documents import DocumentPage, HeaderDump, Report
from arviewer.model.study import Attachment
from arviewer.session.jobs import Job, Jobs
from arviewer.ui.main_thread import MainThread
from arviewer.words import _

Failed = Callable[[ArviewerError], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    function: str
    name: str
    args: tuple[object, ...]
    done: Callable[[Any], None]
    failed: Failed


class Reading:
    """Asks one thing at a time; of what is asked meanwhile only the last counts, so that a slider never lags behind.

    Exactly one of `done` and `failed` is called on the window's thread, unless the wish was overtaken or forgotten.
    """

    def __init__(self) -> None:
        self._jobs: Jobs | None = None
        self._running: tuple[_Wish, Job] | None = None
        self._waiting: _Wish | None = None

    def header(self, path: Path, member: str, done: Callable[[HeaderDump], None], failed: Failed) -> None:
        """Read the header of a file, or of a member of an archive."""
        self._ask(_Wish(HEADER, member or path.name, (path, member), done, failed))

    def report(self, attachment: Attachment, done: Callable[[Report], None], failed: Failed) -> None:
        """Read a structured report."""
        self._ask(_Wish(REPORT, attachment.name, (attachment,), done, failed))

    def page(self, attachment: Attachment, number: int, done: Callable[[DocumentPage], None], failed: Failed) -> None:
        """Draw a page of a document, counted from 1."""
        self._ask(_Wish(PAGE, attachment.name, (attachment, number), done, failed))

    def forget(self) -> None:
        """Let nothing that was asked be answered any more."""
        self._waiting = None
        if self._running is not None:
            self._running[1].cancel()
            self._running = None

    def close(self) -> None:
        """End the process; safe to call twice."""
        self.forget()
        if self._jobs is not None:
            self._jobs.close()

    def _ask(self, wish: _Wish) -> None:
        if self._running is not None:
            self._waiting = wish
            return
        if self._jobs is None:
            self._jobs = Jobs(MainThread(), LIMITS)
        job = self._jobs.start(
            _("Reading"), wish.function, *wish.args,
            done=lambda result: self._ended(wish, lambda: wish.done(result)),
            failed=lambda error: self._ended(wish, lambda: self._refuse(wish, error)),
        )  # fmt: skip
        self._running = (wish, job)

    def _ended(self, wish: _Wish, tell: Callable[[], None]) -> None:
        if self._running is None or self._running[0] is not wish:
            return
        following, self._running, self._waiting = self._waiting, None, None
        if following is None:
            tell()
        else:
            self._ask(following)

    def _refuse(self, wish: _Wish, error: ArviewerError) -> None:
        if not isinstance(error, Cancelled):
            wish.failed(as_refusal(error, wish.name))
