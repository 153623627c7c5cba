"""Windows come and go without a trace; what nobody foresaw is shown and ends nothing."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

from arviewer.errors import Bug, InputRefused, MachineLacks
from arviewer.ui import application
from arviewer.ui.dialogs.error import ErrorDialog, unforeseen
from arviewer.ui.viewports.view_3d import View3D
from tests.windows import Hands, let_go, press


def alive(*kinds: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kinds) for thing in gc.get_objects())


def test_ten_windows_leave_nothing(new_window: Callable[[], Hands], phantom: Path) -> None:
    """Opened, filled and closed ten times: no render window, no thread, no worker process, no volume stays."""
    before = threading.active_count()
    volumes = []
    for _ in range(10):
        hands = new_window()
        hands.open(phantom)
        assert hands.window.grid.view_3d.grab().width() > 100
        volumes.append(weakref.ref(hands.document.scene.volume))
        assert hands.window.close()
        assert not hands.window.isVisible()
        assert threading.active_count() == before
        assert not hands.window.job_bar.busy

    assert alive(vtkRenderWindow) == 0
    hands.document.open(type(hands.document.scene)())
    hands.window.deleteLater()


def test_a_closed_window_lets_its_views_go(new_window: Callable[[], Hands], phantom: Path) -> None:
    """After close and deletion no view, renderer or render window is alive."""
    views = alive(View3D)
    hands = new_window()
    hands.open(phantom)
    assert hands.window.grid.view_3d.grab().width() > 100
    assert alive(vtkRenderWindow) == 1

    hands.window.close()
    let_go()

    assert alive(vtkRenderWindow) == 0
    assert alive(vtkRenderer) <= alive(View3D) - views


def test_closing_while_a_job_runs(hands: Hands, phantom: Path) -> None:
    """A window closed in the middle of work ends at once and says nothing more."""
    hands.open(phantom)
    hands.ask_bone()

    hands.window.close()

    assert not hands.window.job_bar.busy
    assert not hands.window.isVisible()
    assert not hands.window.findChildren(ErrorDialog)


def test_an_unforeseen_error_is_shown_and_reported(hands: Hands, caplog: pytest.LogCaptureFixture) -> None:
    """What, why and where to report it; the report goes to the clipboard, the traceback to the log."""

    def unlucky() -> None:
        raise ZeroDivisionError("no such luck")

    try:
        unlucky()
    except ZeroDivisionError as error:
        application.report_unforeseen(type(error), error, error.__traceback__)

    dialog = hands.dialog(ErrorDialog)
    assert "ZeroDivisionError" in dialog.why.text()
    assert "report it" in dialog.remedy.text()
    assert "Traceback" not in dialog.what.text() + dialog.why.text() + dialog.remedy.text()
    press(dialog, "Copy Report")
    assert "test_an_unforeseen_error" in QApplication.clipboard().text()
    assert "no such luck" in caplog.text


def test_foreseen_errors_keep_their_words() -> None:
    """An error with a remedy is not turned into a bug; a bug is."""
    refused = InputRefused("what", "why", "remedy")
    assert unforeseen(refused) is refused
    assert isinstance(unforeseen(KeyError("x")), Bug)


def test_without_a_screen_a_window_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qt would end the process; instead the remedy names what needs no screen."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")

    with pytest.raises(MachineLacks) as refusal:
        application.require_screen()

    assert "render" in refusal.value.remedy


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Qt's X11 platform would not load, the package line is given."""
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":77")
    monkeypatch.setattr(application, "XCB_LIBRARIES", ("libnowhere-to-be-found.so.0",))

    with pytest.raises(MachineLacks) as refusal:
        application.require_screen()

    assert "libnowhere" in refusal.value.why
    assert "apt-get install" in refusal.value.remedy


def test_a_bug_in_a_job_shows_no_traceback(hands: Hands) -> None:
    """What a worker reports of a bug is a trace: the dialog says its last line, the report has all of it."""
    trace = "Traceback (most recent call last):\n  File x\nKeyError: 'window'\n"
    hands.window.show_failed(Bug("build failed in an unforeseen way.", trace, "Please report this."))

    dialog = hands.dialog(ErrorDialog)
    assert dialog.why.text() == "KeyError: 'window'"
    press(dialog, "Copy Report")
    assert "File x" in QApplication.clipboard().text()
