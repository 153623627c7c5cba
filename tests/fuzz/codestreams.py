"""Mutations of codestreams by their own structure: JPEG, JPEG-LS, JPEG 2000 and HTJ2K, RLE."""

from __future__ import annotations

import struct
from random import Random

SHORTS = (0, 1, 2, 7, 8, 16, 17, 31, 32, 33, 127, 128, 255, 256, 1000, 16384, 32767, 65535)
LONGS = (0, 1, 2, 20, 24, 255, 65535, 65536, 1 << 24, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
EOI = b"\xff\xd9"


def mutated_codestream(rng: Random, stream: bytes) -> bytes | None:
    """Return a damaged codestream, of the kind it is; None for streams too short to be one."""
    if len(stream) < 20:
        return None
    if rng.random() < 0.25:
        return _rough(rng, stream)
    if stream[:2] == b"\xff\xd8":
        return _jpeg(rng, stream)
    if stream[:4] == b"\xff\x4f\xff\x51":
        return _jpeg2000(rng, stream)
    return _rle(rng, stream)


def _rough(rng: Random, stream: bytes) -> bytes:
    """Cut, repeat, zero or move a stretch, and end the stream as it must end."""
    kind = rng.randrange(5)
    a, b = sorted(rng.randrange(2, len(stream)) for _n in range(2))
    if kind == 0:
        return stream[:a].rstrip(b"\xff") + EOI
    if kind == 1:
        return stream[:b] + stream[a:]
    if kind == 2:
        return stream[:a] + bytes(b - a) + stream[b:]
    if kind == 3:
        return stream[:a] + rng.randbytes(b - a) + stream[b:]
    return stream[:a] + stream[b:]


def _flipped(rng: Random, stream: bytes, start: int) -> bytes:
    """Change bytes of the coded data, which begins at `start`; the end marker stays."""
    changed = bytearray(stream)
    low = min(start, len(stream) - 3)
    for _n in range(rng.choice((1, 2, 8, 32))):
        changed[rng.randrange(low, len(stream) - 2)] = rng.choice((0, 0xFF, rng.randrange(256)))
    return bytes(changed)


def jpeg_segments(stream: bytes) -> list[tuple[int, int, int]]:
    """Return marker, start and end of each segment up to and with the first scan header."""
    found, place = [], 2
    while place + 4 <= len(stream) and stream[place] == 0xFF:
        marker, length = stream[place + 1], int.from_bytes(stream[place + 2 : place + 4], "big")
        found.append((marker, place, place + 2 + length))
        place += 2 + length
        if marker == 0xDA:
            break
    return found


def _jpeg(rng: Random, stream: bytes) -> bytes:
    segments = jpeg_segments(stream)
    if not segments or segments[-1][0] != 0xDA:
        return _rough(rng, stream)
    scan = segments[-1]
    kind = rng.randrange(7)
    _marker, start, end = rng.choice(segments)
    if kind == 0:
        return stream[:start] + stream[end:]
    if kind == 1:
        return stream[:end] + stream[start:end] * rng.choice((1, 2, 100)) + stream[end:]
    if kind == 2:
        return stream[: start + 2] + struct.pack(">H", rng.choice(SHORTS)) + stream[start + 4 :]
    if kind == 3:
        at = rng.randrange(start + 4, max(end, start + 5))
        value = rng.choice((0, 1, 2, 3, 4, 8, 12, 16, 17, 0x11, 0x44, 0x7F, 0xFF))
        return stream[:at] + bytes((value,)) + stream[at + 1 :]
    if kind == 4:
        return stream[:start] + rng.choice(_INSERTED)(rng) + stream[start:]
    if kind == 5:  # many scans: each makes a decoder go over the whole image again
        return stream[:-2] + stream[scan[1] : -2] * rng.choice((1, 10, 200)) + EOI
    return _flipped(rng, stream, scan[2])


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


_INSERTED = (
    lambda rng: _segment(0xDD, struct.pack(">H", rng.choice(SHORTS))),  # restart interval
    lambda rng: _segment(0xDC, struct.pack(">H", rng.choice(SHORTS))),  # number of lines
    lambda rng: _segment(0xFE, rng.randbytes(rng.choice((0, 10, 60_000)))),  # comment
    lambda rng: _segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes((rng.randrange(4),))),
    lambda rng: _segment(0xC4, bytes((rng.choice((0, 1, 0x10, 0x11, 0x03, 0x20)),)) + rng.randbytes(16 + 40)),
    lambda rng: _segment(0xC4, b"\0" + b"\xff" * 16 + rng.randbytes(16 * 255)),  # an over-full Huffman table
    lambda rng: _segment(0xDB, bytes((rng.randrange(256),)) + rng.randbytes(64)),
    # JPEG-LS preset parameters: MAXVAL, three thresholds, RESET
    lambda rng: _segment(0xF8, b"\1" + struct.pack(">5H", *(rng.choice(SHORTS) for _n in range(5)))),
    lambda rng: _segment(0xF8, bytes((rng.randrange(6),)) + rng.randbytes(rng.choice((0, 3, 300)))),
    # a second frame header of another size or kind
    lambda rng: _segment(
        rng.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xF7)),
        struct.pack(
            ">BHHB", rng.choice((8, 12, 16)), rng.choice(SHORTS), rng.choice(SHORTS), rng.choice((1, 3, 4, 255))
        )
        + b"\1\x11\0" * 3,
    ),
    lambda rng: b"\xff" * rng.choice((1, 100)) + b"\xd8",
    lambda rng: bytes((0xFF, rng.randrange(0xC0, 0x100))),
)


