"""A surface blown up from inside the head until it meets the dark round the brain.

The force is that of S. M. Smith, "Fast robust automated brain extraction", Human Brain Mapping 17 (2002) 143-155,
https://doi.org/10.1002/hbm.10062: outward while the darkest place a little inside is brighter than a share of the
brightest one, inward otherwise, so that both may vary over the head. Here each point stays on its ray from the middle,
and all that a ray can meet is looked up once.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from arviewer.imaging.recipes.coarse import Coarse
from arviewer.imaging.runs import Mask

Float = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

START_MM = 40.0
"""Radius at the start: beyond the ventricles, within the brain of a child too."""

FAR_MM = 130.0
"""No brain reaches further from its middle."""

DARKEST_MM, BRIGHTEST_MM = 20.0, 10.0
"""How far inside the surface the darkest and the brightest place are looked for (Smith: d1, d2)."""

STEPS = 400
PUSH_MM = 0.5
"""Largest step outward: the surface has reached the vault after a quarter of the steps."""

STIFFNESS = 0.35
"""Share of the way to the mean of its neighbours that a point goes with each step."""

HEAD_MM = 130.0
"""The brain lies within this of the vertex."""


def below_vertex(head: Mask, axes: Float) -> Float:
    """Return about the middle of the brain: that of the head's upper part, as (k, j, i) of blocks."""
    kji = np.argwhere(head)
    up = kji @ axes[2]
    return np.asarray(kji[up > up.max() - HEAD_MM].mean(axis=0), dtype=np.float64)


def balloon(blocks: Coarse, head: Mask, middle: Float, axes: Float, share: float) -> Mask:
    """Return the blocks within the surface.

    Parameters
    ----------
    head : ndarray of bool, shape of the blocks
        The filled head.
    middle : ndarray, shape (3,)
        Where it is blown up from, (k, j, i) of blocks.
    axes : ndarray, shape (3, 3), mm
        Columns: LPS from (k, j, i) of a block; the head end is +z.
    share : float
        Of the brightest: what is darker is no brain.
    """
    offset = (np.argwhere(head) - middle) @ axes.T
    radii = _radii(blocks, middle, axes, share)
    out = np.zeros(head.shape, dtype=np.bool_)
    out[head] = np.sqrt((offset * offset).sum(axis=1)) < radii[_nearest()[_cell(offset)]]
    return out


def _radii(blocks: Coarse, middle: Float, axes: Float, share: float) -> Float:
    """Return the distance of the surface from the middle along each ray, mm."""
    rays, beside = sphere()
    along = np.arange(0.0, FAR_MM)
    steps = np.linalg.solve(axes, rays.T).T  # blocks per mm
    at = middle[:, None, None] + steps.T[:, :, None] * along
    seen = ndimage.map_coordinates(blocks.mean, at, order=1, mode="constant", cval=0.0)
    usual = float(np.median(seen[:, int(START_MM / 2) : int(START_MM)]))
    # The extremes over the last mm of each ray, at every mm.
    low, high = int(DARKEST_MM) + 1, int(BRIGHTEST_MM) + 1
    dark = np.minimum(ndimage.minimum_filter1d(seen, low, axis=1, origin=low // 2, mode="nearest"), usual)
    bright = ndimage.maximum_filter1d(seen, high, axis=1, origin=high // 2, mode="nearest")
    bright = np.clip(bright, 0.3 * usual, usual)
    push = np.clip(2 * (dark - share * bright) / bright, -1, 1) * PUSH_MM
    radii: Float = np.full(len(rays), START_MM)
    numbers = np.arange(len(rays))
    for _step in range(STEPS):
        radii += STIFFNESS * (radii[beside].mean(axis=1) - radii)
        radii = np.clip(radii + push[numbers, radii.astype(int)], 10.0, FAR_MM - 2)
    return radii


CELLS = 64
"""Cells along each edge of a cube's face: 1.4° and less, where the directions are 2° apart."""


def _cell(offset: Float) -> Index:
    """Return which cell of the faces of a cube round the middle each direction passes."""
    axis = np.abs(offset).argmax(axis=1)
    ahead, u, v = (np.take_along_axis(offset, ((axis + n) % 3)[:, None], 1)[:, 0] for n in range(3))
    reach = np.maximum(np.abs(ahead), 1e-9)
    row, column = (np.minimum((part / reach + 1) * (CELLS / 2), CELLS - 1).astype(np.int64) for part in (u, v))
    return np.asarray(((2 * axis + (ahead > 0)) * CELLS + row) * CELLS + column, dtype=np.int64)


@cache
def _nearest() -> Index:
    """Return the nearest direction of `sphere` for each cell of `_cell`."""
    along = (np.arange(CELLS) + 0.5) / (CELLS / 2) - 1
    faces = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            at = np.empty((CELLS, CELLS, 3))
            at[..., axis], at[..., (axis + 1) % 3], at[..., (axis + 2) % 3] = sign, along[:, None], along
            faces.append(at.reshape(-1, 3))
    cells = np.concatenate(faces)
    return np.asarray(cKDTree(sphere()[0]).query(cells / np.linalg.norm(cells, axis=1)[:, None])[1], dtype=np.int64)


@cache
def sphere() -> tuple[Float, Index]:
    """Return 2562 directions evenly over the sphere, and the six beside each (the twelve that have five: one twice)."""
    golden = (1 + 5**0.5) / 2
    corners = [(0.0, one, other * golden) for one in (-1.0, 1.0) for other in (-1.0, 1.0)]
    found = np.concatenate([np.roll(corners, turn, axis=1) for turn in range(3)]) / np.sqrt(1 + golden**2)
    for _level in range(4):  # a point half way between every two neighbours
        pairs = _pairs(found)
        between = found[pairs[:, 0]] + found[pairs[:, 1]]
        found = np.concatenate([found, between / np.linalg.norm(between, axis=1)[:, None]])
    beside = np.asarray(cKDTree(found).query(found, k=7)[1], dtype=np.int64)[:, 1:]
    only_five = np.bincount(_pairs(found).ravel(), minlength=len(found)) == 5
    beside[only_five, 5] = beside[only_five, 0]
    return found, beside


def _pairs(points: Float) -> Index:
    """Return the neighbours among evenly spread points: those nearer than 1.4 times the shortest distance."""
    tree = cKDTree(points)
    shortest = float(np.asarray(tree.query(points, k=2)[0])[:, 1].min())
    return np.asarray(tree.query_pairs(1.4 * shortest, output_type="ndarray"), dtype=np.int64)
