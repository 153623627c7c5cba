"""Sets of voxels in a plane: which pixels of a slice picture lie in a mask, so that an edit is seen at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.ranges import compare
from arviewer.model.geometry import Float, Plane
from arviewer.model.masks import BRICK, BrickMask, Triple
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.render.slices import SliceView, reslicer

Bools = npt.NDArray[np.bool_]
Span = tuple[int, int]
Part = tuple[Span, Span]
"""First row and the row behind the last; first column and the column behind the last."""

LEVEL = 1e-9
"""Change of an index over a pixel below which it does not change: hides rounding of the affine."""

DENSE_VOXELS = 1 << 21
"""Voxels that are made dense at a time; a plane askew in the grid is done in parts that need no more."""


def mask_in_plane(
    mask: BrickMask, geometry: VolumeGeometry, plane: Plane, view: SliceView, part: Part | None = None
) -> Bools:
    """Return which pixels lie in a mask, by the nearest voxel.

    Parameters
    ----------
    part : Part, optional
        Only these pixels; all of them when not given.

    Returns
    -------
    ndarray of bool, shape (H, W) of the view, or of the part
    """
    rows, columns = part or ((0, view.size_px[1]), (0, view.size_px[0]))
    ijk = _indices(geometry, plane, view, np.arange(*rows), np.arange(*columns))
    out = np.zeros((rows[1] - rows[0], columns[1] - columns[0]), np.bool_)
    _fill(out, mask, geometry.shape_kji, ijk[::-1])
    return out


def values_in_plane(volume: Volume, plane: Plane, view: SliceView, low: float, high: float) -> Bools:
    """Return which pixels lie, by the nearest voxel, between two values, as tools see it.

    Both limits count; lost slices, padding and what lies beyond the scan do not.
    """
    slicer = reslicer(volume)
    values = slicer.values(plane, view, interpolate=False)
    found = compare(values, low, high) & slicer.inside(plane, view)
    if volume.padding_value is not None:
        found &= values != volume.padding_value
    lost = slicer.lost(plane, view)
    return found if lost is None else found & ~lost


class MaskPicture:
    """A mask in a plane, kept: of a mask that changed a little, only the pixels of the changed bricks are redone.

    Attributes
    ----------
    pixels : ndarray of bool, shape (H, W)
        Which pixels lie in the mask, as of `mask_in_plane`.
    """

    def __init__(self) -> None:
        self._key: object = None
        self._mask: BrickMask | None = None
        self.pixels: Bools = np.zeros((0, 0), np.bool_)

    def show(self, mask: BrickMask, geometry: VolumeGeometry, plane: Plane, view: SliceView) -> Part | None:
        """Bring the pixels in line with a mask; return the rows and columns that were redone, None when none were."""
        key = geometry.lps_from_ijk.matrix.tobytes(), plane.lps_from_view.matrix.tobytes(), view
        part: Part | None = None
        if self._mask is None or key != self._key:
            part = (0, view.size_px[1]), (0, view.size_px[0])
            self.pixels = mask_in_plane(mask, geometry, plane, view)
        elif mask is not self._mask:
            part = _pixels_of(_changed(self._mask, mask), geometry, plane, view)
            if part is not None:
                (top, bottom), (left, right) = part
                self.pixels[top:bottom, left:right] = mask_in_plane(mask, geometry, plane, view, part)
        self._key, self._mask = key, mask
        return part


def _indices(
    geometry: VolumeGeometry, plane: Plane, view: SliceView, rows: npt.NDArray[Any], columns: npt.NDArray[Any]
) -> list[npt.NDArray[np.intp]]:
    """Return i, j and k of the pixels' nearest voxels, each of a shape that broadcasts to (rows, columns)."""
    matrix = (geometry.lps_from_ijk.inverse() @ plane.lps_from_view).matrix
    x, y = view.start_mm
    found = []
    for axis in range(3):
        across, along = matrix[axis, 0] * view.mm_per_pixel, matrix[axis, 1] * view.mm_per_pixel
        index = np.full((1, 1), matrix[axis, 3] + matrix[axis, 0] * x + matrix[axis, 1] * y)
        if abs(across) > LEVEL:
            index = index + across * columns
        if abs(along) > LEVEL:
            index = index + along * rows[:, None]
        found.append(np.rint(index).astype(np.intp))
    return found


def _fill(out: Bools, mask: BrickMask, shape_kji: Triple, kji: list[npt.NDArray[np.intp]]) -> None:
    """Set the pixels, shape (H, W), whose voxels k, j, i are in the mask."""
    low = [max(int(axis.min()), 0) for axis in kji]
    high = [min(int(axis.max()) + 1, n) for axis, n in zip(kji, shape_kji, strict=True)]
    if out.size == 0 or any(a >= b for a, b in zip(low, high, strict=True)):
        return
    size = [b - a for a, b in zip(low, high, strict=True)]
    if np.prod(size) > DENSE_VOXELS and max(out.shape) > 1:
        axis = int(out.shape[1] >= out.shape[0])
        middle = out.shape[axis] // 2
        for half in (slice(None, middle), slice(middle, None)):
            within = (half, slice(None)) if axis == 0 else (slice(None), half)
            _fill(out[within], mask, shape_kji, [one if one.shape[axis] == 1 else one[within] for one in kji])
        return
    dense = mask.within((low[0], low[1], low[2]), (size[0], size[1], size[2]))
    inside = np.ones((1, 1), np.bool_)
    places = []
    for index, first, count in zip(kji, low, size, strict=True):
        place = index - first
        inside = inside & (place >= 0) & (place < count)
        places.append(np.clip(place, 0, count - 1))
    out[...] = dense[tuple(places)] & inside


def _changed(before: BrickMask, after: BrickMask) -> Float | None:
    """Return the lowest and the highest index i, j, k, shape (2, 3), of the bricks that differ; None when none do."""
    places = [place for place, brick in after.bricks.items() if before.bricks.get(place) is not brick]
    places += [place for place in before.bricks if place not in after.bricks]
    if not places:
        return None
    kji = np.array(places) * BRICK
    return np.array([kji.min(axis=0), kji.max(axis=0) + BRICK - 1], dtype=np.float64)[:, ::-1]


def _pixels_of(box_ijk: Float | None, geometry: VolumeGeometry, plane: Plane, view: SliceView) -> Part | None:
    """Return the rows and columns that a box of voxels may fall on; None when it lies outside the picture."""
    if box_ijk is None:
        return None
    low, high = box_ijk[0] - 0.5, box_ijk[1] + 0.5
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    matrix = np.linalg.inv(plane.lps_from_view.matrix) @ geometry.lps_from_ijk.matrix
    flat = view.pixel_from_mm((corners @ matrix[:3, :3].T + matrix[:3, 3])[:, :2])
    width, height = view.size_px
    left, top = np.clip(np.floor(flat.min(axis=0)), 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(flat.max(axis=0)) + 1, 0, (width, height)).astype(int).tolist()
    return None if left >= right or top >= bottom else ((top, bottom), (left, right))
