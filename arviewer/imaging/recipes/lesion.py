"""An enhancing lesion in MR from one click: half way down to its surroundings, dead core filled, vessels cut off."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.nearness import closed, deep, near
from arviewer.imaging.recipes.click import clicked_kji
from arviewer.imaging.recipes.doubts import cut_off
from arviewer.imaging.recipes.head import finite
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.runs import Mask
from arviewer.model.masks import cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress

Float = npt.NDArray[np.float64]
Index = tuple[int, int, int]

CLICK_MM = 1.5
"""A click tells the signal of what lies within this of it."""

RING_MM = (2.0, 7.0)
"""The surroundings: so far from the lesion's boundary."""

NECK_MM = 1.5
"""Half the thickness of what is cut off: a vessel that enhances as well; a pixel where pixels are larger."""

GRAIN_MM = 0.6
"""Standard deviation of the low-pass against noise: less than a voxel of most scans."""

STANDS_OUT = 1.15
"""A lesion is at least so many times as bright as its surroundings."""

NOISE = 1.0
"""And brighter by so many standard deviations of them: a grain of noise is no lesion."""

ROUNDS = 5
"""Signal inside and around are measured anew so many times."""


def lesion(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find the lesion that was clicked; see the table for the parameters."""
    progress(0.0, _("Finding the lesion"))
    click = clicked_kji(volume, values)
    volume = finite(volume)
    edges = volume.geometry.spacing_mm[::-1]
    reach = [int(values["reach_mm"] / edge) + 1 for edge in edges]
    box = tuple(slice(max(0, c - r), c + r + 1) for c, r in zip(click, reach, strict=True))
    at = tuple(c - span.start for c, span in zip(click, box, strict=True))
    grey = volume.voxels[box].astype(np.float32)
    valid = np.broadcast_to(volume.slice_valid[box[0], None, None], grey.shape)
    away = [(np.arange(n) - c) * edge for n, c, edge in zip(grey.shape, at, edges, strict=True)]
    usable = valid & (away[0][:, None, None] ** 2 + away[1][:, None] ** 2 + away[2] ** 2 <= values["reach_mm"] ** 2)
    smooth = ndimage.gaussian_filter(grey, [GRAIN_MM / edge for edge in edges])
    progress(0.1)
    region, level = _settled(smooth, usable, at, edges, values["border_percent"] / 100, progress)
    bright = valid & (smooth > level)
    mask = runs.fill_holes(closed(_trimmed(region, at, edges), NECK_MM, edges)) & usable
    progress(0.95)
    start = (box[0].start, box[1].start, box[2].start)
    findings = cut_off(volume, mask, bright & ~mask, "lesion", start)
    level = float(round(level)) if volume.voxels.dtype.kind in "iu" else level
    return Found(cropped(mask, start), level, findings=findings)


def _settled(
    smooth: npt.NDArray[np.float32], usable: Mask, at: tuple[int, ...], edges: Float, share: float, progress: Progress
) -> tuple[Mask, float]:
    """Return the region round the click and the level that bounds it, `share` of the way from around to inside."""
    seed = np.zeros(smooth.shape, dtype=np.bool_)
    seed[at] = True
    region = near(seed, CLICK_MM, edges) & usable
    inner, outer = 6 * RING_MM[0], 3 * RING_MM[1]  # at first nothing is known of its size
    level = 0.0
    for turn in range(ROUNDS):
        ring = near(region, outer, edges) & ~near(region, inner, edges) & usable
        inside = float(np.median(smooth[region]))
        # A ventricle, bone or air beside it are not what it stands out from.
        ring &= smooth > inside / 4
        around = float(np.median(smooth[ring])) if ring.any() else 0.0
        grain = 1.48 * float(np.median(np.abs(smooth[ring] - around))) if ring.any() else 0.0
        if not ring.any() or inside < max(STANDS_OUT * around, around + NOISE * grain):
            raise _not_seen(inside, around)
        level = around + share * (inside - around)
        region = _trimmed(_piece(usable & (smooth > level), at, edges, inside, around), at, edges)
        inner, outer = RING_MM
        progress(0.1 + 0.8 * (turn + 1) / ROUNDS)
    return region, level


def _piece(bright: Mask, at: tuple[int, ...], edges: Float, inside: float, around: float) -> Mask:
    """Return the piece of what is bright that was clicked, or lies within `CLICK_MM` of it."""
    count, labels = runs.label(bright)
    seed = np.zeros(bright.shape, dtype=np.bool_)
    seed[at] = True
    here = labels[near(seed, CLICK_MM, edges) & bright]
    if count == 0 or not len(here):
        raise _not_seen(inside, around)
    return np.asarray(labels == np.bincount(here).argmax())


def _trimmed(region: Mask, at: tuple[int, ...], edges: Float) -> Mask:
    """Return the region without what only a neck holds to it; what is all thin stays as it is."""
    pixel = float(np.sort(edges)[1])
    neck_mm = max(NECK_MM, pixel)
    core = deep(region, neck_mm, edges)
    if not core.any():
        return region
    count, labels = runs.label(core)
    places = np.argwhere(core)
    nearest = places[(((places - at) * edges) ** 2).sum(axis=1).argmin()]
    whole = labels == labels[tuple(nearest)] if count > 1 else core
    return region & near(whole, neck_mm + pixel / 2, edges)


def _not_seen(inside: float, around: float) -> NothingFound:
    return NothingFound(
        _("No lesion stands out where you clicked."),
        _("The signal there is {:g}, and {:g} round it.").format(round(inside, 1), round(around, 1)),
        _("Click on the bright part of the lesion, in a series with contrast agent."),
    )
