"""Short work beside the window's thread that needs no process of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from PyQt6.QtCore import QObject

from arviewer.errors import ArviewerError
from arviewer.ui.dialogs.error import unforeseen
from arviewer.ui.main_thread import MainThread

Then = Callable[[ArviewerError | None], None]
"""Takes what went wrong, or None."""


class Aside(QObject):
    """One thread; what comes after runs on the window's thread.

    Only for numpy and VTK filters that let other threads run; the rest belongs into a worker process.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_main = MainThread()
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="arviewer-aside")
        self._closed = False

    def run(self, work: Callable[[], None], then: Then) -> None:
        """Do `work` on the thread, then call `then` on the window's; not at all once closed."""
        self._threads.submit(self._do, work, then)

    def close(self) -> None:
        """Wait for what is being done; nothing is called any more. Safe to call twice."""
        self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _do(self, work: Callable[[], None], then: Then) -> None:
        problem: ArviewerError | None = None
        try:
            work()
        except Exception as error:  # noqa: BLE001  (a thread must never end unheard)
            problem = unforeseen(error)
        self._on_main(lambda: None if self._closed else then(problem))
