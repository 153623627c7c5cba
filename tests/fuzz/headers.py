"""Mutations of header elements: lengths, representations, values, sequences, character sets, pixel formats, geometry.

Each takes a source of chance, the bytes and their nodes, and returns other bytes, or None where it does not apply.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

from tests.fuzz.structure import (
    IMPLICIT,
    ITEM,
    PIXEL_TAGS,
    UNDEFINED,
    Node,
    data_set_start,
    element,
    find,
    nodes_of,
    short,
    syntax_of,
    with_length,
    with_value,
)

Nodes = Sequence[Node]

VRS = (
    *b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US OB OW OF OD OL OV SQ UC UR UT UN SV UV".split(),
    *(b"??", b"\0\0", b"ox", b"\xff\xff"),
)
LENGTHS = (0, 1, 2, 3, 7, 0xFF, 0x7FFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, UNDEFINED)
NUMBERS = (
    b"nan", b"inf", b"-inf", b"1e400", b"-1e308", b"1e-320", b"1,5", b"0", b"-0", b"-1", b"", b" ", b"0x10", b"1_000",
    b"1\\2", b"\\\\\\", b"9" * 300, b"1e9", b"1e5", b"\xd9\xa1", b"1.5", b"2", b"-1024", b"0.1", b"1e-9", b"33554432",
)  # fmt: skip
TEXTS = (
    b"", b"\0" * 64, b"A" * 4000, b"\x1b$B\x1b(J\x1b[31m", b"\xff\xfe\xfd", b"\xed\xa0\x80\xed\xb0\x80", b"^=^=^\\^",
    b"<script>alert(1)</script>", b"../../etc/passwd", b"%s%n{0}{name}", "\u202eevil\u2066".encode(), b"\r\n\x07\x08",
    b"ORIGINAL\\PRIMARY\\LOCALIZER", b"1.2." + b"9" * 200, b"\x1b", b"\x1b$", b"1.2.840.10008.1.2", b"MONOCHROME2",
)  # fmt: skip
CHARACTER_SETS = (
    b"ISO 2022 IR 87", b"\\ISO 2022 IR 149", b"ISO_IR 192", b"GB18030", b"utf7", b"rot13", b"hex", b"idna", b"punycode",
    b"unicode_escape", b"zlib", b"\\" * 200, b"ISO 2022 IR 6\\ISO 2022 IR 13\\ISO 2022 IR 58", b"\xff", b"GBK\\GB18030",
    b"undefined", b"base64", b"mbcs", b"ISO_IR 100\\ISO_IR 192", b"",
)  # fmt: skip
SYNTAXES = (
    b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99",
    *(f"1.2.840.10008.1.2.4.{n}".encode() for n in (50, 51, 57, 70, 80, 81, 90, 91, 92, 93, 100, 102, 201, 202, 203)),
    b"1.2.840.10008.1.2.5", b"1.2.840.10008.1.2.1.98", b"1.2.3", b"", b"\0\0\0\0", b"1.2.840.113619.5.2",
)  # fmt: skip

FRAMES, ROWS, COLUMNS = 0x00280008, 0x00280010, 0x00280011
PIXEL_FORMAT = (0x00280002, ROWS, COLUMNS, 0x00280100, 0x00280101, 0x00280102, 0x00280103)
SHORTS = (0, 1, 2, 3, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 64, 255, 256, 1024, 4096, 32767, 32768, 65535)
GEOMETRY = (0x00200032, 0x00200037, 0x00280030, 0x00281052, 0x00281053, 0x00281050, 0x00281051, 0x00200013)
SEQUENCES = frozenset((0x52009229, 0x52009230, 0x00209113, 0x00209116, 0x00289110, 0x00289145, 0x00209111))


def elements_of(nodes: Nodes) -> list[Node]:
    """Return the data elements: no items, delimiters or fragments, nothing of the meta information."""
    return [node for node in nodes if node.tag >> 16 not in (0xFFFE, 2)]


def lie_about_length(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Write another number into a length field."""
    if not nodes:
        return None
    node = rng.choice(nodes)
    real = node.end - node.value
    length = rng.choice(
        (*LENGTHS, real + 1, real + 2, max(0, real - 1), 2 * real, len(data), len(data) - node.value + 1)
    )
    return with_length(data, node, length)


