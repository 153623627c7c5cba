"""Export: which structures, to what file, in which axes, with which doubts accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from arviewer.formats.acceptance import needs_acceptance
from arviewer.formats.format import FileFormat, suffix_of
from arviewer.formats.meshes import FORMATS as MESHES
from arviewer.formats.voxels import FORMATS as VOXELS
from arviewer.model.findings import Finding
from arviewer.model.scene import Item, Scene
from arviewer.model.surface import Surface
from arviewer.ui import theme
from arviewer.ui.panels.recipe_form import title_of
from arviewer.words import _
from arviewer.words.findings import message

FRAMES = {
    "lps": (_("LPS – DICOM"), _("As in the images: x to the left, y to the back, z to the head.")),
    "ras": (_("RAS – NIfTI, 3D Slicer"), _("x to the right, y to the front, z to the head. The anatomy is the same; "
                                           "only its numbers are written in other axes.")),
}  # fmt: skip
AS_IMAGES = _("On the voxels of the images, in their axes; the file says where they lie in the patient.")
FORMATS: tuple[FileFormat, ...] = (*MESHES, *VOXELS)
WIDTH = 620
MAX_ERROR_MM = (0.05, 5.0, 0.25)
"""Lowest, highest and usual bound for sparing triangles."""


@dataclass(frozen=True, slots=True)
class ExportWish:
    """What the person asked for.

    Attributes
    ----------
    items : tuple of Item
    target : str
        A file, or a folder when `one_file` is False.
    frame, format_name : str
    accept : tuple of str
        Kinds of findings accepted by name.
    one_file : bool
    as_voxels : bool
        Rather than as triangles.
    simplify_mm : float or None
        How far the surface may end up from the voxels' when triangles are spared; None spares none.
    """

    items: tuple[Item, ...]
    target: str
    frame: str
    format_name: str
    accept: tuple[str, ...]
    one_file: bool
    as_voxels: bool = False
    simplify_mm: float | None = None


class ExportDialog(QDialog):
    """Asks what to export.

    Parameters
    ----------
    scene : Scene
    folder : Path
        Where to write unless the person says otherwise.
    on_export : callable
        Takes the `ExportWish` when the person agrees.
    """

    def __init__(
        self, parent: QWidget | None, scene: Scene, folder: Path, on_export: Callable[[ExportWish], None]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Export"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._scene = scene
        self._folder = folder
        self._on_export = on_export
        self._own_target = False
        self.structures = {name: self._structure_box(name) for name in scene.items}
        self.one_file = QRadioButton(_("&One file"))
        self.each_own = QRadioButton(_("&Each its own file"))
        self.one_file.setChecked(True)
        self.format = QComboBox()
        for entry in FORMATS:
            self.format.addItem(entry.title, entry)
        self.frame = QComboBox()
        for name, (title, _help) in FRAMES.items():
            self.frame.addItem(title, name)
        self.frame_help = _quiet()
        self.simplify = QCheckBox(_("Spare &triangles, as many as this error allows:"))
        self.max_error = QDoubleSpinBox()
        self.max_error.setRange(*MAX_ERROR_MM[:2])
        self.max_error.setSingleStep(0.05)
        self.max_error.setValue(MAX_ERROR_MM[2])
        self.max_error.setSuffix(" mm")
        self.unit = QLabel()
        self.format_help = _quiet()
        self.target = QLineEdit()
        self.target.textEdited.connect(self._take_target)
        self.browse = QPushButton(_("&Browse…"))
        self.browse.setAutoDefault(False)  # Enter in a field exports
        self.browse.clicked.connect(self._browse)
        self._doubts = QVBoxLayout()
        self._doubts.setSpacing(4)
        self.acceptances: dict[str, QCheckBox] = {}
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export_button = QPushButton(_("E&xport"))
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)
        self._buttons.addButton(self.export_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.rejected.connect(self.reject)
        self._buttons.accepted.connect(self._go)
        self._lay_out()
        for signal in (self.one_file.toggled, self.format.currentIndexChanged, self.frame.currentIndexChanged,
                       self.simplify.toggled):  # fmt: skip
            signal.connect(lambda _value: self._refresh())
        self._list_doubts()
        self._refresh()

    # Layout

    def _structure_box(self, name: str) -> QCheckBox:
        item = self._scene.items[name]
        surface = item.surface
        box = QCheckBox(
            _("{name}   {ml:.1f} ml, error ≤ {error:.2f} mm, {state}").format(
                name=title_of(name), ml=surface.volume_ml, error=surface.error_mm.max, state=_state(surface)
            )
        )
        box.setChecked(item.look.visible)
        box.toggled.connect(lambda _on: self._change_structures())
        return box

    def _lay_out(self) -> None:
        chosen = QVBoxLayout()
        chosen.setSpacing(3)
        for box in self.structures.values():
            chosen.addWidget(box)
        files = QHBoxLayout()
        files.setSpacing(18)
        files.addWidget(self.one_file)
        files.addWidget(self.each_own)
        files.addStretch()
        spared = QHBoxLayout()
        spared.addWidget(self.simplify)
        spared.addWidget(self.max_error)
        spared.addStretch()
        place = QHBoxLayout()
        place.addWidget(self.target, 1)
        place.addWidget(self.browse)
        form = QFormLayout()
        form.setVerticalSpacing(9)
        form.setHorizontalSpacing(14)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(_("Structures"), chosen)
        form.addRow(_("Files"), files)
        form.addRow(_label(_("&Format"), self.format), _stacked(self.format, self.format_help))
        form.addRow(_label(_("&Axes"), self.frame), _stacked(self.frame, self.frame_help))
        form.addRow(_("Surface"), spared)
        form.addRow(_("Unit"), self.unit)
        form.addRow(_label(_("&Target"), self.target), place)
        inner = QWidget()
        inner.setLayout(self._doubts)
        self._doubts.setContentsMargins(8, 6, 8, 6)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(inner)
        self._scroll.setMaximumHeight(190)
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(4, 4, 4, 4)
        inside.addWidget(self._scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(10)
        layout.addLayout(form)
        layout.addWidget(card)
        layout.addWidget(self._buttons)
        self.setMinimumWidth(WIDTH)

    def _list_doubts(self) -> None:
        """List the findings of the chosen structures; those that block get a box to accept them."""
        kept = {kind for kind, box in self.acceptances.items() if box.isChecked()}
        while self._doubts.count():
            entry = self._doubts.takeAt(0)
            if entry is not None and (widget := entry.widget()) is not None:
                widget.deleteLater()
        self.acceptances = {}
        findings = _findings(self.chosen())
        head = QLabel(_("Findings: written to the file beside each export") if findings else _("No findings."))
        head.setObjectName("quiet")
        self._doubts.addWidget(head)
        for name, finding in findings:
            words = message(finding.kind, finding.details)
            if "name" not in finding.details:
                words = f"{name}: {words}"
            label = QLabel(f"▲ {words}" if needs_acceptance(finding) else f"● {words}")
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            self._doubts.addWidget(label)
            if needs_acceptance(finding):
                label.setStyleSheet(f"color: {theme.WARNING};")
                self._offer_acceptance(str(finding.kind), kept)
        self._doubts.addStretch()

    def _offer_acceptance(self, kind: str, kept: set[str]) -> None:
        if kind in self.acceptances:
            return
        box = QCheckBox(_("I accept this ({kind}) and export all the same").format(kind=kind))
        box.setChecked(kind in kept)
        box.toggled.connect(lambda _on: self._refresh())
        self.acceptances[kind] = box
        self._doubts.addWidget(box)

    # What was chosen

    def chosen(self) -> tuple[Item, ...]:
        """Return the ticked structures."""
        return tuple(self._scene.items[name] for name, box in self.structures.items() if box.isChecked())

    def missing(self) -> str:
        """Return why it cannot be exported yet; "" when it can."""
        if not self.chosen():
            return _("Choose at least one structure.")
        if not self.target.text().strip():
            return _("Name a target.")
        if not all(box.isChecked() for box in self.acceptances.values()):
            return _("Accept the findings first, or leave the structure out.")
        return ""

    def wish(self) -> ExportWish:
        """Return what is asked for now."""
        return ExportWish(
            self.chosen(),
            self.target.text().strip(),
            str(self.frame.currentData()),
            self._format().name,
            tuple(sorted(kind for kind, box in self.acceptances.items() if box.isChecked())),
            self.one_file.isChecked(),
            self._as_voxels(),
            self.max_error.value() if self.simplify.isChecked() and self.simplify.isEnabled() else None,
        )

    def _format(self) -> FileFormat:
        entry = self.format.currentData()
        assert isinstance(entry, FileFormat)
        return entry

    def _as_voxels(self) -> bool:
        return "voxels" in self._format().carries

    def _why_not_simplify(self) -> str:
        """Return why triangles cannot be spared; "" when they can."""
        if self._as_voxels():
            return _("Voxels have no triangles.")
        if any(item.segment.geometry is not None for item in self.chosen()):
            return _("A structure lies on a grid of its own: lay it onto the images first.")
        return ""

    def _change_structures(self) -> None:
        self._list_doubts()
        self._refresh()

    def _take_target(self) -> None:
        self._own_target = True
        self._refresh()

    def _refresh(self) -> None:
        entry = self._format()
        self.unit.setText(_("{unit} (the file states it)").format(unit=entry.unit))
        self.frame.setEnabled(not self._as_voxels())
        self.frame_help.setText(AS_IMAGES if self._as_voxels() else FRAMES[str(self.frame.currentData())][1])
        self.simplify.setEnabled(not self._why_not_simplify())
        self.simplify.setToolTip(self._why_not_simplify())
        self.max_error.setEnabled(self.simplify.isEnabled() and self.simplify.isChecked())
        several = len(self.chosen()) > 1
        keeps_apart = bool({"groups", "voxels"} & entry.carries)
        self.format_help.setText(
            _("Structures in one file are merged; choose OBJ to keep them apart, or each its own file.")
            if several and self.one_file.isChecked() and not keeps_apart
            else _("Read back and compared before it appears; details go to a .json file beside it.")
        )
        if not self._own_target:
            self.target.setText(str(self._usual_target(entry)))
        elif self.one_file.isChecked():
            self._follow_suffix(entry)
        reason = self.missing()
        self.export_button.setEnabled(not reason)
        self.export_button.setToolTip(reason)

    def _usual_target(self, entry: FileFormat) -> Path:
        if not self.one_file.isChecked():
            return self._folder
        names = [item.name for item in self.chosen()]
        return self._folder / f"{names[0] if len(names) == 1 else 'structures'}{entry.suffixes[0]}"

    def _follow_suffix(self, entry: FileFormat) -> None:
        target = self.target.text().strip()
        suffix = suffix_of(target, FORMATS)
        if suffix and suffix.lower() not in entry.suffixes:
            self.target.setText(target.removesuffix(suffix) + entry.suffixes[0])

    def _browse(self) -> None:
        dialog = QFileDialog(self, _("Where to export"), str(self._folder))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.one_file.isChecked():
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setNameFilter(f"{self._format().title} (*{self._format().suffixes[0]})")
            dialog.setDefaultSuffix(self._format().suffixes[0].lstrip("."))
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._put_target)
        dialog.open()

    def _put_target(self, path: str) -> None:
        self.target.setText(path)
        self._take_target()

    def _go(self) -> None:
        wish = self.wish()
        self.accept()
        self._on_export(wish)


def _findings(items: tuple[Item, ...]) -> list[tuple[str, Finding]]:
    found: dict[tuple[object, ...], tuple[str, Finding]] = {}
    for item in items:
        for finding in item.surface.findings:
            key = (finding.kind, finding.slices, tuple(sorted(finding.details.items())))
            found.setdefault(key, (title_of(item.name), finding))
    return sorted(found.values(), key=lambda pair: not needs_acceptance(pair[1]))


def _state(surface: Surface) -> str:
    return _("confirmed") if surface.state == "confirmed" else _("proposed")


def _quiet() -> QLabel:
    label = QLabel()
    label.setObjectName("quiet")
    label.setWordWrap(True)
    return label


def _label(text: str, field: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(field)
    return label


def _stacked(field: QWidget, explanation: QLabel) -> QVBoxLayout:
    """Return a field with its explanation close below it."""
    layout = QVBoxLayout()
    layout.setSpacing(3)
    layout.addWidget(field)
    layout.addWidget(explanation)
    return layout
