"""How recipes are judged against the truth: masks of shapes, overlap, distance of boundaries."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.imaging.phantoms.raster import Sampling, patches
from arviewer.imaging.phantoms.shapes import Shape
from arviewer.model.geometry import Affine
from arviewer.model.segmentation import Segment
from arviewer.model.volume import Volume, VolumeGeometry

Bools = npt.NDArray[np.bool_]


def mask_of(shapes: Iterable[Shape], geometry: VolumeGeometry) -> Bools:
    """Voxels that are half inside any of the shapes, or more."""
    coverage = np.zeros(geometry.shape_kji, dtype=np.float32)
    for shape in shapes:
        for patch in patches(shape, geometry, range(geometry.shape_kji[0]), Sampling((3, 3, 3))):
            np.maximum(coverage[patch.slices], patch.coverage, out=coverage[patch.slices])
    return np.asarray(coverage >= 0.5)


def whole(volume: Volume, segment: Segment) -> Bools:
    """The mask of a segment on the grid of its volume."""
    return segment.mask.box().within((0, 0, 0), volume.geometry.shape_kji)


def dice(a: Bools, b: Bools) -> float:
    """Overlap: 1 for equal masks."""
    return 2.0 * float((a & b).sum()) / float(a.sum() + b.sum())


def _distances(a: Bools, b: Bools, spacing_kji: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    edges = [m & ~ndimage.binary_erosion(m, border_value=1) for m in (a, b)]
    return np.concatenate(
        [ndimage.distance_transform_edt(~there, sampling=spacing_kji)[here] for here, there in (edges, edges[::-1])]
    )


def mean_distance_mm(a: Bools, b: Bools, geometry: VolumeGeometry) -> float:
    """Mean distance of the boundary voxels of two masks, both ways."""
    return float(_distances(a, b, geometry.spacing_mm[::-1]).mean())


def hd95_mm(a: Bools, b: Bools, geometry: VolumeGeometry) -> float:
    """95th percentile of the same distances."""
    return float(np.percentile(_distances(a, b, geometry.spacing_mm[::-1]), 95))


def lps_of(volume: Volume, kji: npt.ArrayLike) -> tuple[float, float, float]:
    """The place of a voxel, LPS mm."""
    matrix = volume.geometry.lps_from_ijk.matrix
    x, y, z = matrix[:3, :3] @ np.asarray(kji, dtype=float)[::-1] + matrix[:3, 3]
    return float(x), float(y), float(z)


def clicks_in(mask: Bools, geometry: VolumeGeometry, count: int, seed: int) -> npt.NDArray[np.intp]:
    """Random voxels well inside a mask: deeper than 0.4 of its greatest depth."""
    depth = ndimage.distance_transform_edt(mask, sampling=geometry.spacing_mm[::-1])
    inside = np.argwhere(depth > 0.4 * depth.max())
    return inside[np.random.default_rng(seed).choice(len(inside), count)]


def turned_grid(
    half_mm: tuple[float, float, float],
    spacing_mm: tuple[float, float, float],
    angle_deg: float = 8.0,
    flip: bool = False,
) -> VolumeGeometry:
    """A grid round the origin, turned about z; flipped: columns to the right, rows to anterior (prone)."""
    a = np.radians(angle_deg + (180.0 if flip else 0.0))
    turn = np.array([[np.cos(a), -np.sin(a), 0.0], [np.sin(a), np.cos(a), 0.0], [0.0, 0.0, 1.0]])
    counts = [int(2 * half / s) for half, s in zip(half_mm, spacing_mm, strict=True)]
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag(spacing_mm)
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(counts) - 1) / 2)
    return VolumeGeometry((counts[2], counts[1], counts[0]), Affine(matrix, "1.2.3", "turned"))
