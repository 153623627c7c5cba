"""A volume in blocks of a few mm: where recipes decide what is what, before the full grid says exactly where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from arviewer.imaging.nearness import closed, deep, near
from arviewer.imaging.runs import Mask, bounds
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, silent

Cell = TypeVar("Cell", bound=np.generic)

AIR_HU = -1024.0
"""What lost slices and padding count as."""


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """Blocks of voxels.

    Attributes
    ----------
    factors : tuple of int
        Voxels in a block along k, j, i.
    mean, top : ndarray, shape (K', J', I'), float32
        Mean and maximum of each block; blocks at the end are completed by repeating the last voxel.
    edges_mm : ndarray, shape (3,)
        Length of a block along k, j, i.
    block_ml : float
    """

    factors: tuple[int, int, int]
    mean: npt.NDArray[np.float32]
    top: npt.NDArray[np.float32]
    edges_mm: npt.NDArray[np.float64]
    block_ml: float

    def reach(self, mm: float) -> tuple[int, int, int]:
        """Return how many blocks a length spans along k, j, i, at least 1 each."""
        k, j, i = (max(1, round(mm / edge)) for edge in self.edges_mm)
        return k, j, i

    def grown(self, mask: Mask, mm: float) -> Mask:
        """Return the blocks within `mm` of the mask."""
        out = mask.copy()
        box = bounds(mask, 1 + int(mm / float(self.edges_mm.min())))
        if box is not None:
            out[box] = near(mask[box], mm, self.edges_mm)
        return out

    def shrunk(self, mask: Mask, mm: float) -> Mask:
        """Return the blocks of the mask more than `mm` from its outside; the border of the scan is no outside."""
        out = mask.copy()
        box = bounds(mask, 1)
        if box is not None:
            out[box] = deep(mask[box], mm, self.edges_mm)
        return out

    def closed(self, mask: Mask, mm: float) -> Mask:
        """Return the mask with gaps up to twice `mm` closed; what leaves the scan goes on beyond it."""
        return closed(mask, mm, self.edges_mm)


def coarse(volume: Volume, edge_mm: float, progress: Progress = silent) -> Coarse:
    """Pool a volume into blocks of about `edge_mm` along each axis.

    Sheared and oblique grids keep their axes; lengths are along them.
    """
    spacing = volume.geometry.spacing_mm[::-1]
    fk, fj, fi = (max(1, round(edge_mm / float(s))) for s in spacing)
    slices, rows, columns = volume.geometry.shape_kji
    shape = (-(-slices // fk), -(-rows // fj), -(-columns // fi))
    mean, top = np.empty(shape, np.float32), np.empty(shape, np.float32)
    padding = ((0, 0), (0, shape[1] * fj - rows), (0, shape[2] * fi - columns))
    for n in range(shape[0]):
        progress(n / shape[0])
        slab = np.pad(_slab(volume, slice(n * fk, min(slices, (n + 1) * fk))), padding, mode="edge")
        views = [slab[k, j::fj, i::fi] for k in range(len(slab)) for j in range(fj) for i in range(fi)]
        total, highest = views[0].astype(np.float32), views[0].copy()
        for view in views[1:]:
            total += view
            np.maximum(highest, view, out=highest)
        mean[n], top[n] = total / len(views), highest
    factors = (fk, fj, fi)
    block_ml = volume.geometry.voxel_volume_mm3 * fk * fj * fi / 1000.0
    return Coarse(factors, mean, top, np.asarray(spacing * factors), block_ml)


def _slab(volume: Volume, k: slice) -> npt.NDArray[Any]:
    """Return some slices with lost ones, padding and NaN as air."""
    voxels = volume.voxels[k]
    slab = np.maximum(voxels, np.asarray(AIR_HU, voxels.dtype) if voxels.dtype.kind != "u" else 0)
    if volume.padding_value is not None:
        slab[voxels == volume.padding_value] = AIR_HU if voxels.dtype.kind != "u" else 0
    slab[~volume.slice_valid[k]] = AIR_HU if voxels.dtype.kind != "u" else 0
    if voxels.dtype.kind == "f":
        slab[np.isnan(slab)] = AIR_HU
    return np.asarray(slab)


def keep_within(mask: Mask, blocks: Mask, factors: tuple[int, int, int]) -> None:
    """Clear, in place, the voxels of the volume that lie outside `blocks`."""
    for k, plane in enumerate(mask):
        plane &= spread(blocks[k // factors[0]], factors, plane.shape)


def add_blocks(mask: Mask, blocks: Mask, factors: tuple[int, int, int]) -> None:
    """Set, in place, the voxels of the volume that lie in `blocks`."""
    for k, plane in enumerate(mask):
        plane |= spread(blocks[k // factors[0]], factors, plane.shape)


def spread(plane: npt.NDArray[Cell], factors: tuple[int, int, int], shape: tuple[int, ...]) -> npt.NDArray[Cell]:
    """Return one plane of blocks as voxels."""
    wide = plane.repeat(factors[1], axis=0)[: shape[0]]
    return np.asarray(wide.repeat(factors[2], axis=1)[:, : shape[1]])


def fine(blocks: Mask, coarse_grid: Coarse, box: tuple[slice, slice, slice]) -> Mask:
    """Return blocks as voxels, within a box of the volume."""
    index = [np.arange(s.start, s.stop) // f for s, f in zip(box, coarse_grid.factors, strict=True)]
    return np.asarray(blocks[np.ix_(*index)])
