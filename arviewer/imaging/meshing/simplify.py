"""Fewer triangles: to a budget, or as few as a largest error against the raw iso-surface allows, which is measured."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arviewer.imaging.meshing.collapse import Flags, Ids, Part, Single, merged, quadrics_of
from arviewer.imaging.meshing.contour import Triangles
from arviewer.imaging.meshing.measure import Cells, Samples, Vertices, error_of
from arviewer.imaging.meshing.quality import bad_edges
from arviewer.model.geometry import Affine, Float, Ijk, Lps
from arviewer.model.surface import SurfaceError
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

BLOCK = 1 << 18
"""Triangles simplified at a time, on each processor; where blocks meet, a second pass goes on."""

ROOM = 1.25
"""How many times its share of a budget a block keeps: the cheapest merges of all are then chosen together."""

CEILING = 2.0
"""Cost of a merge up to which it is tried, as a share of the largest error: what turns out too much is undone."""

TURNS = 12
"""Times that merges are undone before none is left."""

STRICT = 0.98
"""Share of the largest error above which merges are undone: it may be larger between the points it is measured at."""

PEAK, DENSE_PER_MM2 = 0.6, 25.0
"""Triangles with a distance of more than this share of a limit are looked at once more, at so many points."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """A mesh with some vertices merged.

    Attributes
    ----------
    into : ndarray, shape (N,)
        The vertex of the mesh before that each one is merged into.
    points : ndarray, shape (N, 3), float64, mm
        Where the vertices that are left lie; of the others nothing is said.
    """

    into: Ids
    points: Float

    def triangles(self, before: Triangles) -> Triangles:
        """Return the triangles that are left, by the numbers of the vertices before."""
        corners = self.into.take(before)
        a, b, c = corners.T
        return np.asarray(corners[(a != b) & (b != c) & (c != a)])


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What simplifying must leave where it is.

    Attributes
    ----------
    caps : ndarray, shape (N,)
        Bits of the planes on which each vertex must stay.
    rim : ndarray of bool, shape (N,)
        Vertices that must stay where they are.
    """

    caps: npt.NDArray[np.uint8]
    rim: Flags


