"""Whose images these are: always in sight above the views."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from arviewer.model.study import Series
from arviewer.session.summary import phase_words
from arviewer.ui import theme
from arviewer.words import _

SEXES = {"F": _("Female"), "M": _("Male"), "O": _("Other")}
UNKNOWN = "–"


class PatientBanner(QFrame):
    """Name, ID, birth date, sex, study date, modality, description of the series on show.

    Attributes
    ----------
    hides_identity : bool
        Name, ID, birth date and sex read "hidden", for pictures that leave the house.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.hides_identity = False
        self._series: Series | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 12, 5)
        layout.setSpacing(26)
        self._fields = {
            "name": Field(_("Patient"), stretch=3, strong=True),
            "id": Field(_("ID"), stretch=2),
            "birth_date": Field(_("Born")),
            "sex": Field(_("Sex")),
            "study_date": Field(_("Study")),
            "modality": Field(_("Modality")),
            "description": Field(_("Series"), stretch=4),
        }
        for field in self._fields.values():
            layout.addWidget(field, field.stretch)
        self.show_series(None)

    def show_series(self, series: Series | None) -> None:
        """Show whose images these are; None: nobody's."""
        self._series = series
        for name, text in self.texts().items():
            self._fields[name].value.setText(text)

    def hide_identity(self, hidden: bool) -> None:
        """Hide who it is, or show it again."""
        self.hides_identity = hidden
        self.show_series(self._series)

    def texts(self) -> dict[str, str]:
        """Return what the banner says, by field."""
        series = self._series
        if series is None:
            return dict.fromkeys(self._fields, UNKNOWN)
        patient = series.patient
        number = "" if series.number is None else f"{series.number} · "
        said = {
            "name": patient.name,
            "id": patient.id,
            "birth_date": iso_date(patient.birth_date),
            "sex": SEXES.get(patient.sex, patient.sex),
            "study_date": iso_date(series.study_date),
            "modality": series.modality,
            "description": number + (series.description or _("(no description)")) + phase_words(series.phase, " · "),
        }
        if self.hides_identity:
            said |= dict.fromkeys(("name", "id", "birth_date", "sex", "study_date"), _("hidden"))
        return {name: text or UNKNOWN for name, text in said.items()}


class Field(QWidget):
    """A caption and a value below it."""

    def __init__(self, caption: str, stretch: int = 0, *, strong: bool = False) -> None:
        super().__init__()
        self.stretch = stretch
        self.value = ElidedLabel(theme.font(theme.POINT_SIZE + (1.5 if strong else 0), bold=strong), elides=stretch > 0)
        head = QLabel(caption)
        head.setObjectName("quiet")
        head.setFont(theme.font(theme.POINT_SIZE - 2))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        layout.addWidget(self.value)


class ElidedLabel(QLabel):
    """One line of text; where it does not fit it ends in "…" and the whole is in the tooltip."""

    def __init__(self, font: QFont, *, elides: bool = True) -> None:
        super().__init__()
        self._elides = elides
        self.setFont(font)
        self.setTextFormat(Qt.TextFormat.PlainText)
        policy = QSizePolicy.Policy.Preferred if elides else QSizePolicy.Policy.Fixed
        self.setSizePolicy(policy, QSizePolicy.Policy.Fixed)

    def setText(self, text: str | None) -> None:
        """Show a text."""
        super().setText(text)
        self.setToolTip(text or "")

    def minimumSizeHint(self) -> QSize:
        """Return a size that may cut the text."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), 60), hint.height()) if self._elides else hint

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw as much as fits."""
        painter = QPainter(self)
        shown = QFontMetrics(self.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)


def iso_date(dicom_date: str) -> str:
    """Return YYYYMMDD as YYYY-MM-DD; anything else as it is."""
    if len(dicom_date) == 8 and dicom_date.isdigit():
        return f"{dicom_date[:4]}-{dicom_date[4:6]}-{dicom_date[6:]}"
    return dicom_date
