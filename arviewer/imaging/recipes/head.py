"""The head in MR, everything inside filled: the ground that the brain is looked for on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from skimage.filters import threshold_otsu

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.coarse import Coarse, add_blocks, coarse
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import mask_box, voxels_in, within
from arviewer.imaging.runs import Mask
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

EDGE_MM = 2.0
"""Edge of the blocks: noise is averaged, and a cortex of 3 mm is still seen."""

OPENING_MM = 10.0
"""Half the width of openings into the head that are closed: mouth, nostrils, ears."""

WEB_MM = 6.0
"""What closing adds within this depth of the outside is left out again: it spans the corners under nose and chin."""

CONTRAST = 3.0
"""A head is at least so many times as bright as the air round it."""

LEAST_ML = 100.0
"""A smaller thing is no head."""

TOP_PERCENT = 98.0
"""The robust range of an MR ends at this percentile of all that is no air: a few voxels of fat or vessel go beyond."""


def head(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find the head; see the table for the parameters."""
    progress(0.0, _("Finding the head"))
    volume = finite(volume)
    blocks = coarse(volume, EDGE_MM, part(progress, 0.0, 0.2))
    least = air_level(blocks)
    tissue = blocks.mean[blocks.mean > least]
    air, top = float(np.median(blocks.mean[blocks.mean <= least])), float(np.percentile(tissue, TOP_PERCENT))
    level = float(np.sqrt(least * np.median(tissue)))
    if "level_percent" in given:
        level = air + values["level_percent"] / 100 * (top - air)
    level = float(round(level)) if volume.voxels.dtype.kind in "iu" else level
    inside = filled_head(blocks, min(least, level), part(progress, 0.2, 0.5))
    mask = within(volume, level)
    add_blocks(mask, blocks.shrunk(inside, WEB_MM), blocks.factors)
    mask[~volume.slice_valid] = False
    mask = runs.largest(mask, part(progress, 0.5, 0.7))
    mask = runs.fill_holes(runs.fill_holes_across(mask, part(progress, 0.7, 0.8)), part(progress, 0.8, 0.95))
    mask[~volume.slice_valid] = False
    if np.count_nonzero(mask) < voxels_in(volume, LEAST_ML):
        raise _no_head(level)
    progress(1.0)
    return Found(mask_box(mask), level, used={"level_percent": 100 * (level - air) / (top - air)})


def finite(volume: Volume) -> Volume:
    """Return a volume whose voxels are all numbers: what is not counts as 0, as air does."""
    if volume.voxels.dtype.kind != "f" or np.isfinite(volume.voxels).all():
        return volume
    return replace(volume, voxels=np.nan_to_num(volume.voxels, nan=0.0, posinf=0.0, neginf=0.0))


def air_level(blocks: Coarse) -> float:
    """Return the signal that parts air from tissue: Otsu's threshold of the logarithm.

    Fat near a coil is ten times as bright as a brain; the logarithm holds both against air.

    Raises
    ------
    NothingFound
        When nothing stands out from anything.
    """
    signal = np.log1p(np.maximum(blocks.mean, 0))
    if np.ptp(signal) == 0:
        raise _no_head(float(blocks.mean.flat[0]))
    level = float(np.expm1(threshold_otsu(signal)))
    bright = blocks.mean > level
    if not bright.any() or np.median(blocks.mean[bright]) < CONTRAST * np.median(blocks.mean[~bright]):
        raise _no_head(level)
    return level


def filled_head(blocks: Coarse, level: float, progress: Progress) -> Mask:
    """Return the blocks of the head: its largest piece, openings closed, all inside filled."""
    dense = runs.largest(blocks.mean >= level)
    progress(0.2)
    closed = blocks.closed(dense, OPENING_MM)
    progress(0.6)
    filled = runs.fill_holes(closed)
    for axis in range(3):  # a neck leaves the scan, and the windpipe in it: not closed in space, but across it
        turned = np.ascontiguousarray(np.moveaxis(filled, axis, 0))
        filled = np.ascontiguousarray(np.moveaxis(runs.fill_holes_across(turned), 0, axis))
        progress(0.7 + 0.1 * axis)
    return filled


def _no_head(level: float) -> NothingFound:
    return NothingFound(
        _("No head was found."),
        _("No piece of {:g} ml or more stands out from the air round it (signal {:g}).").format(LEAST_ML, level),
        _("Choose a series that shows the head."),
    )
