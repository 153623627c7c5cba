"""The way from a job's thread to the window's."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt, pyqtSignal


class MainThread(QObject):
    """Runs closures, in order, on the thread that made it; hand it to `arviewer.session.jobs.Jobs`."""

    _posted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._posted.connect(_run, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]  # PyQt6's stub

    def __call__(self, closure: Callable[[], None]) -> None:
        """Have `closure` run when the window's loop of events comes to it; may be called from any thread."""
        self._posted.emit(closure)


def _run(closure: Callable[[], None]) -> None:
    closure()
