"""What is true of a triangle mesh: closed, area, error, volume; numpy on whole arrays."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from arviewer.imaging.meshing.contour import Triangles
from arviewer.imaging.meshing.field import CapPlane
from arviewer.model.geometry import Float
from arviewer.model.surface import Parts

CHUNK = 1 << 15
"""Triangles handled at a time: their corners stay in the processor's cache."""

EDGE_CHUNK = 1 << 16
"""Triangles whose edges are sorted at a time."""


def bad_edges(triangles: Triangles) -> npt.NDArray[np.int64]:
    """Return the undirected edges, shape (N, 2), that do not have exactly one triangle on each side."""
    if len(triangles) == 0:
        return np.zeros((0, 2), np.int64)
    count = np.int64(triangles.max()) + 1
    starts = range(0, len(triangles), EDGE_CHUNK)
    # Neighbours in space are neighbours in the list: once no later triangle has a vertex as low as an edge's lower
    # one, all that is to be known of the edge is known, and it need not be kept.
    lowest = [int(triangles[n : n + EDGE_CHUNK].min()) for n in starts]
    later = [*itertools.accumulate((int(count), *reversed(lowest[1:])), min)][::-1]
    ahead = back = np.zeros(0, np.int64)
    found = [np.zeros((0, 2), np.int64)]
    for start, settled in zip(starts, later, strict=True):
        new_ahead, new_back = _edge_keys(triangles[start : start + EDGE_CHUNK], count)
        ahead, back = np.concatenate((ahead, new_ahead)), np.concatenate((back, new_back))
        ahead.sort()
        back.sort()
        n, m = np.searchsorted(ahead, settled * count), np.searchsorted(back, settled * count)
        found.append(_unpaired(ahead[:n], back[:m], count))
        ahead, back = ahead[n:], back[m:]
    return np.concatenate(found)


