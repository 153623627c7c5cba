"""Grow and shrink voxels by a ball in mm, exact on any grid: anisotropic, oblique, sheared.

A ball is a bundle of rods along i. All voxels are spread along i once for each length of rod, packed eight to a
byte, and laid over each other shifted by whole rows: the cost hardly depends on the radius, where a distance
transform takes 20 bytes a voxel and knows no sheared grid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from arviewer.imaging.tools.places import widened
from arviewer.model.masks import Bools, MaskBox, Triple
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.workers.progress import Progress

Rods = dict[tuple[int, int], list[tuple[int, int]]]
"""First and last step along i, and the steps along k and j at which there is such a rod."""

ROUNDING = 1e-9
CHUNK_VOXELS = 1 << 19
"""Voxels spread at a time: they stay in the cache."""


def rods_of(geometry: VolumeGeometry, radius_mm: float) -> Rods:
    """Return a ball: the steps to every voxel whose centre lies within `radius_mm` of this one's."""
    along_i, along_j, along_k = geometry.lps_from_ijk.matrix[:3, :3].T
    inverse = np.linalg.inv(geometry.lps_from_ijk.matrix[:3, :3])
    reach = np.floor(radius_mm * np.linalg.norm(inverse, axis=1) + ROUNDING).astype(int)
    rods: Rods = defaultdict(list)
    squared = radius_mm**2 * (1.0 + ROUNDING)
    for k in range(-reach[2], reach[2] + 1):
        for j in range(-reach[1], reach[1] + 1):
            # |side + i along_i|² = radius²
            side = j * along_j + k * along_k
            middle = -(side @ along_i) / (along_i @ along_i)
            half2 = middle**2 - (side @ side - squared) / (along_i @ along_i)
            if half2 < 0.0:
                continue
            first, last = np.ceil(middle - np.sqrt(half2)), np.floor(middle + np.sqrt(half2))
            if first <= last:
                rods[int(first), int(last)].append((k, j))
    return rods


def dilated(voxels: Bools, rods: Rods, progress: Progress) -> Bools:
    """Return all voxels of the array that a ball round a set one reaches."""
    depth, height, width = voxels.shape
    out = np.zeros((depth, height, -(-width // 8)), np.uint8)
    step = max(1, CHUNK_VOXELS // (height * width))
    with ThreadPoolExecutor(2) as pool:
        for n, (span, places) in enumerate(rods.items()):
            progress(n / len(rods))
            parts = pool.map(lambda k, span=span: _spread(voxels[k : k + step], *span), range(0, depth, step))
            _lay(out, np.concatenate(list(parts)), places)
    return np.unpackbits(out, axis=2, count=width).view(np.bool_)


def _lay(out: npt.NDArray[np.uint8], line: npt.NDArray[np.uint8], places: Sequence[tuple[int, int]]) -> None:
    depth, height, _width = out.shape
    for k, j in places:
        if abs(k) < depth and abs(j) < height:
            to = (slice(max(0, k), depth + min(0, k)), slice(max(0, j), height + min(0, j)))
            out[to] |= line[max(0, -k) : depth - max(0, k), max(0, -j) : height - max(0, j)]


def _spread(voxels: Bools, first: int, last: int) -> npt.NDArray[np.uint8]:
    """Return, packed along i, every voxel from `first` to `last` steps behind a set one."""
    depth, height, width = voxels.shape
    length = last - first + 1
    start = max(first, 0)
    reached = np.zeros((depth, height, width + abs(first) + length), np.bool_)
    reached[:, :, start : start + width] = voxels
    done = 1  # steps that each set voxel reaches by now, itself counted
    while done < length:
        more = min(done, length - done)
        reached[:, :, more:] |= reached[:, :, :-more].copy()
        done += more
    return np.packbits(reached[:, :, start - first : start - first + width], axis=2)


def grown(volume: Volume, box: MaskBox, radius_mm: float, progress: Progress) -> tuple[Triple, Bools]:
    """Return start and voxels of a structure with all within `radius_mm` of it, lost slices left out."""
    start, shape = widened(volume, box, radius_mm)
    voxels = dilated(box.within(start, shape), rods_of(volume.geometry, radius_mm), progress)
    voxels &= volume.slice_valid[start[0] : start[0] + shape[0], None, None]
    return start, voxels


def core(volume: Volume, box: MaskBox, radius_mm: float, progress: Progress) -> Bools:
    """Return what of a box lies farther than `radius_mm` inside its structure.

    Beyond the border of the scan, and in lost slices, nobody knows: the structure counts as going on there.
    """
    start, shape = widened(volume, box, radius_mm)
    outside = ~box.within(start, shape)
    outside &= volume.slice_valid[start[0] : start[0] + shape[0], None, None]
    near = dilated(outside, rods_of(volume.geometry, radius_mm), progress)
    k, j, i = (slice(a - b, a - b + n) for a, b, n in zip(box.start_kji, start, box.voxels.shape, strict=True))
    return box.voxels & ~near[k, j, i]
