"""Smoothing that moves each vertex along its normal only, by a stated distance at most, and keeps the volume."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arviewer.imaging.meshing.contour import Triangles, windowed_sinc
from arviewer.imaging.meshing.quality import area_vectors
from arviewer.model.geometry import Float

ITERATIONS = 20
"""Of the windowed-sinc filter."""

PASS_BAND = 0.03
"""Of the same; on known shapes with noise it left half the error of the raw iso-surface."""


def smoothed(points: Float, triangles: Triangles, free: npt.NDArray[np.bool_], max_move_mm: float) -> Float:
    """Return the points, each within `max_move_mm` of where it was; those that are not `free` stay there."""
    # First, while nothing else is held: the filter takes more than all that follows.
    moves = windowed_sinc(points, triangles, ITERATIONS, PASS_BAND)
    vectors = area_vectors(points, triangles)
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    vectors /= np.where(length > 0, length, 1.0)[:, None]
    moved = _bounded(np.einsum("ij,ij->i", moves, vectors), free, length / 3.0, max_move_mm)
    del moves, length
    vectors *= moved[:, None]
    vectors += points
    return vectors


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
