"""Metal in CT: what is brighter than any bone, in pieces that hold something brighter still."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.body import body_blocks
from arviewer.imaging.recipes.bone import drop_table
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import mask_box, voxels_in, within
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part


def metal(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find implants; see the table for the parameters.

    A streak between two implants, and dense bone, pass the lower threshold but have no core.
    """
    low, core = values["low_hu"], max(values["core_hu"], values["low_hu"])
    progress(0.0, _("Finding metal"))
    mask = within(volume, low)
    if mask.any():
        drop_table(mask, body_blocks(volume, part(progress, 0.1, 0.5)))
    found = runs.remove_small_from(mask, voxels_in(volume, values["min_island_ml"]), part(progress, 0.5, 0.7))
    count, labels = runs.label_runs(found)
    cores = runs.runs_of(mask & (volume.voxels >= core), part(progress, 0.7, 0.9))
    has_core = np.zeros(count, dtype=np.bool_)
    has_core[labels[np.searchsorted(found.starts, cores.starts, side="right") - 1]] = True
    mask = runs.mask_of(found.select(has_core[labels]))
    if not mask.any():
        raise NothingFound(
            _("No metal was found."),
            _("No piece of {:g} ml or more is brighter than {:g} HU with a core over {:g} HU.").format(
                values["min_island_ml"], low, core
            ),
            _("Lower the thresholds, or choose a series that shows the implant."),
        )
    mask = runs.fill_holes(mask, part(progress, 0.9, 1.0))
    return Found(mask_box(mask), low)
