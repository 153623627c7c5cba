"""Every element of a file, one after the other and at any depth, however deep or damaged it is.

A walker over PS3.5 sections 6 and 7 that keeps a list of the open sequences instead of calling itself, looks at no
value that it need not know, and stops with the place and the reason where the bytes make no sense. Import has a
faster one of its own (`arviewer.imaging.dicom.elements`), which reads only what it wants.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from arviewer.imaging.dicom.elements import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE, PIXEL_DATA, UNDEFINED
from arviewer.imaging.dicom.plain_text import shown, tag_text
from arviewer.words import _

MAX_INFLATED = 256 << 20
"""Bytes that a deflated data set may inflate to; beyond it only the beginning is walked."""

MAX_PADDING = 4096
"""Bytes; two sectors of a CD."""
MAX_REMARKS = 20

LONG_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
"""Value representations with a length of 32 bits; PS3.5 table 7.1-1."""

SHORT_VRS = frozenset(
    ("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI",
     "UL", "US")
)  # fmt: skip
"""Those with a length of 16 bits."""

PLAUSIBLE_GROUP = 0x0030
"""A data set begins with a group up to this one; in the wrong byte order, 0008 reads 0800."""

TRANSFER_SYNTAX = 0x00020010
CHARACTER_SET = 0x00080005
PIXEL_REPRESENTATION = 0x00280103
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

Buffer = bytes | mmap.mmap


class Damaged(Exception):
    """The bytes make no sense from here on; the message says where and why, in words for the reader."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element, a sequence, or an item of one.

    Attributes
    ----------
    tag : int
        Group << 16 | element; `ITEM` for an item.
    vr : str
        As in the file, or by the dictionary where the file says none; "" of an item.
    known_vr : str
        How the value is to be read: the dictionary's where the file says UN.
    depth : int
        How many sequences it is inside.
    data, offset, length
        Its value is ``data[offset : offset + length]``; length None when undefined.
    big_endian : bool
    character_set : bytes
        The value of (0008,0005) that holds for it.
    creator : str
        Of a private element.
    number : int
        Of an item: which one, from 1; of encapsulated pixel data: how many fragments.
    """

    tag: int
    vr: str
    known_vr: str
    depth: int
    data: Buffer = field(repr=False)
    offset: int
    length: int | None
    big_endian: bool = False
    character_set: bytes = b""
    creator: str = ""
    number: int = 0

    @property
    def is_sequence(self) -> bool:
        """Whether its items follow."""
        return self.known_vr == "SQ"

    def raw(self, limit: int | None = None) -> bytes:
        """Return the value's bytes, at most `limit` of them."""
        length = self.length or 0
        return bytes(self.data[self.offset : self.offset + (length if limit is None else min(length, limit))])


@dataclass(slots=True)
class _Level:
    """A data set or a sequence that is open."""

    end: int
    bounded: bool
    """Whether a length was given; else a delimiter closes it."""
    holds_items: bool
    implicit: bool
    big: bool
    depth: int
    character_set: bytes = b""
    signed: bool = False
    creators: dict[int, str] = field(default_factory=dict)
    count: int = 0


