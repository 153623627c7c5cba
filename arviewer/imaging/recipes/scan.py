"""What recipes share: thresholds that know lost slices and padding, sizes in mm, the border of the scan."""

from __future__ import annotations

import numpy as np

from arviewer.errors import NothingFound
from arviewer.imaging.ranges import in_range
from arviewer.imaging.runs import Mask, bounds
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.masks import MaskBox
from arviewer.model.volume import Volume

within = in_range
"""What recipes call it."""


def voxels_in(volume: Volume, ml: float) -> int:
    """Return how many voxels make that volume, at least 1."""
    return max(1, round(ml * 1000.0 / volume.geometry.voxel_volume_mm3))


def mask_box(mask: Mask) -> MaskBox:
    """Return a mask of the volume's shape cropped to what it holds.

    Raises
    ------
    NothingFound
        When it holds nothing.
    """
    box = bounds(mask)
    if box is None:
        raise NothingFound("The structure has no voxels.")
    return MaskBox((box[0].start, box[1].start, box[2].start), np.ascontiguousarray(mask[box]))


def face_areas_mm2(volume: Volume) -> tuple[float, float, float]:
    """Return the area of a voxel's face across k, across j and across i, mm²; right for sheared grids too."""
    a, b, c = volume.geometry.lps_from_ijk.matrix[:3, :3].T
    k, j, i = (float(np.linalg.norm(np.cross(*pair))) for pair in ((a, b), (c, a), (b, c)))
    return k, j, i


def leaving_mm2(volume: Volume, box: MaskBox) -> float:
    """Return the area of voxel faces through which a structure leaves the scan or meets a lost slice, mm²."""
    area = face_areas_mm2(volume)
    valid = np.concatenate(([False], volume.slice_valid, [False]))
    mask, start = box.voxels, box.start_kji
    total = 0.0
    for n, plane in enumerate(mask):
        k = start[0] + n + 1  # in `valid`
        open_sides = (not valid[k - 1]) + (not valid[k + 1])
        if open_sides:
            total += area[0] * float(np.count_nonzero(plane)) * open_sides
    for axis in (1, 2):
        if start[axis] == 0:
            total += area[axis] * float(mask.take(0, axis).sum())
        if start[axis] + mask.shape[axis] == volume.geometry.shape_kji[axis]:
            total += area[axis] * float(mask.take(-1, axis).sum())
    return total


def leaves_scan(volume: Volume, box: MaskBox, name: str) -> tuple[Finding, ...]:
    """Return the finding that a structure reaches the border of the scan, when it does."""
    area = leaving_mm2(volume, box)
    if area == 0.0:
        return ()
    return (Finding(FindingKind.LEAVES_SCAN, Severity.NOTE, details={"name": name, "area_mm2": area}),)