def _edge_keys(triangles: Triangles, count: np.int64) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return lower vertex x `count` + higher of the edges that run from lower to higher, and of those that run back."""
    ahead, back = [], []
    for n in range(3):
        a, b = triangles[:, n].astype(np.int64), triangles[:, (n + 1) % 3].astype(np.int64)
        forward = a < b
        ahead.append((a * count + b)[forward])
        back.append((b * count + a)[~forward])
    return np.concatenate(ahead), np.concatenate(back)


def _unpaired(ahead: npt.NDArray[np.int64], back: npt.NDArray[np.int64], count: np.int64) -> npt.NDArray[np.int64]:
    """Return the edges, shape (N, 2), whose sorted keys are not exactly once in `ahead` and once in `back`."""
    if np.array_equal(ahead, back) and not (ahead[1:] == ahead[:-1]).any():
        return np.zeros((0, 2), np.int64)
    keys, seen = np.unique(np.concatenate((ahead, back)), return_counts=True)
    seen_ahead = np.searchsorted(ahead, keys, "right") - np.searchsorted(ahead, keys, "left")
    bad = keys[(seen != 2) | (seen_ahead != 1)]
    return np.stack((bad // count, bad % count), axis=1)


def corners_of(points: npt.NDArray[np.floating], triangles: Triangles) -> tuple[Float, Float, Float]:
    """Return the three corners of triangles, each of shape (3, N): x, y and z as rows of their own."""
    found = np.ascontiguousarray(points.take(triangles.T.reshape(-1), axis=0).T).reshape(3, 3, -1)
    return found[:, 0], found[:, 1], found[:, 2]


def triangle_areas(points: npt.NDArray[np.floating], triangles: Triangles) -> Float:
    """Return the area of each triangle, shape (M,), mm²."""
    a, b, c = corners_of(points, triangles)
    (ux, uy, uz), (vx, vy, vz) = b - a, c - a
    x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    return np.asarray(np.sqrt(x * x + y * y + z * z) / 2, dtype=np.float64)


def area_on_planes(points: Float, triangles: Triangles, planes: npt.NDArray[np.uint8]) -> float:
    """Return the area (mm²) of the triangles that lie on a plane, with the bits of each vertex as of `on_planes`."""
    total = 0.0
    for first in range(0, len(triangles), CHUNK):
        part = triangles[first : first + CHUNK]
        bits = planes[part]
        part = part[(bits[:, 0] & bits[:, 1] & bits[:, 2]) != 0]
        if len(part):
            total += float(triangle_areas(points, part).sum())
    return total


def share_of_area(points: Float, triangles: Triangles, marked: npt.NDArray[np.bool_]) -> float:
    """Return the share of the area, 0 to 1, of the marked vertices: each has a third of each of its triangles."""
    if not marked.any():
        return 0.0
    total = of_marked = 0.0
    for first in range(0, len(triangles), CHUNK):
        part = triangles[first : first + CHUNK]
        areas = triangle_areas(points, part)
        total += float((areas * 3).sum())
        of_marked += float((areas * marked[part].sum(axis=1)).sum())
    return of_marked / max(total, 1e-12)


def area_vectors(points: npt.NDArray[np.floating], triangles: Triangles) -> Float:
    """Return for each vertex the sum of the area vectors (mm², outward) of its triangles, shape (N, 3).

    Its direction is the area-weighted normal; a third of its length is the vertex's share of a smooth surface; a
    third of its product with a displacement is what that adds to the enclosed volume, to first order.
    """
    out = np.zeros((len(points), 3))
    for first in range(0, len(triangles), CHUNK):
        part = triangles[first : first + CHUNK]
        a = points[part[:, 0]]
        u, v = points[part[:, 1]] - a, points[part[:, 2]] - a
        low = int(part.min())
        local = (part - low).reshape(-1)
        size = int(local.max()) + 1
        for n in range(3):
            x, y = (n + 1) % 3, (n + 2) % 3
            area = (u[:, x] * v[:, y] - u[:, y] * v[:, x]) / 2
            out[low : low + size, n] += np.bincount(local, weights=np.repeat(area, 3), minlength=size)
    return out


def parts_of(triangles: Triangles, rim: npt.NDArray[np.int64] | None = None) -> Parts:
    """Return the connected pieces of a manifold mesh and their handles, by the Euler characteristic.

    Openings count as closed by a disk each.

    Parameters
    ----------
    rim : ndarray, shape (N, 2), optional
        What `bad_edges` returned, if it is known.
    """
    if len(triangles) == 0:
        return Parts()
    rim = bad_edges(triangles) if rim is None else rim
    vertices, pieces = _pieces(triangles[:, :2], triangles[:, 1:])
    openings = _pieces(rim[:, 0], rim[:, 1])[1] if len(rim) else 0
    edges = (3 * len(triangles) + len(rim)) // 2
    characteristic = vertices - edges + len(triangles) + openings
    return Parts(pieces, pieces - characteristic // 2)


def _pieces(a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> tuple[int, int]:
    """Return how many vertices the edges between `a` and `b` have, and in how many pieces they hang together."""
    a, b = a.reshape(-1), b.reshape(-1)
    count = int(max(a.max(), b.max())) + 1
    used = np.zeros(count, np.bool_)
    used[a] = used[b] = True
    vertices = int(np.count_nonzero(used))
    graph = csr_array((np.ones(len(a), np.uint8), (a, b)), shape=(count, count))
    return vertices, int(connected_components(graph, directed=False)[0]) - (count - vertices)


def on_planes(points_ijk: Float, planes: tuple[CapPlane, ...]) -> npt.NDArray[np.uint8]:
    """Return for each point the planes it lies on, bit n for plane n, shape (N,); planes as in `Field`."""
    bits = np.zeros(len(points_ijk), dtype=np.uint8)
    for n, (axis, _side, position) in enumerate(planes):
        bits |= (np.abs(points_ijk[:, axis] - position) < 1e-4).astype(np.uint8) << n
    return bits
