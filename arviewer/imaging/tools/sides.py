"""Split a structure into what lies on the patient's left and on the patient's right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.tools.places import lps_of
from arviewer.imaging.tools.tool import STRUCTURE, Outcome
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, Bools, MaskBox, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

LEFT, RIGHT = "left", "right"
"""What the new masks are called."""

COMPARABLE = 0.2
"""A half has at least this share of the other's voxels: less is a splinter."""

CORE_COMPARABLE = 0.02
"""The same for what is deep inside: of the smaller half less is left there."""

NECK = 0.75
"""A neck is at most this share as wide as either half is: what is less narrow is the grain of the voxels."""

APART = 0.9
"""Share of each half's voxels that must lie on its own side of the middle between them."""

COARSE_VOXELS = 2_000_000
"""A cut by shape is sought on at most so many voxels: watersheds take a microsecond for each."""

DEPTHS_MM = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0)
"""How far inside its surface a structure is tried for two halves: two lungs that touch part within the first mm."""

Ints = npt.NDArray[np.signedinteger[Any]]


def split(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the two halves: two pieces where there are two, else cut at the neck, else in the middle."""
    box = mask.box()
    found = runs.runs_of(box.voxels, part(progress, 0.0, 0.3))
    _count, labels = runs.label_runs(found)
    x_mm = _x_mm(volume, found, box.start_kji)
    pair = _pair(labels, x_mm, found.lengths)
    findings: tuple[Finding, ...] = ()
    if pair is not None:
        means = _means(labels, x_mm, found.lengths)[1]
        is_left = means > (means[pair[0]] + means[pair[1]]) / 2  # pieces besides the two: by the side they lie on
        left = runs.mask_of(found.select(is_left[labels]))
    else:
        left = box.voxels & _cut(volume, box, part(progress, 0.3, 0.9))
        findings = _border(volume, box, left)
    halves = {LEFT: left, RIGHT: box.voxels & ~left}
    for side, voxels in halves.items():
        if not voxels.any():
            raise NothingFound(
                _("The structure cannot be split into left and right."),
                _("All of it lies on one side: nothing would be {side}.").format(side=side),
                _("Cut it with the scissors."),
            )
    return Outcome({side: cropped(voxels, box.start_kji) for side, voxels in halves.items()}, findings)


def _x_mm(volume: Volume, found: runs.Runs, start: Sequence[int], step: int = 1) -> Float:
    """Return how far to the patient's left (LPS +x) the middle of each run lies."""
    row = volume.geometry.lps_from_ijk.matrix[0]
    k, j, i = found.kji()
    places = (i + (found.lengths - 1) / 2, j, k)
    return np.asarray(
        row[3] + sum(row[n] * (place * step + start[2 - n]) for n, place in enumerate(places)), np.float64
    )


def _means(labels: Ints, x_mm: Float, voxels: Ints) -> tuple[Float, Float]:
    """Return how many voxels each piece has, and its mean x."""
    sizes = np.asarray(np.bincount(labels, weights=voxels), np.float64)
    return sizes, np.bincount(labels, weights=voxels * x_mm) / np.maximum(sizes, 1.0)


def _pair(labels: Ints, x_mm: Float, voxels: Ints, comparable: float = COMPARABLE) -> tuple[int, int] | None:
    """Return the two largest pieces, the left one first, when they are halves: comparable, each on its own side.

    Parameters
    ----------
    labels, x_mm, voxels : ndarray, shape (N,)
        Of each run: its piece, the x of its middle, how many voxels it has.
    """
    sizes, means = _means(labels, x_mm, voxels)
    if len(sizes) < 2:
        return None
    first, second = np.argsort(sizes)[[-1, -2]].tolist()
    if sizes[second] < comparable * sizes[first]:
        return None
    middle = (means[first] + means[second]) / 2
    for one in (first, second):
        its = labels == one
        if np.average((x_mm[its] > middle) == (means[one] > middle), weights=voxels[its]) < APART:
            return None
    return (first, second) if means[first] > means[second] else (second, first)


def _cut(volume: Volume, box: MaskBox, progress: Progress) -> Bools:
    """Return what is left: cut at the neck between two halves, or in the middle where there is none."""
    step = 1
    while np.prod([-(-n // step) for n in box.voxels.shape]) > COARSE_VOXELS:
        step += 1
    coarse = np.pad(box.voxels[::step, ::step, ::step], 1)
    start = [at - step for at in box.start_kji]  # of the voxel that was padded
    depth = ndimage.distance_transform_edt(coarse, sampling=volume.geometry.spacing_mm[::-1] * step)
    for n, depth_mm in enumerate(DEPTHS_MM):
        progress(n / len(DEPTHS_MM))
        core = runs.runs_of(depth > depth_mm)
        _count, labels = runs.label_runs(core)
        pair = _pair(labels, _x_mm(volume, core, start, step), core.lengths, CORE_COMPARABLE)
        if pair is None:
            continue
        left, right = (runs.mask_of(core.select(labels == one)) for one in pair)
        if depth_mm > NECK * min(depth[left].max(), depth[right].max()):
            continue
        flooded = watershed(-depth, left + 2 * right.astype(np.int32), mask=coarse)
        if (
            COMPARABLE * np.count_nonzero(flooded == 1)
            <= np.count_nonzero(flooded == 2)
            <= (np.count_nonzero(flooded == 1) / COMPARABLE)
        ):
            return _refined(flooded, box.voxels.shape, step)
    return _beyond_the_middle(volume, box)


def _refined(flooded: Ints, shape: Sequence[int], step: int) -> Bools:
    """Return where the nearest half is the left one (1), on the fine grid."""
    nearest = ndimage.distance_transform_edt(flooded == 0, return_distances=False, return_indices=True)
    is_left = (flooded == 1)[tuple(nearest)][1:-1, 1:-1, 1:-1]
    for axis, size in enumerate(shape):
        is_left = np.repeat(is_left, step, axis).take(np.arange(size), axis)
    return np.asarray(is_left, np.bool_)


def _beyond_the_middle(volume: Volume, box: MaskBox) -> Bools:
    """Return the half space left of the middle of the structure's extent."""
    row = volume.geometry.lps_from_ijk.matrix[0]
    k, j, i = (
        weight * (np.arange(n) + a) for weight, n, a in zip(row[2::-1], box.voxels.shape, box.start_kji, strict=True)
    )
    x_mm = k[:, None, None] + j[:, None] + i
    inside = x_mm[box.voxels]
    return np.asarray(x_mm > (inside.min() + inside.max()) / 2, np.bool_)


def _border(volume: Volume, box: MaskBox, left: Bools) -> tuple[Finding, ...]:
    """Return the finding that the border between the halves was drawn by shape, with its middle."""
    border = np.argwhere(ndimage.binary_dilation(left) & box.voxels & ~left)
    if len(border) == 0:
        return ()
    middle = border[np.linalg.norm(border - border.mean(axis=0), axis=1).argmin()]
    place = lps_of(volume, (middle + box.start_kji).tolist())
    details = {"name": STRUCTURE, "other": _("its other half")}
    return (Finding(FindingKind.TOUCHING, Severity.WARNING, details=details, places_lps=(place,)),)
