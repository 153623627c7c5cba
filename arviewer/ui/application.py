"""The Qt application: made once, with its look, and with one hook for what nobody foresaw."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from arviewer.errors import MachineLacks
from arviewer.ui import theme
from arviewer.ui.dialogs.error import show_error, unforeseen
from arviewer.words import _

_log = logging.getLogger("arviewer")

XCB_LIBRARIES = (
    "libX11.so.6",
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1",
    "libxkbcommon-x11.so.0",
)
"""What Qt's X11 platform loads at run time; without one of them Qt ends the process without an exception."""
XCB_PACKAGES = (
    "libgl1 libegl1 libglib2.0-0 libxkbcommon0 libfontconfig1 libdbus-1-3 libxcursor1 libxcb-cursor0 "
    "libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0"
)


def require_screen() -> None:
    """Raise `MachineLacks` where a window cannot be shown; Qt itself would end the process."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise MachineLacks(
            _("There is no screen to open a window on."),
            _("Neither DISPLAY nor WAYLAND_DISPLAY is set."),
            _("Run it in a desktop session, or use the commands that need no screen: info, export, render."),
        )
    if os.environ.get("WAYLAND_DISPLAY"):
        return
    missing = [name for name in XCB_LIBRARIES if not _loads(name)]
    if missing:
        raise MachineLacks(
            _("The window cannot be opened: system libraries are missing."),
            ", ".join(missing),
            _("Install them: {command}").format(command=f"apt-get install {XCB_PACKAGES}"),
        )


def create_application(argv: Sequence[str]) -> QApplication:
    """Return the one QApplication, dressed, with the hook for unforeseen errors in place.

    Raises
    ------
    MachineLacks
        There is no screen, or a library that Qt loads is missing.
    """
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    require_screen()
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(list(argv))
    application.setApplicationName("arviewer")
    application.setApplicationDisplayName("arviewer")
    application.setDesktopFileName("arviewer")
    theme.dress(application)
    sys.excepthook = report_unforeseen
    return application


def run_window(paths: Sequence[Path] = (), structures: Sequence[str] = (), sample: Path | None = None) -> int:
    """Open the window on a new document, open `paths`, find `structures`; return the exit code when it closes."""
    from arviewer.session.document import Document
    from arviewer.session.jobs import Jobs
    from arviewer.session.view_state import ViewState
    from arviewer.ui.main_thread import MainThread
    from arviewer.ui.main_window import MainWindow

    application = create_application(sys.argv)
    main_thread = MainThread()
    window = MainWindow(Document(), ViewState(), Jobs(main_thread), sample)
    window.show()
    if paths:
        window.open_paths(paths, structures)
    return application.exec()


def report_unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an exception that nobody handled and show it; the window goes on.

    PyQt ends the process after an exception in a slot unless a hook like this one is installed.
    """
    _log.error("Unforeseen error", exc_info=(kind, error, trace))
    if issubclass(kind, KeyboardInterrupt):
        QApplication.quit()
        return
    show_error(QApplication.activeWindow(), unforeseen(error), details=error)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
