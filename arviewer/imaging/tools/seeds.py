"""Let structures spread from what is painted until they meet: by watershed, or by random walks in a small box."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import random_walker, watershed

from arviewer.errors import NothingFound, TooLarge
from arviewer.imaging.ranges import in_range, require_ordered
from arviewer.imaging.tools.places import box_of, widened
from arviewer.imaging.tools.tool import TARGET, Outcome
from arviewer.model.geometry import Float
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, Bools, MaskBox, Triple, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress

WATERSHED_VOXELS = 1 << 23
"""About 200³: ten seconds, in which nobody can cancel."""

WALKER_VOXELS = 1 << 18
"""64³: a few seconds; the time grows faster than the voxels."""

EDGE_MM = 0.7
"""Width of the blur under which edges are sought: noise of single voxels is none."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seeds:
    """Painted structures in a box.

    Attributes
    ----------
    names : tuple of str
        The first is `TARGET`.
    start : tuple of int
    labels : ndarray of int32
        0 where nothing is painted, else the place of the name from 1; where two are, the first.
    region : ndarray of bool
        Where they may spread.
    values : ndarray of float64
        0 where there is no number.
    """

    names: tuple[str, ...]
    start: Triple
    labels: npt.NDArray[np.int32]
    region: Bools
    values: Float

    def outcome(self, spread: npt.NDArray[np.int32]) -> Outcome:
        return Outcome(
            {name: cropped((spread == n) & self.region, self.start) for n, name in enumerate(self.names, start=1)}
        )


def spread_by_watershed(
    volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress
) -> Outcome:
    """Let structures spread until they meet at an edge of the values, or at a neck of the region."""
    seeds = _seeds(volume, mask, values, hand, WATERSHED_VOXELS)
    progress(0.1)
    spacing = volume.geometry.spacing_mm[::-1]
    if values["by_shape"] >= 0.5:
        height = -ndimage.distance_transform_edt(seeds.region, sampling=spacing)
    else:
        height = _edges(seeds.values, spacing)
    progress(0.3)
    return seeds.outcome(watershed(height, seeds.labels, mask=seeds.region))


def spread_by_walks(
    volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress
) -> Outcome:
    """Give each voxel to the structure that a random walk from it, shy of edges, most likely meets first."""
    seeds = _seeds(volume, mask, values, hand, WALKER_VOXELS)
    progress(0.1)
    labels = np.where(seeds.region, seeds.labels, -1)
    spacing = volume.geometry.spacing_mm[::-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it advises other solvers, and tells of regions that no seed reaches
        found = random_walker(seeds.values, labels, values["edge_weight"], "cg_j", spacing=spacing / spacing.min())
    return seeds.outcome(found)


def _seeds(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, most_voxels: int) -> _Seeds:
    require_ordered(values["low"], values["high"])
    masks = {TARGET: mask.box(), **{name: other.box() for name, other in hand.others.items()}}
    painted = {name: box for name, box in masks.items() if box.voxels.size}
    low = np.min([box.start_kji for box in painted.values()], axis=0)
    high = np.max([np.add(box.start_kji, box.voxels.shape) for box in painted.values()], axis=0)
    k, j, i = low.tolist()
    start, shape = widened(volume, MaskBox((k, j, i), np.broadcast_to(np.True_, high - low)), values["margin_mm"])
    if (size := int(np.prod(shape))) > most_voxels:
        raise TooLarge(
            _("The structures and the margin round them are too large for this tool."),
            _("They take {} × {} × {} voxels, {} in all; it can do {}.").format(*shape, size, most_voxels),
            _("Choose a smaller margin, or paint closer together."),
        )
    labels = np.zeros(shape, np.int32)
    for n, seed in reversed(list(enumerate(painted.values(), start=1))):
        labels[seed.within(start, shape)] = n
    if len(np.unique(labels[labels > 0])) < len(masks):
        raise NothingFound(
            _("There is nothing to part: a structure has no voxel of its own."),
            _("It is empty, or lies all within another one."),
            _("Paint a little of each structure first, and of what lies round them."),
        )
    box = box_of(start, shape)
    numbers = np.nan_to_num(volume.voxels[box].astype(np.float64), posinf=0.0, neginf=0.0)
    region = in_range(volume, values["low"], values["high"], box) | (labels > 0)
    return _Seeds(tuple(painted), start, labels, region, numbers)


def _edges(values: Float, spacing: Float) -> Float:
    """Return how steep the values are, per mm."""
    # The slope of what was blurred, not a filter with the slope of a bell: on thick slices that has no samples.
    blurred = ndimage.gaussian_filter(values, EDGE_MM / spacing)
    steep2 = np.zeros(values.shape)
    for axis in range(3):
        if values.shape[axis] > 1:
            steep2 += np.gradient(blurred, spacing[axis], axis=axis) ** 2
    return np.sqrt(steep2)