class Walk:
    """Walks one file.

    Parameters
    ----------
    data : bytes or mmap
        The whole file.

    Attributes
    ----------
    transfer_syntax : str
        Known once the first element of the data set came.
    remarks : list of str
        What was odd but could be read past, in words for the reader.
    cut_short : bool
        Some value is not all there.
    """

    def __init__(self, data: Buffer) -> None:
        self.transfer_syntax = ""
        self.remarks: list[str] = []
        self.cut_short = False
        self._file = data

    def elements(self) -> Iterator[Element]:
        """Yield everything in the order of the file, the file meta information first.

        Raises
        ------
        Damaged
            Where it cannot go on; everything before was yielded.
        """
        place = 132 if bytes(self._file[128:132]) == b"DICM" else 0
        meta = _Level(len(self._file), True, False, False, False, 0)
        while bytes(self._file[place : place + 2]) == b"\x02\x00":
            element, place = self._element(self._file, place, meta)
            if element.tag == TRANSFER_SYNTAX:
                self.transfer_syntax = element.raw(64).decode("ascii", "replace").strip("\0 ")
            yield element
            self._check_length(element, meta)
        data: Buffer = self._file
        if self.transfer_syntax == DEFLATED:
            data, place = self._inflated(place), 0
        implicit, big = self._encoding(data, place)
        yield from self._data_set(data, place, implicit, big)

    def _inflated(self, place: int) -> bytes:
        packed = memoryview(self._file)[place:]
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, MAX_INFLATED + 1)
        except zlib.error as error:
            raise Damaged(_("its deflated part is damaged")) from error
        finally:
            packed.release()
        if len(data) > MAX_INFLATED:
            size = MAX_INFLATED >> 20
            self._remark(_("It inflates to more than {size} MiB; only these were read.").format(size=size))
            self.cut_short = True
        return data

    def _encoding(self, data: Buffer, place: int) -> tuple[bool, bool]:
        """Return whether the data set is implicit, and whether it is big endian: by its first element."""
        head = bytes(data[place : place + 6])
        said = (self.transfer_syntax == IMPLICIT_LITTLE, self.transfer_syntax == EXPLICIT_BIG)
        if len(head) < 6:
            return said
        groups = {big: struct.unpack(">H" if big else "<H", head[:2])[0] for big in (False, True)}
        is_big = said[1]
        if groups[is_big] > PLAUSIBLE_GROUP >= groups[not is_big]:
            is_big = not is_big
        found = (head[4:6].decode("latin-1") not in LONG_VRS | SHORT_VRS, is_big)
        if self.transfer_syntax and found != said:
            text = _("Its transfer syntax {uid} is not how its elements are written; they were read as they are.")
            self._remark(text.format(uid=shown(self.transfer_syntax)))
        return found

    def _data_set(self, data: Buffer, place: int, implicit: bool, big: bool) -> Iterator[Element]:
        levels = [_Level(len(data), True, False, implicit, big, 0)]
        while levels:
            level = levels[-1]
            if place >= level.end:
                if not level.bounded:
                    raise Damaged(_("it ends inside a sequence that is never closed"))
                place = levels.pop().end
                continue
            if len(levels) == 1 and _is_padding(data, place):
                return
            element, behind = self._element(data, place, level)
            if element.tag in (ITEM_END, SEQUENCE_END):
                self._close(levels, element, place)
            elif level.holds_items and element.tag != ITEM:
                raise Damaged(_("at byte {place} an item of a sequence should begin").format(place=place))
            else:
                yield element
                self._check_length(element, level)
                if element.tag == ITEM or element.is_sequence:
                    levels.append(_inner(level, element))
            place = min(behind, level.end)

    def _close(self, levels: list[_Level], delimiter: Element, place: int) -> None:
        """Close what a delimiter ends; one that ends nothing is read past."""
        ends_sequence = delimiter.tag == SEQUENCE_END
        if ends_sequence and not levels[-1].holds_items and not levels[-1].bounded:
            levels.pop()  # the sequence ends, and with it an item that was not closed
        if levels[-1].bounded or levels[-1].holds_items != ends_sequence:
            text = _("The delimiter {tag} at byte {place} closes nothing.")
            self._remark(text.format(tag=tag_text(delimiter.tag), place=place))
        else:
            levels.pop()

    def _remark(self, text: str) -> None:
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(text)

    def _element(self, data: Buffer, place: int, level: _Level) -> tuple[Element, int]:
        """Return the element at `place`, and where the next one begins: inside it for sequences and items."""
        if place + 8 > level.end:
            raise Damaged(_("it is cut short at byte {place}").format(place=level.end))
        group, number = struct.unpack_from(">HH" if level.big else "<HH", data, place)
        tag = group << 16 | number
        vr, length, value = self._head(data, place, level, tag)
        defined = None if length == UNDEFINED else length
        if tag in (ITEM, ITEM_END, SEQUENCE_END):
            level.count += tag == ITEM
            return Element(tag, "", "", level.depth, data, value, defined, level.big, number=level.count), value
        creator = _creator(level, tag)
        known = vr if vr not in ("", "UN") else _dictionary_vr(tag, creator, level.signed) or "UN"
        fragments, behind = 0, value
        if defined is not None and known != "SQ":
            behind = value + defined
        elif tag in PIXEL_DATA or vr in ("OB", "OW"):
            fragments, behind = _fragments(data, value, level)
        else:
            known = "SQ"  # only sequences and pixel data may be of undefined length; PS3.5 7.1.1
        made = Element(
            tag, vr or known, known, level.depth, data, value, defined, level.big, level.character_set, creator,
            fragments,
        )  # fmt: skip
        _remember(level, made)
        return made, behind

    def _head(self, data: Buffer, place: int, level: _Level, tag: int) -> tuple[str, int, int]:
        """Return VR ("" where there is none), length and the offset of the value."""
        end = ">" if level.big else "<"
        letters = bytes(data[place + 4 : place + 6])
        # An element without a VR in an explicit data set is read as an implicit one, as pydicom does.
        if level.implicit or tag >> 16 == 0xFFFE or not _is_vr(letters):
            return "", struct.unpack_from(end + "L", data, place + 4)[0], place + 8
        vr = letters.decode("ascii")
        if vr not in LONG_VRS:
            return vr, struct.unpack_from(end + "H", data, place + 6)[0], place + 8
        if place + 12 > level.end:
            raise Damaged(_("it is cut short at byte {place}").format(place=level.end))
        return vr, struct.unpack_from(end + "L", data, place + 8)[0], place + 12

    def _check_length(self, element: Element, level: _Level) -> None:
        if element.length is None or element.offset + element.length <= level.end:
            return
        told = {"tag": tag_text(element.tag), "length": element.length, "left": level.end - element.offset}
        self.cut_short = True
        self._remark(_("{tag} claims {length:,} bytes, but {left:,} are left.").format(**told))


