"""The page of keys and mouse, made from the table of actions."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from arviewer.words import _

HANDS = (
    (_("Slices"), ""),
    (_("Put the crosshair here; the other views follow"), _("Left click or drag")),
    (_("Next or previous slice"), _("Wheel, arrow keys")),
    (_("Ten slices on or back"), _("Page Up, Page Down")),
    (_("Move the crosshair in the slice"), _("Shift+arrow keys")),
    (_("Window: center up and down, width left and right"), _("Right drag")),
    (_("Move the picture"), _("Middle drag")),
    (_("Zoom"), _("Ctrl+wheel, + and −")),
    (_("Show all of it"), "0"),
    (_("A tool at work"), ""),
    (_("Paint, or draw the line of the scissors (in 3D too)"), _("Left drag")),
    (_("Erase instead of paint, and the other way round"), _("Ctrl+left drag")),
    (_("Size of the brush"), _("Shift+wheel, [ and ]")),
    (_("Crosshair and turning 3D meanwhile"), _("Alt+left drag")),
    (_("Take the stroke back; put the tool down"), _("Esc")),
    (_("3D"), ""),
    (_("Turn"), _("Left drag, arrow keys")),
    (_("Move the picture"), _("Middle drag, Shift+left drag")),
    (_("Zoom"), _("Wheel, right drag, + and −")),
    (_("Any view"), ""),
    (_("One view large, or all four"), _("Double click, Enter")),
    (_("Next control"), _("Tab")),
)


class ShortcutsDialog(QDialog):
    """Lists what keys and mouse do.

    Parameters
    ----------
    rows : sequence of (words, keys)
        Of the actions; a row without keys is a heading.
    """

    def __init__(self, parent: QWidget | None, rows: Sequence[tuple[str, str]]) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Keys and mouse"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        shown = [*HANDS, *rows]
        table = QTableWidget(len(shown), 2)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.setShowGrid(False)
        for header in (table.verticalHeader(), table.horizontalHeader()):
            assert header is not None
            header.hide()
        columns = table.horizontalHeader()
        assert columns is not None
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        columns.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        for number, (words, keys) in enumerate(shown):
            for column, text in enumerate((words, keys)):
                item = QTableWidgetItem(text)
                if not keys:
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                table.setItem(number, column, item)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(table)
        layout.addWidget(buttons)
        self.resize(620, 640)
