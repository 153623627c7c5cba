"""A soft organ in CT from one click: what is as bright as the place clicked, as it drifts from place to place.

No fixed range of HU holds an organ: between the arms of a patient a liver falls from 105 to 65 HU, below the muscle
beside it. So the brightness that belongs to it is followed: the mean of what was found so far, within `DRIFT_MM`.
What has that brightness but hangs on by a narrow neck is left out, and in the end every voxel near the boundary goes to
the side whose local mean it is nearer to.

Method: the local means are those of S. Lankton, A. Tannenbaum, "Localizing region-based active contours",
IEEE Trans Image Process 17 (2008) 2029-2039, https://doi.org/10.1109/TIP.2008.2004611; edges are kept while noise goes
as in P. Perona, J. Malik, "Scale-space and edge detection using anisotropic diffusion", IEEE Trans Pattern Anal 12
(1990) 629-639, https://doi.org/10.1109/34.56205.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.beside import shifted
from arviewer.imaging.recipes.checks import STEP, leak_risk, sensitivity
from arviewer.imaging.recipes.click import clicked_kji
from arviewer.imaging.recipes.coarse import Coarse, coarse, spread
from arviewer.imaging.recipes.filling import vessels_filled
from arviewer.imaging.recipes.places import Tally
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.runs import Mask
from arviewer.model.findings import Finding
from arviewer.model.masks import MaskBox, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

Greys = npt.NDArray[np.float32]

EDGE_MM = 2.0
"""Edge of the blocks: the noise of a voxel is a third in them, and an aorta is ten wide."""

SPAN_HU = 150.0
"""Values further from the organ count as that far: lung beside a liver is as foreign as fat."""

LEAST_HU = -60.0
"""Fatty livers reach this far down; fat lies below."""

CLICK_MM = 8.0
"""Radius of the ball round the click that tells brightness and noise."""

DRIFT_MM = 12.0
"""Distance over which the organ's own brightness is averaged: streaks are wider, edges are not."""

ASIDE_MM = 4.0
"""The same for what lies outside it."""

TOLERANCE_HU = (10.0, 30.0)
"""Range of the tolerance that is measured: three times the spread of the organ about its local mean."""

STEPS, SETTLED = 30, 0.01
"""Most rounds of growing, and the share of change at which it has settled."""

CLEFT_MM = 6.0
"""Half the width of dark streaks that are closed."""

RIM_MM = 4.0
"""How far from the blocks of the organ its boundary is looked for."""

SMOOTH_VOXELS = 0.8
"""Standard deviation of the Gaussian along rows and columns that quiets single voxels there."""

ROUND_VOXELS = 1.3
"""Standard deviation of the Gaussian that rounds the boundary: where contrast is faint, noise frays it."""

VESSEL_MM2 = 200.0
"""Cross-section of the largest vessel in it that is filled in: 16 mm across."""

FAT_BELOW_HU = 60.0
"""What is that much darker than the organ is no vessel in it, but fat at its root."""

PLAQUE_HU, PLAQUE_SHARE, PLAQUE_CONTACT = 60.0, 0.15, 0.3
"""Lime in a wall: that much brighter than the organ, at most that share of its volume, with that share of its faces
on it."""


NECKS = (1.0, 2.0, 3.0)
"""Times the width of the necks that are cut: wider ones are tried where the organ grows beyond all bounds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the organ keeps within.

    Attributes
    ----------
    tolerance_hu : float
        0 for three times the spread that the organ has about its local mean.
    neck_mm, half_width_mm : float
        Half the width of the necks that are cut, and of what is too wide to belong to it (0: nothing is).
    max_ml : float
    """

    tolerance_hu: float
    neck_mm: float
    half_width_mm: float
    max_ml: float


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """An organ in blocks: which, and how bright it is on average round each block (NaN where it is far)."""

    inside: Mask
    level: Greys
    tolerance_hu: float


