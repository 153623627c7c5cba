"""The Modality LUT Sequence (0028,3000): a table in place of rescale slope and intercept; PS3.3 C.11.1."""

from __future__ import annotations

import io
import warnings

import numpy as np

from arviewer.model.study import ModalityLut
from arviewer.words import _

MAX_ENTRIES = 65536


class BadLut(Exception):
    """The table makes no values; the message says why, in words for the reader."""


def modality_lut(header: bytes, *, signed: bool, big_endian: bool) -> tuple[ModalityLut, str]:
    """Return the table and the unit it names, (0028,3004) *Modality LUT Type*.

    Parameters
    ----------
    header : bytes
        The file up to its pixel data.
    signed : bool
        *Pixel Representation* is 1: then the first stored value mapped is signed too.

    Raises
    ------
    BadLut
    """
    from pydicom import dcmread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(io.BytesIO(header), stop_before_pixels=True, force=True, specific_tags=[0x00283000])
            item = dataset.ModalityLUTSequence[0]
            count, first, bits = (int(value) for value in item.LUTDescriptor)
            unit = str(item.get("ModalityLUTType", ""))
            count = count % MAX_ENTRIES or MAX_ENTRIES  # 0 stands for 65,536
            values = _values(item.LUTData, count, bits, big_endian=big_endian)
        except (Exception, RecursionError) as error:
            raise BadLut(
                _("its Modality LUT (0028,3000) is damaged ({why})").format(why=type(error).__name__)
            ) from error
    first = first % MAX_ENTRIES
    if signed and first >= MAX_ENTRIES // 2:
        first -= MAX_ENTRIES
    if len(values) < count or bits not in range(8, 17):
        raise BadLut(
            _("its Modality LUT (0028,3000) holds {found} of {count} entries").format(found=len(values), count=count)
        )
    return ModalityLut(first, values[:count] & ((1 << bits) - 1)), unit


def _values(data: object, count: int, bits: int, *, big_endian: bool) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Return *LUT Data* as numbers: 16-bit words, or bytes where 8-bit entries are packed."""
    if isinstance(data, bytes):
        kind = "u1" if bits <= 8 and len(data) < 2 * count else ">u2" if big_endian else "<u2"
        return np.frombuffer(data[: len(data) // 2 * 2], kind).astype(np.int32)
    return np.atleast_1d(np.asarray(data, dtype=np.int64)).astype(np.uint16).astype(np.int32)
