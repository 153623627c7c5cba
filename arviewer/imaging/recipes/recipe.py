"""What a recipe is: a name, a coded term, parameters with unit and range, and a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from arviewer.imaging.parameter import Parameter
from arviewer.model.findings import Finding
from arviewer.model.masks import MaskBox
from arviewer.model.scene import Color
from arviewer.model.segmentation import CodedTerm
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress


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
"""Takes the volume, every parameter with its value (a click among them, as of `click`), the names of those the caller
gave, and progress."""


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
        The unit that the voxels must have; "" for any: the signal of MR has none.
    parameters : tuple of Parameter
    color : tuple of float
        Red, green, blue, 0 to 1: how the structure looks at first.
    help : str
        One line for a person.
    function : callable
        See `RecipeFunction`.
    click : str
        Where to click first ("the middle of the organ"); "" when no click is needed.
    """

    name: str
    term: CodedTerm
    modalities: tuple[str, ...]
    unit: str
    parameters: tuple[Parameter, ...]
    color: Color
    help: str
    function: RecipeFunction
    click: str = ""
