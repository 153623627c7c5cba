"""What is true of a triangle mesh: closed, area, error, volume; numpy on whole arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arviewer.imaging.meshing.contour import Triangles
from arviewer.model.geometry import Float
from arviewer.model.surface import SurfaceError


def is_closed(triangles: Triangles) -> bool:
    """Whether every edge has exactly two triangles, which run along it in opposite directions."""
    return len(triangles) > 0 and len(bad_edges(triangles)) == 0


def bad_edges(triangles: Triangles) -> npt.NDArray[np.int64]:
    """Return the undirected edges, shape (N, 2), that do not have exactly one triangle on each side."""
    count = np.int64(triangles.max(initial=0)) + 1
    a = triangles.astype(np.int64).reshape(-1)
    b = triangles[:, [1, 2, 0]].astype(np.int64).reshape(-1)
    forward, low, high = a < b, np.minimum(a, b), np.maximum(a, b)
    key = low * count + high
    ahead, back = np.sort(key[forward]), np.sort(key[~forward])
    if len(ahead) == len(back) and np.array_equal(ahead, back) and not (ahead[1:] == ahead[:-1]).any():
        return np.zeros((0, 2), np.int64)
    keys, ahead_count = np.unique(np.concatenate((ahead, back)), return_counts=True)
    seen_ahead = np.searchsorted(ahead, keys, "right") - np.searchsorted(ahead, keys, "left")
    bad = keys[(ahead_count != 2) | (seen_ahead != 1)]
    return np.stack((bad // count, bad % count), axis=1)


def triangle_areas(points: Float, triangles: Triangles) -> Float:
    """Return the area of each triangle, shape (M,), mm²."""
    a, b, c = (points[triangles[:, n]] for n in range(3))
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2, dtype=np.float64)


def vertex_areas(areas: Float, triangles: Triangles, count: int) -> Float:
    """Return a third of the area of the triangles round each vertex, shape (N,), mm²."""
    shares = np.bincount(triangles.reshape(-1), weights=np.repeat(areas / 3, 3), minlength=count)
    return np.asarray(shares, dtype=np.float64)


def vertex_normals(points: Float, triangles: Triangles) -> Float:
    """Return the area-weighted unit normal at each vertex, shape (N, 3), outward."""
    a, b, c = (points[triangles[:, n]] for n in range(3))
    face = np.cross(b - a, c - a)
    flat = triangles.reshape(-1)
    normal = np.stack(
        [np.bincount(flat, weights=np.repeat(face[:, n], 3), minlength=len(points)) for n in range(3)], axis=1
    )
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(normal / np.where(length > 0, length, 1.0), dtype=np.float64)


def displacement_error(displacement_mm: Float, weights: Float) -> SurfaceError:
    """Return mean, 95th percentile and maximum of the displacements, weighted by area.

    Vertices correspond, and a point inside a triangle moves at most as far as its corners, so these bound the
    distance between the two surfaces in both directions.
    """
    order = np.argsort(displacement_mm)
    running = np.cumsum(weights[order])
    total = float(running[-1])
    at = min(int(np.searchsorted(running, 0.95 * total)), len(order) - 1)
    mean = float(np.average(displacement_mm, weights=weights)) if total > 0 else 0.0
    return SurfaceError(mean, float(displacement_mm[order[at]]), float(displacement_mm[order[-1]]))


def on_planes(points_ijk: Float, planes: tuple[tuple[int, float], ...]) -> npt.NDArray[np.uint8]:
    """Return for each point the planes it lies on, bit n for plane n, shape (N,); planes as in `Field`."""
    bits = np.zeros(len(points_ijk), dtype=np.uint8)
    for n, (axis, position) in enumerate(planes):
        bits |= (np.abs(points_ijk[:, axis] - position) < 1e-4).astype(np.uint8) << n
    return bits
