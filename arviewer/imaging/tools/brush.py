"""Paint and erase with a ball, or with a disc one slice thick, along the path of a hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from arviewer.errors import UsageError
from arviewer.imaging.ranges import compare, require_ordered
from arviewer.imaging.tools.places import HALF, box_of, ijk_of, reach_ijk
from arviewer.imaging.tools.tool import HIGHEST, LOWEST, TARGET, Outcome
from arviewer.model.geometry import Float
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, Bools, BrickMask, Triple
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress

ROUNDING = 1e-9
"""Share of a length that rounding may cost: a voxel exactly on the rim is painted."""


def paint(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Add the voxels whose centres the brush swept."""
    return _brush(volume, mask, values, hand, progress, adds=True)


def erase(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Take away the voxels whose centres the brush swept."""
    return _brush(volume, mask, values, hand, progress, adds=False)


def _brush(
    volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress, *, adds: bool
) -> Outcome:
    low, high = values["low"], values["high"]
    require_ordered(low, high)
    limited = low > LOWEST or high < HIGHEST
    bricks = BrickMask.of(mask)
    reached = False
    pieces = _pieces(hand.points_lps, 2 * values["radius_mm"])
    for n, (a, b) in enumerate(pieces):
        progress(n / len(pieces))
        for start, swept in _swept(volume, a, b, values["radius_mm"], hand.normal_lps):
            reached = True
            if limited:
                swept &= compare(volume.voxels[box_of(start, swept.shape)], low, high)
            before = bricks.within(start, swept.shape)
            bricks = bricks.with_box(start, before | swept if adds else before & ~swept)
    if not reached:
        raise UsageError(
            _("The brush touches no voxel."),
            _("Its path lies outside the images, in a lost slice, or between voxels that are wider than the brush."),
            _("Draw on the images, or choose a wider brush."),
        )
    return Outcome({TARGET: bricks})


def _pieces(path_lps: Float, longest_mm: float) -> list[tuple[Float, Float]]:
    """Cut a path into pieces short enough that the box of each is mostly brush."""
    if len(path_lps) == 1:
        return [(path_lps[0], path_lps[0])]
    pieces = []
    for a, b in itertools.pairwise(path_lps):
        count = max(1, int(np.ceil(np.linalg.norm(b - a) / longest_mm)))
        ends = a + np.linspace(0.0, 1.0, count + 1)[:, None] * (b - a)
        pieces += list(itertools.pairwise(ends))
    return pieces


def _swept(
    volume: Volume, a: Float, b: Float, radius_mm: float, normal_lps: Float | None
) -> Iterator[tuple[Triple, Bools]]:
    """Yield start and voxels of the box that a brush sweeps from a to b; nothing when it meets none."""
    axes = volume.geometry.lps_from_ijk.matrix[:3, :3]
    half_mm = 0.0
    if normal_lps is not None:
        normal = normal_lps / np.linalg.norm(normal_lps)
        # One voxel of each line along the axis that the normal follows most: a slice without gaps at any angle.
        half_mm = HALF * float(np.abs(normal @ axes).max())
    ends = ijk_of(volume, np.stack((a, b)))
    reach = reach_ijk(volume, radius_mm + half_mm)
    low = np.maximum(0, np.ceil(ends.min(axis=0) - reach)).astype(int)
    high = np.minimum(volume.geometry.shape_kji[::-1], np.floor(ends.max(axis=0) + reach).astype(int) + 1)
    if (low >= high).any():
        return
    i, j, k = (np.arange(*span) - at for span, at in zip(zip(low, high, strict=True), ends[0], strict=True))
    # From a to each voxel, mm: (3, K, J, I)
    to = (
        axes[:, 2][:, None, None, None] * k[:, None, None]
        + axes[:, 1][:, None, None, None] * j[:, None]
        + axes[:, 0][:, None, None, None] * i
    )
    way = b - a
    in_slice = None
    if normal_lps is not None:
        height = np.tensordot(normal, to, 1)
        slack = ROUNDING * half_mm
        in_slice = (height > -half_mm + slack) & (height <= half_mm + slack)
        to -= normal[:, None, None, None] * height
        way = way - normal * (normal @ way)
    if (length2 := float(way @ way)) > 0.0:
        along = np.clip(np.tensordot(way / length2, to, 1), 0.0, 1.0)
        to -= way[:, None, None, None] * along
    swept = np.einsum("akji,akji->kji", to, to) <= (radius_mm * (1.0 + ROUNDING)) ** 2
    if in_slice is not None:
        swept &= in_slice
    swept &= volume.slice_valid[low[2] : high[2], None, None]
    if swept.any():
        yield (int(low[2]), int(low[1]), int(low[0])), swept