def lie_about_representation(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Write another value representation."""
    explicit = [node for node in nodes if len(node.vr) == 2 and not node.is_fragment and node.tag != ITEM]
    if not explicit:
        return None
    node = rng.choice(explicit)
    return data[: node.at + 4] + rng.choice(VRS) + data[node.at + 6 :]


def change_value(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Give an element another value, of any length."""
    plain = [node for node in elements_of(nodes) if node.vr != b"SQ" and node.tag not in PIXEL_TAGS]
    if not plain:
        return None
    node = rng.choice(plain)
    if node.vr in (b"DS", b"IS"):
        value = rng.choice(NUMBERS)
    elif node.vr in (b"US", b"SS"):
        value = short(node, rng.choice(SHORTS))
    else:
        value = rng.choice((*TEXTS, rng.randbytes(max(2, node.end - node.value))))
    return with_value(data, nodes, node, value)


def flip_bytes(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Change a few bytes of the header."""
    pixels = [node.at for node in nodes if node.tag in PIXEL_TAGS]
    stop = min(pixels) if pixels else len(data)
    changed = bytearray(data)
    for _n in range(rng.choice((1, 1, 2, 4, 16))):
        changed[rng.randrange(min(128, stop - 1), stop)] = rng.randrange(256)
    return bytes(changed)


def drop_or_repeat(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Leave an element or item out, write it twice, or swap it with its neighbour."""
    if len(nodes) < 2:
        return None
    node = rng.choice(nodes)
    whole = data[node.at : node.end]
    kind = rng.randrange(3)
    if kind == 0:
        return data[: node.at] + data[node.end :]
    if kind == 1:
        return data[: node.end] + whole * rng.choice((1, 1, 2, 50)) + data[node.end :]
    after = next((other for other in nodes if other.at == node.end and other.parents == node.parents), None)
    if after is None:
        return None
    return data[: node.at] + data[after.at : after.end] + whole + data[after.end :]


def cut(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """End the file early, at a border or in the middle of something."""
    if nodes and rng.random() < 0.5:
        node = rng.choice(nodes)
        place = rng.choice((node.at, node.length_at, node.value, node.value + 1, node.end))
    else:
        place = rng.randrange(len(data))
    return data[:place]


def nest(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Insert sequences inside sequences, deeper than anything real, closed or not."""
    top = [node for node in elements_of(nodes) if not node.parents]
    if not top:
        return None
    depth = rng.choice((5, 39, 41, 60, 300, 1200, 5000))
    explicit, big = syntax_of(data) != IMPLICIT, top[-1].big
    order = ">" if big else "<"
    tag = rng.choice((0x00081140, 0x00089215, 0x00400275, 0x52009230))
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    head += (b"SQ\0\0" if explicit else b"") + struct.pack(order + "L", UNDEFINED)
    head += struct.pack(order + "HHL", 0xFFFE, 0xE000, UNDEFINED)
    tail = struct.pack(order + "HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    inserted = head * depth + (tail * depth if rng.random() < 0.6 else b"")
    after = next((node for node in top if node.tag > tag), top[-1])
    return data[: after.at] + inserted + data[after.at :]


def insert_element(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Insert an element the file does not have: private, unknown, or one with a meaning of its own."""
    top = [node for node in elements_of(nodes) if not node.parents]
    if not top:
        return None
    tag, vr, value = rng.choice(
        (
            (0x00091001, b"UN", rng.randbytes(40)),
            (0x00283000, b"SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\xff"),
            (0x00281101, b"US", rng.randbytes(6)),
            (0x60003000, b"OW", rng.randbytes(60)),
            (0x00200052, b"UI", b"1.2." * 60),
            (0x7FE00001, b"OV", rng.randbytes(16)),
            (0x7FE00002, b"OV", rng.randbytes(16)),
            (0x7FE00008, b"OF", rng.randbytes(1920)),
            (0x7FE00009, b"OD", rng.randbytes(3840)),
            (0x00189087, b"FD", rng.randbytes(rng.choice((8, 3)))),
            (0x00280008, b"IS", rng.choice(NUMBERS) + b" "),
            (0x00280120, b"SS", rng.randbytes(2)),
            (0x00282110, b"CS", b"01"),
            (0x52009230, b"SQ", b""),
            (0x52009229, b"UN", b"\xfe\xff\x00\xe0\x00\x00\x00\x00"),
            (rng.randrange(0x00080000, 0x7FE00010), rng.choice(VRS), rng.randbytes(rng.randrange(30))),
        )
    )
    explicit, big = syntax_of(data) != IMPLICIT, top[-1].big
    after = next((node for node in top if node.tag > tag), None)
    place = after.at if after is not None and rng.random() < 0.8 else rng.choice(top).at
    return data[:place] + element(tag, vr, value, explicit=explicit, big=big) + data[place:]


def change_pixel_format(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Lie about rows, columns, frames, samples or bits."""
    if rng.random() < 0.25:
        return _change_frames(rng, data, nodes)
    changed = data
    for tag in rng.sample(PIXEL_FORMAT, rng.choice((1, 1, 2, 3))):
        node = find(nodes, tag)
        if node is not None and node.end - node.value >= 2:
            real = struct.unpack_from(">H" if node.big else "<H", data, node.value)[0]
            number = rng.choice((*SHORTS, real + 1, max(real, 1) - 1, 2 * real, real // 2))
            changed = changed[: node.value] + short(node, number) + changed[node.value + 2 :]
    return changed if changed != data else None


def _change_frames(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    frames = rng.choice((b"0", b"2", b"4", b"6", b"1000", b"99999", b"100000", b"2147483648", b"-1", b"1e5", b"99" * 6))
    node = find(nodes, FRAMES)
    if node is not None:
        return with_value(data, nodes, node, frames)
    rows = find(nodes, ROWS)
    if rows is None:
        return None
    inserted = element(FRAMES, b"IS", frames + b" " * (len(frames) % 2), explicit=bool(rows.vr), big=rows.big)
    return data[: rows.at] + inserted + data[rows.at :]


def change_geometry(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Give position, orientation, spacing, rescale or window extreme numbers."""
    found = [node for node in nodes if node.tag in GEOMETRY]
    if not found:
        return None
    node = rng.choice(found)
    parts = data[node.value : node.end].strip(b"\0 ").split(b"\\")
    for _n in range(rng.choice((1, 1, 2))):
        parts[rng.randrange(len(parts))] = rng.choice(NUMBERS)
    if rng.random() < 0.1:
        parts = parts * 2 if rng.random() < 0.5 else parts[:-1]
    return with_value(data, nodes, node, b"\\".join(parts))


def change_character_set(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Name another character set and fill the names with what no set holds."""
    node = find(nodes, 0x00080005)
    if node is None:
        return None
    data = with_value(data, nodes, node, rng.choice(CHARACTER_SETS))
    nodes = nodes_of(data)
    name = find(nodes, rng.choice((0x00100010, 0x00100020, 0x0008103E)))
    return data if name is None else with_value(data, nodes, name, rng.choice((*TEXTS, rng.randbytes(60))))


def change_meta(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Lie about the transfer syntax, or damage the meta information or the preamble."""
    syntax = find(nodes, 0x00020010)
    kind = rng.randrange(6)
    if kind < 3 and syntax is not None:
        return with_value(data, nodes, syntax, rng.choice(SYNTAXES))
    if kind == 3:
        return data[data_set_start(data) :]
    if kind == 4:
        return data[:128] + rng.choice((b"DICX", b"\0\0\0\0", b"")) + data[132:]
    length = find(nodes, 0x00020000)
    if length is None:
        return None
    return data[: length.value] + struct.pack("<L", rng.choice(LENGTHS)) + data[length.end :]


def change_groups(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Damage the functional groups of an enhanced object: drop or repeat items, empty or misname sequences."""
    inside = [node for node in nodes if node.tag in SEQUENCES or (node.tag == ITEM and not node.is_fragment)]
    if not any(node.tag >> 16 == 0x5200 for node in inside):
        return None
    node = rng.choice(inside)
    kind = rng.randrange(4)
    if kind == 0:
        return with_value(data, nodes, node, b"")
    whole = data[node.at : node.end]
    if kind == 1 and node.tag == ITEM:
        parent = nodes[node.parents[-1]]
        value = data[parent.value : parent.end].replace(whole, rng.choice((b"", whole * 2, whole * 300)), 1)
        return with_value(data, nodes, parent, value)
    if kind == 2:
        return data[: node.at] + struct.pack("<HH", 0x0020, rng.randrange(65536)) + data[node.at + 4 :]
    leaves = [one for one in elements_of(nodes) if one.parents and one.vr != b"SQ"]
    if not leaves:
        return None
    return with_value(data, nodes, rng.choice(leaves), rng.choice((*NUMBERS, *TEXTS)))


HEADER_MUTATIONS = (
    (lie_about_length, 3),
    (lie_about_representation, 2),
    (change_value, 3),
    (flip_bytes, 3),
    (drop_or_repeat, 3),
    (cut, 2),
    (nest, 1),
    (insert_element, 3),
    (change_pixel_format, 4),
    (change_geometry, 3),
    (change_character_set, 2),
    (change_meta, 3),
    (change_groups, 2),
)
"""Each with its weight."""
