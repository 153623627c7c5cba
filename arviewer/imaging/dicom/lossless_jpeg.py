"""Whether a lossless JPEG stream is whole, told from the pixels it gave; ISO 10918-1 annex H.

The decoder fills up what is missing in a stream and says nothing. But the pixels of a lossless stream say how many bits
they took: each difference from its prediction has one code. A stream that was cut, patched or put out of step is longer
or shorter than that, but for rare chance.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint16]

STRIP_ROWS = 32
"""Rows taken at a time: they stay in the processor's cache with all that is made of them."""

SLACK_BITS = 16
"""Bits a stream may be longer: the last byte is filled up, and some encoders write one more."""


@dataclass(slots=True)
class _Scan:
    """What the headers of a stream with one component say."""

    precision: int = 0
    predictor: int = 0
    shift: int = 0
    code_lengths: dict[int, list[int]] = field(default_factory=dict)
    table: int = 0
    coded: bytes = b""


def is_whole(frame: bytes, samples: npt.NDArray[Any]) -> bool:
    """Whether the coded data have as many bits as the decoded samples need.

    Parameters
    ----------
    frame : bytes
        A stream that was decoded; True for those with restart markers or several components, which are not checked.
    samples : ndarray of uint8 or uint16, shape (rows, columns)
    """
    scan = _scan_of(frame)
    if scan is None:
        return True
    lengths = scan.code_lengths.get(scan.table)
    if lengths is None or scan.predictor not in range(1, 8):
        return False
    counts = sum(_categories(strip) for strip in _differences(samples, scan))
    needed = int(np.dot(counts, lengths))
    present = 8 * (len(scan.coded) - scan.coded.count(b"\xff\x00"))
    return needed <= present < needed + SLACK_BITS


def _scan_of(frame: bytes) -> _Scan | None:
    """Return what is needed of the headers; None for streams that are not checked."""
    scan = _Scan()
    place = 2
    while place + 4 <= len(frame) and frame[place] == 0xFF:
        marker, length = frame[place + 1], int.from_bytes(frame[place + 2 : place + 4], "big")
        body = frame[place + 4 : place + 2 + length]
        place += 2 + length
        if marker == 0xC3:
            scan.precision = body[0]
        elif marker == 0xC4:
            _add_tables(body, scan.code_lengths)
        elif marker == 0xDD and struct.unpack_from(">H", body)[0]:
            return None
        elif marker == 0xDA:
            if body[0] != 1:
                return None
            scan.table, scan.predictor, scan.shift = body[2] >> 4, body[3], body[5] & 15
            end = frame.rfind(b"\xff\xd9")
            scan.coded = frame[place:end].rstrip(b"\xff")  # markers may be preceded by any number of fill bytes
            return scan
    return None


def _add_tables(body: bytes, code_lengths: dict[int, list[int]]) -> None:
    """Add the Huffman tables of a segment: by number, the bits that each category of difference takes in all."""
    place = 0
    while place + 17 <= len(body):
        counts = body[place + 1 : place + 17]
        symbols = body[place + 17 : place + 17 + sum(counts)]
        lengths = [bits + 1 for bits, count in enumerate(counts) for _n in range(count)]
        costs = [0] * 17
        for symbol, bits in zip(symbols, lengths, strict=False):
            if symbol <= 16:
                costs[symbol] = bits + (symbol if symbol < 16 else 0)  # category 16 has no further bits (H.1.2.2)
        code_lengths[body[place] & 15] = costs
        place += 17 + sum(counts)


def _categories(differences: Words) -> npt.NDArray[np.int64]:
    """Return how many differences there are of each category 0 to 16, the bits of their magnitude (H.1.2.2).

    Counted by comparing with powers of two: twice as fast as looking each one up.
    """
    magnitude = np.abs(differences.view(np.int16)).view(np.uint16)
    above = [int(np.count_nonzero(magnitude >= 1 << bits)) for bits in range(16)]
    return np.array([differences.size, *above], dtype=np.int64) - np.array([*above, 0], dtype=np.int64)


def _differences(samples: npt.NDArray[Any], scan: _Scan) -> Iterator[Words]:
    """Yield each sample minus its prediction, modulo 2¹⁶, strip by strip; ISO 10918-1 H.1.2.1."""
    for start in range(0, len(samples), STRIP_ROWS):
        values = samples[max(0, start - 1) : start + STRIP_ROWS].astype(np.uint16)
        if scan.shift:
            values >>= scan.shift
        differences = np.empty_like(values)
        differences[0, 0] = int(values[0, 0]) - (1 << (scan.precision - scan.shift - 1)) & 0xFFFF
        differences[0, 1:] = values[0, 1:] - values[0, :-1]
        differences[1:, 0] = values[1:, 0] - values[:-1, 0]
        predicted = _prediction(scan.predictor, values[1:, :-1], values[:-1, 1:], values[:-1, :-1])
        np.subtract(values[1:, 1:], predicted, out=differences[1:, 1:])
        yield differences if start == 0 else differences[1:]


def _prediction(number: int, left: Words, above: Words, corner: Words) -> Words:
    """Return the prediction from three neighbors, modulo 2¹⁶; ISO 10918-1 table H.1."""
    match number:
        case 1:
            return left
        case 2:
            return above
        case 3:
            return corner
        case 4:
            return np.asarray(left + above - corner)
        case 5:
            return np.asarray(left + _halved(above - corner, above < corner))
        case 6:
            return np.asarray(above + _halved(left - corner, left < corner))
        case _:
            total = left + above
            return _halved(total, total < left)


def _halved(number: Words, wrapped: npt.NDArray[np.bool_]) -> Words:
    """Return half of a sum or difference that was taken modulo 2¹⁶; its 17th bit is in `wrapped`."""
    return np.asarray((number >> 1) | (wrapped.astype(np.uint16) << 15))