def organ(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find the organ that was clicked; see the table for the parameters."""
    clicked = clicked_kji(volume, values)
    progress(0.0, _("Looking round the click"))
    blocks = coarse(volume, EDGE_MM, part(progress, 0.0, 0.1))
    at = tuple(n // f for n, f in zip(clicked, blocks.factors, strict=True))
    _require_tissue(blocks, at)
    grey = _quiet(blocks, at, part(progress, 0.1, 0.2))
    for n, times in enumerate(NECKS):
        limits = Limits(values["tolerance_hu"], values["neck_mm"] * times / 2, values["width_mm"] / 2, values["max_ml"])
        region = _region(blocks, grey, at, limits, part(progress, 0.2 + 0.15 * n, 0.35 + 0.15 * n))
        volume_ml = np.count_nonzero(region.inside) * blocks.block_ml
        if volume_ml <= limits.max_ml:
            break
    _require_organ(volume_ml, limits)
    mask = _sharp(volume, blocks, grey, region, part(progress, 0.65, 0.9))
    progress(0.9, _("Looking for doubtful places"))
    findings = _doubts(volume, blocks, grey, region, limits)
    used = {"tolerance_hu": round(region.tolerance_hu, 1), "neck_mm": 2 * limits.neck_mm}
    return Found(mask, None, findings=findings, used=used)


def _require_tissue(blocks: Coarse, at: tuple[int, ...]) -> None:
    """Raise `NothingFound` when the click lies in air or lung."""
    clicked_hu = float(np.median(blocks.mean[_ball(blocks, at, CLICK_MM / 2)]))
    if clicked_hu < LEAST_HU:
        raise NothingFound(
            _("There is no organ at the click."),
            _("It lies in air, lung or fat ({:.0f} HU).").format(clicked_hu),
            _("Click into the middle of a soft organ or a wide vessel."),
        )


def _require_organ(volume_ml: float, limits: Limits) -> None:
    """Raise `NothingFound` when nothing was found, or everything."""
    if volume_ml == 0:
        raise NothingFound(
            _("No organ was found at the click."),
            _("Nothing even and wider than {:g} mm lies there.").format(2 * limits.neck_mm),
            _("Click into the middle of the organ, or allow narrower necks and a larger tolerance."),
        )
    if volume_ml > limits.max_ml:
        raise NothingFound(
            _("The organ at the click ran out into its surroundings."),
            _("They are as bright as it; it grew beyond {:g} ml.").format(limits.max_ml),
            _("Name a smaller tolerance or a wider neck, or part it by hand with seeds."),
        )


def _quiet(blocks: Coarse, at: tuple[int, ...], progress: Progress) -> Greys:
    """Return the blocks with their noise diffused away and edges kept, within `SPAN_HU` of the place clicked."""
    ball = _ball(blocks, at, CLICK_MM)
    middle = float(np.median(blocks.mean[ball]))
    out = np.clip(blocks.mean, middle - SPAN_HU, middle + SPAN_HU)
    noise = 1.4826 * float(np.median(np.abs(out - ndimage.uniform_filter(out, 3))[ball]))
    edge = np.float32(2 * noise + 8)
    for n in range(8):
        progress(n / 8)
        change = np.zeros_like(out)
        for axis in range(3):
            low, high = _sides(axis)
            flow = np.diff(out, axis=axis)
            flow /= 1 + (flow / edge) ** 2
            change[low] += flow
            change[high] -= flow
        out += change / np.float32(7)
    return out


def _region(blocks: Coarse, grey: Greys, at: tuple[int, ...], limits: Limits, progress: Progress) -> Region:
    """Return the organ in blocks: grown until it settles, each time by what is within tolerance of its local mean."""
    ball = _ball(blocks, at, CLICK_MM)
    tolerance = limits.tolerance_hu or TOLERANCE_HU[0]
    seed = ball & (np.abs(grey - float(np.median(grey[ball]))) < 1.5 * max(tolerance, TOLERANCE_HU[0]))
    inside, level = seed, np.full(grey.shape, np.nan, np.float32)
    margin = max(blocks.reach(3 * DRIFT_MM))
    for step in range(STEPS):
        progress(step / STEPS)
        box = runs.bounds(inside, margin)
        if box is None or np.count_nonzero(inside) * blocks.block_ml > limits.max_ml:
            return Region(inside, level, tolerance)
        local = _local_mean(blocks, grey[box], inside[box], DRIFT_MM)
        alike = np.abs(grey[box] - local) < tolerance  # NaN is never alike
        if limits.half_width_mm:
            alike &= ~blocks.grown(blocks.shrunk(alike, limits.half_width_mm), limits.half_width_mm)
        grown = np.zeros_like(inside)
        grown[box] = _opened(blocks, alike, seed[box], limits.neck_mm)
        core = ndimage.binary_erosion(grown[box], iterations=2)
        if core.any() and not limits.tolerance_hu:
            spread_hu = 1.4826 * float(np.median(np.abs((grey[box] - local)[core])))
            tolerance = float(np.clip(3 * spread_hu, *TOLERANCE_HU))
        changed = np.count_nonzero(grown ^ inside)
        inside = grown
        level[:] = np.nan
        level[box] = local
        if changed <= SETTLED * np.count_nonzero(inside):
            break
    closed = blocks.shrunk(blocks.grown(inside, CLEFT_MM), CLEFT_MM)
    inside |= closed & (np.abs(grey - level) < 3 * tolerance)  # a streak; a fissure with fat in it is darker
    return Region(inside, level, tolerance)


def _opened(blocks: Coarse, alike: Mask, seed: Mask, radius_mm: float) -> Mask:
    """Return the part of `alike` that balls of `radius_mm` can reach from the seed without leaving it."""
    thick = blocks.shrunk(alike, radius_mm)
    labels, count = ndimage.label(thick)
    votes = np.bincount(labels[seed], minlength=count + 1)
    votes[0] = 0
    if not votes.any():
        return np.zeros_like(alike)
    return alike & blocks.grown(labels == int(votes.argmax()), radius_mm + 0.25 * EDGE_MM)


def _local_mean(blocks: Coarse, grey: Greys, where: Mask, sigma_mm: float) -> Greys:
    """Return the mean of `grey` over `where`, weighted by nearness; NaN where none of it is near.

    Means are smooth, so that they are worked out on blocks of blocks.
    """
    pools = [max(1, round(sigma_mm / 1.5 / float(edge))) for edge in blocks.edges_mm]
    weight, total = (_pooled(values, pools) for values in (where.astype(np.float32), np.where(where, grey, 0)))
    sigma = [sigma_mm / (pool * float(edge)) for pool, edge in zip(pools, blocks.edges_mm, strict=True)]
    weight, total = (ndimage.gaussian_filter(x, sigma, mode="constant") for x in (weight, total))
    mean = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 1e-3 * np.prod(pools))
    for axis, pool in enumerate(pools):
        mean = mean.repeat(pool, axis=axis)
    return np.asarray(mean[tuple(slice(0, n) for n in grey.shape)])


def _pooled(values: Greys, pools: list[int]) -> Greys:
    """Return sums over blocks of blocks."""
    wide = np.pad(values, [(0, -n % pool) for n, pool in zip(values.shape, pools, strict=True)])
    k, j, i = (n // pool for n, pool in zip(wide.shape, pools, strict=True))
    return np.asarray(wide.reshape(k, pools[0], j, pools[1], i, pools[2]).sum(axis=(1, 3, 5)), dtype=np.float32)


def _sharp(volume: Volume, blocks: Coarse, grey: Greys, region: Region, progress: Progress) -> MaskBox:
    """Return the organ voxel by voxel: near the boundary of its blocks, what is nearer to its mean than to the outside.

    Vessels in it and lime in its wall are filled in.
    """
    near = blocks.grown(region.inside, RIM_MM)
    box = runs.bounds(near, 1)
    assert box is not None  # the region is not empty
    within_box, level = region.inside[box], region.level[box]
    outside = _local_mean(blocks, grey[box], ~ndimage.binary_dilation(within_box), ASIDE_MM)
    outside = np.where(np.isnan(outside), np.float32(-SPAN_HU) + level, outside)
    starts = [s.start * f for s, f in zip(box, blocks.factors, strict=True)]
    stops = [min(s.stop * f, n) for s, f, n in zip(box, blocks.factors, volume.geometry.shape_kji, strict=True)]
    fine_box = tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))
    shape = [b - a for a, b in zip(starts, stops, strict=True)]
    out, lime, fat = (np.zeros(shape, np.bool_) for _n in range(3))
    surely = blocks.shrunk(region.inside, 0.75 * EDGE_MM)[box]
    for k in range(shape[0]):
        progress(0.6 * k / shape[0])
        if not volume.slice_valid[starts[0] + k]:
            continue
        plane = np.nan_to_num(volume.voxels[starts[0] + k][fine_box[1:]].astype(np.float32))
        voxels = ndimage.gaussian_filter(plane, SMOOTH_VOXELS)
        n = k // blocks.factors[0]
        mean, beyond, is_near, is_surely = (
            spread(values[n], blocks.factors, voxels.shape) for values in (level, outside, near[box], surely)
        )
        nearer = np.where(beyond < mean, 2 * voxels > mean + beyond, 2 * voxels < mean + beyond)
        bright = voxels > mean + PLAQUE_HU
        chosen = is_surely | (is_near & nearer & ~bright)
        out[k] = ndimage.gaussian_filter(chosen.astype(np.float32), ROUND_VOXELS) > 0.5
        lime[k] = bright & ~is_surely
        fat[k] = voxels < mean - FAT_BELOW_HU
    out = runs.largest(out, part(progress, 0.6, 0.7))
    out |= _on_wall(lime, out)
    out = runs.fill_holes(out, part(progress, 0.7, 0.8))
    out |= vessels_filled(volume, out, VESSEL_MM2, part(progress, 0.8, 1.0)) & ~fat
    return cropped(out, (starts[0], starts[1], starts[2]))


def _doubts(volume: Volume, blocks: Coarse, grey: Greys, region: Region, limits: Limits) -> tuple[Finding, ...]:
    """Return where the organ was cut off by its shape alone, and what another tolerance would change."""
    box = runs.bounds(region.inside, 1)
    assert box is not None  # the region is not empty
    inside, off = region.inside[box], np.abs(grey[box] - region.level[box])
    sizes = [
        int(np.count_nonzero(_opened(blocks, off < share * region.tolerance_hu, inside, limits.neck_mm)))
        for share in (1.0 - STEP, 1.0, 1.0 + STEP)
    ]
    lower, higher = (100.0 * (n - sizes[1]) / max(1, sizes[1]) for n in (sizes[0], sizes[2]))
    tally, faint_mm2, boundary_mm2 = Tally(volume), 0.0, 0.0
    alike = (off < region.tolerance_hu) & ~inside
    areas = [float(np.delete(blocks.edges_mm, axis).prod()) for axis in range(3)]
    for axis, way in itertools.product(range(3), (1, -1)):
        boundary_mm2 += areas[axis] * np.count_nonzero(inside & ~shifted(inside, axis, way))
        k, j, i = np.nonzero(inside & shifted(alike, axis, way))
        faint_mm2 += areas[axis] * len(k)
        tally.add(tuple((n + s.start) * f for n, s, f in zip((k, j, i), box, blocks.factors, strict=True)))
    return (
        *leak_risk("organ", faint_mm2, boundary_mm2, tally),
        sensitivity("organ", lower, higher, Tally(volume)),
    )


def _on_wall(bright: Mask, organ_: Mask) -> Mask:
    """Return the bright pieces that are lime in the wall of an organ: small, and largely lying on it."""
    labels, count = ndimage.label(bright)
    beside = ndimage.binary_dilation(organ_)  # the blur of lime lies between
    size = np.bincount(labels.reshape(-1), minlength=count + 1)
    surface, contact = np.zeros(count + 1), np.zeros(count + 1)
    for axis, way in itertools.product(range(3), (1, -1)):
        edge = bright & ~shifted(bright, axis, way)
        surface += np.bincount(labels[edge], minlength=count + 1)
        contact += np.bincount(labels[edge & shifted(beside, axis, way)], minlength=count + 1)
    keep = (size <= PLAQUE_SHARE * np.count_nonzero(organ_)) & (contact > PLAQUE_CONTACT * surface)
    keep[0] = False
    return np.asarray(keep[labels])


def _ball(blocks: Coarse, at: tuple[int, ...], radius_mm: float) -> Mask:
    """Return the blocks within a distance of one."""
    grid = np.ogrid[tuple(slice(0, n) for n in blocks.mean.shape)]
    squares = sum(((x - n) * edge) ** 2 for x, n, edge in zip(grid, at, blocks.edges_mm, strict=True))
    return np.asarray(squares <= radius_mm**2)


def _sides(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the index of all but the last and of all but the first along an axis."""
    low, high = [slice(None)] * 3, [slice(None)] * 3
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    return tuple(low), tuple(high)
