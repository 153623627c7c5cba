"""Where to look first: a few places out of many doubtful voxels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arviewer.imaging.runs import Mask
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.volume import Volume

Places = tuple[tuple[float, float, float], ...]

MOST_PLACES = 5
CELL_MM = 12.0
"""Edge of the cells that doubtful voxels are counted in: what one view of a slice shows closely."""

LEAST_SHARE = 0.1
"""Cells with less than this share of the fullest are not worth a look."""


class Tally:
    """Counts doubtful voxels in cells, and tells the fullest cells."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._cell = [max(1, round(CELL_MM / float(s))) for s in volume.geometry.spacing_mm[::-1]]
        shape = [-(-n // cell) for n, cell in zip(volume.geometry.shape_kji, self._cell, strict=True)]
        self._shape = (shape[0], shape[1], shape[2])
        self._sums = np.zeros((4, int(np.prod(shape))))

    @property
    def count(self) -> int:
        """How many voxels were added."""
        return int(self._sums[0].sum())

    def add(self, kji: tuple[npt.NDArray[np.signedinteger], ...]) -> None:
        """Count voxels by their indices in the volume, as of `numpy.nonzero`."""
        cells = np.ravel_multi_index([n // cell for n, cell in zip(kji, self._cell, strict=True)], self._shape)
        for total, weight in zip(self._sums, (None, *kji), strict=True):
            total += np.bincount(cells, weight, total.size)

    def places(self) -> Places:
        """Return the middles of the doubtful voxels in the fullest cells, no two of them neighbours, fullest first."""
        found: list[tuple[int, ...]] = []
        out: list[tuple[float, float, float]] = []
        matrix = self._volume.geometry.lps_from_ijk.matrix
        for cell in np.argsort(-self._sums[0], kind="stable")[: 27 * MOST_PLACES]:
            count, *total = self._sums[:, cell]
            at = tuple(int(n) for n in np.unravel_index(cell, self._shape))
            if count == 0 or count < LEAST_SHARE * self._sums[0].max() or len(out) == MOST_PLACES:
                break
            if all(max(abs(a - b) for a, b in zip(at, other, strict=True)) > 1 for other in found):
                found.append(at)
                kji = np.array(total) / count
                x, y, z = (matrix[:3, :3] @ kji[::-1] + matrix[:3, 3]).round(1).tolist()
                out.append((x, y, z))
        return tuple(out)


def touching(
    volume: Volume, a: Mask, b: Mask, name: str, other: str, start_kji: tuple[int, int, int] = (0, 0, 0)
) -> tuple[Finding, ...]:
    """Return the finding that two masks share faces, with the places where they do most of all.

    Parameters
    ----------
    start_kji : tuple of int
        Place of both arrays' first voxel in the volume.
    """
    tally = Tally(volume)
    for k in range(len(a)):
        faces = np.zeros(a.shape[1:], np.bool_)
        for one, two in ((a[k], b[k]), (b[k], a[k])):
            faces[:, :-1] |= one[:, :-1] & two[:, 1:]
            faces[:-1] |= one[:-1] & two[1:]
        if k + 1 < len(a):
            faces |= (a[k] & b[k + 1]) | (b[k] & a[k + 1])
        if faces.any():
            j, i = np.nonzero(faces)
            tally.add((np.full(len(j), k + start_kji[0]), j + start_kji[1], i + start_kji[2]))
    if not tally.count:
        return ()
    details = {"name": name, "other": other}
    return (Finding(FindingKind.TOUCHING, Severity.WARNING, details=details, places_lps=tally.places()),)
