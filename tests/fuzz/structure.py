"""The structure of a DICOM file as places in its bytes, so that a mutation can lie about one thing and keep the rest.

A walker of its own, apart from the one that is tested: it reads valid files only, and stops where they end.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
ITEM_BYTES = b"\xfe\xff\x00\xe0"
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_TAGS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
LONG_VRS = frozenset(b"OB OW OF OD OL OV SQ UC UR UT UN SV UV".split())
MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Node:
    """One element, item, delimiter or fragment.

    Attributes
    ----------
    at, length_at, value, end : int
        Places of its tag, of its length field, of its value, and behind its value.
    length_size : int
        Bytes of the length field.
    big : bool
        Byte order.
    parents : tuple of int
        Indices of the nodes around it, outermost first.
    """

    tag: int
    vr: bytes
    at: int
    length_at: int
    length_size: int
    value: int
    end: int
    big: bool
    parents: tuple[int, ...]

    @property
    def is_fragment(self) -> bool:
        """Whether it is an item of encapsulated pixel data."""
        return self.vr == b"fr"


def syntax_of(data: bytes) -> str:
    """Return the transfer syntax of a file with meta information, or ""."""
    start = data.find(b"\x02\x00\x10\x00UI", 132, 2048)
    if start < 0:
        return ""
    length = int.from_bytes(data[start + 6 : start + 8], "little")
    return data[start + 8 : start + 8 + length].decode("ascii", "replace").strip("\0 ")


def data_set_start(data: bytes) -> int:
    """Return where the data set begins: behind the meta information."""
    place = 132 if data[128:132] == b"DICM" else 0
    while data[place : place + 2] == b"\x02\x00" and place + 12 <= len(data):
        long = data[place + 4 : place + 6] in LONG_VRS
        length = int.from_bytes(data[place + 8 : place + 12] if long else data[place + 6 : place + 8], "little")
        place += (12 if long else 8) + length
    return min(place, len(data))


def inflated(data: bytes) -> bytes:
    """Return a deflated file with its data set plain."""
    start = data_set_start(data)
    return data[:start] + zlib.decompress(data[start:], -zlib.MAX_WBITS)


def deflated(data: bytes) -> bytes:
    """Return a file with its data set deflated; PS3.5 A.5."""
    start = data_set_start(data)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return data[:start] + packer.compress(data[start:]) + packer.flush()


def nodes_of(data: bytes) -> list[Node]:
    """Return the nodes of a file in the order of their places; what cannot be walked any more is left out."""
    found: list[Node] = []
    syntax = syntax_of(data)
    try:
        if data[128:132] == b"DICM":
            _walk(data, 132, data_set_start(data), (), found, explicit=True, big=False)
        _walk(
            data,
            data_set_start(data),
            len(data),
            (),
            found,
            explicit=syntax != IMPLICIT,
            big=syntax == BIG_ENDIAN,
        )
    except (struct.error, ValueError):
        pass
    return found


def _walk(
    data: bytes, place: int, stop: int, parents: tuple[int, ...], found: list[Node], *, explicit: bool, big: bool
) -> int:
    """Walk elements or items from `place` to `stop`, or to the delimiter that ends them."""
    if len(parents) > MAX_DEPTH:
        raise ValueError
    order = ">" if big else "<"
    while place + 8 <= stop:
        group, element = struct.unpack_from(order + "HH", data, place)
        tag = group << 16 | element
        vr = data[place + 4 : place + 6] if explicit and group != 0xFFFE else b""
        at, size = (place + 8, 4) if vr in LONG_VRS else (place + 6, 2) if vr else (place + 4, 4)
        length = struct.unpack_from(order + ("L" if size == 4 else "H"), data, at)[0]
        value = at + size
        end = value if length == UNDEFINED else value + length
        if end > len(data):
            raise ValueError
        found.append(Node(tag, vr, place, at, size, value, end, big, parents))
        if tag in (ITEM_END, SEQUENCE_END):
            return end
        inner = (*parents, len(found) - 1)
        if tag in PIXEL_TAGS and length == UNDEFINED:
            place = _fragments(data, value, inner, found)
        elif (
            tag == ITEM
            or vr == b"SQ"
            or length == UNDEFINED
            or (not explicit and data[value : value + 4] == ITEM_BYTES)
        ):
            limit = stop if length == UNDEFINED else end
            place = _walk(data, value, limit, inner, found, explicit=explicit, big=big)
        else:
            place = end
    return place


def _fragments(data: bytes, place: int, parents: tuple[int, ...], found: list[Node]) -> int:
    while place + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHL", data, place)
        tag, value = group << 16 | element, place + 8
        end = value + length
        if end > len(data):
            raise ValueError
        found.append(Node(tag, b"fr", place, place + 4, 4, value, end, False, parents))
        place = end
        if tag != ITEM:
            break
    return place


def find(nodes: Sequence[Node], tag: int) -> Node | None:
    """Return the first top-level element of a tag."""
    return next((node for node in nodes if node.tag == tag and not node.parents), None)


def fragments(nodes: Sequence[Node]) -> list[Node]:
    """Return the items of the encapsulated pixel data, the offset table first."""
    return [node for node in nodes if node.is_fragment and node.tag == ITEM]


def with_length(data: bytes, node: Node, length: int) -> bytes:
    """Return the bytes with another number in a length field."""
    code = (">" if node.big else "<") + ("L" if node.length_size == 4 else "H")
    number = struct.pack(code, length & (0xFFFFFFFF if node.length_size == 4 else 0xFFFF))
    return data[: node.length_at] + number + data[node.length_at + node.length_size :]


def with_value(data: bytes, nodes: Sequence[Node], node: Node, value: bytes) -> bytes:
    """Return the bytes with another value, and every length around it put right."""
    value += b"\0" * (len(value) % 2)
    change = len(value) - (node.end - node.value)
    data = data[: node.value] + value + data[node.end :]
    if not change:
        return data
    data = with_length(data, node, len(value))
    for parent in (nodes[number] for number in node.parents):
        code = (">" if parent.big else "<") + ("L" if parent.length_size == 4 else "H")
        length = struct.unpack_from(code, data, parent.length_at)[0]
        if length != UNDEFINED:
            data = with_length(data, parent, length + change)
    return data


def short(node: Node, number: int) -> bytes:
    """Return a number as a US value of the element's byte order."""
    return struct.pack(">H" if node.big else "<H", number & 0xFFFF)


def element(tag: int, vr: bytes, value: bytes, *, explicit: bool = True, big: bool = False) -> bytes:
    """Return one encoded element with a truthful length."""
    order = ">" if big else "<"
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if not explicit:
        return head + struct.pack(order + "L", len(value)) + value
    if vr in LONG_VRS:
        return head + vr + b"\0\0" + struct.pack(order + "L", len(value)) + value
    return head + vr + struct.pack(order + "H", len(value) & 0xFFFF) + value
