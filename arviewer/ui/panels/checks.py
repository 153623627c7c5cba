"""Places to check first: one after the other, with the reason."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QPushButton, QVBoxLayout, QWidget

from arviewer.model.checks import GRAVEST, places_to_check
from arviewer.model.findings import Finding, Severity
from arviewer.model.scene import Item
from arviewer.ui.panels.recipe_form import title_of
from arviewer.words import _
from arviewer.words.findings import message

Place = tuple[Finding, tuple[float, float, float] | None]
"""What is doubtful, and where; None when it is nowhere in particular."""


class ChecksPanel(QWidget):
    """Lists the doubtful places of the current structure, the gravest first.

    Signals
    -------
    place_wanted(object)
        The point to look at, shape (3,), LPS mm.
    confirm_wanted
        The person has seen enough to say whether it is right.
    """

    place_wanted = pyqtSignal(object)
    confirm_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places: list[Place] = []
        self._shown: object = None
        self.head = QLabel()
        self.head.setWordWrap(True)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMinimumHeight(140)
        self.list.itemClicked.connect(lambda _item: self._look())
        self.why = QLabel()
        self.why.setWordWrap(True)
        self.why.setTextFormat(Qt.TextFormat.PlainText)
        self.previous_button = QPushButton(_("‹ Previous"))
        self.previous_button.setToolTip(_("Look at the place before (P)"))
        self.previous_button.clicked.connect(lambda: self.step(-1))
        self.next_button = QPushButton(_("Next ›"))
        self.next_button.setToolTip(_("Look at the next place (N)"))
        self.next_button.setProperty("primary", True)
        self.next_button.clicked.connect(lambda: self.step(1))
        self.confirm_button = QPushButton(_("Confirm…"))
        self.confirm_button.setToolTip(_("Say that this structure is right (C)"))
        self.confirm_button.clicked.connect(self.confirm_wanted)
        buttons = QHBoxLayout()
        for button in (self.previous_button, self.next_button, self.confirm_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self.head)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.why)
        layout.addLayout(buttons)
        self.show_item(None)

    def show_item(self, item: Item | None) -> None:
        """List the places of a structure; the same findings keep the place that is looked at."""
        places = [] if item is None else places_of(item)
        self.confirm_button.setEnabled(item is not None and not item.is_stale)
        if (item is None, places) == self._shown:
            return
        self._shown = item is None, places
        self._places = places
        self.list.clear()
        for number, (finding, _place) in enumerate(self._places):
            sign = "●" if finding.severity is Severity.NOTE else "▲"
            again = number > 0 and finding == self._places[number - 1][0]
            said = _("the same, at another place") if again else message(finding.kind, finding.details)
            self.list.addItem(f"{number + 1}.  {sign} {said}")
        self.why.clear()
        for part in (self.list, self.why, self.previous_button, self.next_button):
            part.setVisible(bool(self._places))
        if item is None:
            self.head.setText(_("Choose a structure in the list."))
        elif self._places:
            self.head.setText(_("{name}: look at this first.").format(name=title_of(item.name)))
        else:
            self.head.setText(
                _("{name}: nothing is known to be doubtful. Compare its outline with the slices.").format(
                    name=title_of(item.name)
                )
            )

    @property
    def count(self) -> int:
        """How many places there are."""
        return len(self._places)

    def step(self, by: int) -> None:
        """Look at the next place, or the one before; after the last comes the first."""
        if self._places:
            row = self.list.currentRow()
            start = -1 if row < 0 and by > 0 else max(row, 0)
            self.list.setCurrentRow((start + by) % len(self._places))
            self._look()

    def _look(self) -> None:
        number = self.list.currentRow()
        if number >= 0:
            finding, place = self._places[number]
            self.why.setText(
                _("{number} of {count}: {why}").format(
                    number=number + 1, count=self.count, why=message(finding.kind, finding.details)
                )
            )
            if place is not None:
                self.place_wanted.emit(np.array(place))


def places_of(item: Item) -> list[Place]:
    """Return the places to check of a structure, the first one first; then what is nowhere in particular."""
    # A surface has the findings of its structure too; a stale one has those of the structure as it was.
    findings = item.segment.findings if item.is_stale else item.surface.findings
    places: list[Place] = [(place.finding, place.point_lps) for place in places_to_check((item.segment,))]
    told = [finding for finding, _place in places]
    rest = sorted((one for one in findings if one not in told), key=lambda one: GRAVEST.index(one.severity))
    return places + [(one, place) for one in rest for place in one.places_lps or (None,)]
