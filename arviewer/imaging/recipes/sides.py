"""The two lungs parted from each other, also where only their linings lie between them."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from arviewer.imaging import runs
from arviewer.imaging.runs import Mask
from arviewer.model.masks import MaskBox
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress

STEP_MM = 3.0
"""Every how many mm the lungs are looked at to tell left from right."""

CORES_MM = (3.0, 6.0, 9.0, 13.0, 18.0, 24.0)
"""How far the lungs are worn off until they come apart."""

LINING_HU = 200.0
"""Blocks that hold something this much brighter than lung are linings or vessels; vessels part nothing."""

LESSER_SHARE = 0.1
"""Least share of the two largest cores that the lesser one has, to be a lung."""

APART_MM = 30.0
"""Least distance from right to left between the middles of two lungs."""

ZONE_MM = 6.0
"""How near to the seam the voxels themselves say where the linings are: a crest of brightness."""

TISSUE_HU = -300.0
"""What is brighter is the patient, more or less: its middle tells the side of a lung that is alone."""

RIGHT, LEFT = 1, 2


Cell = TypeVar("Cell", bound=np.generic)


class Lungs(NamedTuple):
    """Right and left, of the shape of the box that was parted."""

    right: Mask
    left: Mask


def part_lungs(volume: Volume, both: MaskBox, progress: Progress) -> Lungs:
    """Part a mask of lungs into the patient's right and left."""
    spacing = volume.geometry.spacing_mm[::-1]
    steps = [min(max(1, round(STEP_MM / float(s))), n) for s, n in zip(spacing, both.voxels.shape, strict=True)]
    sampling = [float(s) * n for s, n in zip(spacing, steps, strict=True)]
    thinned = both.voxels[tuple(slice((n - 1) // 2, None, n) for n in steps)]
    depth = ndimage.distance_transform_edt(np.pad(thinned, 1), sampling=sampling)[1:-1, 1:-1, 1:-1]
    markers = _cores(volume, both, depth, _linings(volume, both, steps, thinned.shape), steps)
    progress(0.4)
    labels = watershed(-depth, markers, mask=thinned)
    # What no core reaches belongs to the nearest lung.
    nearest = ndimage.distance_transform_edt(labels == 0, sampling, return_distances=False, return_indices=True)
    labels = labels[tuple(nearest)].astype(np.int8)
    sides = _at_voxels(labels, steps, both.voxels.shape)
    sides[~both.voxels] = 0
    progress(0.7)
    seam = _within(labels == RIGHT, ZONE_MM, sampling) & _within(labels == LEFT, ZONE_MM, sampling)
    _cut_at_crest(volume, both, sides, _at_voxels(seam, steps, both.voxels.shape) & both.voxels)
    progress(1.0)
    return Lungs(sides == RIGHT, sides == LEFT)


def _cores(
    volume: Volume, both: MaskBox, depth: npt.NDArray[np.float64], linings: Mask, steps: list[int]
) -> npt.NDArray[np.signedinteger]:
    """Return `RIGHT` and `LEFT` in the lungs' cores; one of them where there is one lung only."""
    toward_left = volume.geometry.lps_from_ijk.matrix[0, :3][::-1] * steps  # mm to the left for each step in k, j, i
    for core in (depth > 0, (depth > 0) & ~linings, *(depth > mm for mm in CORES_MM)):
        labels, count = ndimage.label(core)
        sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
        sizes[0] = 0
        if count < 2:
            continue
        two = np.argsort(sizes)[-2:]
        middles = [float(toward_left @ at) for at in ndimage.center_of_mass(labels > 0, labels, two)]
        if sizes[two].min() >= LESSER_SHARE * sizes[two].sum() and abs(middles[0] - middles[1]) >= APART_MM:
            right, left = two[np.argsort(middles)]
            return np.where(labels == right, RIGHT, np.where(labels == left, LEFT, 0))
    x_lps = _x_of(volume, np.array(ndimage.center_of_mass(both.voxels)) + both.start_kji)
    side = LEFT if x_lps > _middle_x(volume) else RIGHT
    return np.where(depth > 0, side, 0)


def _linings(volume: Volume, both: MaskBox, steps: list[int], shape: tuple[int, ...]) -> Mask:
    """Return the blocks that hold something brighter than lung."""
    out = np.zeros(shape, np.bool_)
    usual = float(np.nanmedian(volume.voxels[both.slices][:: steps[0], :: steps[1], :: steps[2]]))
    for k, (grey, inside) in enumerate(zip(volume.voxels[both.slices], both.voxels, strict=True)):
        j, i = np.nonzero(inside & (grey > usual + LINING_HU))
        k_block = min(k // steps[0], shape[0] - 1)
        out[k_block, np.minimum(j // steps[1], shape[1] - 1), np.minimum(i // steps[2], shape[2] - 1)] = True
    return out


def _middle_x(volume: Volume) -> float:
    """Return where the middle of the patient lies from right to left, LPS mm."""
    sparse = volume.voxels[::4, ::4, ::4] > TISSUE_HU
    if not sparse.any():
        return float(volume.geometry.center_lps[0])
    return _x_of(volume, 4.0 * np.array(ndimage.center_of_mass(sparse)))


def _x_of(volume: Volume, kji: npt.NDArray[np.float64]) -> float:
    row = volume.geometry.lps_from_ijk.matrix[0]
    return float(row[:3] @ kji[::-1] + row[3])


def _cut_at_crest(volume: Volume, both: MaskBox, sides: npt.NDArray[np.int8], seam: Mask) -> None:
    """Draw, in place, the border in the seam anew: along the brightest voxels between the lungs."""
    box = runs.bounds(seam, 2)
    if box is None:
        return
    grey = volume.voxels[both.slices][box]
    markers = np.where(seam[box], 0, sides[box])
    quiet = ndimage.gaussian_filter(np.nan_to_num(grey.astype(np.float32)), 0.7)
    sides[box] = watershed(quiet, markers.astype(np.int32), mask=both.voxels[box])


def _within(mask: Mask, mm: float, sampling: list[float]) -> Mask:
    if not mask.any():
        return mask
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=sampling) <= mm)


def _at_voxels(thinned: npt.NDArray[Cell], steps: list[int], shape: tuple[int, ...]) -> npt.NDArray[Cell]:
    """Return every n-th voxel spread over its neighbours."""
    for axis, step in enumerate(steps):
        thinned = np.pad(thinned.repeat(step, axis=axis), [(0, step if a == axis else 0) for a in range(3)], "edge")
    return np.ascontiguousarray(thinned[tuple(slice(0, n) for n in shape)])
