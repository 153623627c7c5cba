"""Why an image cannot be a slice of a volume, in words for the reader; each check names its tag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arviewer.imaging.dicom.elements import EXPLICIT_BIG
from arviewer.imaging.dicom.geometry import flaw
from arviewer.imaging.dicom.syntaxes import is_supported
from arviewer.imaging.dicom.values import Values
from arviewer.model.study import PixelFormat, StoredPixels
from arviewer.words import _

MAX_SLOPE = 1e9
"""Rescale slopes and intercepts beyond are nonsense: no unit of any modality needs them, and float32 would overflow."""

NO_POSITION = "no-position"
"""The obstacle of images that carry no position, orientation or spacing: a finding of its own."""


def obstacle_of_pixels(values: Values, stored: StoredPixels, max_frames: int) -> str:
    """Return why these pixels cannot be voxels, or ""."""
    form = stored.format
    return (
        _obstacle_of_color(form)
        or _obstacle_of_bits(form)
        or _obstacle_of_rescale(values, stored)
        or _obstacle_of_storage(values, stored, max_frames)
    )


def _obstacle_of_color(form: PixelFormat) -> str:
    if form.photometric in ("RGB", "PALETTE COLOR") or form.photometric.startswith("YBR"):
        return _("the images are in color ({photometric}), which measures no tissue").format(
            photometric=form.photometric
        )
    if form.photometric not in ("MONOCHROME1", "MONOCHROME2"):
        return _("Photometric Interpretation (0028,0004) is absent or unknown")
    if form.samples != 1:
        return _("Samples per Pixel (0028,0002) is {count}, gray images have 1").format(count=form.samples)
    return ""


def _obstacle_of_bits(form: PixelFormat) -> str:
    if form.rows < 1 or form.columns < 1:
        return _("Rows (0028,0010) or Columns (0028,0011) is 0 or absent")
    if form.is_float:
        return (
            ""
            if form.bits_allocated in (32, 64)
            else _("Bits Allocated (0028,0100) is {bits}").format(bits=form.bits_allocated)
        )
    if form.bits_allocated not in (8, 16, 32):
        return _("Bits Allocated (0028,0100) is {bits}").format(bits=form.bits_allocated)
    if not form.bits_stored <= form.high_bit + 1 <= form.bits_allocated:
        return _("Bits Stored (0028,0101), High Bit (0028,0102) and Bits Allocated (0028,0100) contradict each other")
    return ""


def _obstacle_of_rescale(values: Values, stored: StoredPixels) -> str:
    if values.has(0x00283000) and stored.format.is_float:
        return _("the images have a Modality LUT (0028,3000), which floating point pixels cannot have")
    for tag, name in ((0x00281053, "Rescale Slope (0028,1053)"), (0x00281052, "Rescale Intercept (0028,1052)")):
        if values.raw(tag) and values.number(tag) is None:
            return _("{name} is no number").format(name=name)
    if stored.slope == 0 or abs(stored.slope) > MAX_SLOPE or abs(stored.intercept) > MAX_SLOPE:
        return _(
            "Rescale Slope (0028,1053) or Rescale Intercept (0028,1052) makes no values: {slope:g}, {intercept:g}"
        ).format(slope=stored.slope, intercept=stored.intercept)
    return ""


def _obstacle_of_storage(values: Values, stored: StoredPixels, max_frames: int) -> str:
    if not is_supported(stored.transfer_syntax):
        return _("the transfer syntax {uid} is not supported").format(uid=stored.transfer_syntax or "?")
    if stored.transfer_syntax == EXPLICIT_BIG and stored.in_words and stored.format.frame_bytes % 2:
        return _("8-bit pixels of an odd number in big endian words are not supported")
    if stored.frames > max_frames:
        return _("Number of Frames (0028,0008) is {count}").format(count=stored.frames)
    if "MOSAIC" in values.code(0x00080008).upper().split("\\"):
        # Siemens tiles all slices of a volume into one image, whose position is that of none of them.
        return _("each image is a mosaic of several slices (Image Type (0008,0008))")
    if stored.frames > 1 and not values.has(0x52009230):
        return _("it holds {count} frames without a position of each").format(count=stored.frames)
    return ""


def obstacle_of_space(
    position: Sequence[float] | None, orientation: Sequence[float] | None, spacing: Sequence[float] | None
) -> str:
    """Return why these values do not place an image in the patient, or ""; `NO_POSITION` when they are absent.

    Parameters
    ----------
    position, orientation, spacing : sequence of float or None
        None where the element is absent or has no value; empty where its value is no numbers.
    """
    if position is None or orientation is None:
        return NO_POSITION
    if len(position) != 3:
        return _("Image Position (Patient) (0020,0032) is not three numbers")
    if len(orientation) != 6:
        return _("Image Orientation (Patient) (0020,0037) is not six numbers")
    if spacing is None:
        return _("Pixel Spacing (0028,0030) is absent")
    if len(spacing) != 2:
        return _("Pixel Spacing (0028,0030) is not two numbers")
    return flaw(np.array(position), np.array(orientation), np.array(spacing))
