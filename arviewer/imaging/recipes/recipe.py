"""What a recipe is: a name, a coded term, parameters with unit and range, and a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from arviewer.errors import UsageError
from arviewer.model.findings import Finding
from arviewer.model.masks import MaskBox
from arviewer.model.scene import Color
from arviewer.model.segmentation import CodedTerm
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a person may change.

    Attributes
    ----------
    name : str
        With its unit in it (``low_hu``).
    unit : str
        "HU", "ml", "mm"; "" for a switch (0 or 1).
    default, minimum, maximum : float
        The range includes both ends.
    help : str
        One line for a person.
    """

    name: str
    unit: str
    default: float
    minimum: float
    maximum: float
    help: str


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a recipe found, before it gets its name and provenance.

    Attributes
    ----------
    mask : MaskBox
    threshold : float or None
        As in `Segment`.
    inside_is_above : bool
    findings : tuple of Finding
    used : mapping
        Parameters that the recipe set itself (estimated from the data, or implied by others).
    """

    mask: MaskBox
    threshold: float | None
    inside_is_above: bool = True
    findings: tuple[Finding, ...] = ()
    used: Mapping[str, float] | None = None


RecipeFunction = Callable[[Volume, Mapping[str, float], frozenset[str], Progress], Found]
"""Takes the volume, every parameter with its value, the names of those the caller gave, and progress."""


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """A way to find one structure.

    Attributes
    ----------
    name : str
        What commands and panels call it, and the name of the segment it makes.
    term : CodedTerm
        SNOMED CT.
    modalities : tuple of str
        (0008,0060) values it works on.
    unit : str
        The unit that the voxels must have.
    parameters : tuple of Parameter
    color : tuple of float
        Red, green, blue, 0 to 1: how the structure looks at first.
    help : str
        One line for a person.
    function : callable
        See `RecipeFunction`.
    """

    name: str
    term: CodedTerm
    modalities: tuple[str, ...]
    unit: str
    parameters: tuple[Parameter, ...]
    color: Color
    help: str
    function: RecipeFunction

    def values(self, given: Mapping[str, object]) -> dict[str, float]:
        """Return every parameter with its value, defaults filled in.

        Raises
        ------
        UsageError
            When there is no such parameter, or a value is no number or out of range.
        """
        known = {p.name: p for p in self.parameters}
        for name in given:
            if name not in known:
                raise UsageError(
                    _("The recipe {!r} has no parameter {!r}.").format(self.name, name),
                    _("It has {}.").format(", ".join(known)),
                )
        return {p.name: _number(self.name, p, given.get(p.name, p.default)) for p in self.parameters}


def _number(recipe: str, parameter: Parameter, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not parameter.minimum <= number <= parameter.maximum:
        raise UsageError(
            _("{} of {!r} is out of range.").format(parameter.name, recipe),
            _("It is {}; the range is {:g} to {:g} {}.").format(
                value, parameter.minimum, parameter.maximum, parameter.unit
            ),
        )
    return number