def jpeg2000_segments(stream: bytes) -> list[tuple[int, int, int]]:
    """Return marker, start and end of each segment up to the first tile's data."""
    found, place = [], 2
    while place + 4 <= len(stream) and stream[place] == 0xFF:
        marker, length = stream[place + 1], int.from_bytes(stream[place + 2 : place + 4], "big")
        if marker == 0x93:
            break
        found.append((marker, place, place + 2 + length))
        place += 2 + length
    return found


def _jpeg2000(rng: Random, stream: bytes) -> bytes:
    segments = jpeg2000_segments(stream)
    data = segments[-1][2] + 2 if segments else 2
    kind = rng.randrange(8)
    marker, start, end = rng.choice(segments) if segments else (0, 2, 8)
    if kind == 0:
        return _sized(rng, stream)
    if kind == 1:
        return stream[:start] + stream[end:]
    if kind == 2:
        return stream[:end] + stream[start:end] * rng.choice((1, 2, 100)) + stream[end:]
    if kind == 3:
        return stream[: start + 2] + struct.pack(">H", rng.choice(SHORTS)) + stream[start + 4 :]
    if kind == 4:
        at = rng.randrange(start + 4, max(end, start + 5))
        return (
            stream[:at]
            + bytes((rng.choice((0, 1, 2, 3, 5, 8, 13, 32, 33, 0x40, 0x7F, 0x80, 0xFF)),))
            + stream[at + 1 :]
        )
    if kind == 5:
        inserted = (
            _segment(0x60, bytes((0,)) + rng.randbytes(40)),  # packed packet headers
            _segment(0x5F, struct.pack(">BBHBBB", 0, 0, 65535, 33, 255, rng.randrange(6))),  # progression order change
            _segment(0x5E, bytes((0, 0, rng.randrange(256)))),  # region of interest
            _segment(0x50, struct.pack(">LH", rng.choice(LONGS), rng.choice(SHORTS))),  # capabilities
            _segment(0x55, rng.randbytes(20)),  # tile-part lengths
            _segment(0x64, rng.randbytes(rng.choice((2, 60_000)))),  # comment
        )
        return stream[:end] + rng.choice(inserted) + stream[end:]
    if kind == 6 and marker == 0x90:  # a tile-part that lies about its length or number
        at, code, numbers = rng.choice(
            ((start + 4, ">H", SHORTS), (start + 6, ">L", LONGS), (start + 10, ">H", SHORTS))
        )
        number = struct.pack(code, rng.choice(numbers))
        return stream[:at] + number + stream[at + len(number) :]
    return _flipped(rng, stream, data)


def _sized(rng: Random, stream: bytes) -> bytes:
    """Change SIZ and keep the size of the image: tiles, offsets, components, precision, subsampling."""
    kind = rng.randrange(5)
    if kind == 0:  # tiny or huge tiles
        return stream[:24] + struct.pack(">LL", rng.choice(LONGS), rng.choice(LONGS)) + stream[32:]
    if kind == 1:  # the image far from the origin: the same size, other corners
        right, bottom, left, top = struct.unpack_from(">LLLL", stream, 8)
        away = rng.choice((1, 1000, 1 << 20, 1 << 31)) & 0x7FFFFFFF
        moved = (right + away, bottom + away, left + away, top + away)
        return stream[:8] + struct.pack(">LLLL", *(number & 0xFFFFFFFF for number in moved)) + stream[24:]
    if kind == 2:  # components
        count = rng.choice((0, 2, 3, 4, 255, 16384))
        body = struct.pack(">H", count) + stream[42:45] * count
        return stream[:4] + struct.pack(">H", (38 + 3 * count) & 0xFFFF) + stream[6:40] + body + stream[45:]
    if kind == 3:
        return stream[:42] + bytes((rng.choice((0, 6, 7, 11, 15, 23, 31, 37, 38, 127, 0x87, 0xFF)),)) + stream[43:]
    return stream[:43] + bytes((rng.choice((0, 1, 2, 255)), rng.choice((0, 1, 2, 255)))) + stream[45:]


def _rle(rng: Random, stream: bytes) -> bytes:
    if len(stream) < 66:
        return _rough(rng, stream)
    kind = rng.randrange(4)
    header = list(struct.unpack_from("<16L", stream))
    if kind == 0:
        header[0] = rng.choice((0, 1, 2, 3, 4, 15, 16, 255, 0xFFFFFFFF))
    elif kind == 1:
        header[rng.randrange(1, 16)] = rng.choice(
            (*LONGS, 63, 64, 65, len(stream) - 1, len(stream), rng.randrange(len(stream)))
        )
    elif kind == 2:  # runs and literals that go on too long, or do nothing
        body = bytearray(stream)
        for _n in range(rng.choice((1, 4, 30))):
            body[rng.randrange(64, len(stream))] = rng.choice((0x80, 0x81, 0x7F, 0xFF, 0, 1))
        return bytes(body)
    else:
        runs = bytes((0x81, rng.randrange(256))) * rng.choice((1, 100, 20_000))
        at = rng.randrange(64, len(stream))
        return stream[:at] + runs + stream[at:]
    return struct.pack("<16L", *(number & 0xFFFFFFFF for number in header)) + stream[64:]
