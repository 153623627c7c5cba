"""Split a structure into what lies on the patient's left and on the patient's right."""

from __future__ import annotations

from collections.abc import Mapping

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

Labels = npt.NDArray[np.int32]


def split(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the two halves: two pieces where there are two, else cut at the neck, else in the middle."""
    box = mask.box()
    count, labels = runs.label(box.voxels, part(progress, 0.0, 0.3))
    right_to_left = _x_mm(volume, box)
    pair = _pair(labels, count, right_to_left)
    findings: tuple[Finding, ...] = ()
    if pair is not None:
        is_left = _beyond_middle(labels, count, pair, right_to_left)[labels]
    else:
        is_left = _cut(volume, box, right_to_left, part(progress, 0.3, 0.9))
        findings = _border(volume, box, is_left)
    halves = {LEFT: box.voxels & is_left, RIGHT: box.voxels & ~is_left}
    for side, voxels in halves.items():
        if not voxels.any():
            raise NothingFound(
                _("The structure cannot be split into left and right."),
                _("All of it lies on one side: nothing would be {side}.").format(side=side),
                _("Cut it with the scissors."),
            )
    return Outcome({side: cropped(voxels, box.start_kji) for side, voxels in halves.items()}, findings)


def _x_mm(volume: Volume, box: MaskBox, step: int = 1) -> npt.NDArray[np.float32]:
    """Return how far to the patient's left (LPS +x) each voxel of a box lies, or every `step`-th."""
    row = volume.geometry.lps_from_ijk.matrix[0]
    k, j, i = (
        np.arange(0, n, step, dtype=np.float64) + a for a, n in zip(box.start_kji, box.voxels.shape, strict=True)
    )
    x = (row[3] + row[2] * k)[:, None, None] + (row[1] * j)[:, None] + row[0] * i
    return np.asarray(x, dtype=np.float32)


def _means(labels: Labels, count: int, x: npt.NDArray[np.float32]) -> tuple[Float, Float]:
    """Return the number of voxels of each piece, and its mean x; piece 0 is the rest."""
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1).astype(np.float64)
    sums = np.bincount(labels.reshape(-1), weights=x.reshape(-1), minlength=count + 1)
    return sizes, sums / np.maximum(sizes, 1.0)


def _pair(
    labels: Labels, count: int, x: npt.NDArray[np.float32], comparable: float = COMPARABLE
) -> tuple[int, int] | None:
    """Return the two largest pieces when they are halves: comparable, and each on a side of its own."""
    if count < 2:
        return None
    sizes, means = _means(labels, count, x)
    sizes[0] = 0.0
    first, second = np.argsort(sizes)[[-1, -2]].tolist()
    if sizes[second] < comparable * sizes[first]:
        return None
    middle = (means[first] + means[second]) / 2
    for one in (first, second):
        on_its_side = (x[labels == one] > middle) == (means[one] > middle)
        if on_its_side.mean() < APART:
            return None
    return (first, second) if means[first] > means[second] else (second, first)


def _beyond_middle(labels: Labels, count: int, pair: tuple[int, int], x: npt.NDArray[np.float32]) -> Bools:
    """Return for each piece whether it is left; the lesser ones by the middle between the two halves."""
    _sizes, means = _means(labels, count, x)
    is_left = means > (means[pair[0]] + means[pair[1]]) / 2
    is_left[pair[0]], is_left[pair[1]] = True, False
    return np.asarray(is_left, np.bool_)


def _cut(volume: Volume, box: MaskBox, x: npt.NDArray[np.float32], progress: Progress) -> Bools:
    """Return what is left: cut at the neck between two halves, or in the middle where there is none."""
    step = 1
    while np.prod([-(-n // step) for n in box.voxels.shape]) > COARSE_VOXELS:
        step += 1
    coarse = np.pad(box.voxels[::step, ::step, ::step], 1)
    coarse_x = np.pad(_x_mm(volume, box, step), 1)
    depth = ndimage.distance_transform_edt(coarse, sampling=volume.geometry.spacing_mm[::-1] * step)
    for n, depth_mm in enumerate(DEPTHS_MM):
        progress(n / len(DEPTHS_MM))
        count, labels = runs.label(depth > depth_mm)
        pair = _pair(labels, count, coarse_x, CORE_COMPARABLE)
        if pair is None or depth_mm > NECK * min(depth[labels == one].max() for one in pair):
            continue
        markers = np.where(labels == pair[0], 1, np.where(labels == pair[1], 2, 0))
        flooded = watershed(-depth, markers, mask=coarse)
        if _pair(flooded, 2, coarse_x) is None:
            continue
        nearest = ndimage.distance_transform_edt(flooded == 0, return_distances=False, return_indices=True)
        is_left = (flooded == 1)[tuple(nearest)][1:-1, 1:-1, 1:-1]
        for axis, size in enumerate(box.voxels.shape):
            is_left = np.repeat(is_left, step, axis).take(np.arange(size), axis)
        return np.asarray(is_left, np.bool_)
    inside = x[box.voxels]
    return np.asarray(x > (inside.min() + inside.max()) / 2, np.bool_)


def _border(volume: Volume, box: MaskBox, is_left: Bools) -> tuple[Finding, ...]:
    """Return the finding that the border between the halves was drawn by shape, with its middle."""
    left = box.voxels & is_left
    right = box.voxels & ~is_left
    border = np.argwhere(ndimage.binary_dilation(left) & right)
    if len(border) == 0:
        return ()
    middle = border[np.linalg.norm(border - border.mean(axis=0), axis=1).argmin()]
    place = lps_of(volume, (middle + box.start_kji).tolist())
    details = {"name": STRUCTURE, "other": _("its other half")}
    return (Finding(FindingKind.TOUCHING, Severity.WARNING, details=details, places_lps=(place,)),)
