"""The pixels of a SEG, frame by frame: bits, bytes or compressed ones, checked against the header before use."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from arviewer.formats.dicom import data_set
from arviewer.formats.refusing import Unusable
from arviewer.formats.structure import PERCENT
from arviewer.imaging.dicom.elements import EXPLICIT_BIG
from arviewer.imaging.dicom.pixels import Frames as Encapsulated
from arviewer.imaging.dicom.pixels import remove_unused_bits, sample_type
from arviewer.imaging.dicom.syntaxes import COMPRESSIONS, DamagedFrame, decode
from arviewer.model.study import PixelFormat
from arviewer.words import _

DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
"""Deflated Image Frame Compression: each frame a raw deflate stream; PS3.5 A.4.13."""

KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")


class Frames:
    """The frames of one object.

    Attributes
    ----------
    format : PixelFormat
    count : int
    background : int
        The stored value of no segment, of a label map: (0028,0120), else 0.
    """

    def __init__(self, dataset: Dataset, syntax: str, kind: str, max_frames: int) -> None:
        if kind not in KINDS:
            raise Unusable(_("its Segmentation Type (0062,0001) is {kind!r}").format(kind=kind))
        self._syntax, self._kind = syntax, kind
        self.count = data_set.whole_number(dataset, "NumberOfFrames", 1, max_frames)
        self.format = _format(dataset, kind)
        self.background = int(dataset.get("PixelPaddingValue") or 0)
        self._palette = _palette(dataset)
        self._most = 1
        if kind == "FRACTIONAL":
            self._most = data_set.whole_number(dataset, "MaximumFractionalValue", 1, 255)
        stored = dataset.get("PixelData")
        if not isinstance(stored, bytes):
            raise Unusable(_("it holds no pixels"))
        self._compressed = self._split(stored)
        self._plain = b"" if self._compressed is not None else stored
        if self._compressed is None:
            self._require_whole(len(stored))

    def read(self, number: int) -> npt.NDArray[Any]:
        """Return one frame, shape (rows, columns): bool (BINARY), percent (FRACTIONAL), numbers (LABELMAP).

        Raises
        ------
        Unusable
            When it cannot be decoded.
        """
        try:
            samples = self._bits(number) if self.format.bits_allocated == 1 else self._samples(number)
        except DamagedFrame as reason:
            raise Unusable(_("frame {n}: {why}").format(n=number + 1, why=reason)) from reason
        if self._kind == "BINARY":
            return samples.astype(np.bool_)
        if self._kind == "FRACTIONAL":
            return np.asarray(np.minimum(samples * np.float32(PERCENT / self._most), PERCENT), dtype=np.float32)
        return samples

    def color(self, number: int) -> data_set.RgbColor | None:
        """Return the color that the palette of a label map gives a segment; None without a palette."""
        if self._palette is None or number >= len(self._palette):
            return None
        red, green, blue = self._palette[number]
        return float(red), float(green), float(blue)

    def _split(self, stored: bytes) -> Encapsulated | None:
        if self._syntax in COMPRESSIONS or self._syntax == DEFLATED_FRAMES:
            if self.format.bits_allocated == 1 and self._syntax != DEFLATED_FRAMES:
                raise Unusable(_("its frames of single bits are compressed as if they were images"))
            try:
                return Encapsulated(stored, self.count)
            except DamagedFrame as reason:
                raise Unusable(str(reason)) from reason
        return None

    def _require_whole(self, present: int) -> None:
        form = self.format
        expected = -(-form.rows * form.columns * self.count * form.bits_allocated // 8)
        if present < expected:
            raise Unusable(
                _("it is cut short: {present} of {expected} bytes of pixels").format(present=present, expected=expected)
            )

    def _bits(self, number: int) -> npt.NDArray[np.uint8]:
        """Return single bits: the first pixel is the lowest bit, frames follow without a gap; PS3.5 8.1.1."""
        size = self.format.rows * self.format.columns
        data, start = (self._plain, number * size) if self._compressed is None else (self._inflated(number), 0)
        part = np.frombuffer(data, np.uint8, -(-(start % 8 + size) // 8), start // 8)
        bits = np.unpackbits(part, bitorder="little")[start % 8 : start % 8 + size]
        return bits.reshape(self.format.rows, self.format.columns)

    def _samples(self, number: int) -> npt.NDArray[Any]:
        form = self.format
        if self._compressed is not None and self._syntax != DEFLATED_FRAMES:
            samples = decode(self._compressed[number], self._syntax, form).astype(sample_type(form))
        else:
            size = form.rows * form.columns
            data, start = self._plain, number * form.frame_bytes
            if self._compressed is not None:
                data, start = self._inflated(number), 0
            kind = sample_type(form).newbyteorder(">" if self._syntax == EXPLICIT_BIG else "<")
            stored = np.frombuffer(data, kind, size, start)
            samples = stored.reshape(form.rows, form.columns).astype(sample_type(form))
        remove_unused_bits(samples, form)
        return samples

    def _inflated(self, number: int) -> bytes:
        assert self._compressed is not None
        size = -(-self.format.rows * self.format.columns * self.format.bits_allocated // 8)
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self._compressed[number], size)
        except zlib.error as error:
            raise DamagedFrame(_("its deflated part is damaged")) from error
        if len(data) < size:
            raise DamagedFrame(_("it is cut short"))
        return data


def _format(dataset: Dataset, kind: str) -> PixelFormat:
    bits = data_set.whole_number(dataset, "BitsAllocated", 1, 16)
    allowed = {"BINARY": (1,), "FRACTIONAL": (8,), "LABELMAP": (8, 16)}[kind]
    if bits not in allowed or int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise Unusable(_("a {kind} segmentation has no {bits} bits per pixel").format(kind=kind, bits=bits))
    stored = int(dataset.get("BitsStored") or bits)
    high = int(dataset.get("HighBit") or stored - 1)
    if not (1 <= stored <= bits and stored - 1 <= high < bits):
        raise Unusable(_("Bits Stored (0028,0101) is {bits}").format(bits=stored))
    return PixelFormat(
        rows=data_set.whole_number(dataset, "Rows", 1, 65535),
        columns=data_set.whole_number(dataset, "Columns", 1, 65535),
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=high,
    )


def _palette(dataset: Dataset) -> npt.NDArray[np.float64] | None:
    """Return the colors of a palette (PS3.3 C.7.9), shape (N, 3), 0 to 1; None without one that can be used."""
    columns = []
    for channel in ("Red", "Green", "Blue"):
        descriptor = dataset.get(f"{channel}PaletteColorLookupTableDescriptor")
        stored = dataset.get(f"{channel}PaletteColorLookupTableData")
        if descriptor is None or not isinstance(stored, bytes) or int(descriptor[1]) != 0:
            return None
        count, bits = int(descriptor[0]) or 65536, int(descriptor[2])
        dtype = np.dtype("<u2" if bits == 16 else "u1")
        if bits not in (8, 16) or len(stored) < count * dtype.itemsize:
            return None
        columns.append(np.frombuffer(stored, dtype, count) / (2.0**bits - 1))
    return np.stack(columns, axis=1) if len({len(one) for one in columns}) == 1 else None