def fewer(
    points: Float,
    triangles: Triangles,
    held: Held,
    ceiling_mm: float,
    max_triangles: int,
    progress: Progress = silent,
) -> Merged:
    """Merge vertices until every merge left would cost more than the ceiling, or the budget is met.

    Parameters
    ----------
    ceiling_mm : float
        Infinite when only the budget counts.
    max_triangles : int
        0 when only the ceiling counts.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    rows = np.ascontiguousarray((points - middle).astype(np.float32).T)
    count = len(points)
    blocks = max(2, -(-len(triangles) // BLOCK)) if len(triangles) > BLOCK // 4 else 1
    bounds = np.linspace(0, len(triangles), blocks + 1).astype(int)
    stays = held.rim | _between(triangles, bounds, count)
    unit_mm2 = _mean_area(rows, triangles)
    share = ROOM * max_triangles / len(triangles)

    def block(n: int) -> tuple[int, Part, Ids]:
        own = triangles[bounds[n] : bounds[n + 1]]
        low, high = int(own.min()), int(own.max()) + 1
        local = np.ascontiguousarray((own - np.int32(low)).T)
        at = rows[:, low:high].copy()
        piece = Part(at, local, quadrics_of(at, local, unit_mm2), stays[low:high], held.caps[low:high])
        if blocks == 1:
            return low, piece, np.arange(high, dtype=np.int32)[low:] - np.int32(low)
        into = merged(piece, ceiling_mm, int(share * len(own)), seed=n)
        return low, piece, into

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pieces = []
        for n, piece in enumerate(pool.map(block, range(blocks))):
            progress(0.8 * n / blocks, _("Simplifying the surface"))
            pieces.append(piece)
    into, number, whole = _joined(pieces, count, held)
    last = merged(whole, ceiling_mm, max_triangles)
    kept = np.flatnonzero(number >= 0).astype(np.int32)
    out = points.copy()
    out[kept] = whole.points.T + middle
    progress(1.0)
    return Merged(kept[last[number[into]]], out)


def _between(triangles: Triangles, bounds: npt.NDArray[np.integer], count: int) -> Flags:
    """Return the vertices with triangles in more than one block."""
    first = np.zeros(count, np.int16)
    last = np.zeros(count, np.int16)
    for n in range(len(bounds) - 1):
        last[triangles[bounds[n] : bounds[n + 1]].reshape(-1)] = n
    for n in range(len(bounds) - 2, -1, -1):
        first[triangles[bounds[n] : bounds[n + 1]].reshape(-1)] = n
    return np.asarray(first != last)


def _mean_area(rows: Single, triangles: Triangles) -> float:
    few = triangles[:: max(1, len(triangles) // 10000)]
    a, b, c = (rows[:, few[:, n]].astype(np.float64).T for n in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).mean() / 2)


def _joined(pieces: list[tuple[int, Part, Ids]], count: int, held: Held) -> tuple[Ids, Ids, Part]:
    """Return what each vertex was merged into, the new number of each that is left (or −1), and all blocks as one."""
    into = np.arange(count, dtype=np.int32)
    is_left = np.zeros(count, np.bool_)
    for low, piece, local in pieces:
        own = into[low : low + len(local)]
        np.copyto(own, local + np.int32(low), where=own == np.arange(low, low + len(local)), casting="same_kind")
        is_left[low + piece.triangles.reshape(-1)] = True
    number = np.full(count, -1, np.int32)
    number[is_left] = np.arange(np.count_nonzero(is_left), dtype=np.int32)
    left = int(number.max()) + 1
    points, quadrics = np.zeros((3, left), np.float32), np.zeros((10, left), np.float32)
    triangles = []
    while pieces:
        low, piece, _local = pieces.pop(0)
        here = np.unique(piece.triangles)
        to = number[low + here]
        points[:, to] = piece.points[:, here]
        quadrics[:, to] += piece.quadrics[:, here]
        triangles.append(number[low + piece.triangles])
    corners = np.concatenate(triangles, axis=1)
    return into, number, Part(points, corners, quadrics, held.rim[is_left], held.caps[is_left])


class Measured:
    """A mesh with merged vertices and its distances from the raw iso-surface, both ways, kept up to date.

    Parameters
    ----------
    raw, smoothed : ndarray, shape (N, 3), mm
        Vertices of the raw iso-surface, and where smoothing has put them.
    triangles : ndarray, shape (M, 3)
        Of both.
    mesh : Merged
    """

    def __init__(
        self, raw: Float, smoothed: Float, triangles: Triangles, ijk_from_lps: Affine[Ijk, Lps], mesh: Merged
    ) -> None:
        self._smoothed, self._before, self._ijk_from_lps = smoothed, triangles, ijk_from_lps
        self._samples, self._cells = Samples(raw, triangles), Cells(raw, triangles, ijk_from_lps)
        self.mesh = mesh
        self.triangles = mesh.triangles(triangles)
        spread = Samples(mesh.points, self.triangles)
        self._mesh_cells = Cells(mesh.points, self.triangles, ijk_from_lps, spread)
        self._there = self._mesh_cells.distances(self._samples)
        self._vertices = Vertices(raw)  # where a raw iso-surface has its peaks, between the samples
        self._at_vertices = self._mesh_cells.distances(self._vertices)
        self._highest_mm: float | None = None
        self._back, self._back_corners = self._cells.distances(spread), self.triangles[spread.triangle]

    @property
    def error_mm(self) -> SurfaceError:
        """What was measured, on the mesh as it is."""
        error = error_of(self._there, self._back)
        if self._highest_mm is None:
            self._highest_mm = float(self._peaks(error.max)[1].max(initial=0.0))
        return replace(error, max=max(error.max, float(self._at_vertices.max()), self._highest_mm))

    def bound(self, max_error_mm: float, progress: Progress = silent) -> None:
        """Undo merges wherever the mesh is too far from the raw one, until it is nowhere."""
        for turn in range(TURNS):
            progress(turn / TURNS, _("Measuring the error"))
            wrong = np.zeros(len(self._smoothed), np.bool_)
            wrong[self.mesh.into[self._before[self._samples.triangle[self._there > STRICT * max_error_mm]]]] = True
            wrong[self._back_corners[self._back > STRICT * max_error_mm]] = True
            wrong[self.mesh.into[self._at_vertices > STRICT * max_error_mm]] = True
            corners, peaks = self._peaks(max_error_mm)
            wrong[corners[peaks > STRICT * max_error_mm]] = True
            self._highest_mm = float(peaks.max(initial=0.0))
            edges = bad_edges(self.triangles)
            wrong[edges[~self._rim_of(edges)]] = True
            if not wrong.any():
                break
            if turn == TURNS - 2:
                wrong[:] = True
            self._undo(wrong)

    def _peaks(self, limit_mm: float) -> tuple[Triangles, Single]:
        """Return distances at many more points of those triangles that come near to a limit, and these triangles."""
        high = np.unique(self._back_corners[self._back > PEAK * limit_mm], axis=0)
        if len(high) == 0:
            return high, np.zeros(0, np.float32)
        dense = Samples(self.mesh.points, high, DENSE_PER_MM2)
        return high[dense.triangle], self._cells.distances(dense)

    def _rim_of(self, edges: npt.NDArray[np.int64]) -> Flags:
        """Return which of some edges are on a rim of the raw iso-surface."""
        count = np.int64(len(self._smoothed))
        before = np.sort(bad_edges(self._before), axis=1)
        edges = np.sort(edges, axis=1)
        return np.asarray(np.isin(edges[:, 0] * count + edges[:, 1], before[:, 0] * count + before[:, 1]))

    def _undo(self, which: Flags) -> None:
        """Put what was merged into some vertices where it was before, and measure there again."""
        again = which[self.mesh.into]
        into = np.where(again, np.arange(len(again), dtype=np.int32), self.mesh.into)
        self.mesh = Merged(into, np.where(again[:, None], self._smoothed, self.mesh.points))
        self.triangles = left = self.mesh.triangles(self._before)
        near = again.copy()
        for _ring in range(3):
            near[left[near[left].any(axis=1)]] = True
        of_triangle = np.asarray(near[into[self._before]].any(axis=1))
        points = np.flatnonzero(of_triangle.take(self._samples.triangle)).astype(np.int32)
        self._mesh_cells = Cells(self.mesh.points, left, self._ijk_from_lps, Samples(self.mesh.points, left))
        self._there[points] = self._mesh_cells.distances(self._samples, points)
        vertices = np.flatnonzero(near[into]).astype(np.int32)
        self._at_vertices[vertices] = self._mesh_cells.distances(self._vertices, vertices)
        new = left[again[left].any(axis=1)]
        spread = Samples(self.mesh.points, new)
        kept = ~which[self._back_corners].any(axis=1)
        self._back = np.concatenate((self._back[kept], self._cells.distances(spread)))
        self._back_corners = np.concatenate((self._back_corners[kept], new[spread.triangle]))
