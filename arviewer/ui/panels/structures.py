"""The structures on stage: show, color, opacity, delete; and how sure each is."""

from __future__ import annotations

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from arviewer.model.scene import Look, Scene
from arviewer.session.document import Document
from arviewer.session.edits import ChangeLook, RemoveStructure
from arviewer.ui.panels.checks import ChecksPanel
from arviewer.ui.panels.recipe_form import RecipeForm
from arviewer.ui.panels.structure_row import StructureRow
from arviewer.ui.panels.tools import ToolsPanel
from arviewer.words import _

MODES = {"find": _("Find"), "repair": _("Repair"), "check": _("Check")}


class StructurePanel(QFrame):
    """Finds structures and lists them; every change goes through the document.

    Attributes
    ----------
    form : RecipeForm
    tools : ToolsPanel
    checks : ChecksPanel
    modes : dict of str to QPushButton
        Which of the three is shown.
    rows : dict of str to StructureRow

    Signals
    -------
    selection_changed
        Another structure is the current one.
    mode_changed
        Another page is shown: "find", "repair" or "check".
    confirm_wanted(str)
        A person wants to say whether a structure is right.
    """

    selection_changed = pyqtSignal()
    mode_changed = pyqtSignal()
    confirm_wanted = pyqtSignal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._document = document
        self._selected = ""
        self.rows: dict[str, StructureRow] = {}
        self.form = RecipeForm()
        self.tools = ToolsPanel()
        self.checks = ChecksPanel()
        self._pages: dict[str, QWidget] = {"find": self.form, "repair": self.tools, "check": self.checks}
        title = QLabel(_("Structures"))
        title.setObjectName("title")
        head = QHBoxLayout()
        head.addWidget(title, 1)
        group = QButtonGroup(self)
        self.modes = {name: QPushButton(words) for name, words in MODES.items()}
        for name, button in self.modes.items():
            button.setCheckable(True)
            button.setStyleSheet("padding: 3px 9px;")
            button.clicked.connect(lambda _on, name=name: self.show_mode(name))
            group.addButton(button)
            head.addWidget(button)
        self._empty = QLabel(_("None yet."))
        self._empty.setObjectName("quiet")
        inner = QWidget()
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 4, 0)
        self._list.setSpacing(4)
        self._list.addWidget(self._empty)
        self._list.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        self._scroll.setMinimumHeight(40)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.addLayout(head)
        for page in self._pages.values():
            layout.addWidget(page)
        layout.addWidget(self._scroll, 1)
        self.show_mode("find")

    @property
    def mode(self) -> str:
        """Which page is shown: "find", "repair" or "check"."""
        return next(name for name, button in self.modes.items() if button.isChecked())

    def show_mode(self, mode: str) -> None:
        """Show a page; the tool at work is put down when its page goes."""
        self.modes[mode].setChecked(True)
        if mode != "repair":
            self.tools.choose("")
        for name, page in self._pages.items():
            page.setVisible(name == mode)
        self.mode_changed.emit()

    @property
    def selected(self) -> str:
        """Name of the current structure; "" when there is none."""
        return self._selected

    def show_scene(self, before: Scene, after: Scene) -> None:
        """Follow the document; rows whose structure is the same object stay."""
        if after.volume is not before.volume:
            self.form.show_volume(after.volume)
        for name in [name for name in self.rows if name not in after.items]:
            row = self.rows.pop(name)
            self._list.removeWidget(row)
            row.deleteLater()
        for name, item in after.items.items():
            if name not in self.rows:
                row = self.rows[name] = StructureRow(item, self._change, self._remove)
                row.focused.connect(lambda name=name: self.select(name))
                row.confirm_wanted.connect(lambda name=name: self.confirm_wanted.emit(name))
                self._list.insertWidget(self._list.count() - 1, row)
                self.select(name)
            else:
                self.rows[name].show_item(item)
        self._empty.setVisible(not after.items)
        if self._selected not in after.items:
            self.select(list(after.items)[-1] if after.items else "")

    def select(self, name: str) -> None:
        """Make a structure the current one, to which Space and Delete apply."""
        self._selected = name
        for other, row in self.rows.items():
            row.mark_current(other == name)
        if name in self.rows:
            # A row that has just been added gets its place only when Qt has laid it out.
            QTimer.singleShot(0, self._show_selected)
        self.selection_changed.emit()

    def _show_selected(self) -> None:
        if self._selected in self.rows:
            self._scroll.ensureWidgetVisible(self.rows[self._selected], 0, 0)

    def toggle_visible(self) -> None:
        """Hide the current structure, or show it."""
        if self._selected:
            look = self._document.scene.item(self._selected).look
            self._change(self._selected, Look(look.color, look.opacity, not look.visible), "visibility", "")

    def remove_current(self) -> None:
        """Delete the current structure; undo brings it back."""
        if self._selected:
            self._remove(self._selected)

    def _change(self, name: str, look: Look, aspect: str, gesture: str) -> None:
        if look != self._document.scene.item(name).look:
            self._document.apply(ChangeLook(name, look, aspect, gesture))

    def _remove(self, name: str) -> None:
        self._document.apply(RemoveStructure(name))
