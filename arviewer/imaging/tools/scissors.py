"""Cut with a closed line drawn on a picture: through all that lies behind it, or through a slab."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.tools.tool import TARGET, Outcome
from arviewer.model.geometry import Float
from arviewer.model.intent import Hand, Lasso
from arviewer.model.masks import AnyMask, Bools, MaskBox, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

CELLS = 512
"""Cells along each side of the line's box; points of cells that the line does not cross need no exact test."""

OUT, IN, UNSURE = 0, 1, 2
MOSTLY = 0.5
"""Share of a piece within the line from which on it counts as meant."""


def cut_inside(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Remove what lies within the line."""
    box = mask.box()
    return Outcome({TARGET: cropped(box.voxels & ~_within(volume, box, hand, progress), box.start_kji)})


def cut_outside(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Remove what lies outside the line."""
    box = mask.box()
    return Outcome({TARGET: cropped(_within(volume, box, hand, progress), box.start_kji)})


def keep_pieces(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Keep, whole, the pieces that lie mostly within the line."""
    box = mask.box()
    inside = _within(volume, box, hand, part(progress, 0.0, 0.5))
    count, labels = runs.label(box.voxels, part(progress, 0.5, 0.9))
    sizes = np.bincount(labels[box.voxels], minlength=count + 1)
    kept = np.bincount(labels[inside], minlength=count + 1) > MOSTLY * sizes
    if not kept.any():
        raise NothingFound(
            _("No piece of the structure lies mostly within the line."), "", _("Draw the line round all that is meant.")
        )
    return Outcome({TARGET: cropped(kept[labels], box.start_kji)})


def _within(volume: Volume, box: MaskBox, hand: Hand, progress: Progress) -> Bools:
    """Return the structure's voxels whose centres lie within the line.

    Raises
    ------
    NothingFound
        When there are none.
    """
    assert hand.lasso is not None
    lookup = _Lookup(hand.lasso.polygon)
    to_cells = lookup.cells_from_plane @ hand.lasso.clip_from_lps[[0, 1, 3]] @ volume.geometry.lps_from_ijk.matrix
    depth = _depth_from_ijk(volume, hand.lasso)
    inside = np.zeros(box.voxels.shape, np.bool_)
    _slices, rows, columns = box.voxels.shape

    def cut(n: int) -> None:
        j, i = np.nonzero(box.voxels[n])
        k = n + box.start_kji[0]

        def linear(row: Float) -> Float:
            along_j = row[1] * (np.arange(rows) + box.start_kji[1]) + (row[2] * k + row[3])
            return np.asarray((row[0] * (np.arange(columns) + box.start_kji[2]))[i] + along_j[j], np.float64)

        w = linear(to_cells[2])
        before = w > 0.0
        if depth is not None:
            before &= np.abs(linear(depth[0])) <= depth[1]
        x, y, w = linear(to_cells[0])[before], linear(to_cells[1])[before], w[before]
        inside[n, j[before], i[before]] = lookup.inside(x / w, y / w)

    with ThreadPoolExecutor(2) as pool:
        for n, _done in enumerate(pool.map(cut, range(len(inside)))):
            progress(n / len(inside))
    if not inside.any():
        raise NothingFound(
            _("Nothing of the structure lies within the line."), "", _("Draw the line over the structure.")
        )
    return inside


def _depth_from_ijk(volume: Volume, lasso: Lasso) -> tuple[Float, float] | None:
    """Return the row that gives a voxel's distance from the middle of the slab in mm, and how far it may be."""
    if lasso.slab is None:
        return None
    normal = np.asarray(lasso.slab.normal_lps, np.float64)
    row = normal @ volume.geometry.lps_from_ijk.matrix[:3]
    row[3] -= normal @ lasso.slab.origin_lps
    return row, lasso.slab.half_mm


class _Lookup:
    """Tells which points lie within a polygon (even-odd): from a table of cells, exactly where the line passes.

    Attributes
    ----------
    cells_from_plane : ndarray, shape (3, 3)
        From the picture's plane, homogeneous, to cells; the first cell of each side is a margin that is outside.
    """

    def __init__(self, polygon: Float) -> None:
        low = polygon.min(axis=0)
        per_cell = np.maximum(polygon.max(axis=0) - low, 1e-12) / CELLS
        self.cells_from_plane = np.eye(3)
        self.cells_from_plane[[0, 1], [0, 1]] = 1.0 / per_cell
        self.cells_from_plane[:2, 2] = 1.0 - low / per_cell
        self.polygon = (polygon - low) / per_cell + 1.0
        middles = np.arange(CELLS) + 1.5
        within = crossings_odd(self.polygon, np.tile(middles, CELLS), np.repeat(middles, CELLS))
        self.table = np.zeros((CELLS + 2, CELLS + 2), np.uint8)
        self.table[1:-1, 1:-1] = within.reshape(CELLS, CELLS)
        column, row = self._along_the_line().T
        for aside in (-1, 0, 1):
            for down in (-1, 0, 1):
                self.table[np.clip(row + down, 0, CELLS + 1), np.clip(column + aside, 0, CELLS + 1)] = UNSURE

    def _along_the_line(self) -> npt.NDArray[np.int64]:
        """Return cells (column, row) at most half a cell apart all along the line."""
        found = []
        for a, b in zip(self.polygon, np.roll(self.polygon, -1, axis=0), strict=True):
            count = int(2 * np.abs(b - a).max()) + 2
            found.append(a + np.linspace(0.0, 1.0, count)[:, None] * (b - a))
        return np.asarray(np.floor(np.concatenate(found)), np.int64)

    def inside(self, x: Float, y: Float) -> Bools:
        """Return whether each point, in cells, lies within."""
        column, row = (np.clip(at, 0.0, CELLS + 1.5).astype(np.int32) for at in (x, y))
        found = self.table[row, column]
        unsure = np.flatnonzero(found == UNSURE)
        order = unsure[np.argsort(y[unsure])]
        found[order] = crossings_odd(self.polygon, x[order], y[order])
        return np.asarray(found == IN, np.bool_)


def crossings_odd(polygon: Float, x: Float, y: Float) -> Bools:
    """Return whether a ray from each point to the right crosses the polygon an odd number of times.

    Parameters
    ----------
    polygon : ndarray, shape (N, 2)
    x, y : ndarray, shape (M,)
        Sorted by y, so that an edge meets one stretch of them.
    """
    odd = np.zeros(len(x), np.bool_)
    for (x0, y0), (x1, y1) in zip(polygon.tolist(), np.roll(polygon, -1, axis=0).tolist(), strict=True):
        if y0 == y1:
            continue
        first, last = np.searchsorted(y, (min(y0, y1), max(y0, y1)), side="left")
        odd[first:last] ^= x[first:last] < x0 + (y[first:last] - y0) * ((x1 - x0) / (y1 - y0))
    return odd
