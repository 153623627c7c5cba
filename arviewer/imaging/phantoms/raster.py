"""Shapes to voxels with true partial volume, slab by slab.

A voxel's coverage is the share of its box inside the shape, found by sampling the box where the surface crosses it;
what is far from every surface is settled by blocks. Chunks lie at fixed places of the grid, so that a slab
rasterised alone equals the same slab of the whole, bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arviewer.imaging.phantoms.shapes import Array, Float, Shape
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent

Index = npt.NDArray[np.int64]

CHUNK_KJI = (8, 48, 48)
"""Voxels handled at once; slabs start at multiples of the first."""
BLOCK_KJI = (2, 4, 4)
"""Voxels settled together when they are far from the surface."""
SAFETY = 1.6
"""How many times farther than its own radius a block must be from the surface to be settled; see `shapes`."""


SAMPLED_AT_ONCE = 2048
"""Voxels on a surface that are sampled together."""


@dataclass(frozen=True)
class Sampling:
    """How a voxel is measured.

    Attributes
    ----------
    counts_kji : tuple of int
        Sample points along each axis of the voxel.
    extent_kji : tuple of float
        Size of the sampled box in voxels: above 1 along k where the slice thickness exceeds the slice step.
    """

    counts_kji: tuple[int, int, int] = (3, 3, 3)
    extent_kji: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def offsets_kji(self) -> Float:
        """Return the sample points relative to the voxel's centre, shape (N, 3), in voxels."""
        axes = [
            ((np.arange(count) + 0.5) / count - 0.5) * extent
            for count, extent in zip(self.counts_kji, self.extent_kji, strict=True)
        ]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


@dataclass(frozen=True)
class Patch:
    """A part of the grid that a shape touches: `coverage` 0 to 1 for ``voxels[slices]``."""

    slices: tuple[slice, slice, slice]
    coverage: Array


def coverage(
    shape: Shape,
    geometry: VolumeGeometry,
    sampling: Sampling | None = None,
    progress: Progress = silent,
) -> Array:
    """Return the share of every voxel that lies inside a shape.

    Parameters
    ----------
    shape : Shape
        In the frame of the geometry, LPS mm.
    geometry : VolumeGeometry
        Any grid, oblique and anisotropic too.

    Returns
    -------
    ndarray of float32, shape ``geometry.shape_kji``, 0 to 1
    """
    whole = np.zeros(geometry.shape_kji, dtype=np.float32)
    for patch in patches(shape, geometry, range(geometry.shape_kji[0]), sampling, progress):
        whole[patch.slices] = patch.coverage
    return whole


