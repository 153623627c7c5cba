"""What a tool is: a name, what it needs of the hand, parameters with unit and range, and a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Flag, auto

from arviewer.imaging.parameter import Parameter
from arviewer.model.findings import Finding
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, BrickMask
from arviewer.model.segmentation import MaskEdit
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress

TARGET = ""
"""The name by which an outcome calls the structure that was worked on."""

STRUCTURE = "structure"
"""What findings call it until the caller says its name, see `Applied.findings_of`."""

IMAGE_UNIT = "image"
"""Unit of a parameter that is a value of the images: HU, or whatever `Volume.unit` says."""

MOST_PLACES = 10
"""That a finding names to look at."""

LOWEST, HIGHEST = -1e9, 1e9
"""Beyond any value of images: a limit there is none."""


class Need(Flag):
    """What a tool must be shown; see `Hand`."""

    NOTHING = 0
    CLICK = auto()
    """One point or more in the images."""
    STROKE = auto()
    """The path of a brush."""
    LASSO = auto()
    OTHERS = auto()
    """At least one other structure."""
    STRUCTURE = auto()
    """The structure must hold something already."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a tool made.

    Attributes
    ----------
    masks : mapping of name to mask
        Those that changed: `TARGET`, others of the hand by their names, and new ones by names of their own.
    findings : tuple of Finding
        What it was unsure of.
    """

    masks: Mapping[str, AnyMask]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """An outcome with its record, ready for an edit of the scene."""

    masks: Mapping[str, BrickMask]
    edit: MaskEdit
    findings: tuple[Finding, ...] = ()

    def findings_of(self, name: str) -> tuple[Finding, ...]:
        """Return the findings with the structure called by its name."""
        return tuple(replace(one, details={**one.details, "name": name}) for one in self.findings)


ToolFunction = Callable[[Volume, AnyMask, Mapping[str, float], Hand, Progress], Outcome]
"""Takes the volume, the structure's mask, every parameter with its value, what the hand showed, and progress."""


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A way to change a structure.

    Attributes
    ----------
    name : str
        What commands, records and the table call it ("keep-largest").
    title : str
        What a person reads on its button.
    help : str
        One line for a person.
    needs : Need
    parameters : tuple of Parameter
    function : callable
        See `ToolFunction`. Loads what it needs when it is first called.
    """

    name: str
    title: str
    help: str
    needs: Need
    parameters: tuple[Parameter, ...]
    function: ToolFunction
