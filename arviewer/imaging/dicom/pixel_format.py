"""How pixels are stored and what their values mean, from the header."""

from __future__ import annotations

from arviewer.imaging.dicom.syntaxes import COMPRESSIONS
from arviewer.imaging.dicom.values import Values
from arviewer.model.study import PixelFormat


def pixel_format(values: Values) -> PixelFormat:
    """Return the *Image Pixel* description; absent values are 0, which no valid image has."""
    allocated = values.short(0x00280100) or 0
    stored = values.short(0x00280101) or allocated
    high = values.short(0x00280102)
    return PixelFormat(
        rows=values.short(0x00280010) or 0,
        columns=values.short(0x00280011) or 0,
        samples=values.short(0x00280002) or 1,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high is None else high,
        signed=values.short(0x00280103) == 1,
        is_float=values.header.pixel_tag in (0x7FE00008, 0x7FE00009),
        photometric=values.code(0x00280004),
    )


def lossy_ratio(values: Values) -> str | None:
    """Return the ratio of a lossy compression, "unknown" where the file does not say it, None when lossless.

    *Lossy Image Compression* (0028,2110) stays "01" for ever once it was, whatever the present transfer syntax.
    """
    compression = COMPRESSIONS.get(values.header.transfer_syntax)
    declared = values.code(0x00282110)
    by_syntax = compression is not None and (compression.lossy is True or (compression.lossy is None and not declared))
    if declared != "01" and not by_syntax:
        return None
    ratios = values.numbers(0x00282112)
    return " × ".join(f"{ratio:g}" for ratio in ratios) or "unknown"


def unit_of(modality: str, declared: str) -> str:
    """Return the unit of rescaled values: HU for CT unless the file says otherwise, else what the file says."""
    if declared in ("", "US"):  # US means "unspecified"
        return "HU" if modality == "CT" else ""
    return declared


def window_of(center: float | None, width: float | None) -> tuple[float, float] | None:
    """Return center and width when both are there and make sense; PS3.3 C.11.2.1.2."""
    return (center, width) if center is not None and width is not None and width >= 1 else None
