"""How far two triangle surfaces are apart, measured both ways at points spread evenly over each.

Every figure is the distance to a triangle of the other surface, so it is never less than the distance to the surface;
which triangles are tried is what makes it fast: on a smoothed mesh the triangle itself, moved; on a simplified mesh
those round the vertices that the point's own were merged into; on the raw iso-surface those in the eight nearest cells
of voxels.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from arviewer.imaging.meshing.contour import Triangles
from arviewer.imaging.meshing.quality import corners_of, triangle_areas
from arviewer.model.geometry import Affine, Float, Ijk, Lps
from arviewer.model.surface import SurfaceError

Single = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]

SAMPLES_PER_MM2 = 4.0
"""Points at which distances are taken, on each of the two surfaces."""

PAIRS = 1 << 14
"""Points and triangles at a time: what is known of them stays in the processor's cache."""

POINTS = 1 << 11
"""Points at a time, each with some ten triangles."""

CELLS = 1 << 21
"""Cells of voxels looked up at a time."""

STEPS = (0.7548776662466927, 0.5698402909980532)
"""Of a sequence that fills the unit square evenly: powers of the inverse of the plastic number."""


class Frames:
    """Triangles, each in a frame of its own: first corner in the origin, second one on the first axis.

    Parameters
    ----------
    points, triangles
        The mesh.
    middle : ndarray, shape (3,)
        Taken from all coordinates, so that single precision is enough.
    """

    def __init__(self, points: Float, triangles: Triangles, middle: Float) -> None:
        self.middle = middle
        a, b, c = (corner - middle[:, None] for corner in corners_of(points, triangles))
        u, v = b - a, c - a
        length = np.sqrt((u * u).sum(axis=0))
        u /= np.maximum(length, 1e-12)
        along = (u * v).sum(axis=0)
        w = v - along * u
        height = np.sqrt((w * w).sum(axis=0))
        w /= np.maximum(height, 1e-12)
        normal = np.stack([u[(n + 1) % 3] * w[(n + 2) % 3] - u[(n + 2) % 3] * w[(n + 1) % 3] for n in range(3)])
        values = np.concatenate(
            (a, u, w, normal, length[None], along[None], height[None]), dtype=np.float32, casting="same_kind"
        )
        self._values = np.ascontiguousarray(values)  # rows of their own: from columns, each `take` would copy all

    def squared(self, at: Single, triangle: npt.NDArray[np.integer]) -> Single:
        """Return the squared distance (mm²) of points (3, N), the middle taken off, each to one triangle."""
        get = [row.take(triangle) for row in self._values]
        px, py, pz = at[0] - get[0], at[1] - get[1], at[2] - get[2]
        x = px * get[3] + py * get[4] + pz * get[5]
        y = px * get[6] + py * get[7] + pz * get[8]
        z = px * get[9] + py * get[10] + pz * get[11]
        length, cx, cy = get[12:]
        dx = length - cx
        side = x * cy - y * cx
        base = x - np.minimum(np.maximum(x, 0), length)
        flat = np.minimum(base * base + y * y, _to_segment(x, y, cx, cy))
        flat = np.minimum(flat, _to_segment(x - length, y, -dx, cy))
        flat[(y >= 0) & (side >= 0) & (side + y * length <= length * cy)] = 0
        flat += z * z
        return np.asarray(flat)


def _to_segment(x: Single, y: Single, to_x: Single, to_y: Single) -> Single:
    """Return the squared distance of (x, y) to the segment from the origin to (to_x, to_y)."""
    t = (x * to_x + y * to_y) / np.maximum(to_x * to_x + to_y * to_y, np.float32(1e-20))
    t = np.minimum(np.maximum(t, 0), 1)
    dx, dy = x - t * to_x, y - t * to_y
    return np.asarray(dx * dx + dy * dy)


class Samples:
    """Points spread over a mesh in proportion to area, the same for the same mesh.

    Attributes
    ----------
    triangle : ndarray, shape (S,)
        Of each point, rising.
    """

    def __init__(self, points: Float, triangles: Triangles, per_mm2: float = SAMPLES_PER_MM2) -> None:
        self._points, self._triangles = points, triangles
        ends = np.concatenate(
            [triangle_areas(points, triangles[n : n + PAIRS]) for n in range(0, len(triangles), PAIRS)]
        )
        np.cumsum(ends, out=ends)
        count = int(np.ceil(ends[-1] * per_mm2))
        ends *= count / max(ends[-1], 1e-30)
        before = np.floor(ends + 0.5).astype(np.int32)
        self.triangle = np.repeat(np.arange(len(triangles), dtype=np.int32), np.diff(before, prepend=np.int32(0)))

    def __len__(self) -> int:
        return len(self.triangle)

    def at(self, chosen: slice | npt.NDArray[np.integer]) -> Float:
        """Return some of the points, shape (3, N), mm."""
        n = np.arange(*chosen.indices(len(self))) if isinstance(chosen, slice) else chosen
        u, v = n * STEPS[0], n * STEPS[1]
        u -= np.floor(u)
        v -= np.floor(v)
        fold = u + v > 1.0
        u, v = np.where(fold, 1.0 - u, u), np.where(fold, 1.0 - v, v)
        a, b, c = corners_of(self._points, self._triangles.take(self.triangle[chosen], axis=0))
        return np.asarray(a * (1.0 - u - v) + b * u + c * v)


