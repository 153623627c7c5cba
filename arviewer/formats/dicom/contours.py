"""Contours to coverage: how much of each pixel lies inside, even-odd, so that holes and keyholes are holes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from arviewer.model.geometry import Float

SUBLINES = 8
"""Lines per pixel row on which coverage along the row is exact: at most 1/16 of a pixel is left to chance."""


def coverage(contours: Sequence[Float], rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Return the share of each pixel inside closed contours, shape (rows, columns), 0 to 1.

    A point is inside when a ray from it crosses the contours an odd number of times, all contours of the plane
    taken together (PS3.3 C.8.8.6.3: an inner contour is a hole, and so is the inside of a keyhole).

    Parameters
    ----------
    contours : sequence of ndarray, shape (N, 2)
        Corners as (column, row) in pixels, pixel centres at integers; the last one joins the first.
    """
    starts = np.concatenate(contours)
    stops = np.concatenate([np.roll(one, -1, axis=0) for one in contours])
    lines, places = _crossings(starts, stops, rows)
    order = np.lexsort((places, lines))
    lines, places = lines[order], np.clip(places[order] + 0.5, 0.0, columns)
    # In turns into the inside and out of it; each line is crossed an even number of times.
    sign = 1.0 - 2.0 * (np.arange(len(lines)) % 2)
    pixel = np.minimum(places.astype(np.int64), columns - 1)
    share = places - pixel
    width = columns + 1
    row = lines // SUBLINES
    steps = np.bincount(row * width + pixel, sign * (1.0 - share), rows * width)
    steps += np.bincount(row * width + pixel + 1, sign * share, rows * width)
    filled = np.cumsum(steps.reshape(rows, width)[:, :columns], axis=1) / SUBLINES
    return np.clip(filled, 0.0, 1.0).astype(np.float32)


def _crossings(starts: Float, stops: Float, rows: int) -> tuple[npt.NDArray[np.int64], Float]:
    """Return the subline and the column of every place where an edge crosses a subline."""
    # Subline n lies at row (n + 0.5) / SUBLINES − 0.5; an edge crosses those from its lower end on, below its upper.
    a, b = ((end[:, 1] + 0.5) * SUBLINES - 0.5 for end in (starts, stops))
    first = np.clip(np.ceil(np.minimum(a, b)), 0, rows * SUBLINES).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(a, b)), 0, rows * SUBLINES).astype(np.int64)
    counts = last - first
    edge = np.repeat(np.arange(len(starts)), counts)
    lines = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    along = (lines - a[edge]) / (b - a)[edge]
    return lines, starts[edge, 0] + along * (stops[edge, 0] - starts[edge, 0])


def area_vector(points: Float) -> Float:
    """Return the area vector (mm²) of a closed contour, shape (3,): its direction is the normal (Newell's method)."""
    from_middle = points - points.mean(axis=0)
    return np.asarray(np.cross(from_middle, np.roll(from_middle, -1, axis=0)).sum(axis=0) / 2.0, dtype=np.float64)
