"""What the folder holds: series by patient, with what is known about each, and the structures that lie beside."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from arviewer.formats.belonging import differing_identity
from arviewer.model.findings import Severity, Verdict
from arviewer.model.study import Attachment, AttachmentKind, Patient, Series
from arviewer.session.summary import phase_words
from arviewer.ui import theme
from arviewer.words import _, counted
from arviewer.words.findings import message, remedy

VERDICTS = {
    Verdict.REGULAR: _("regular"),
    Verdict.UNEVEN: _("uneven spacing"),
    Verdict.MISSING_SLICES: _("slices missing"),
    Verdict.DUPLICATES: _("duplicates"),
    Verdict.TILTED: _("tilted"),
    Verdict.MIXED: _("mixed"),
    Verdict.NO_GEOMETRY: _("no geometry"),
    Verdict.REFUSED: _("refused"),
}
ICON_SIZE = 12
SERIES = Qt.ItemDataRole.UserRole
"""Where an item keeps its series, or the file with structures that it stands for."""

STRUCTURES = {
    AttachmentKind.SEGMENTATION: _("Segmentation"),
    AttachmentKind.STRUCTURE_SET: _("Structure set"),
    AttachmentKind.LABEL_MAP: _("Label map"),
}
"""What kinds of files with structures are called."""


class SeriesPanel(QFrame):
    """Lists series and, under those of each patient, files with structures; a double click, Enter or the button opens.

    Signals
    -------
    open_wanted(Series)
    structures_wanted(Attachment)
    """

    open_wanted = pyqtSignal(object)
    structures_wanted = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.hides_identity = False
        self._series: tuple[Series, ...] = ()
        self._attachments: tuple[Attachment, ...] = ()
        self._has_images = False
        title = QLabel(_("Series"))
        title.setObjectName("title")
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setMinimumHeight(44)
        self.tree.setIndentation(0)
        self.tree.setRootIsDecorated(False)
        self.tree.setItemsExpandable(False)
        self.tree.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        self.tree.setWordWrap(True)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setAccessibleName(_("Series"))
        self.tree.itemActivated.connect(lambda _item, _column: self._open())
        self.tree.currentItemChanged.connect(lambda _now, _before: self._refresh())
        self.open_button = QPushButton(_("Open Series"))
        self.open_button.clicked.connect(self._open)
        self.question = QLabel()
        self.question.setWordWrap(True)
        self.question.setStyleSheet(f"color: {theme.WARNING};")
        self.question.hide()
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.addLayout(head)
        layout.addWidget(self.question)
        layout.addWidget(self.tree)
        self._refresh()

    @property
    def series(self) -> tuple[Series, ...]:
        """What is listed."""
        return self._series

    def show_series(
        self, series: Sequence[Series], shown: Series | None = None, attachments: Sequence[Attachment] = ()
    ) -> None:
        """List series, grouped by patient, and the files with structures; `shown` is the one on show."""
        self._series = tuple(series)
        self._attachments = tuple(one for one in attachments if one.kind in STRUCTURES)
        self.tree.clear()
        groups: dict[tuple[str, ...], tuple[Patient, list[Series], list[Attachment]]] = {}
        for each in series:
            groups.setdefault(each.patient.key, (each.patient, [], []))[1].append(each)
        for one in self._attachments:
            key = next((key for key, group in groups.items() if _may_belong(one, group[0], len(groups))), None)
            groups.setdefault(key or one.patient.key, (one.patient, [], []))[2].append(one)
        for patient, own, files in groups.values():
            self.tree.addTopLevelItem(self._heading(patient))
            self.tree.addTopLevelItems([self._line(each) for each in own])
            self.tree.addTopLevelItems([self._structures_line(one, n) for n, one in enumerate(files, 1)])
        self.mark_shown(shown)

    def mark_shown(self, shown: Series | None) -> None:
        """Show in bold which series is on show."""
        for item, series in self._lines():
            on_show = shown is not None and _identity(series) == _identity(shown)
            item.setFont(0, theme.font(bold=on_show))
            if on_show:
                self.tree.setCurrentItem(item)
        self._has_images = shown is not None
        self._refresh()

    def ask(self, words: str) -> None:
        """Ask the person to choose a series; "" takes the question back."""
        self.question.setText(words)
        self.question.setVisible(bool(words))

    def hide_identity(self, hidden: bool) -> None:
        """Hide who the patients are, or show it again."""
        self.hides_identity = hidden
        shown = next((series for item, series in self._lines() if item.font(0).bold()), None)
        self.show_series(self._series, shown, self._attachments)

    def selected(self) -> Series | None:
        """Return the selected series."""
        item = self.tree.currentItem()
        series = item.data(0, SERIES) if item is not None else None
        return series if isinstance(series, Series) else None

    def selected_structures(self) -> Attachment | None:
        """Return the selected file with structures."""
        item = self.tree.currentItem()
        attachment = item.data(0, SERIES) if item is not None else None
        return attachment if isinstance(attachment, Attachment) else None

    def _heading(self, patient: Patient) -> QTreeWidgetItem:
        name = _("hidden") if self.hides_identity else (patient.name or _("No name"))
        number = "" if self.hides_identity or not patient.id else f"  ·  {patient.id}"
        item = QTreeWidgetItem([name + number])
        item.setFlags(Qt.ItemFlag.NoItemFlags)  # a heading: keys pass it by
        item.setForeground(0, QColor(theme.QUIET))
        item.setToolTip(0, item.text(0))
        return item

    def _line(self, series: Series) -> QTreeWidgetItem:
        number = "" if series.number is None else f"{series.number}  "
        count = counted(_("1 slice"), _("{count} slices"), len(series.instances))
        item = QTreeWidgetItem()
        first = number + (series.description or _("(no description)"))
        kind = phase_words(series.phase) or series.modality or "?"
        item.setText(0, f"{first}\n{kind} · {count} · {VERDICTS[series.verdict]}")
        item.setIcon(0, _badge(_verdict_color(series)))
        item.setToolTip(0, _tooltip(series))
        item.setData(0, SERIES, series)
        return item

    def _structures_line(self, one: Attachment, number: int) -> QTreeWidgetItem:
        item = QTreeWidgetItem()
        told = str(number) if self.hides_identity else one.description or one.name
        kind = STRUCTURES[one.kind]
        if one.description and not self.hides_identity:
            kind += f" · {one.name}"  # one program gives all its files one description
        item.setText(0, f"    {told}\n    {kind}")
        file = "" if self.hides_identity else f"\n{one.name}"
        item.setToolTip(0, _("Double-click: bring its structures to the images on show") + file)
        item.setData(0, SERIES, one)
        return item

    def headings(self) -> list[str]:
        """Return what stands above the series of each patient."""
        return [item.text(0) for item in self._items() if item.data(0, SERIES) is None]

    def _items(self) -> list[QTreeWidgetItem]:
        found = (self.tree.topLevelItem(index) for index in range(self.tree.topLevelItemCount()))
        return [item for item in found if item is not None]

    def _lines(self) -> list[tuple[QTreeWidgetItem, Series]]:
        return [(item, item.data(0, SERIES)) for item in self._items() if isinstance(item.data(0, SERIES), Series)]

    def _open(self) -> None:
        series, structures = self.selected(), self.selected_structures()
        if series is not None:
            self.open_wanted.emit(series)
        elif structures is not None and self._has_images:
            self.structures_wanted.emit(structures)

    def _refresh(self) -> None:
        structures = self.selected_structures() is not None
        self.open_button.setText(_("Show Structures") if structures else _("Open Series"))
        self.open_button.setEnabled(self._has_images if structures else self.selected() is not None)
        tip = _("Show the selected series (Enter)")
        if structures:
            tip = _("Bring the structures of the selected file to the images on show (Enter)")
        self.open_button.setToolTip(tip if self.open_button.isEnabled() else _("Open a series first"))


def _may_belong(one: Attachment, patient: Patient, patients: int) -> bool:
    """Whether a file is listed under a patient: it says so, or says nothing where there is one patient only."""
    if one.patient.key == patient.key:
        return True
    stated = bool(one.patient.id or one.patient.name)
    return not differing_identity(one.patient, patient) and (patients == 1 if not stated else bool(one.patient.id))


def _identity(series: Series) -> tuple[object, ...]:
    """Return what tells series apart, for the one on show came back from a worker as another object."""
    first = series.instances[0]
    return series.uid, series.part, first.path, first.member


def _verdict_color(series: Series) -> str:
    if series.geometry is None:
        return theme.DANGER
    doubtful = any(finding.severity is not Severity.NOTE for finding in series.findings)
    return theme.WARNING if doubtful or series.verdict is not Verdict.REGULAR else theme.GOOD


def _badge(color: str) -> QIcon:
    """Return a dot; the words beside it say the same for those who see no color."""
    scale = 4
    pixmap = QPixmap(ICON_SIZE * scale, ICON_SIZE * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(color))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawEllipse(scale, scale, (ICON_SIZE - 2) * scale, (ICON_SIZE - 2) * scale)
    painter.end()
    return QIcon(pixmap)


def _tooltip(series: Series) -> str:
    lines = [series.description or _("(no description)")]
    if series.geometry is not None:
        k, j, i = series.geometry.shape_kji
        x, y, z = series.geometry.spacing_mm
        lines.append(f"{i} × {j} × {k}, {x:.3g} × {y:.3g} × {z:.3g} mm")
    for finding in series.findings:
        lines.append(f"▲ {message(finding.kind, finding.details)}")
        lines.append(f"    {remedy(finding.kind, finding.details)}")
    return "\n".join(lines)
