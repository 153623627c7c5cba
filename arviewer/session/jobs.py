"""Long work beside the window: one job at a time in a worker process, its result back on the main thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from arviewer.errors import ArviewerError, Bug, Cancelled
from arviewer.workers.progress import silent
from arviewer.workers.worker import Limits, Worker

OnMain = Callable[[Callable[[], None]], None]
"""Runs a closure on the thread of the window (a Qt signal there, a direct call in scripts)."""


@dataclass(frozen=True, slots=True)
class _Call:
    """What a job runs, and who hears of it; see `Jobs.start`."""

    function: str
    args: tuple[object, ...]
    parameters: dict[str, Any]
    done: Callable[[Any], None]
    failed: Callable[[ArviewerError], None]
    on_progress: Callable[[float, str], None]
    on_preview: Callable[[Any], None] | None


class Job:
    """One piece of long work.

    Attributes
    ----------
    title : str
        What is being done, as shown ("Bone").
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask it to stop; nothing of it will be applied, even if it finishes meanwhile."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancelled.is_set()


class Jobs:
    """Runs jobs one after the other; callbacks come on the main thread.

    Parameters
    ----------
    on_main : callable
        See `OnMain`.
    limits : Limits, optional
        What one job may take, where it runs unbounded code on the content of files.
    """

    def __init__(self, on_main: OnMain, limits: Limits | None = None) -> None:
        self._on_main = on_main
        self._worker = Worker(limits)
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="arviewer-job")
        self._open: set[Job] = set()

    @property
    def busy(self) -> bool:
        """Whether any job is running or waiting."""
        return bool(self._open)

    def start(  # noqa: PLR0913  (whom to tell what)
        self,
        title: str,
        function: str,
        *args: object,
        done: Callable[[Any], None],
        failed: Callable[[ArviewerError], None],
        on_progress: Callable[[float, str], None] = silent,
        on_preview: Callable[[Any], None] | None = None,
        parameters: dict[str, object] | None = None,
    ) -> Job:
        """Queue a call of ``"arviewer.room.module:name"`` in the worker process.

        Exactly one of `done` (with the result) and `failed` (with the error; `Cancelled` included) is called
        on the main thread, unless the window closes first. `on_preview` gets what the function shows before.
        """
        job = Job(title)
        self._open.add(job)
        call = _Call(function, args, parameters or {}, done, failed, on_progress, on_preview)
        self._threads.submit(self._run, job, call)
        return job

    def close(self) -> None:
        """Cancel everything and end the worker; no callback comes after it returned."""
        for job in tuple(self._open):
            job.cancel()
        self._worker.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._open.clear()

    def _run(self, job: Job, call: _Call) -> None:
        shown: tuple[float, str] = (-1.0, "")

        def progress(fraction: float, what: str = "") -> None:
            nonlocal shown
            if job.cancelled:
                raise Cancelled
            if (fraction, what) != shown:
                shown = (fraction, what)
                self._on_main(lambda: None if job.cancelled else call.on_progress(fraction, what))

        def preview(value: Any) -> None:
            on_preview = call.on_preview
            if on_preview is not None:
                self._on_main(lambda: None if job.cancelled else on_preview(value))

        try:
            result = self._worker.call(
                call.function,
                *call.args,
                progress=progress,
                preview=None if call.on_preview is None else preview,
                **call.parameters,
            )
        except ArviewerError as error:
            self._finish(job, call.failed, error)
        except Exception as error:  # noqa: BLE001  (a job must never end unheard)
            self._finish(job, call.failed, Bug(f"{job.title} failed in an unforeseen way.", repr(error)))
        else:
            self._finish(job, call.done, result, call.failed)

    def _finish(
        self,
        job: Job,
        tell: Callable[[Any], None],
        what: Any,
        if_cancelled: Callable[[ArviewerError], None] | None = None,
    ) -> None:
        def on_main() -> None:
            if job not in self._open:
                return  # the window has closed
            self._open.discard(job)
            if job.cancelled and if_cancelled is not None:
                if_cancelled(Cancelled())
            else:
                tell(what)

        self._on_main(on_main)
