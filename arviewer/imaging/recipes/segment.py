"""Run a recipe on a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.parameter import values_of
from arviewer.imaging.recipes.click import click_values
from arviewer.imaging.recipes.recipe import Recipe
from arviewer.imaging.recipes.table import RECIPES
from arviewer.model.segmentation import ParameterValue, Provenance, Segment, Segmentation
from arviewer.model.volume import Volume
from arviewer.version import __version__
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent


def segment(
    volume: Volume,
    recipe_name: str,
    progress: Progress = silent,
    at_lps: Sequence[float] | None = None,
    **parameters: ParameterValue,
) -> Segmentation:
    """Find a structure in a volume with a recipe.

    Parameters
    ----------
    recipe_name : str
        A key of `RECIPES`.
    at_lps : three floats, optional
        Where a person clicked, LPS mm; for the recipes that begin there.
    **parameters
        The recipe's own; those not given keep their default.

    Returns
    -------
    Segmentation
        With one segment, named as the recipe, state proposed.

    Raises
    ------
    UsageError
        When there is no such recipe or parameter, a value is out of range, or a click is missing or outside.
    NothingFound
        When the volume cannot show the structure, or does not.
    """
    recipe = RECIPES.get(recipe_name)
    if recipe is None:
        raise UsageError(
            _("There is no recipe {!r}.").format(recipe_name), _("There is {}.").format(", ".join(RECIPES))
        )
    values = values_of(recipe.name, recipe.parameters, parameters) | click_values(recipe, at_lps)
    _require_suitable(volume, recipe)
    _require_order(values)
    from arviewer.imaging.recipes.checks import check  # here, so that the table loads without scipy
    from arviewer.imaging.recipes.scan import leaves_scan

    found = recipe.function(volume, values, frozenset(parameters), part(progress, 0.0, 0.85))
    doubts = check(volume, found.mask, found.threshold, found.inside_is_above, recipe.name, part(progress, 0.85, 0.95))
    if np.count_nonzero(found.mask.voxels) == np.count_nonzero(volume.slice_valid) * volume.voxels[0].size:
        raise _everything(recipe)
    used: dict[str, ParameterValue] = {**values, **(found.used or {})}
    result = Segment(
        name=recipe.name,
        term=recipe.term,
        mask=found.mask,
        made_by=Provenance(recipe.name, used, __version__, (volume.series.uid,), volume.series.instances),
        threshold=found.threshold,
        inside_is_above=found.inside_is_above,
        findings=found.findings + doubts + leaves_scan(volume, found.mask, recipe.name),
    )
    progress(1.0)
    return Segmentation(volume, (result,))


def _require_order(values: Mapping[str, float]) -> None:
    low, high = values.get("low_hu"), values.get("high_hu")
    if low is not None and high is not None and low > high:
        raise UsageError(
            _("The thresholds are the wrong way round."),
            _("The lower one is {:g} HU, the higher one {:g} HU.").format(low, high),
            _("Exchange them."),
        )


def _everything(recipe: Recipe) -> NothingFound:
    return NothingFound(
        _("The recipe {!r} took the whole volume.").format(recipe.name),
        _("Every voxel lies within its thresholds, so that there is no boundary."),
        _("Change the threshold, or choose a series that shows what is beside the structure as well."),
    )


def _require_suitable(volume: Volume, recipe: Recipe) -> None:
    if volume.unit == (recipe.unit or volume.unit) and volume.series.modality in recipe.modalities:
        return
    raise NothingFound(
        _("The recipe {!r} cannot work on this series.").format(recipe.name),
        _("It needs {}; this is {}.").format(
            _described(" / ".join(recipe.modalities), recipe.unit), _described(volume.series.modality, volume.unit)
        ),
        _("Choose a series of {}.").format(" / ".join(recipe.modalities)),
    )


def _described(modality: str, unit: str) -> str:
    return _("{} with values in {}").format(modality or "?", unit) if unit else modality or "?"
