"""What a command asks for, from its words to values: structures, recipes with their parameters, tools to run then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arviewer.errors import UsageError
from arviewer.imaging.parameter import values_of
from arviewer.imaging.recipes import RECIPES
from arviewer.imaging.structure import Step
from arviewer.imaging.tools import TOOLS, Need
from arviewer.model.segmentation import ParameterValue
from arviewer.words import _

DEFAULT_LEVEL = 0.5
"""Fraction at which the boundary of a fractional segment lies."""

BY_HAND = Need.STROKE | Need.LASSO | Need.OTHERS
"""What only a window can show a tool."""

Parameters = Mapping[str, ParameterValue]


@dataclass(frozen=True, slots=True)
class Order:
    """What a command asks for.

    Attributes
    ----------
    names : tuple of str
        Recipes, or names of structures in files; empty for all structures of `source`.
    series : str or None
        UID or number; None for the one that is meant.
    source : Path or None
        The file that brings the structures; None for whichever file beside the images has the name.
    level : float
        Fraction at which the boundary of a fractional segment lies.
    max_error_mm : float
        How far smoothing, and merging triangles, may move the surface.
    simplify : bool
        Whether to merge triangles as far as that allows.
    capped : bool
        Whether surfaces are closed where the scan ends.
    parameters : mapping of recipe to its parameters
    then : tuple of Step
        Tools to run on each structure that a recipe found, in order.
    at_lps : three floats, optional
        Where to begin, LPS mm, for a recipe or tool that needs a click.
    """

    names: tuple[str, ...]
    series: str | None = None
    source: Path | None = None
    level: float = DEFAULT_LEVEL
    max_error_mm: float = 0.25
    simplify: bool = False
    capped: bool = True
    parameters: Mapping[str, Parameters] = field(default_factory=dict)
    then: tuple[Step, ...] = ()
    at_lps: Sequence[float] | None = None
    box: Sequence[tuple[int, int]] | None = None
    coarser: int = 1
    resampling: bool = False


def parameters_of(
    names: Sequence[str], settings: Sequence[str], threshold: str | None = None
) -> dict[str, dict[str, ParameterValue]]:
    """Return the parameters of each recipe that ``--set [RECIPE.]NAME=VALUE`` and ``--threshold LOW:HIGH`` mean.

    Parameters
    ----------
    names : sequence of str
        Of the structures that are asked for.

    Raises
    ------
    UsageError
        When a word is no setting, its recipe is not asked for or has no such parameter, a value is out of range, or
        it is not said which of several recipes is meant.
    """
    given: dict[str, dict[str, ParameterValue]] = {}
    for text in settings:
        key, separator, value = text.partition("=")
        owner, dot, name = key.strip().rpartition(".")
        if not (separator and name):
            raise UsageError(
                _("{text!r} is no setting.").format(text=text), "", _("Write NAME=VALUE, such as --set low_hu=200.")
            )
        recipe = _meant(owner, dot, names, f"--set RECIPE.{name}={value}")
        given.setdefault(recipe, {})[name] = value.strip()
    if threshold is not None:
        recipe = _meant("", "", names, "--set RECIPE.low_hu=LOW --set RECIPE.high_hu=HIGH")
        given.setdefault(recipe, {}).update(_limits(threshold))
    for recipe, values in given.items():
        if recipe in RECIPES:
            checked = values_of(recipe, RECIPES[recipe].parameters, values)
            given[recipe] = {name: checked[name] for name in values}
    return given


def _meant(owner: str, dot: str, names: Sequence[str], remedy: str) -> str:
    """Return the recipe that a setting is for: the one that is named, else the only one."""
    wanted = list(dict.fromkeys(name.casefold() for name in names))
    if dot and owner.casefold() in wanted:
        return owner.casefold()
    if dot:
        raise UsageError(
            _("{recipe!r} is not among the structures asked for.").format(recipe=owner),
            "",
            _("There are: {names}.").format(names=", ".join(wanted)),
        )
    if len(wanted) != 1:
        raise UsageError(
            _("Which of the structures is the setting for?"), ", ".join(wanted), _("Write {it}.").format(it=remedy)
        )
    return wanted[0]


def _limits(text: str) -> dict[str, float]:
    """Return what a threshold "LOW:HIGH" in HU means; raise `UsageError` when it is none."""
    low, separator, high = text.partition(":")
    try:
        limits = {name: float(end) for name, end in (("low_hu", low), ("high_hu", high)) if end.strip()}
    except ValueError:
        limits = {}
    if not limits or not separator:
        raise UsageError(
            _("{text!r} is no threshold.").format(text=text), "", _("Write LOW:HIGH in HU, such as 250:2000 or 250:")
        )
    if len(limits) == 2 and not limits["low_hu"] <= limits["high_hu"]:
        raise UsageError(
            _("The threshold {text} is the wrong way round.").format(text=text), "", _("Write LOW:HIGH, low first.")
        )
    return limits


def steps_of(texts: Sequence[str], has_click: bool) -> tuple[Step, ...]:
    """Return the tools that ``--then TOOL[:NAME=VALUE,...]`` means.

    Raises
    ------
    UsageError
        When there is no such tool or parameter, a value is out of range, or the tool needs more of a hand than the
        click of ``--at``.
    """
    return tuple(_step(text, has_click) for text in texts)


def _step(text: str, has_click: bool) -> Step:
    name, _colon, rest = text.partition(":")
    tool = TOOLS.get(name.strip())
    usable = [one.name for one in TOOLS.values() if not one.needs & BY_HAND]
    if tool is None or tool.name not in usable:
        raise UsageError(
            _("{name!r} is no tool that a command can use.").format(name=name),
            "" if tool is None else _("It needs to be shown by hand, in the window."),
            _("There are: {names}.").format(names=", ".join(usable)),
        )
    if Need.CLICK in tool.needs and not has_click:
        raise UsageError(_("{name} needs a click.").format(name=tool.name), "", _("Say where: --at=X,Y,Z in LPS mm."))
    given: dict[str, ParameterValue] = {}
    for word in filter(None, rest.split(",")):
        key, separator, value = word.partition("=")
        if not separator:
            raise UsageError(_("{text!r} is no step.").format(text=text), "", _("Write TOOL:NAME=VALUE,NAME=VALUE."))
        given[key.strip()] = value.strip()
    checked = values_of(tool.name, tool.parameters, given)
    return Step(tool.name, {key: checked[key] for key in given})
