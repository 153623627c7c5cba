"""Smoothing that moves each vertex along its normal only, by a stated distance at most, and keeps the volume."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from arviewer.imaging.meshing.contour import Triangles
from arviewer.imaging.meshing.quality import area_vectors
from arviewer.model.geometry import Float

STEPS = 10
"""Of the filter: how far along the surface, in edges, a vertex is influenced."""

CUTOFF = 0.6
"""Of the filter, in rad: with fewer of either, thin rods lose shape, with more, noise stays."""


def smoothed(points: Float, triangles: Triangles, free: npt.NDArray[np.bool_], max_move_mm: float) -> Float:
    """Return the points, each within `max_move_mm` of where it was; those that are not `free` stay there."""
    # First, while nothing else is held: the filter takes more than all that follows.
    moves = low_passed(points, triangles)
    vectors = area_vectors(points, triangles)
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    vectors /= np.where(length > 0, length, 1.0)[:, None]
    moved = _bounded(np.einsum("ij,ij->i", moves, vectors), free, length / 3.0, max_move_mm)
    del moves, length
    vectors *= moved[:, None]
    vectors += points
    return vectors


def low_passed(points: Float, triangles: Triangles) -> npt.NDArray[np.float32]:
    """Return how low-pass filtering along a closed surface moves each point, shape (N, 3), in the unit of the points.

    The windowed sinc of G. Taubin, T. Zhang, G. Golub, "Optimal surface smoothing as filter design", ECCV 1996,
    https://doi.org/10.1007/BFb0015544, as a sum of Chebyshev polynomials of "the mean of a vertex and of those next
    to it". On known shapes 10 steps leave what VTK's 20 leave.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    start = np.empty(points.shape, dtype=np.float32)
    np.subtract(points, middle, out=start, casting="same_kind")
    beside = _neighbors(triangles, len(points))
    share = (np.float32(1) / np.maximum(np.diff(beside.indptr), 1).astype(np.float32))[:, None]
    weights = _weights()
    before, now = start, (beside @ start) * share
    now += start
    now *= np.float32(0.5)
    out = weights[0] * before + weights[1] * now
    for weight in weights[2:]:
        following = beside @ now
        following *= share
        following += now
        following -= before
        before, now = now, following
        out += weight * now
    out -= start
    return np.asarray(out)


def _neighbors(triangles: Triangles, count: int) -> csr_array[np.float32]:
    """Return a matrix with a one for each pair of vertices that share an edge."""
    a, b = triangles.T.reshape(-1), triangles[:, [1, 2, 0]].T.reshape(-1)
    return csr_array((np.ones(len(a), np.float32), (a, b)), shape=(count, count))


def _weights() -> npt.NDArray[np.float32]:
    """Return the coefficients of the sinc's Chebyshev series in a Hamming window; what does not vary stays."""
    n = np.arange(1, STEPS + 1)
    window = 0.54 + 0.46 * np.cos(np.pi * n / (STEPS + 1))
    weights = np.concatenate(([CUTOFF / np.pi], window * 2 * np.sin(n * CUTOFF) / (np.pi * n)))
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def _bounded(moved: Float, free: npt.NDArray[np.bool_], shares: Float, max_error_mm: float) -> Float:
    """Return how far each vertex moves along its normal, shape (N,), mm; at most the bound, and only where free.

    The filter's slide along the surface is dropped: it changes no shape, but would count as error. What the filter
    takes from the volume is given back evenly.
    """
    moved = np.clip(moved * free, -max_error_mm, max_error_mm)
    area = float(shares[free].sum())
    if area > 0:
        moved = np.clip(moved - float(moved @ shares) / area, -max_error_mm, max_error_mm) * free
    return np.asarray(moved, dtype=np.float64)
