"""Transfer syntaxes: the one decoder of each, pinned, and what is checked before its output is believed.

Decoders of different make disagree on damaged streams: some accept a truncated JPEG-LS frame with half its pixels
wrong. So each syntax has exactly one decoder here, the size is read from the codestream before anything is
allocated, and the end marker must be there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.dicom.elements import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from arviewer.model.study import PixelFormat

Decoder = Callable[[bytes, np.dtype[Any]], npt.NDArray[Any]]

UNCOMPRESSED = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED))

PADDING = b"\x00\xff"
"""What fills a compressed frame up to an even length; real files use either."""


LEAST_BITS = 8
"""Bits of a sample below which a JPEG 2000 stream contradicts its header; real streams have as many as Bits Stored,
some a few less or more."""

BLANK_BYTES, BLANK_PIXELS_PER_BYTE = 1024, 64
"""A JPEG 2000 stream of one value throughout is headers and a few bits for each block of 4,096 pixels. The decoder
makes such an image of a stream whose packets it cannot follow, and says nothing."""


class DamagedFrame(Exception):
    """A frame that cannot be decoded to what its header says; the message says why, in words for the reader."""


@dataclass(frozen=True, slots=True)
class Compression:
    """How frames of one transfer syntax are decoded.

    Attributes
    ----------
    name : str
        What people call it.
    decode : callable
        (frame, dtype) to samples.
    size : callable
        Rows and columns the codestream declares; (0, 0) where it declares none.
    lossy : bool or None
        None when it may be either.
    """

    name: str
    decode: Decoder
    size: Callable[[bytes], tuple[int, int]]
    lossy: bool | None = False


def _jpegls(frame: bytes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.jpegls_decode(frame))


def _jpeg_lossless(frame: bytes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    import imagecodecs

    from arviewer.imaging.dicom.lossless_jpeg import is_whole

    samples = np.asarray(imagecodecs.jpeg8_decode(frame))
    if samples.ndim == 2 and not is_whole(frame, samples):
        raise DamagedFrame("its coded data are cut short or out of step")
    return samples


def _jpeg(frame: bytes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.jpeg8_decode(frame))


def _jpeg2000(frame: bytes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    import imagecodecs

    samples = np.asarray(imagecodecs.jpeg2k_decode(frame, numthreads=1))
    if len(frame) > BLANK_BYTES + samples.size // BLANK_PIXELS_PER_BYTE and samples.min() == samples.max():
        raise DamagedFrame(f"it decodes to nothing but {samples.flat[0]}, for which its stream is too long")
    return samples


def _rle(frame: bytes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    import imagecodecs

    return np.frombuffer(imagecodecs.dicomrle_decode(frame, dtype.newbyteorder("<")), dtype.newbyteorder("<"))


def jpeg_size(frame: bytes) -> tuple[int, int]:
    """Return rows and columns of a JPEG or JPEG-LS frame header (ISO 10918-1 B.2.2, ISO 14495-1 C.2.2).

    Raises
    ------
    DamagedFrame
        When there is no frame header, or the stream has no end.
    """
    if frame[:2] != b"\xff\xd8":
        raise DamagedFrame("it does not begin as a JPEG stream")
    if not frame.rstrip(PADDING).endswith(b"\xff\xd9"):
        raise DamagedFrame("the compressed stream is cut short")
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker, length = frame[place + 1], int.from_bytes(frame[place + 2 : place + 4], "big")
        if marker == 0xFF:
            place += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = struct.unpack_from(">HH", frame, place + 5)
            return rows, columns
        else:
            place += 2 + length
    raise DamagedFrame("the compressed stream has no frame header")


def jpeg2000_size(frame: bytes) -> tuple[int, int]:
    """Return rows and columns of a JPEG 2000 codestream (ISO 15444-1 A.5.1).

    Raises
    ------
    DamagedFrame
        When there is no SIZ marker, or the stream has no end.
    """
    start = frame[:512].find(b"\xff\x4f\xff\x51")
    if start < 0 or start + 24 > len(frame):
        raise DamagedFrame("it does not begin as a JPEG 2000 stream")
    if not frame.rstrip(PADDING).endswith(b"\xff\xd9"):
        raise DamagedFrame("the compressed stream is cut short")
    right, bottom, left, top = struct.unpack_from(">LLLL", frame, start + 8)
    return bottom - top, right - left


def jpeg2000_bits(frame: bytes) -> int:
    """Return the bits of a sample of the first component that a JPEG 2000 codestream declares."""
    start = frame[:512].find(b"\xff\x4f\xff\x51")
    return (frame[start + 42] & 0x7F) + 1 if 0 <= start < len(frame) - 42 else 0


def rle_size(frame: bytes) -> tuple[int, int]:
    """Check the segment table of an RLE frame (PS3.5 annex G.5); it declares no size.

    Raises
    ------
    DamagedFrame
        When the table is no table.
    """
    if len(frame) < 64:
        raise DamagedFrame("the RLE frame is cut short")
    count, *offsets = struct.unpack_from("<16L", frame)
    used = offsets[: min(count, 15)]
    if not 1 <= count <= 15 or used[0] != 64 or sorted(used) != used or used[-1] >= len(frame):
        raise DamagedFrame("the RLE segment table is damaged")
    return 0, 0


COMPRESSIONS: dict[str, Compression] = {
    "1.2.840.10008.1.2.4.50": Compression("JPEG Baseline", _jpeg, jpeg_size, lossy=True),
    "1.2.840.10008.1.2.4.51": Compression("JPEG Extended", _jpeg, jpeg_size, lossy=True),
    "1.2.840.10008.1.2.4.57": Compression("JPEG Lossless", _jpeg_lossless, jpeg_size),
    "1.2.840.10008.1.2.4.70": Compression("JPEG Lossless", _jpeg_lossless, jpeg_size),
    "1.2.840.10008.1.2.4.80": Compression("JPEG-LS", _jpegls, jpeg_size),
    "1.2.840.10008.1.2.4.81": Compression("JPEG-LS near-lossless", _jpegls, jpeg_size, lossy=True),
    "1.2.840.10008.1.2.4.90": Compression("JPEG 2000", _jpeg2000, jpeg2000_size),
    "1.2.840.10008.1.2.4.91": Compression("JPEG 2000", _jpeg2000, jpeg2000_size, lossy=None),
    "1.2.840.10008.1.2.4.201": Compression("High-Throughput JPEG 2000", _jpeg2000, jpeg2000_size),
    "1.2.840.10008.1.2.4.202": Compression("High-Throughput JPEG 2000", _jpeg2000, jpeg2000_size),
    "1.2.840.10008.1.2.4.203": Compression("High-Throughput JPEG 2000", _jpeg2000, jpeg2000_size, lossy=None),
    "1.2.840.10008.1.2.5": Compression("RLE", _rle, rle_size),
}
"""The pinned decoder of each compressed transfer syntax."""


def is_supported(syntax: str) -> bool:
    """Whether pixels of this transfer syntax can be decoded."""
    return syntax in UNCOMPRESSED or syntax in COMPRESSIONS


def decode(frame: bytes, syntax: str, form: PixelFormat) -> npt.NDArray[Any]:
    """Return the stored samples of a compressed frame, shape (rows, columns), as the decoder gives them.

    Raises
    ------
    DamagedFrame
        When the frame is cut short, is not of the declared size, or its decoder fails in any way.
    """
    compression = COMPRESSIONS[syntax]
    size = compression.size(frame)
    if size not in ((form.rows, form.columns), (0, 0)):
        raise DamagedFrame(f"it holds {size[0]} × {size[1]} pixels, the header says {form.rows} × {form.columns}")
    if compression.decode is _jpeg2000 and (bits := jpeg2000_bits(frame)) < min(LEAST_BITS, form.bits_stored):
        raise DamagedFrame(f"its samples have {bits} bits, the header says {form.bits_stored}")
    dtype = np.dtype(f"{'i' if form.signed else 'u'}{form.bits_allocated // 8}")
    try:
        samples = compression.decode(frame, dtype)
    except (KeyboardInterrupt, SystemExit, DamagedFrame):
        raise
    except BaseException as error:  # native decoders raise whatever they like; a panic is no Exception
        raise DamagedFrame(f"the {compression.name} decoder refused it ({type(error).__name__})") from error
    if samples.size != form.rows * form.columns or samples.dtype.kind not in "iu":
        raise DamagedFrame(f"it holds {samples.size} samples, the header says {form.rows * form.columns}")
    return samples.reshape(form.rows, form.columns)