class Vertices:
    """The vertices of a mesh as places to measure at."""

    def __init__(self, points: Float) -> None:
        self._points = points

    def __len__(self) -> int:
        return len(self._points)

    def at(self, chosen: slice | npt.NDArray[np.integer]) -> Float:
        """Return some of the points, shape (3, N), mm."""
        return np.asarray(self._points[chosen].T)


def error_of(there: Single, back: Single) -> SurfaceError:
    """Return the error of a mesh from distances (mm) at points spread over it and over the raw iso-surface.

    Mean, 95th percentile and maximum are each the larger one of the two directions.
    """
    each = [(float(d.mean(dtype=np.float64)), float(np.percentile(d, 95)), float(d.max())) for d in (there, back)]
    mean, p95, largest = (max(pair) for pair in zip(*each, strict=True))
    return SurfaceError(mean, p95, largest, SAMPLES_PER_MM2)


def smoothing_error(raw: Float, triangles: Triangles, smoothed: Float) -> SurfaceError:
    """Return the error of a mesh that differs from the raw one in where its vertices lie."""
    with ThreadPoolExecutor(2) as pool:
        back = pool.submit(to_itself_moved, smoothed, triangles, raw)
        return error_of(to_itself_moved(raw, triangles, smoothed), back.result())


def to_itself_moved(points: Float, triangles: Triangles, moved: Float) -> Single:
    """Return the distances (mm) of points spread over a mesh to that mesh with its vertices elsewhere.

    Each is taken to the triangle it lies on, moved: on smoothed surfaces at most 1.5 % more than to the nearest.
    """
    samples = Samples(points, triangles)
    out = np.empty(len(samples), np.float32)
    middle = points.mean(axis=0)
    for n in range(0, len(out), PAIRS):
        chosen = slice(n, n + PAIRS)
        rows = samples.triangle[chosen]
        first, last = int(rows[0]), int(rows[-1]) + 1
        frames = Frames(moved, triangles[first:last], middle)
        at = (samples.at(chosen) - middle[:, None]).astype(np.float32)
        out[chosen] = np.sqrt(frames.squared(at, rows - first))
    return out


