"""Find a structure: choose what, see with which numbers, change them, go."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from arviewer.imaging.recipes import RECIPES, Parameter, Recipe
from arviewer.model.volume import Volume
from arviewer.words import _

COLUMNS = 4
MAX_ERROR_MM = Parameter("max_error_mm", "mm", 0.25, 0.01, 5.0, _("How far smoothing may move the surface."))
"""Of every recipe: the bound that the mesh keeps."""

TITLES = {"bone": _("Bone"), "skin": _("Skin"), "lungs": _("Lungs"), "vessels": _("Vessels")}
CAPTIONS = {
    "low_hu": _("Brighter than"),
    "high_hu": _("Darker than"),
    "min_island_ml": _("Leave out below"),
    "max_error_mm": _("Smooth by at most"),
    "separate_vessels": _("Take vessels off"),
}


class RecipeForm(QWidget):
    """A button for each recipe, its parameters, and the button that starts it.

    Attributes
    ----------
    buttons : dict of str to QPushButton
        One for each recipe.
    inputs : dict of str to QDoubleSpinBox or QCheckBox
        One for each parameter of the chosen recipe.

    Signals
    -------
    wanted(str, dict)
        Name of the recipe, and the parameters that differ from its defaults.
    """

    wanted = pyqtSignal(str, dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.inputs: dict[str, QDoubleSpinBox | QCheckBox] = {}
        self._volume: Volume | None = None
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        grid.setSpacing(4)
        for number, recipe in enumerate(RECIPES.values()):
            button = QPushButton(title_of(recipe.name))
            button.setCheckable(True)
            button.setToolTip(recipe.help)
            button.setStyleSheet("padding: 5px 4px;")
            self._group.addButton(button)
            button.clicked.connect(lambda _on, name=recipe.name: self.choose(name))
            grid.addWidget(button, number // COLUMNS, number % COLUMNS)
            self.buttons[recipe.name] = button
        self._fields = QFormLayout()
        self._fields.setContentsMargins(0, 4, 0, 4)
        self._fields.setVerticalSpacing(4)
        self.why = QLabel()
        self.why.setObjectName("quiet")
        self.why.setWordWrap(True)
        self.find_button = QPushButton()
        self.find_button.setProperty("primary", True)
        self.find_button.clicked.connect(self._go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addLayout(grid)
        layout.addLayout(self._fields)
        layout.addWidget(self.why)
        layout.addWidget(self.find_button)
        self.recipe: Recipe = next(iter(RECIPES.values()))
        self.choose(self.recipe.name)

    def choose(self, name: str) -> None:
        """Show the parameters of a recipe."""
        self.recipe = RECIPES[name]
        self.buttons[name].setChecked(True)
        self.find_button.setText(_("&Find {structure}").format(structure=title_of(name)))
        while self._fields.rowCount():
            self._fields.removeRow(0)
        self.inputs = {}
        for parameter in (*self.recipe.parameters, MAX_ERROR_MM):
            field = _input(parameter)
            caption = QLabel(CAPTIONS.get(parameter.name) or parameter.name.replace("_", " ").capitalize())
            caption.setToolTip(_range(parameter))
            caption.setBuddy(field)
            field.setAccessibleName(caption.text())
            self._fields.addRow(caption, field)
            self.inputs[parameter.name] = field
        self._refresh()

    def show_volume(self, volume: Volume | None) -> None:
        """Offer only what the volume can show."""
        self._volume = volume
        self._refresh()

    def given(self) -> dict[str, float]:
        """Return the parameters that differ from the recipe's defaults."""
        found = {}
        for parameter in (*self.recipe.parameters, MAX_ERROR_MM):
            field = self.inputs[parameter.name]
            value = float(field.isChecked()) if isinstance(field, QCheckBox) else field.value()
            if value != parameter.default:
                found[parameter.name] = value
        return found

    def _refresh(self) -> None:
        reason = _unsuitable(self.recipe, self._volume)
        self.why.setText(reason)
        self.why.setVisible(bool(reason))
        self.find_button.setEnabled(self._volume is not None and not reason)

    def _go(self) -> None:
        self.wanted.emit(self.recipe.name, self.given())


def title_of(name: str) -> str:
    """Return what people call a structure: one that came in a file, as the file does."""
    return TITLES.get(name, name)


def _unsuitable(recipe: Recipe, volume: Volume | None) -> str:
    """Return why a recipe cannot work on a volume; "" when it can."""
    if volume is None or (volume.series.modality in recipe.modalities and volume.unit == recipe.unit):
        return ""
    return _("{structure} is found in {modalities} only; this series is {modality}.").format(
        structure=title_of(recipe.name), modalities=", ".join(recipe.modalities), modality=volume.series.modality
    )


def _input(parameter: Parameter) -> QDoubleSpinBox | QCheckBox:
    if not parameter.unit and (parameter.minimum, parameter.maximum) == (0, 1):
        box = QCheckBox()
        box.setChecked(bool(parameter.default))
        box.setToolTip(parameter.help)
        return box
    spin = QDoubleSpinBox()
    spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    whole = parameter.unit == "HU"
    spin.setDecimals(0 if whole else 2)
    spin.setRange(parameter.minimum, parameter.maximum)
    spin.setSingleStep(10 if whole else 0.05)
    spin.setValue(parameter.default)
    spin.setSuffix(f" {parameter.unit}".rstrip())
    spin.setToolTip(_range(parameter))
    return spin


def _range(parameter: Parameter) -> str:
    return f"{parameter.help}\n" + _("{low:g} to {high:g} {unit}; usually {default:g}").format(
        low=parameter.minimum, high=parameter.maximum, unit=parameter.unit, default=parameter.default
    )
