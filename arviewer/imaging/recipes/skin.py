"""The outer boundary of the body in CT, everything inside filled, the table left out."""

from __future__ import annotations

from collections.abc import Mapping

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.body import TISSUE_HU, body_blocks
from arviewer.imaging.recipes.coarse import add_blocks, keep_within
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import mask_box, voxels_in, within
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

REACH_MM = 4.0
"""How far beyond and within the blocks of the body its skin is looked for: one block."""


def skin(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find the body; see the table for the parameters."""
    low = values["low_hu"]
    progress(0.0, _("Finding the skin"))
    blocks, body = body_blocks(volume, part(progress, 0.0, 0.2))
    mask = within(volume, low)
    table = (blocks.mean > TISSUE_HU) & ~body
    keep_within(mask, blocks.grown(body, REACH_MM) & ~table, blocks.factors)
    add_blocks(mask, blocks.shrunk(body, REACH_MM), blocks.factors)  # a lung cut by the field of view is no hole
    mask = runs.remove_small(mask, voxels_in(volume, values["min_island_ml"]), part(progress, 0.2, 0.4))
    # A chest that leaves the scan, or a windpipe open to the outside, has no closed outside in 3D.
    mask = runs.fill_holes_across(mask, part(progress, 0.4, 0.7))
    mask = runs.fill_holes(mask, part(progress, 0.7, 0.95))
    mask[~volume.slice_valid] = False
    if not mask.any():
        raise NothingFound(
            _("No body was found."),
            _("No piece of {:g} ml or more is brighter than {:g} HU.").format(values["min_island_ml"], low),
            _("Choose a series that shows the patient."),
        )
    return Found(mask_box(mask), low)