def _inner(level: _Level, element: Element) -> _Level:
    """Return the level inside a sequence or an item."""
    bounded = element.length is not None
    end = min(element.offset + (element.length or 0), level.end) if bounded else level.end
    is_item = element.tag == ITEM
    return _Level(
        end=end,
        bounded=bounded,
        holds_items=not is_item,
        # What stands in an element of unknown VR is implicit little endian; PS3.5 6.2.2 note 2.
        implicit=level.implicit or element.vr == "UN",
        big=level.big and element.vr != "UN",
        depth=level.depth + (0 if is_item else 1),
        character_set=level.character_set,
        signed=level.signed,
    )


def _is_vr(letters: bytes) -> bool:
    return len(letters) == 2 and letters.isalpha() and letters.isupper() and letters.isascii()


def _is_padding(data: Buffer, place: int) -> bool:
    """Whether nothing but some zeros follow, which fill up a sector."""
    return len(data) - place <= MAX_PADDING and not any(bytes(data[place:]))


def _creator(level: _Level, tag: int) -> str:
    if not tag >> 16 & 1 or tag & 0xFFFF < 0x1000:
        return ""
    return level.creators.get(tag >> 8, "")


def _remember(level: _Level, element: Element) -> None:
    """Keep the values that say how others are to be read."""
    if element.tag == CHARACTER_SET:
        level.character_set = element.raw(256)
    elif element.tag == PIXEL_REPRESENTATION:
        level.signed = b"\1" in element.raw(2)
    elif element.tag >> 16 & 1 and 0x10 <= element.tag & 0xFFFF <= 0xFF:
        name = element.raw(64).decode("ascii", "replace").strip("\0 ")
        level.creators[element.tag >> 16 << 8 | element.tag & 0xFF] = name


def _dictionary_vr(tag: int, creator: str, signed: bool) -> str:
    """Return the dictionary's VR, the one that is meant where it names several (PS3.5 annex A.1); "" if unknown."""
    from pydicom.datadict import dictionary_VR, private_dictionary_VR

    if tag & 0xFFFF == 0:
        return "UL"  # a group length
    try:
        if not tag >> 16 & 1:
            found = str(dictionary_VR(tag))
        elif 0x10 <= tag & 0xFFFF <= 0xFF:
            found = "LO"  # a private creator
        else:
            found = str(private_dictionary_VR(tag, creator)) if creator else ""
    except KeyError:
        return ""
    if " or " not in found:
        return found
    if "OW" in found:
        return "OW"
    return "SS" if signed else "US"


def _fragments(data: Buffer, place: int, level: _Level) -> tuple[int, int]:
    """Return how many fragments encapsulated pixel data has, the offset table not counted, and where it ends."""
    count, end = -1, ">" if level.big else "<"
    while place + 8 <= level.end:
        group, number, length = struct.unpack_from(end + "HHL", data, place)
        place += 8
        if (group << 16 | number) == SEQUENCE_END:
            return max(count, 0), place
        if (group << 16 | number) != ITEM or place + length > level.end:
            break
        count, place = count + 1, place + length
    raise Damaged(_("its encapsulated pixel data is cut short or damaged at byte {place}").format(place=place))
