"""Where a plane cuts a surface: closed lines for the slices, from the very triangles that are exported."""

from __future__ import annotations

import weakref

import numpy as np
import numpy.typing as npt

from arviewer.model.geometry import Float, Plane, require_same_space
from arviewer.model.surface import Surface

BLOCK = 128
"""Triangles that share one bounding ball: small enough to skip most of a mesh, large enough that the balls
themselves cost little (4,000 for 500,000 triangles)."""

CELLS = 64
"""Grid cells per side by which triangles are gathered into blocks of neighbours."""

Polyline = Float
"""Shape (N, 2), mm in `View`; a closed line repeats its first point at the end."""


def outline(surface: Surface, plane: Plane) -> list[Polyline]:
    """Return the lines in which a plane cuts a surface.

    A corner exactly in the plane counts as lying beyond it, so that the lines of a closed surface always close.

    Returns
    -------
    list of ndarray, each shape (N, 2)
        In `View` mm of the plane (x right, y down).

    Raises
    ------
    GeometryError
        When the plane lies in another frame of reference.
    """
    found = _cutters.get(surface)
    if found is None:
        found = _cutters[surface] = Cutter(surface)
    return found.cut(plane)


class Cutter:
    """A surface made ready for cutting: blocks of neighbouring triangles, each in a ball.

    A cut looks at the balls first and then only at the triangles of those that the plane touches.
    """

    def __init__(self, surface: Surface) -> None:
        self._space = surface.frame_of_reference_uid
        self._points = surface.points_lps
        order = np.argsort(_cells(surface), kind="stable")
        count = -(-len(order) // BLOCK)
        # The last block is filled up by repeating its last triangle, which `_crossing` leaves out again.
        padded = np.concatenate([order, np.repeat(order[-1:], count * BLOCK - len(order))])
        self._triangles = surface.triangles[padded].reshape(count, BLOCK, 3)
        self._surplus = count * BLOCK - len(order)
        corners = self._points[self._triangles].reshape(count, BLOCK * 3, 3)
        low, high = corners.min(axis=1, initial=np.inf), corners.max(axis=1, initial=-np.inf)
        self._centers = (low + high) / 2
        self._radii = np.linalg.norm(high - low, axis=1) / 2

    def cut(self, plane: Plane) -> list[Polyline]:
        """Return the lines in which a plane cuts the surface; see `outline`."""
        require_same_space(self._space, plane.lps_from_view.to_space)
        triangles = self._crossing(plane)
        if len(triangles) == 0:
            return []
        entries, exits = self._segments(triangles, plane)
        return [self._flat(chain, plane) for chain in _chains(entries, exits, len(self._points))]

    def _depth(self, points_lps: Float, plane: Plane) -> Float:
        return np.asarray((points_lps - plane.origin_lps) @ plane.normal_lps)

    def _crossing(self, plane: Plane) -> npt.NDArray[np.int32]:
        """Return the triangles with corners on both sides, shape (M, 3)."""
        near = np.abs(self._depth(self._centers, plane)) <= self._radii
        blocks = np.flatnonzero(near)
        triangles = self._triangles[blocks].reshape(-1, 3)
        if self._surplus and len(blocks) and blocks[-1] == len(self._triangles) - 1:
            triangles = triangles[: -self._surplus]
        beyond = self._depth(self._points[triangles.ravel()], plane).reshape(-1, 3) >= 0
        count = beyond.sum(axis=1)
        return np.asarray(triangles[(count == 1) | (count == 2)])

    def _segments(
        self, triangles: npt.NDArray[np.int32], plane: Plane
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the edges through which the line enters and leaves each triangle, as (low, high) point numbers.

        The one corner that is alone on its side is turned to the front; whether it lies beyond decides the
        direction, so that all segments of a surface run the same way round.
        """
        beyond = self._depth(self._points[triangles.ravel()], plane).reshape(-1, 3) >= 0
        alone_is_beyond = beyond.sum(axis=1) == 1
        alone = np.argmax(beyond == alone_is_beyond[:, None], axis=1)
        rows = np.arange(len(triangles))
        a, b, c = (triangles[rows, (alone + n) % 3].astype(np.int64) for n in range(3))
        to_b = np.column_stack((np.minimum(a, b), np.maximum(a, b)))
        to_c = np.column_stack((np.minimum(a, c), np.maximum(a, c)))
        flip = alone_is_beyond[:, None]
        return np.where(flip, to_b, to_c), np.where(flip, to_c, to_b)

    def _flat(self, edges: npt.NDArray[np.int64], plane: Plane) -> Polyline:
        """Return the points where edges, shape (N, 2), meet the plane, in `View` mm."""
        start, stop = self._points[edges[:, 0]], self._points[edges[:, 1]]
        above, below = self._depth(start, plane), self._depth(stop, plane)
        points = start + (stop - start) * (above / (above - below))[:, None] - plane.origin_lps
        return np.column_stack((points @ plane.right_lps, points @ plane.down_lps))


_cutters: weakref.WeakKeyDictionary[Surface, Cutter] = weakref.WeakKeyDictionary()


def _cells(surface: Surface) -> npt.NDArray[np.int64]:
    """Return for each triangle the cell of a coarse grid that it lies in, neighbours mostly near in number."""
    if len(surface.triangles) == 0:
        return np.zeros(0, dtype=np.int64)
    middles = surface.points_lps[surface.triangles[:, 0]]
    low, high = surface.bounds_lps
    index = ((middles - low) / np.maximum(high - low, 1e-9) * (CELLS - 1)).astype(np.int64)
    code = np.zeros(len(index), dtype=np.int64)
    for bit in range(CELLS.bit_length() - 1):  # Morton order: the bits of x, y and z in turn
        for axis in range(3):
            code |= ((index[:, axis] >> bit) & 1) << (3 * bit + axis)
    return code


def _chains(entries: npt.NDArray[np.int64], exits: npt.NDArray[np.int64], points: int) -> list[npt.NDArray[np.int64]]:
    """Join segments end to end; each chain is a list of edges, shape (N, 2), closed when the last is the first."""
    starts = (entries[:, 0] * points + entries[:, 1]).tolist()
    stops = (exits[:, 0] * points + exits[:, 1]).tolist()
    leaving: dict[int, list[int]] = {}
    for edge, stop in zip(starts, stops, strict=True):
        leaving.setdefault(edge, []).append(stop)
    # Open ends first: a chain that began in its middle would be cut in two.
    ends = set(stops)
    order = [edge for edge in leaving if edge not in ends] + list(leaving)
    chains = []
    for first in order:
        while leaving[first]:
            chain = [first]
            edge = first
            while leaving.get(edge):
                edge = leaving[edge].pop()
                chain.append(edge)
            keys = np.array(chain, dtype=np.int64)
            chains.append(np.column_stack(np.divmod(keys, points)))
    return chains
