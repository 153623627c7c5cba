"""Where a plane cuts a surface: closed lines for the slices, from the very triangles that are exported."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arviewer.model.geometry import Float, Plane, require_same_space
from arviewer.model.surface import Surface
from arviewer.render.shapes import OfShape

BLOCK = 32
"""Triangles that share one bounding box: small enough to skip most of a mesh, large enough that the boxes
themselves cost little (16,000 for 500,000 triangles)."""

CELLS = 64
"""Grid cells per side by which triangles are gathered into blocks of neighbours."""

ROUNDING_MM = 1e-6
"""Room around each box, so that a corner on its face is not lost to rounding."""

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
    return _cutter_of(surface).cut(plane)


class Cutter:
    """A surface made ready for cutting: blocks of neighbouring triangles, each in a box.

    A cut looks at the boxes first and then only at the triangles of those that the plane touches.
    """

    def __init__(self, surface: Surface) -> None:
        self._space = surface.frame_of_reference_uid
        self._points = surface.points_lps
        order = np.argsort(_cells(surface), kind="stable")
        count = -(-len(order) // BLOCK)
        # The last block is filled up by repeating its last triangle, which `_crossing` leaves out again.
        self._surplus = count * BLOCK - len(order)
        padded = np.concatenate([order, np.repeat(order[-1:], self._surplus)])
        self._triangles = surface.triangles[padded].reshape(count, BLOCK, 3)
        corners = self._points[self._triangles].reshape(count, BLOCK * 3, 3)
        low, high = corners.min(axis=1, initial=np.inf), corners.max(axis=1, initial=-np.inf)
        self._centers, self._halves = (low + high) / 2, (high - low) / 2

    def cut(self, plane: Plane) -> list[Polyline]:
        """Return the lines in which a plane cuts the surface; see `outline`."""
        require_same_space(self._space, plane.lps_from_view.to_space)
        triangles, beyond = self._crossing(plane)
        if len(triangles) == 0:
            return []
        entries, exits = _segments(triangles, beyond)
        starts, stops = self._flat(entries, plane), self._flat(exits, plane)
        count = len(self._points)
        chains = _chains(entries[:, 0] * count + entries[:, 1], exits[:, 0] * count + exits[:, 1])
        return [np.vstack((starts[chain], stops[chain[-1:]])) for chain in chains]

    def _crossing(self, plane: Plane) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return the triangles with corners on both sides, shape (M, 3), and which corners lie beyond."""
        reach = self._halves @ np.abs(plane.normal_lps) + ROUNDING_MM
        blocks = np.flatnonzero(np.abs(_depth(self._centers, plane)) <= reach)
        triangles = self._triangles[blocks].reshape(-1, 3)
        if self._surplus and len(blocks) and blocks[-1] == len(self._triangles) - 1:
            triangles = triangles[: -self._surplus]
        beyond = (_depth(self._points[triangles.ravel()], plane) >= 0).reshape(-1, 3)
        crossing = beyond.any(axis=1) & ~beyond.all(axis=1)
        return triangles[crossing], beyond[crossing]

    def _flat(self, edges: npt.NDArray[np.int64], plane: Plane) -> Polyline:
        """Return the points where edges, shape (N, 2), meet the plane, in `View` mm."""
        start, stop = self._points[edges[:, 0]], self._points[edges[:, 1]]
        above, below = _depth(start, plane), _depth(stop, plane)
        points = start + (stop - start) * (above / (above - below))[:, None] - plane.origin_lps
        return np.column_stack((_along(points, plane.right_lps), _along(points, plane.down_lps)))


def _depth(points_lps: Float, plane: Plane) -> Float:
    """Return how far points, shape (N, 3), lie beyond a plane, in mm."""
    return _along(points_lps - plane.origin_lps, plane.normal_lps)


def _along(offsets: Float, direction: Float) -> Float:
    """Return the component of vectors, shape (N, 3), along a unit direction.

    Written out, because a matrix product may round one corner differently in two triangles, and a corner in the
    plane must lie on the same side of it, at the same place, in both.
    """
    (x, y, z), (a, b, c) = offsets.T, direction
    return np.asarray(x * a + y * b + z * c)


def _segments(
    triangles: npt.NDArray[np.int32], beyond: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the edges through which the line enters and leaves each triangle, as (low, high) point numbers.

    The one corner that is alone on its side is turned to the front; whether it lies beyond decides the
    direction, so that all segments of a surface run the same way round.
    """
    alone_is_beyond = beyond.sum(axis=1) == 1
    alone = np.argmax(beyond == alone_is_beyond[:, None], axis=1)
    rows = np.arange(len(triangles))
    a, b, c = (triangles[rows, (alone + n) % 3].astype(np.int64) for n in range(3))
    to_b = np.column_stack((np.minimum(a, b), np.maximum(a, b)))
    to_c = np.column_stack((np.minimum(a, c), np.maximum(a, c)))
    flip = alone_is_beyond[:, None]
    return np.where(flip, to_b, to_c), np.where(flip, to_c, to_b)


_cutter_of = OfShape(Cutter)


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


def _chains(starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Join segments end to end, each known by the edges it starts and stops at; return their numbers in order."""
    followers = _followers(starts, stops)
    # Open ends first: a chain that began in its middle would be cut in two.
    led = np.zeros(len(starts), dtype=bool)
    led[followers[followers >= 0]] = True
    follower = followers.tolist()
    unused = [True] * len(follower)
    chains = []
    for first in (*np.flatnonzero(~led).tolist(), *range(len(follower))):
        chain = []
        segment = first
        while segment >= 0 and unused[segment]:
            unused[segment] = False
            chain.append(segment)
            segment = follower[segment]
        if chain:
            chains.append(np.array(chain, dtype=np.int64))
    return chains


def _followers(starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for each segment the one that starts where it stops, or -1; each follows one at most.

    Where several segments meet in one edge (a surface that touches itself), the n-th to stop there is followed
    by the n-th to start.
    """
    by_start, by_stop = np.argsort(starts, kind="stable"), np.argsort(stops, kind="stable")
    sorted_starts, sorted_stops = starts[by_start], stops[by_stop]
    rank = np.arange(len(stops)) - np.searchsorted(sorted_stops, sorted_stops)
    place = np.searchsorted(sorted_starts, sorted_stops) + rank
    inside = np.minimum(place, len(starts) - 1)
    found = (place < len(starts)) & (sorted_starts[inside] == sorted_stops)
    followers = np.full(len(starts), -1, dtype=np.int64)
    followers[by_stop] = np.where(found, by_start[inside], -1)
    return followers
