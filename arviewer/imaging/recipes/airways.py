"""Airways in CT: windpipe, main bronchi, and branches as far as their walls hold.

The brighter the limit, the more branches are reached, until it breaks through a wall and floods the lung. So the limit
is raised in steps, and the last one before the flood is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.body import body_blocks
from arviewer.imaging.recipes.coarse import fine
from arviewer.imaging.recipes.lungs import WALL_MM, airway_blocks
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import voxels_in
from arviewer.imaging.runs import Mask
from arviewer.model.masks import cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

FIRST_HU, LAST_HU, STEP_HU = -960.0, -800.0, 20.0
"""The limits that are tried, darkest first."""

FLOOD = 1.5
"""A step that makes the airways this many times as large has broken through a wall."""

MOST_ML = 150.0
"""No airways are larger."""


def airways(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find windpipe and bronchi; see the table for the parameters."""
    progress(0.0, _("Finding the windpipe"))
    blocks, body = body_blocks(volume, part(progress, 0.0, 0.2))
    inside = blocks.shrunk(body, WALL_MM)
    windpipe = airway_blocks(volume, blocks, inside & (blocks.mean < values["high_hu"]))
    box = runs.bounds(inside & (blocks.mean < values["high_hu"]), 1)
    if box is None or not windpipe.any():
        raise _none_found()
    voxel_box = tuple(
        slice(s.start * f, min(s.stop * f, n))
        for s, f, n in zip(box, blocks.factors, volume.geometry.shape_kji, strict=True)
    )
    k, j, i = voxel_box
    grey = volume.voxels[k, j, i]
    seed = fine(windpipe, blocks, (k, j, i)) & (grey < FIRST_HU)
    progress(0.25, _("Following the bronchi"))
    lumen, limit = _before_the_flood(
        grey, seed, voxels_in(volume, MOST_ML), values["reach_hu"], part(progress, 0.25, 0.85)
    )
    if not lumen.any():
        raise _none_found()
    lumen |= ndimage.binary_dilation(lumen) & (grey < values["high_hu"])  # the rim that shares its voxels with the wall
    lumen[~volume.slice_valid[k]] = False
    lumen = runs.fill_holes(lumen, part(progress, 0.85, 1.0))
    return Found(
        cropped(lumen, (k.start, j.start, i.start)), values["high_hu"], inside_is_above=False, used={"reach_hu": limit}
    )


def _before_the_flood(
    grey: npt.NDArray[Any], seed: Mask, most_voxels: int, reach_hu: float, progress: Progress
) -> tuple[Mask, float]:
    """Return the airways up to the brightest limit that floods nothing, and that limit."""
    best, size, limit = np.zeros_like(seed), 0, FIRST_HU
    limits = np.arange(FIRST_HU, LAST_HU + 1, STEP_HU) if not reach_hu else np.array([reach_hu])
    for n, at in enumerate(limits):
        progress(n / len(limits))
        found = runs.runs_of(grey < at)
        count, labels = runs.label_runs(found)
        seeds = runs.runs_of(seed & (grey < at))
        reached = np.zeros(count, dtype=np.bool_)
        reached[labels[np.searchsorted(found.starts, seeds.starts, side="right") - 1]] = True
        kept = found.select(reached[labels])
        voxels = int(kept.lengths.sum())
        if voxels > most_voxels or (size and voxels > FLOOD * size):
            break
        best, size, limit = runs.mask_of(kept), voxels, float(at)
    return best, limit


def _none_found() -> NothingFound:
    return NothingFound(
        _("No airways were found."),
        _("Nothing long, upright and near the middle of the body is as dark as the air in a windpipe."),
        _("Choose a series that shows the chest or the neck."),
    )
