"""Cut with a closed line drawn on a picture: through all that lies behind it, or through a slab."""

from __future__ import annotations

from collections.abc import Mapping

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
    lasso = hand.lasso
    lookup = _Lookup(lasso.polygon)
    to_plane = lasso.clip_from_lps @ volume.geometry.lps_from_ijk.matrix
    depth = _depth_from_ijk(volume, lasso)
    inside = np.zeros(box.voxels.shape, np.bool_)
    for n, plane in enumerate(box.voxels):
        progress(n / len(box.voxels))
        where = np.flatnonzero(plane)
        j, i = np.divmod(where, plane.shape[1])
        ijk1 = (i + box.start_kji[2], j + box.start_kji[1], n + box.start_kji[0], 1.0)
        x, y, w = (_linear(to_plane[row], ijk1) for row in (0, 1, 3))
        kept = w > 0.0
        if depth is not None:
            kept &= np.abs(_linear(depth[0], ijk1)) <= depth[1]
        where, w = where[kept], w[kept]
        inside[n].reshape(-1)[where] = lookup.inside(x[kept] / w, y[kept] / w)
    if not inside.any():
        raise NothingFound(
            _("Nothing of the structure lies within the line."), "", _("Draw the line over the structure.")
        )
    return inside


def _linear(row: Float, ijk1: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int, float]) -> Float:
    i, j, k, one = ijk1
    return np.asarray(row[0] * i + row[1] * j + (row[2] * k + row[3] * one), np.float64)


def _depth_from_ijk(volume: Volume, lasso: Lasso) -> tuple[Float, float] | None:
    """Return the row that gives a voxel's distance from the middle of the slab in mm, and how far it may be."""
    if lasso.slab is None:
        return None
    normal = np.asarray(lasso.slab.normal_lps, np.float64)
    row = normal @ volume.geometry.lps_from_ijk.matrix[:3]
    row[3] -= normal @ lasso.slab.origin_lps
    return row, lasso.slab.half_mm


class _Lookup:
    """Tells which points lie within a polygon (even-odd): from a table of cells, exactly where the line passes."""

    def __init__(self, polygon: Float) -> None:
        self.polygon = polygon
        self.low = polygon.min(axis=0)
        self.size = np.maximum(polygon.max(axis=0) - self.low, 1e-12) / CELLS
        middles = (np.arange(CELLS) + 0.5)[:, None] * self.size + self.low
        x, y = np.tile(middles[:, 0], CELLS), np.repeat(middles[:, 1], CELLS)
        # A margin of one cell all round is outside.
        self.cells = np.zeros((CELLS + 2, CELLS + 2), np.uint8)
        self.cells[1:-1, 1:-1] = crossings_odd(polygon, x, y).reshape(CELLS, CELLS)
        column, row = self._along_the_line().T
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                self.cells[np.clip(row + dy, 0, CELLS + 1), np.clip(column + dx, 0, CELLS + 1)] = UNSURE

    def _along_the_line(self) -> npt.NDArray[np.int64]:
        """Return cells (column, row) at most half a cell apart all along the line, the margin counted."""
        places = (self.polygon - self.low) / self.size
        found = []
        for a, b in zip(places, np.roll(places, -1, axis=0), strict=True):
            count = int(2 * np.abs(b - a).max()) + 2
            found.append(a + np.linspace(0.0, 1.0, count)[:, None] * (b - a))
        return np.asarray(np.floor(np.concatenate(found)), np.int64) + 1

    def inside(self, x: Float, y: Float) -> Bools:
        """Return whether each point lies within."""
        column = np.clip((x - self.low[0]) / self.size[0] + 1.0, 0.0, CELLS + 1.5).astype(np.int32)
        row = np.clip((y - self.low[1]) / self.size[1] + 1.0, 0.0, CELLS + 1.5).astype(np.int32)
        found = self.cells[row, column]
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
