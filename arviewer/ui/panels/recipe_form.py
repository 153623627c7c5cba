"""Find a structure: choose what, see with which numbers, change them, go."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from arviewer.imaging.recipes import RECIPES, Parameter, Recipe
from arviewer.model.volume import Volume
from arviewer.ui.panels.parameter_fields import ParameterFields
from arviewer.words import _

COLUMNS = 4
MAX_ERROR_MM = Parameter("max_error_mm", "mm", 0.25, 0.01, 5.0, _("How far smoothing may move the surface."))
"""Of every recipe: the bound that the mesh keeps."""

TITLES = {"bone": _("Bone"), "skin": _("Skin"), "lungs": _("Lungs"), "vessels": _("Vessels")}


class RecipeForm(QWidget):
    """A button for each recipe, its parameters, and the button that starts it.

    Attributes
    ----------
    buttons : dict of str to QPushButton
        One for each recipe.

    Signals
    -------
    wanted(str, dict)
        Name of the recipe, and the parameters that differ from its defaults.
    click_wanted(str, dict)
        The same of a recipe that begins at a click in the images; no name: no click is wanted any more.
    """

    wanted = pyqtSignal(str, dict)
    click_wanted = pyqtSignal(str, dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._volume: Volume | None = None
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons: dict[str, QPushButton] = {}
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        for column in range(COLUMNS):
            self._grid.setColumnStretch(column, 1)
        for recipe in RECIPES.values():
            button = QPushButton(title_of(recipe.name))
            button.setCheckable(True)
            button.setToolTip(recipe.help)
            button.setStyleSheet("padding: 5px 4px;")
            self._group.addButton(button)
            button.clicked.connect(lambda _on, name=recipe.name: self.choose(name))
            self.buttons[recipe.name] = button
        self._fields = ParameterFields()
        self.why = QLabel()
        self.why.setObjectName("quiet")
        self.why.setWordWrap(True)
        self.find_button = QPushButton()
        self.find_button.setProperty("primary", True)
        self.find_button.clicked.connect(self._go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addLayout(self._grid)
        layout.addWidget(self._fields)
        layout.addWidget(self.why)
        layout.addWidget(self.find_button)
        self.recipe: Recipe = next(iter(RECIPES.values()))
        self.show_volume(None)

    @property
    def inputs(self) -> dict[str, QDoubleSpinBox | QCheckBox]:
        """The field of each parameter of the chosen recipe."""
        return self._fields.inputs

    def choose(self, name: str) -> None:
        """Show the parameters of a recipe."""
        self.recipe = RECIPES[name]
        self.buttons[name].setChecked(True)
        words = _("&Click in {where}") if self.recipe.click else _("&Find {structure}")
        self.find_button.setText(words.format(structure=title_of(name), where=self.recipe.click))
        self.find_button.setCheckable(bool(self.recipe.click))
        self.await_click(False)
        self._fields.show_parameters((*self.recipe.parameters, MAX_ERROR_MM))
        self._refresh()

    def show_volume(self, volume: Volume | None) -> None:
        """Offer only what the volume can show; without a volume, everything there is."""
        self._volume = volume
        shown = [name for name, recipe in RECIPES.items() if not _unsuitable(recipe, volume)] or list(RECIPES)
        for button in self.buttons.values():
            self._grid.removeWidget(button)
            button.hide()
        for number, name in enumerate(shown):
            self._grid.addWidget(self.buttons[name], number // COLUMNS, number % COLUMNS)
            self.buttons[name].show()
        self.choose(self.recipe.name if self.recipe.name in shown else shown[0])

    def await_click(self, awaited: bool) -> None:
        """Show whether the next click in the images is this form's."""
        self.find_button.setChecked(awaited and self.find_button.isCheckable())

    def given(self) -> dict[str, float]:
        """Return the parameters that differ from the recipe's defaults."""
        return self._fields.given()

    def _refresh(self) -> None:
        reason = _unsuitable(self.recipe, self._volume)
        self.why.setText(reason)
        self.why.setVisible(bool(reason))
        self.find_button.setEnabled(self._volume is not None and not reason)

    def _go(self) -> None:
        if self.recipe.click:
            self.click_wanted.emit(self.recipe.name if self.find_button.isChecked() else "", self.given())
        else:
            self.wanted.emit(self.recipe.name, self.given())


def title_of(name: str) -> str:
    """Return what people call a structure: one that came in a file, as the file does."""
    return TITLES.get(name) or (name.replace("-", " ").replace("_", " ").capitalize() if name in RECIPES else name)


def _unsuitable(recipe: Recipe, volume: Volume | None) -> str:
    """Return why a recipe cannot work on a volume; "" when it can."""
    if volume is None or (volume.series.modality in recipe.modalities and volume.unit == recipe.unit):
        return ""
    return _("{structure} is found in {modalities} only; this series is {modality}.").format(
        structure=title_of(recipe.name), modalities=", ".join(recipe.modalities), modality=volume.series.modality
    )
