"""What is being worked on, how far it is, and the button that stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from arviewer.errors import ArviewerError, Cancelled
from arviewer.session.jobs import Job, Jobs
from arviewer.ui.aside import Aside
from arviewer.words import _

BAR_WIDTH = 200
FULL = 1000


class JobBar(QWidget):
    """Starts jobs and shows the one that runs.

    Signals
    -------
    changed
        A job began or ended.
    """

    changed = pyqtSignal()

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._waiting: list[Job] = []
        self._aside = Aside(self)
        self.words = QLabel()
        self.words.setMinimumWidth(120)
        self.bar = QProgressBar()
        self.bar.setRange(0, FULL)
        self.bar.setFixedWidth(BAR_WIDTH)
        self.bar.setFormat("%p %")
        self.cancel_button = QPushButton(_("Cancel"))
        self.cancel_button.setToolTip(_("Stop this work; nothing of it is kept (Esc)"))
        self.cancel_button.clicked.connect(self.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.addWidget(self.words)
        layout.addWidget(self.bar)
        layout.addWidget(self.cancel_button)
        layout.addStretch(1)
        # The views must not change their size when work begins or ends.
        self.setMinimumHeight(self.cancel_button.sizeHint().height() + 4)
        self._show("")

    @property
    def busy(self) -> bool:
        """Whether something is running or waiting."""
        return bool(self._waiting)

    def start(  # noqa: PLR0913  (as `Jobs.start`)
        self,
        title: str,
        function: str,
        *args: object,
        done: Callable[[Any], None],
        failed: Callable[[ArviewerError], None],
        parameters: dict[str, object] | None = None,
        on_preview: Callable[[Any], None] | None = None,
        prepare: Callable[[Any], None] | None = None,
    ) -> Job:
        """Queue a job; see `Jobs.start`. When it is cancelled, `failed` gets `Cancelled`.

        Parameters
        ----------
        on_preview : callable, optional
            Called with what the function shows before it is done.
        prepare : callable, optional
            Called with the result on another thread before `done`: work that the window should not wait for.
        """
        job: Job

        def ended() -> None:
            self._waiting.remove(job)
            self._show("")
            self.changed.emit()

        def on_done(result: Any) -> None:
            if prepare is None:
                ended()
                done(result)
            else:
                if self._waiting[0] is job:
                    self._show(_("Preparing the views"), 1.0)
                self._aside.run(lambda: prepare(result), lambda error: on_prepared(result, error))

        def on_prepared(result: Any, error: ArviewerError | None) -> None:
            ended()
            problem = Cancelled() if job.cancelled else error
            if problem is None:
                done(result)
            else:
                failed(problem)

        def on_failed(error: ArviewerError) -> None:
            ended()
            failed(error)

        def on_progress(fraction: float, what: str = "") -> None:
            if self._waiting and self._waiting[0] is job:
                self._show(what, fraction)

        job = self._jobs.start(
            title, function, *args, done=on_done, failed=on_failed, on_progress=on_progress, on_preview=on_preview,
            parameters=parameters,
        )  # fmt: skip
        self._waiting.append(job)
        self._show("")
        self.changed.emit()
        return job

    def cancel(self) -> None:
        """Stop the job that runs; it counts as ended when the worker has let go of it."""
        if self._waiting:
            self._waiting[0].cancel()
            self.words.setText(_("{title}: cancelling…").format(title=self._waiting[0].title))
            self.cancel_button.setEnabled(False)

    def close_jobs(self) -> None:
        """Cancel everything and wait until no thread works any more; safe to call twice."""
        self._jobs.close()
        self._aside.close()
        self._waiting.clear()

    def cancel_all(self) -> None:
        """Stop every job, the waiting ones too."""
        for job in self._waiting:
            job.cancel()

    def _show(self, what: str, fraction: float = 0.0) -> None:
        for part in (self.words, self.bar, self.cancel_button):
            part.setVisible(self.busy)
        if not self.busy:
            return
        text = self._waiting[0].title + (f": {what}" if what else "")
        more = len(self._waiting) - 1
        if more:
            text += " " + _("(and {count} more)").format(count=more)
        self.words.setText(text)
        self.bar.setValue(round(fraction * FULL))
        self.cancel_button.setEnabled(not self._waiting[0].cancelled)
