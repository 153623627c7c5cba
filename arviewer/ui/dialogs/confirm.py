"""Confirm a structure: what is confirmed, what is doubtful about it, and who stands behind it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from arviewer.model.scene import Item
from arviewer.ui import theme
from arviewer.ui.dialogs.findings import finding_card
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.panels.surface_words import error_words, origin_words, pieces_words
from arviewer.words import _, counted

WIDTH = 560


class ConfirmDialog(QDialog):
    """Asks a person for their word.

    Parameters
    ----------
    item : Item
    name : str
        Offered as the person's name.
    on_confirm : callable
        Takes the name when the person agrees.
    """

    def __init__(self, parent: QWidget | None, item: Item, name: str, on_confirm: Callable[[str], None]) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Confirm a structure"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._on_confirm = on_confirm
        head = QLabel(_("Confirm {structure}?").format(structure=title_of(item.name)))
        head.setTextFormat(Qt.TextFormat.PlainText)
        head.setFont(theme.font(theme.POINT_SIZE + 3, bold=True))
        self.person = QLineEdit(name)
        self.person.setPlaceholderText(_("First and last name, as in the record"))
        self.person.textChanged.connect(self._refresh)
        self.confirm_button = QPushButton(_("&Confirm"))
        self.confirm_button.setProperty("primary", True)
        self.confirm_button.setDefault(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.confirm_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.rejected.connect(self.reject)
        buttons.accepted.connect(self._go)
        meaning = QLabel(
            _("You have compared this structure with the images, slice by slice where it matters. Your name and the "
              "time go into every file that is written from it. Changing a single voxel takes this back.")
        )  # fmt: skip
        meaning.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(head)
        layout.addWidget(_facts(item))
        layout.addWidget(_doubts(item), 1)
        layout.addWidget(meaning)
        form = QFormLayout()
        form.addRow(_("Your &name"), self.person)
        layout.addLayout(form)
        layout.addWidget(buttons)
        self.resize(WIDTH, self.sizeHint().height())
        self._refresh()
        (self.confirm_button if name else self.person).setFocus()

    def _refresh(self) -> None:
        self.confirm_button.setEnabled(bool(self.person.text().strip()))

    def _go(self) -> None:
        self._on_confirm(self.person.text().strip())
        self.accept()


def _facts(item: Item) -> QWidget:
    card = QWidget()
    form = QFormLayout(card)
    form.setContentsMargins(0, 0, 0, 0)
    edits = len(item.segment.edits)
    changed = counted(_("changed once since"), _("changed {count} times since"), edits) if edits else _("as it came")
    for caption, text in (
        (_("Volume"), f"{item.surface.volume_ml:.1f} ml"),
        (_("Made by"), f"{origin_words(item.surface)}; {changed}"),
        (_("Surface"), "\n".join(filter(None, (error_words(item.surface), pieces_words(item.surface))))),
    ):
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        name = QLabel(caption)
        name.setObjectName("quiet")
        form.addRow(name, label)
    return card


def _doubts(item: Item) -> QWidget:
    """Return every finding as a card; of many, a list that scrolls."""
    findings = item.surface.findings
    if not findings:
        none = QLabel(_("Nothing is known to be doubtful about it."))
        none.setObjectName("quiet")
        return none
    inner = QWidget()
    cards = QVBoxLayout(inner)
    cards.setContentsMargins(0, 0, 0, 0)
    for finding in findings:
        cards.addWidget(finding_card(finding))
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setWidget(inner)
    scroll.setMinimumHeight(min(90 * len(findings), 240))
    return scroll