def patches(
    shape: Shape,
    geometry: VolumeGeometry,
    slices: range,
    sampling: Sampling | None = None,
    progress: Progress = silent,
) -> Iterator[Patch]:
    """Yield the coverage of every chunk of some slices that the shape touches; the rest is 0.

    Parameters
    ----------
    slices : range
        Consecutive slices k; must start at a multiple of ``CHUNK_KJI[0]``.
    """
    sampling = sampling or Sampling()
    count = max(1, -(-len(slices) // CHUNK_KJI[0]))
    for done, chunk in _chunks(geometry, slices, shape):
        progress(done / count, "Rasterizing")
        values = _chunk_coverage(shape, geometry, chunk, sampling)
        if values is not None:
            yield Patch(chunk, values)
    progress(1.0, "Rasterizing")


def _chunks(geometry: VolumeGeometry, slices: range, shape: Shape) -> Iterator[tuple[int, tuple[slice, slice, slice]]]:
    """Yield the chunks whose box meets the box of the shape, with the number of slabs before each."""
    low, high = _index_box(geometry, shape.bounds)
    steps = CHUNK_KJI
    for slab, k in enumerate(range(slices.start, slices.stop, steps[0])):
        if k > high[0] or k + steps[0] <= low[0]:
            continue
        for j in range(low[1] // steps[1] * steps[1], high[1] + 1, steps[1]):
            for i in range(low[2] // steps[2] * steps[2], high[2] + 1, steps[2]):
                ends = (slices.stop, geometry.shape_kji[1], geometry.shape_kji[2])
                yield (
                    slab,
                    tuple(  # type: ignore[misc]
                        slice(a, min(a + step, end)) for a, step, end in zip((k, j, i), steps, ends, strict=True)
                    ),
                )


def _index_box(geometry: VolumeGeometry, bounds: Float) -> tuple[Index, Index]:
    """Return the lowest and highest (k, j, i) that a box in mm can touch, one voxel of margin included."""
    ijk_from_lps = np.linalg.inv(geometry.lps_from_ijk.matrix)
    corners = np.array(np.meshgrid(*bounds.T, indexing="ij")).reshape(3, -1)
    index = (ijk_from_lps[:3, :3] @ corners + ijk_from_lps[:3, 3:])[::-1]
    last = np.array(geometry.shape_kji) - 1
    low = np.clip(np.floor(index.min(axis=1)) - 1, 0, last + 1).astype(np.int64)
    high = np.clip(np.ceil(index.max(axis=1)) + 1, -1, last).astype(np.int64)
    return low, high


def positions_lps(geometry: VolumeGeometry, k: Float, j: Float, i: Float) -> tuple[Array, Array, Array]:
    """Return positions of (fractional) indices in mm; no matrix product, so that rounding is the same anywhere."""
    m = geometry.lps_from_ijk.matrix
    x, y, z = ((m[n, 0] * i + m[n, 1] * j + m[n, 2] * k + m[n, 3]).astype(np.float32) for n in range(3))
    return x, y, z


def _reach_mm(geometry: VolumeGeometry, size_kji: npt.ArrayLike) -> float:
    """Return the radius of the ball around a block of that many voxels."""
    edges = geometry.lps_from_ijk.matrix[:3, :3] * np.asarray(size_kji, dtype=np.float64)[::-1]
    signs = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])
    return float(np.sqrt(((signs @ edges.T) ** 2).sum(axis=1).max()) / 2)


def _chunk_coverage(
    shape: Shape, geometry: VolumeGeometry, chunk: tuple[slice, slice, slice], sampling: Sampling
) -> Array | None:
    """Return the coverage of one chunk, or None where it is zero."""
    size = tuple(part.stop - part.start for part in chunk)
    extra = np.array(sampling.extent_kji) - 1
    reach = _reach_mm(geometry, np.array(size) + extra)
    middle = [np.array([(part.start + part.stop - 1) / 2]) for part in chunk]
    center = np.array([float(axis[0]) for axis in positions_lps(geometry, *middle)])
    near = shape.restricted(center - reach, center + reach)
    at_center = float(near.distance(*positions_lps(geometry, *middle))[0])
    if abs(at_center) > SAFETY * reach:
        return None if at_center > 0 else np.ones(size, dtype=np.float32)
    blocks = _settled_blocks(near, geometry, chunk, extra)
    values: Array = np.repeat(np.repeat(np.repeat(blocks, 2, 0), 4, 1), 4, 2)[: size[0], : size[1], : size[2]].copy()
    _settle_voxels(near, geometry, chunk, sampling, values)
    return values if values.any() else None


def _settled_blocks(shape: Shape, geometry: VolumeGeometry, chunk: tuple[slice, slice, slice], extra: Float) -> Array:
    """Return 0 or 1 for each block of a chunk, −1 where the surface may cross it."""
    axes = [
        np.arange(part.start, part.stop, step) + (step - 1) / 2 for part, step in zip(chunk, BLOCK_KJI, strict=True)
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    distance = shape.distance(*positions_lps(geometry, *(axis.ravel() for axis in grid))).reshape(grid[0].shape)
    limit = np.float32(SAFETY * _reach_mm(geometry, np.array(BLOCK_KJI) + extra))
    return np.where(distance > limit, np.float32(0), np.where(distance < -limit, np.float32(1), np.float32(-1)))


def _settle_voxels(
    shape: Shape, geometry: VolumeGeometry, chunk: tuple[slice, slice, slice], sampling: Sampling, values: Array
) -> None:
    """Replace −1 in `values` by the coverage: whole voxels by their centre, voxels on the surface by samples."""
    open_at = np.nonzero(values < 0)
    if not len(open_at[0]):
        return
    k, j, i = (axis.astype(np.float64) + part.start for axis, part in zip(open_at, chunk, strict=True))
    distance = shape.distance(*positions_lps(geometry, k, j, i))
    limit = SAFETY * _reach_mm(geometry, sampling.extent_kji)
    found = (distance < 0).astype(np.float32)
    band = np.abs(distance) < limit
    if band.any():
        found[band] = _sampled(shape, geometry, (k[band], j[band], i[band]), sampling)
    values[open_at] = found


def _sampled(shape: Shape, geometry: VolumeGeometry, at: tuple[Float, Float, Float], sampling: Sampling) -> Array:
    """Return the mean over sample points of the share of each sample's own small box inside the shape."""
    offsets = sampling.offsets_kji()
    width = (geometry.voxel_volume_mm3 * np.prod(sampling.extent_kji) / len(offsets)) ** (1 / 3)
    # All samples of some voxels at once: few calls, yet small arrays that stay in the cache.
    found = np.zeros(len(at[0]), dtype=np.float32)
    for start in range(0, len(found), SAMPLED_AT_ONCE):
        part = slice(start, start + SAMPLED_AT_ONCE)
        k, j, i = ((axis[part][None, :] + offsets[:, n : n + 1]).ravel() for n, axis in enumerate(at))
        shares = np.clip(
            np.float32(0.5) - shape.distance(*positions_lps(geometry, k, j, i)) * np.float32(1 / width), 0, 1
        )
        found[part] = shares.reshape(len(offsets), -1).sum(axis=0) / np.float32(len(offsets))
    return found
