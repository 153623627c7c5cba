"""Mutations of pixel data: its length, the offset table and fragments around it, the codestreams inside.

Each takes a source of chance, the bytes and their nodes, and returns other bytes, or None where it does not apply.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

from tests.fuzz.codestreams import mutated_codestream
from tests.fuzz.headers import COLUMNS, LENGTHS, ROWS
from tests.fuzz.seeds import SHAPE
from tests.fuzz.structure import (
    ITEM_BYTES,
    PIXEL_TAGS,
    Node,
    element,
    find,
    fragments,
    nodes_of,
    short,
    with_length,
    with_value,
)

Nodes = Sequence[Node]


def pixel_node(nodes: Nodes) -> Node | None:
    """Return the pixel data element of the data set itself."""
    return next((node for node in nodes if node.tag in PIXEL_TAGS and not node.parents), None)


def _item(value: bytes) -> bytes:
    return ITEM_BYTES + struct.pack("<L", len(value)) + value


def change_payload(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Change bytes of the pixels or codestreams, lengths untouched."""
    places = [node for node in fragments(nodes)[1:] if node.end > node.value]
    if not places:
        node = pixel_node(nodes)
        if node is None or node.end == node.value:
            return None
        places = [node]
    node = rng.choice(places)
    changed = bytearray(data)
    for _n in range(rng.choice((1, 1, 2, 4, 16, 64))):
        changed[rng.randrange(node.value, node.end)] = rng.choice((0, 0xFF, 0x80, 0x7F, rng.randrange(256)))
    return bytes(changed)


def change_codestream(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Change a codestream by its own structure, and put the length around it right."""
    items = [node for node in fragments(nodes)[1:] if node.end > node.value]
    if not items:
        return None
    node = rng.choice(items)
    changed = mutated_codestream(rng, data[node.value : node.end])
    return None if changed is None else with_value(data, nodes, node, changed)


def agree_on_size(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Let header and codestream declare the same huge or odd size, in a file long enough to be believed."""
    rows, columns, items = find(nodes, ROWS), find(nodes, COLUMNS), fragments(nodes)[1:]
    if rows is None or columns is None or not items:
        return None
    size = rng.choice(
        (
            (65535, 65535),
            (32768, 32767),
            (1, 65535),
            (16384, 16384),
            (8000, 8000),
            (SHAPE[0] + 1, SHAPE[1]),
            (SHAPE[0], SHAPE[1] - 1),
        )
    )
    for node, number in ((rows, size[0]), (columns, size[1])):
        data = data[: node.value] + short(node, number) + data[node.value + 2 :]
    for node in reversed(items):
        stream = _resized(data[node.value : node.end], *size)
        data = with_value(data, nodes_of(data), node, stream)
    if rng.random() < 0.5:
        data += element(0xFFFCFFFC, b"OB", b"\0" * rng.choice((1000, 30_000, 500_000)))
    return data


def _resized(stream: bytes, rows: int, columns: int) -> bytes:
    if stream[:4] == b"\xff\x4f\xff\x51":
        return (
            stream[:8]
            + struct.pack(">LL", columns, rows)
            + stream[16:24]
            + struct.pack(">LL", columns, rows)
            + stream[32:]
        )
    place = 2
    while stream[:2] == b"\xff\xd8" and place + 9 <= len(stream) and stream[place] == 0xFF:
        marker, length = stream[place + 1], int.from_bytes(stream[place + 2 : place + 4], "big")
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return stream[: place + 5] + struct.pack(">HH", rows, columns) + stream[place + 9 :]
        place += 2 + length
    return stream


def change_fragments(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Split, join, drop, empty, repeat or swap fragments."""
    items = fragments(nodes)
    if len(items) < 2:
        return None
    table, *parts = (data[item.value : item.end] for item in items)
    kind = rng.randrange(8)
    n = rng.randrange(len(parts))
    if kind == 0:
        size = rng.choice((2, 10, 64, len(parts[n]) // 2 or 2))
        parts[n : n + 1] = [parts[n][at : at + size] for at in range(0, len(parts[n]), size)][:2000]
    elif kind == 1:
        parts = [b"".join(parts)]
    elif kind == 2:
        del parts[n]
    elif kind == 3:
        parts[n] = b""
    elif kind == 4:
        parts.insert(n, rng.choice((b"", b"\0\0", parts[n], rng.randbytes(100))))
    elif kind == 5:
        rng.shuffle(parts)
    elif kind == 6:
        parts *= rng.choice((2, 20, 3000 // len(parts)))
    else:
        parts = [part + rng.choice((b"\0\0", b"\xff\xff", b"\0" * 400)) for part in parts]
    value = b"".join(_item(part) for part in (table, *parts))
    return data[: items[0].at] + value + data[items[-1].end :]


def change_offsets(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Lie in the basic or the extended offset table."""
    extended = [node for node in nodes if node.tag in (0x7FE00001, 0x7FE00002) and not node.parents]
    if extended and rng.random() < 0.5:
        node = rng.choice(extended)
        return with_value(data, nodes, node, struct.pack("<5Q", *(rng.choice((0, 8, 300, 1 << 63)) for _n in range(5))))
    items = fragments(nodes)
    if not items:
        return None
    count = rng.choice((0, 1, len(items) - 1, len(items), 5000))
    numbers = [rng.choice((0, 8, 100, len(data), 0xFFFFFFFF, rng.randrange(len(data)))) for _n in range(count)]
    if rng.random() < 0.3:
        numbers.sort()
    return with_value(data, nodes, items[0], struct.pack(f"<{count}L", *numbers) + b"\0" * rng.choice((0, 0, 2)))


def lie_about_pixels(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """Lie about the length of the pixel data or of a fragment, or about its tag."""
    found = [node for node in nodes if node.is_fragment or (node.tag in PIXEL_TAGS and not node.parents)]
    if not found:
        return None
    node = rng.choice(found)
    if rng.random() < 0.2:
        return data[: node.at] + rng.randbytes(4) + data[node.at + 4 :]
    real = node.end - node.value
    return with_length(data, node, rng.choice((*LENGTHS, real + 1, real + 8, max(0, real - 2), real // 2, 2 * real)))


def cut_pixels(rng: Random, data: bytes, nodes: Nodes) -> bytes | None:
    """End the file within its pixels, or add to it."""
    node = pixel_node(nodes)
    if node is None:
        return None
    if rng.random() < 0.3:
        return data + rng.choice((b"\0", rng.randbytes(9), b"\xfe\xff\xdd\xe0\0\0\0\0", rng.randbytes(5000)))
    return data[: rng.randrange(node.at, len(data))]


PIXEL_MUTATIONS = (
    (change_payload, 6),
    (change_codestream, 12),
    (agree_on_size, 2),
    (change_fragments, 4),
    (change_offsets, 3),
    (lie_about_pixels, 3),
    (cut_pixels, 3),
)
"""Each with its weight."""
