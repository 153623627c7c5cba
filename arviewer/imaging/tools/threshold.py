"""Take what lies in a range of values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.ranges import in_range, require_ordered
from arviewer.imaging.tools.tool import TARGET, Outcome
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress


def threshold(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the voxels in the range: of the whole volume, or of the structure."""
    low, high = values["low"], values["high"]
    require_ordered(low, high)
    box = mask.box()
    within = values["within"] >= 0.5
    if within and not box.voxels.any():
        raise UsageError(
            _("A threshold within the structure needs a structure that is not empty."),
            "",
            _("Take the whole volume."),
        )
    found = in_range(volume, low, high, box.slices) & box.voxels if within else in_range(volume, low, high)
    progress(0.8)
    if not found.any():
        raise NothingFound(
            _("No voxel has a value in this range."),
            _("The range is {:g} to {:g}, the values go from {:g} to {:g}.").format(low, high, *_extent(volume)),
            _("Widen the range."),
        )
    return Outcome({TARGET: cropped(found, box.start_kji if within else (0, 0, 0))})


def _extent(volume: Volume) -> tuple[float, float]:
    """Return the lowest and the highest value, NaN left out."""
    known = volume.voxels[volume.slice_valid]
    if known.dtype.kind == "f":
        known = known[np.isfinite(known)]
    return (float(known.min()), float(known.max())) if known.size else (np.nan, np.nan)
