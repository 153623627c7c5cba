"""Which voxels have a value in a range: one answer for tools, recipes and previews."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import UsageError
from arviewer.model.volume import Volume
from arviewer.words import _

Bools = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]

PART_VOXELS = 1 << 22
"""Voxels that a thread takes at a time; for fewer in all a second thread is not worth its start."""

ALL: Box = (slice(None), slice(None), slice(None))


def require_ordered(low: float, high: float) -> None:
    """Raise `UsageError` for a range the wrong way round."""
    if low > high:
        raise UsageError(
            _("The range is the wrong way round: no value lies in it."),
            _("The lower limit is {:g}, the upper one {:g}.").format(low, high),
            _("Swap the two limits."),
        )


def compare(values: npt.NDArray[Any], low: float, high: float, out: Bools | None = None) -> Bools:
    """Return where ``low <= value <= high``, in the type of the values; never where they are NaN.

    Parameters
    ----------
    values : ndarray
        Voxels, or the pixels of a slice that was cut through them.
    out : ndarray of bool, optional
        Of the same shape: takes the answer.
    """
    out = np.empty(values.shape, np.bool_) if out is None else out
    if values.dtype.kind in "iu":
        # Whole limits of the values' own type: then nothing is converted.
        whole = np.iinfo(values.dtype)
        if low > whole.max or high < whole.min:
            out[...] = False
            return out
        above, below = low > whole.min, high < whole.max
        low, high = np.ceil(max(low, whole.min)), np.floor(min(high, whole.max))
    else:
        above, below = True, high < np.inf
    limit = values.dtype.type
    if above:
        np.greater_equal(values, limit(low), out=out)
        if below:
            out &= values <= limit(high)
    elif below:
        np.less_equal(values, limit(high), out=out)
    else:
        out[...] = True
    return out


def in_range(volume: Volume, low: float, high: float = np.inf, box: Box = ALL) -> Bools:
    """Return the voxels of a box with ``low <= value <= high``; lost slices and padding are never among them.

    Parameters
    ----------
    box : slices
        Of k, j and i; all when not given. One plane is a box too: the preview of a slice.
    """
    voxels, valid = volume.voxels[box], volume.slice_valid[box[0]]
    out = np.empty(voxels.shape, np.bool_)
    padding = volume.padding_value
    if padding is not None and not low <= padding <= high:
        padding = None

    def planes(first: int) -> None:
        for k in range(first, min(first + step, len(voxels))):
            if not valid[k]:
                out[k] = False
                continue
            compare(voxels[k], low, high, out[k])  # a plane stays in the cache
            if padding is not None:
                out[k] &= voxels[k] != padding

    step = max(1, PART_VOXELS * len(voxels) // max(1, voxels.size))
    if step >= len(voxels):
        planes(0)
        return out
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(planes, range(0, len(voxels), step)))
    return out
