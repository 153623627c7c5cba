"""Vessels in an organ, filled in."""

from __future__ import annotations

import numpy as np

from arviewer.imaging import runs
from arviewer.imaging.recipes.scan import face_areas_mm2
from arviewer.imaging.runs import Mask
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, part


def vessels_filled(volume: Volume, mask: Mask, max_mm2: float, progress: Progress) -> Mask:
    """Return the mask with vessels filled in: a vessel is a small hole in a plane across it, if not in space.

    Parameters
    ----------
    max_mm2 : float
        Cross-section of the largest.
    """
    out = runs.fill_holes(mask, part(progress, 0.0, 0.2))
    areas = face_areas_mm2(volume)
    for n, axis in enumerate((0, 1, 2)):
        turned = np.ascontiguousarray(np.moveaxis(out, axis, 0))
        limit = round(max_mm2 / areas[axis])
        turned = runs.fill_holes_across(turned, part(progress, 0.2 + 0.25 * n, 0.45 + 0.25 * n), max_voxels=limit)
        out = np.ascontiguousarray(np.moveaxis(turned, 0, axis))
    return out
