"""Menus, toolbar and shortcuts, made from the table of actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QToolBar, QToolButton

from arviewer.ui.actions import ACTIONS, MENUS, Action, keys_of, tooltip
from arviewer.words import _

if TYPE_CHECKING:
    from arviewer.ui.main_window import MainWindow

BREAKS = {
    "quit", "toggle-structure", "cancel", "larger-brush", "next-place", "confirm", "large", "outlines", "findings",
    "window-0", "about", "privacy",
}  # fmt: skip
"""Actions with a line above them in their menu."""
TOOLBAR_BREAKS = {"undo", "view-anterior", "outlines"}


class Menus:
    """The Qt side of the table.

    Attributes
    ----------
    actions : dict of str to QAction
        By the action's name.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.actions: dict[str, QAction] = {}
        self.toolbar = QToolBar(_("Tools"))
        self.toolbar.setMovable(False)
        self.toolbar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        window.addToolBar(self.toolbar)
        bar = window.menuBar()
        assert bar is not None
        menus: dict[str, QMenu] = {}
        for name, title in MENUS.items():
            menu = bar.addMenu(title)
            assert menu is not None
            menus[name] = menu
        for action in ACTIONS:
            made = self.actions[action.name] = self._make(action)
            if action.name in BREAKS:
                menus[action.menu].addSeparator()
            menus[action.menu].addAction(made)
            if action.toolbar:
                if action.name in TOOLBAR_BREAKS:
                    self.toolbar.addSeparator()
                self._put_on_toolbar(action, made)
        self._put_menu_on_toolbar(menus["window"], _("Window"))
        self.refresh()

    def refresh(self) -> None:
        """Bring what is enabled, checked and said in line with the document."""
        for action in ACTIONS:
            made = self.actions[action.name]
            made.setEnabled(action.enabled(self._window))
            if action.checked is not None:
                made.setChecked(action.checked(self._window))
            if action.words is not None:
                words = action.words(self._window)
                made.setText(words)
                keys = keys_of(action)
                made.setToolTip(f"{words.replace('&', '')} ({keys[0]})")

    def rows(self) -> list[tuple[str, str]]:
        """Return what the page of keys lists: headings and actions with their shortcuts."""
        rows: list[tuple[str, str]] = []
        for menu, title in MENUS.items():
            listed = [action for action in ACTIONS if action.menu == menu and action.keys]
            if listed:
                rows.append((title.replace("&", ""), ""))
                rows += [(action.text.replace("&", "").rstrip("…"), ", ".join(keys_of(action))) for action in listed]
        return rows

    def _make(self, action: Action) -> QAction:
        made = QAction(action.text, self._window)
        made.setToolTip(tooltip(action))
        made.setStatusTip(action.tip)
        made.setShortcuts([QKeySequence(key) for key in keys_of(action)])
        made.setCheckable(action.checked is not None)
        made.triggered.connect(lambda _on=False: action.run(self._window))
        if action.in_views:
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self._window.grid.addAction(made)
        return made

    def _put_on_toolbar(self, action: Action, made: QAction) -> None:
        button = QToolButton()
        button.setDefaultAction(made)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setText(action.toolbar)
        # Qt copies the action's text to the button at every change; the toolbar keeps its short word.
        made.changed.connect(lambda: button.setText(action.toolbar))
        self.toolbar.addWidget(button)

    def _put_menu_on_toolbar(self, menu: QMenu, text: str) -> None:
        button = QToolButton()
        button.setText(text)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(_("Window presets (W: next)"))
        self.toolbar.addWidget(button)
