"""The numbers of a recipe or a tool as a form: caption, field with unit, range in the tooltip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QValidator
from PyQt6.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QLabel, QWidget

from arviewer.imaging.parameter import Parameter
from arviewer.imaging.tools.tool import IMAGE_UNIT
from arviewer.model.volume import Volume
from arviewer.words import _

CAPTIONS = {
    "low_hu": _("Brighter than"),
    "high_hu": _("Darker than"),
    "low": _("From"),
    "high": _("To"),
    "min_island_ml": _("Leave out below"),
    "max_error_mm": _("Smooth by at most"),
    "neck_mm": _("Cut necks below"),
    "width_mm": _("Leave out wider"),
    "max_ml": _("At most"),
    "separate_vessels": _("Take vessels off"),
    "radius_mm": _("Radius"),
    "within": _("Within it only"),
    "by_click": _("Range by click"),
    "spread_sd": _("Spread, SD"),
    "guard_mm": _("Leak guard"),
    "max_radius_mm": _("Stay within"),
    "margin_mm": _("Margin"),
    "by_shape": _("Part at necks"),
    "edge_weight": _("Edge weight"),
    "blur_mm": _("Blur"),
    "wall_mm": _("Wall"),
    "each_slice": _("Slice by slice"),
}
CAPTION_WIDTH = 66
"""Logical pixels, so that short captions stand in line with those of other forms."""
COARSE_FROM = 10.0
"""A range that reaches so far is set in larger steps."""
SHARE = 2
"""Every so many voxels along each axis are looked at for the range of an image's values."""


@dataclass(frozen=True, slots=True)
class ImageValues:
    """The range of the images' values, and their unit."""

    low: float
    high: float
    unit: str


def values_of(volume: Volume) -> ImageValues:
    """Return the range of a volume's values, from every second voxel along each axis."""
    part = volume.voxels[volume.slice_valid][::SHARE, ::SHARE, ::SHARE]
    return ImageValues(float(np.floor(np.nanmin(part))), float(np.ceil(np.nanmax(part))), volume.unit)


class ParameterFields(QWidget):
    """A field for each parameter.

    Attributes
    ----------
    inputs : dict of str to QDoubleSpinBox or QCheckBox

    Signals
    -------
    changed
        A person, or the program, set a value.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.inputs: dict[str, QDoubleSpinBox | QCheckBox] = {}
        self._parameters: Sequence[Parameter] = ()
        self._fields = QFormLayout(self)
        self._fields.setContentsMargins(0, 2, 0, 2)
        self._fields.setVerticalSpacing(4)

    def show_parameters(self, parameters: Sequence[Parameter], image: ImageValues | None = None) -> None:
        """Show other parameters, at their defaults.

        Parameters
        ----------
        image : ImageValues, optional
            The range and unit of parameters that are values of the images; a limit at its end limits nothing.
        """
        while self._fields.rowCount():
            self._fields.removeRow(0)
        self.inputs = {}
        self._parameters = parameters
        for parameter in parameters:
            field = _input(parameter, image)
            caption = QLabel(CAPTIONS.get(parameter.name) or _caption(parameter))
            caption.setToolTip(_range(parameter))
            caption.setBuddy(field)
            caption.setMinimumWidth(CAPTION_WIDTH)
            field.setAccessibleName(caption.text())
            signal = field.toggled if isinstance(field, QCheckBox) else field.valueChanged
            signal.connect(lambda _value: self.changed.emit())
            self._fields.addRow(caption, field)
            self.inputs[parameter.name] = field
        self.setVisible(bool(parameters))

    def values(self) -> dict[str, float]:
        """Return every parameter with its value."""
        return {name: _value(field) for name, field in self.inputs.items()}

    def given(self) -> dict[str, float]:
        """Return the parameters that differ from their defaults."""
        values = self.values()
        return {p.name: values[p.name] for p in self._parameters if values[p.name] != p.default}

    def set_value(self, name: str, value: float) -> None:
        """Put a value into a field, within its range."""
        field = self.inputs[name]
        if isinstance(field, QCheckBox):
            field.setChecked(bool(value))
        else:
            field.setValue(value)


def _value(field: QDoubleSpinBox | QCheckBox) -> float:
    if isinstance(field, QCheckBox):
        return float(field.isChecked())
    return field.limit() if isinstance(field, LimitBox) else field.value()


def _caption(parameter: Parameter) -> str:
    """Return a caption made from the name, without the unit at its end: the field shows that."""
    unit = f"_{parameter.unit}".casefold() if parameter.unit else ""
    name = parameter.name.removesuffix(unit) if unit else parameter.name
    return name.replace("_", " ").capitalize()


def _input(parameter: Parameter, image: ImageValues | None) -> QDoubleSpinBox | QCheckBox:
    if not parameter.unit and (parameter.minimum, parameter.maximum) == (0, 1):
        box = QCheckBox()
        box.setChecked(bool(parameter.default))
        box.setToolTip(parameter.help)
        return box
    if parameter.unit == IMAGE_UNIT:
        return LimitBox(parameter, image or ImageValues(parameter.minimum, parameter.maximum, ""))
    spin = QDoubleSpinBox()
    spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    whole = parameter.unit == "HU"
    spin.setDecimals(0 if whole else 2)
    spin.setRange(parameter.minimum, parameter.maximum)
    spin.setSingleStep(10 if whole else 0.5 if parameter.maximum > COARSE_FROM else 0.05)
    spin.setValue(parameter.default)
    spin.setSuffix(f" {parameter.unit}".rstrip())
    spin.setToolTip(_range(parameter))
    return spin


class LimitBox(QDoubleSpinBox):
    """A value of the images; at its end of their range it reads "any", and limits nothing."""

    def __init__(self, parameter: Parameter, image: ImageValues) -> None:
        super().__init__()
        self._open = parameter.default if parameter.default in (parameter.minimum, parameter.maximum) else None
        self._end = image.high if parameter.default == parameter.maximum else image.low
        width = image.high - image.low
        self.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.setDecimals(0 if width > COARSE_FROM else 3)
        self.setRange(image.low, image.high)
        self.setSingleStep(max(width / 200, 10.0 ** -self.decimals()))
        self.setSuffix(f" {image.unit}".rstrip())
        self.setValue(self._end if self._open is not None else parameter.default)
        self.setToolTip(parameter.help)

    def limit(self) -> float:
        """Return the value; at the end of the range, the limit that is none."""
        return self._open if self._open is not None and self.value() == self._end else self.value()

    def textFromValue(self, value: float) -> str:
        """Return "any" where nothing is limited."""
        return _("any") if self._open is not None and value == self._end else super().textFromValue(value)

    def valueFromText(self, text: str | None) -> float:
        """Read a number, or "any"."""
        return self._end if (text or "").strip().startswith(_("any")) else super().valueFromText(text)

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Let "any" be typed."""
        if _("any").startswith((text or "").removesuffix(self.suffix()).strip() or "-"):
            return QValidator.State.Acceptable, text or "", position
        return super().validate(text, position)


def _range(parameter: Parameter) -> str:
    return f"{parameter.help}\n" + _("{low:g} to {high:g} {unit}; usually {default:g}").format(
        low=parameter.minimum, high=parameter.maximum, unit=parameter.unit, default=parameter.default
    )
