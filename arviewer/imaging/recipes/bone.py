"""Bone in CT: a threshold, the marrow filled, contrast-filled vessels taken off."""

from __future__ import annotations

from collections.abc import Mapping

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import mask_box, voxels_in, within
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part


def bone(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find bone; see the table for the parameters.

    A threshold that the caller names is taken as it is: what is as bright, in pieces large enough, with cavities
    filled.
    """
    low = values["low_hu"]
    progress(0.0, _("Finding bone"))
    mask = within(volume, low, values["high_hu"])
    mask = runs.remove_small(mask, voxels_in(volume, values["min_island_ml"]), part(progress, 0.1, 0.5))
    mask = runs.fill_holes(mask, part(progress, 0.5, 0.95))
    if not mask.any():
        raise NothingFound(
            _("No bone was found."),
            _("No piece of {:g} ml or more is brighter than {:g} HU.").format(values["min_island_ml"], low),
            _("Lower the threshold, or choose a series that shows bone."),
        )
    return Found(mask_box(mask), low)
