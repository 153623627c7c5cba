"""One slice into its place in a volume, in measured values; the same in the caller's process and in a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.dicom.pixels import PixelFile, sample_type
from arviewer.model.study import StoredPixels

INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows and columns of each image are wanted: start, stop, step."""

    rows: tuple[int, int, int]
    columns: tuple[int, int, int]

    def of(self, frame: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return that part of an image."""
        return frame[slice(*self.rows), slice(*self.columns)]


def is_integer(stored: StoredPixels) -> bool:
    """Whether measured values are integers that int16 may hold."""
    if stored.lut is not None:
        return int(stored.lut.values.max()) <= INT16.max
    whole = float(stored.slope).is_integer() and float(stored.intercept).is_integer()
    return whole and not stored.format.is_float and stored.format.bits_allocated <= 16


def fill(slot: npt.NDArray[Any], file: PixelFile, frame: int, stored: StoredPixels, window: Window | None) -> bool:
    """Read one image into its place.

    Parameters
    ----------
    slot : ndarray, shape (rows, columns), int16 or float32
        int16 only where `is_integer`.
    frame : int
        Index in the file.
    window : Window or None
        None for the whole image.

    Returns
    -------
    bool
        False when `slot` still holds stored values, because int16 cannot hold the measured ones.

    Raises
    ------
    DamagedFrame
        When the samples cannot be had whole.
    """
    kind = sample_type(stored.format)
    integer = slot.dtype.kind == "i"
    form = stored.format
    direct = integer and kind.itemsize == 2 and window is None
    samples = slot.view(kind) if direct else np.empty((form.rows, form.columns), kind)
    file.read_into(frame, samples)
    if stored.lut is not None:
        samples = stored.lut(samples)
    if window is not None:
        samples = window.of(samples)
    if not integer:
        slot[...] = samples * np.float64(stored.slope) + stored.intercept
        return True
    if not direct or stored.lut is not None:
        target = slot.view(kind) if kind.itemsize == 2 else slot
        target[...] = samples
        samples = target
    return _rescale_in_place(samples, int(stored.slope), int(stored.intercept))


def measured(samples: npt.NDArray[Any], stored: StoredPixels) -> npt.NDArray[Any]:
    """Return the measured values of a slot that still holds stored ones."""
    kind = sample_type(stored.format)
    seen = samples.view(kind) if kind.itemsize == 2 else samples
    return seen * np.float64(stored.slope) + stored.intercept


def _rescale_in_place(samples: npt.NDArray[Any], slope: int, intercept: int) -> bool:
    """Rescale 16-bit samples modulo 2¹⁶, which is exact when the results fit int16; False, untouched, when not."""
    ends = sorted(int(end) * slope + intercept for end in (samples.min(), samples.max()))
    if ends[0] < INT16.min or ends[1] > INT16.max:
        return False
    bits = samples.view(np.uint16)
    if slope != 1:
        bits *= np.uint16(slope % 65536)
    if intercept:
        bits += np.uint16(intercept % 65536)
    return True
