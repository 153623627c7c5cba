"""What is being worked on, how far it is, and the button that stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from arviewer.errors import ArviewerError, Cancelled
from arviewer.session.jobs import Job, Jobs
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
        self._show("")

    @property
    def busy(self) -> bool:
        """Whether something is running or waiting."""
        return bool(self._waiting)

    def start(
        self,
        title: str,
        function: str,
        *args: object,
        done: Callable[[Any], None],
        failed: Callable[[ArviewerError], None],
        parameters: dict[str, object] | None = None,
    ) -> Job:
        """Queue a job; see `Jobs.start`. When it is cancelled, `failed` gets `Cancelled`."""
        job: Job

        def ended() -> None:
            self._waiting.remove(job)
            self._show("")
            self.changed.emit()

        def on_done(result: Any) -> None:
            ended()
            done(result)

        def on_failed(error: ArviewerError) -> None:
            ended()
            failed(error)

        def on_progress(fraction: float, what: str = "") -> None:
            if self._waiting and self._waiting[0] is job:
                self._show(what, fraction)

        job = self._jobs.start(
            title, function, *args, done=on_done, failed=on_failed, on_progress=on_progress, parameters=parameters
        )
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


def is_cancelled(error: ArviewerError) -> bool:
    """Return whether the person stopped it, which needs no dialog."""
    return isinstance(error, Cancelled)
