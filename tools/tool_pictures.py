"""A picture of each tool at work: ``python -m tools.tool_pictures FOLDER --output PICTURES``.

FOLDER holds a contrast CT of the trunk whose license allows its picture; the identity is hidden.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QCoreApplication, QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget

from arviewer.imaging.tools import TOOLS, Need
from arviewer.ui.application import create_application
from arviewer.ui.dialogs.confirm import ConfirmDialog
from arviewer.ui.main_window import MainWindow
from tools.screenshots import SETTLE_MS, live, on_screen, opened, save, wait_for

STRUCTURES = ("vessels", "bone")
LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
HANDS: Any = QTest  # whose stub takes its static methods for bound ones
Line = list[QPoint]


class Easel:
    """The window, and a hand that holds still in the middle of what it does."""

    def __init__(self, window: MainWindow, output: Path) -> None:
        self.window, self.output = window, output
        self.axial = window.grid.slices["axial"]

    def settle(self) -> None:
        """Let everything end that is being made."""
        wait_for(lambda: not self.window.job_bar.busy and not self.window.reviewing.remaking.busy)

    def take(self, name: str) -> None:
        """Take a picture."""
        live(SETTLE_MS)
        save(on_screen(self.window), self.output / f"{name}.png")

    def draw(self, view: QWidget, line: Line, name: str) -> None:
        """Draw a line, take a picture before the button is let go, then one of what came of it."""
        HANDS.mousePress(view, LEFT, NO_KEYS, line[0])
        for place in line[1:]:
            HANDS.mouseMove(view, place)
            QCoreApplication.processEvents()
        self.take(name)
        HANDS.mouseRelease(view, LEFT, NO_KEYS, line[-1])
        self.settle()
        self.take(f"{name}-done")

    def click(self, name: str) -> None:
        """Click into the middle of the bone in the axial slice."""
        volume, item = self.window.document.scene.volume, self.window.document.scene.item("bone")
        assert volume is not None
        k, j, i = np.argwhere(item.segment.mask.within((0, 0, 0), volume.geometry.shape_kji)[:, ::4, ::4]).T
        n = np.argmin(np.abs(k - k.mean()) + np.abs(i - np.median(i)) + np.abs(j - np.percentile(j, 80)))
        self.window.view_state.move_cursor(
            volume.geometry.lps_from_ijk.matrix[:3] @ (4.0 * i[n], 4.0 * j[n], float(k[n]), 1.0)
        )
        self.take(name)
        x, y = self.axial.frame.xy_of(self.window.view_state.cursor_lps, self.axial.extent)
        HANDS.mouseClick(self.axial, LEFT, NO_KEYS, QPoint(round(x), round(y)))
        self.settle()
        self.take(f"{name}-done")


def ring(center: QPoint, across: int, down: int) -> Line:
    """Return most of an ellipse, so that the straight way back is seen."""
    turns = np.linspace(0, 1.8 * np.pi, 40)
    return [center + QPoint(round(across * np.cos(t)), round(down * np.sin(t))) for t in turns]


def take_all(easel: Easel) -> None:
    """Take each tool of the table at work on the bone, and take back what it did."""
    window = easel.window
    window.structures.select("bone")
    for name, tool in TOOLS.items():
        before = window.document.undo_words
        window.reviewing.take_up(name)
        picture = f"tool-{name}"
        if Need.STROKE in tool.needs:
            middle = easel.axial.rect().center() + QPoint(-60, 62)
            easel.draw(easel.axial, [middle + QPoint(4 * n, n // 4) for n in range(30)], picture)
        elif Need.LASSO in tool.needs:
            view = window.grid.view_3d
            easel.draw(view, ring(view.rect().center() + QPoint(110, 0), 75, 60), picture)
        elif Need.CLICK in tool.needs:
            easel.click(picture)
        else:
            easel.take(picture)
        window.reviewing.let_go()
        while window.document.undo_words != before:
            window.document.undo()
        easel.settle()
        window.structures.select("bone")


def take_review(easel: Easel) -> None:
    """Take the places to check, the dialog of confirmation, and what is confirmed."""
    window = easel.window
    window.reviewing.step(1)
    easel.take("check")
    window.reviewing.ask_confirm("bone")
    dialog = window.findChild(ConfirmDialog)
    assert isinstance(dialog, ConfirmDialog)
    dialog.person.setText("Dr. Ada Surgeon")
    easel.take("confirm")
    dialog.reject()
    window.structures.show_mode("find")
    window.grid.toggle_large("3d")
    window.grid.view_3d.turn(-20, 8)
    live(4 * SETTLE_MS)
    easel.take("proposed-3d")
    window.grid.toggle_large("3d")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a contrast CT of the trunk")
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    wanted = parser.parse_args()
    application = create_application(sys.argv[:1])
    application.setQuitOnLastWindowClosed(False)
    window = opened(wanted.folder, STRUCTURES, hidden=True)
    easel = Easel(window, wanted.output)
    works: tuple[Callable[[Easel], None], ...] = (take_all, take_review)
    for work in works:
        work(easel)
    window.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
