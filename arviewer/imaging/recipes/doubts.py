"""Where a structure was cut off from what is as bright beside it: the places to look at first."""

from __future__ import annotations

import numpy as np

from arviewer.imaging.recipes.places import Tally
from arviewer.imaging.recipes.scan import face_areas_mm2
from arviewer.imaging.runs import Mask
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.volume import Volume

LEAST_MM2 = 2.0
"""A smaller cut is the noise of single voxels."""


def cut_off(
    volume: Volume,
    mask: Mask,
    beyond: Mask,
    name: str,
    start_kji: tuple[int, int, int] = (0, 0, 0),
    factors: tuple[int, int, int] = (1, 1, 1),
) -> tuple[Finding, ...]:
    """Return the finding that a structure was cut off where it went on, with the places, when it was.

    Parameters
    ----------
    mask, beyond : ndarray of bool, shape (K, J, I)
        The structure, and what is as bright as it but was left out, in a box of the volume.
    start_kji : tuple of int
        Voxel of the volume where the box begins.
    factors : tuple of int
        Voxels of the volume in one element along k, j, i.
    """
    areas = np.array(face_areas_mm2(volume)) * np.prod(factors) / np.array(factors)
    tally, total = Tally(volume), 0.0
    last = np.array(volume.geometry.shape_kji) - 1
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        for one, other in ((tuple(low), tuple(high)), (tuple(high), tuple(low))):
            faces = np.argwhere(mask[one] & beyond[other])
            faces[:, axis] += one[axis].start or 0
            total += float(areas[axis]) * len(faces)
            k, j, i = np.minimum(start_kji + faces * factors + np.array(factors) // 2, last).T
            tally.add((k, j, i))
    if total < LEAST_MM2:
        return ()
    details: dict[str, str | int | float] = {"name": name, "area_mm2": round(total)}
    return (Finding(FindingKind.LEAK_RISK, Severity.WARNING, details=details, places_lps=tally.places()),)