class Cells:
    """A mesh sorted into cells of voxels, in which the triangles near a point are found.

    Parameters
    ----------
    points, triangles
        The mesh.
    ijk_from_lps : Affine
        Of the voxels.
    inner : Samples, optional
        More points of the mesh, so that triangles larger than a cell are found in all their cells.
    """

    def __init__(
        self, points: Float, triangles: Triangles, ijk_from_lps: Affine[Ijk, Lps], inner: Samples | None = None
    ) -> None:
        self._points, self._triangles, self._matrix = points, triangles, ijk_from_lps.matrix
        cells, of = [], []
        alone = np.ones(len(triangles), np.bool_)
        if inner is not None:
            alone[inner.triangle] = False
        rows = np.flatnonzero(alone).astype(np.int32)
        for n in range(0, len(rows), PAIRS):
            part = rows[n : n + PAIRS]
            a, b, c = corners_of(points, triangles.take(part, axis=0))
            cells.append(np.floor(self._ijk((a + b + c) / 3)).astype(np.int16))
            of.append(part)
        for n in range(0, 0 if inner is None else len(inner), PAIRS):
            assert inner is not None
            chosen = slice(n, n + PAIRS)
            cells.append(np.floor(self._ijk(inner.at(chosen))).astype(np.int16))
            of.append(inner.triangle[chosen])
        self._cells, self._of = np.concatenate(cells, axis=1), np.concatenate(of)
        order = np.argsort(self._cells[2], kind="stable")
        self._cells, self._of = self._cells[:, order], self._of[order]
        self._low, self._high = self._cells.min(axis=1).astype(int) - 4, self._cells.max(axis=1).astype(int) + 5
        size = self._high - self._low
        self._step = max(1, CELLS // int(size[0] * size[1]))
        self._middle = points.mean(axis=0)
        # All triangles within half a voxel are found; of those known by points inside them, some begin half as far.
        self._sure_mm = (0.5 if inner is None else 0.25) * float(
            np.linalg.norm(np.linalg.inv(self._matrix[:3, :3]), axis=0).min()
        )

    def _ijk(self, at: Float) -> Float:
        return np.asarray(np.einsum("ab,bn->an", self._matrix[:3, :3], at) + self._matrix[:3, 3:])

    def distances(self, samples: Samples | Vertices, chosen: Ids | None = None) -> Single:
        """Return the distance (mm) of points (all, or the chosen ones) to the nearest triangle in the cells round each.

        Looked up are the eight nearest cells, and where that may not be enough, the 64 nearest; where there is no
        triangle in these, the distance to the nearest vertex is returned.
        """
        out = np.full(len(samples), np.inf, np.float32)
        chosen = np.arange(len(samples), dtype=np.int32) if chosen is None else chosen
        self._look(samples, chosen, 1, out)
        self._look(samples, chosen[out[chosen] > self._sure_mm], 2, out)
        lost = chosen[np.isinf(out[chosen])]
        if len(lost):
            out[lost] = cKDTree(self._points[np.unique(self._triangles)]).query(samples.at(lost).T)[0]
        return out[chosen]

    def _look(self, samples: Samples | Vertices, chosen: Ids, reach: int, out: Single) -> None:
        """Write the distances of the chosen points to the nearest triangle in reach."""
        corner = np.empty((3, len(chosen)), np.int16)
        low, high = self._low[:, None] + reach, self._high[:, None] - reach
        for n in range(0, len(chosen), PAIRS):
            ijk = np.rint(self._ijk(samples.at(chosen[n : n + PAIRS])))
            corner[:, n : n + PAIRS] = np.minimum(np.maximum(ijk, low), high)
        order = np.argsort(corner[2], kind="stable")
        corner, chosen = corner[:, order], chosen[order]
        slabs = range(int(low[2, 0]), int(high[2, 0]) + 1, self._step)
        ends = np.searchsorted(corner[2], [*slabs, high[2, 0] + 1])

        def run(job: tuple[int, int, int]) -> None:
            k, first, last = job
            of_slab = chosen[first:last]
            out[of_slab] = self._in_slab(k, samples, of_slab, corner[:, first:last], reach)

        jobs = [(k, a, b) for k, a, b in zip(slabs, ends[:-1], ends[1:], strict=True) if b > a]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(run, jobs))

    def _in_slab(
        self, k: int, samples: Samples | Vertices, chosen: Ids, corner: npt.NDArray[np.int16], reach: int
    ) -> Single:
        """Return the distances of points whose nearest corners of cells are from slice `k` on, infinite without any."""
        columns, rows = (self._high - self._low)[:2]
        starts, of = self._table(k - reach, self._step + 2 * reach)
        frames = Frames(self._points, self._triangles.take(of, axis=0), self._middle)
        shifts = np.arange(-reach, reach)
        shifts = (shifts[:, None] * rows + shifts).reshape(-1) * columns - reach
        out = np.full(len(chosen), np.inf, np.float32)
        for n in range(0, len(chosen), POINTS // reach**3):
            some = slice(n, n + POINTS // reach**3)
            at = (samples.at(chosen[some]) - self._middle[:, None]).astype(np.float32)
            i, j, slice_ = corner[:, some].astype(np.int32)
            first = ((slice_ - k + reach) * rows + j - self._low[1]) * columns + i - self._low[0]
            near = (first[:, None] + shifts).reshape(-1)
            place, owner = expanded(starts.take(near), starts.take(near + 2 * reach))
            owner //= len(shifts)
            np.minimum.at(out[some], owner, frames.squared(at.take(owner, axis=1), place))
        return np.asarray(np.sqrt(out))

    def _table(self, k: int, slices: int) -> tuple[Ids, Ids]:
        """Return where the triangles of each cell begin, for some slices from `k` on, and the triangles."""
        columns, rows = (self._high - self._low)[:2]
        here = slice(*np.searchsorted(self._cells[2], [k, k + slices]))
        i, j, slice_ = self._cells[:, here].astype(np.int32)
        flat = ((slice_ - k) * rows + j - self._low[1]) * columns + i - self._low[0]
        order = np.argsort(flat, kind="stable")
        flat, of = flat[order], self._of[here][order]
        new = np.ones(len(flat), np.bool_)
        new[1:] = (flat[1:] != flat[:-1]) | (of[1:] != of[:-1])
        flat, of = flat[new], of[new]
        starts = np.zeros(slices * rows * columns + 1, np.int32)
        np.cumsum(np.bincount(flat, minlength=len(starts) - 1).astype(np.int32), out=starts[1:])
        return starts, of


def expanded(starts: Ids, ends: Ids) -> tuple[Ids, Ids]:
    """Return for lists ``starts[n]:ends[n]`` all their places, and which n each belongs to."""
    lengths = ends - starts
    owner = np.repeat(np.arange(len(starts), dtype=np.int32), lengths)
    offset = np.cumsum(lengths, dtype=np.int32) - lengths
    return np.arange(len(owner), dtype=np.int32) + (starts - offset).take(owner), owner
