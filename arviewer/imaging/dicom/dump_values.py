"""What a person reads of the value of an element, and whether it may tell who the patient is."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence

from arviewer.imaging.dicom.elements import PIXEL_DATA
from arviewer.imaging.dicom.plain_text import TEXT_VRS, decoded, shown, tag_text, uid_name
from arviewer.imaging.dicom.walk import Element
from arviewer.model.documents import HeaderRow
from arviewer.words import _

MAX_CHARACTERS = 300
"""Of a value that is shown; the longest text of a usual header (window explanations, comments) fits."""
MAX_NUMBERS = 16
"""Of a binary value that is shown: a 4 × 4 matrix."""
MAX_TEXT_BYTES = 4096
"""Bytes of a text that are decoded: `MAX_CHARACTERS` of the longest code, escape sequences included."""
MAX_HEX_BYTES = 16
MAX_TEXT_COUNTED = 1 << 20

_NUMBERS = {
    "US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d", "OF": "f", "OD": "d",
    "OL": "L", "OV": "Q", "AT": "HH",
}  # fmt: skip
"""Format of one value, for ``struct``; PS3.5 table 6.2-1."""
_SINGLE_TEXTS = frozenset(("LT", "ST", "UT", "UR"))
"""Texts in which a backslash is a letter."""
_TEXTS = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"]) | TEXT_VRS | _SINGLE_TEXTS


def describe_value(element: Element) -> tuple[int, str]:
    """Return how many values it has, and what is shown of them."""
    if element.is_sequence:
        return 0, ""
    vr = element.known_vr
    if element.tag in PIXEL_DATA or element.length is None:
        return 1, _bulk(element)
    if vr in _TEXTS:
        return _text(element, vr)
    if vr in _NUMBERS:
        return _numbers(element, vr)
    return (1, _bytes(element)) if element.length else (0, "")


def _bulk(element: Element) -> str:
    if element.length is not None:
        return _("{count:,} bytes").format(count=element.length)
    return _("compressed, in {count:,} fragments").format(count=element.number)


def _text(element: Element, vr: str) -> tuple[int, str]:
    raw = element.raw(MAX_TEXT_BYTES)
    text = decoded(raw, element.character_set if vr in TEXT_VRS else b"").strip()
    if not text:
        return 0, ""
    count = 1 if vr in _SINGLE_TEXTS else element.raw(MAX_TEXT_COUNTED).count(b"\\") + 1
    length = element.length or 0
    whole = _("{count:,} characters").format(count=len(text)) if length <= MAX_TEXT_BYTES else ""
    told = _shortened(shown(text), whole or _("{count:,} bytes").format(count=length), cut=length > MAX_TEXT_BYTES)
    return count, f"{told} ({uid_name(text)})" if vr == "UI" and uid_name(text) else told


def _shortened(text: str, whole: str, *, cut: bool = False) -> str:
    return f"{text[:MAX_CHARACTERS]}… ({whole})" if cut or len(text) > MAX_CHARACTERS else text


def _numbers(element: Element, vr: str) -> tuple[int, str]:
    code = (">" if element.big_endian else "<") + _NUMBERS[vr]
    size = struct.calcsize(code)
    length = element.length or 0
    if length % size:
        return 1, _bytes(element)
    raw = element.raw(MAX_NUMBERS * size)
    values = [_number(vr, values) for values in struct.iter_unpack(code, raw[: len(raw) // size * size])]
    more = "" if length <= MAX_NUMBERS * size else _("… ({count:,} values)").format(count=length // size)
    return length // size, "\\".join(values) + more


def _number(vr: str, values: Sequence[int | float]) -> str:
    if vr == "AT":
        return tag_text(int(values[0]) << 16 | int(values[1]))
    if vr in ("FL", "OF"):
        return f"{values[0]:.7g}"  # what 32 bits hold
    return f"{values[0]}"


def _bytes(element: Element) -> str:
    """Return a text where the bytes are one (private elements of unknown VR often are), else some of them in hex."""
    length = element.length or 0
    raw = element.raw(MAX_CHARACTERS + 1)
    plain = raw.rstrip(b"\0 ")
    if plain.isascii() and plain.decode("ascii", "replace").isprintable() and len(plain) > 1:
        return _shortened(plain.decode("ascii"), _("{count:,} bytes").format(count=length), cut=length > len(raw))
    told = raw[:MAX_HEX_BYTES].hex(" ")
    return told if length <= MAX_HEX_BYTES else f"{told} … " + _("({count:,} bytes)").format(count=length)


_IDENTIFYING_VRS = frozenset(("PN", "DA", "DT", "LT", "ST", "UT"))
"""Names, dates, and free text, in which anything may stand."""
_IDENTIFYING = frozenset(
    (
        0x00080050, 0x00080080, 0x00080081, 0x00080092, 0x00080094, 0x00081010, 0x00081040, 0x00081195,
        0x00200010, 0x00324000, 0x00380010, 0x00380300, 0x00380400, 0x00400006, 0x00401001,
        0x00402016, 0x00402017, 0x0040A123, 0x00880130, 0x00880140,
    )
)  # fmt: skip
_SHORTEST_WORD = 3
"""Letters of a part of a name that is looked for elsewhere; shorter ones are found in any text."""


class Identity:
    """Knows, from the patient elements seen, which values may tell who it is.

    Strict on purpose: it serves pictures that leave the house. Names, dates, free text, private elements, the whole
    patient group, and any value in which a part of the patient's name or ID stands.
    """

    def __init__(self) -> None:
        self._words: set[str] = set()

    def may_tell(self, element: Element, value: str) -> bool:
        """Return whether an element may tell who the patient is by what it is; learn from it if so."""
        if not value:
            return False
        if element.tag in (0x00100010, 0x00100020) or element.vr == "PN":
            parts = value.replace("^", " ").replace("=", " ").replace("\\", " ").casefold().split()
            self._words |= {part for part in parts if len(part) >= _SHORTEST_WORD}
        private = bool(element.tag >> 16 & 1) and element.tag & 0xFFFF >= 0x1000
        return (
            element.tag >> 16 == 0x0010
            or element.vr in _IDENTIFYING_VRS
            or element.known_vr in _IDENTIFYING_VRS
            or element.vr == "UN"
            or element.tag in _IDENTIFYING
            or private
        )

    def marked(self, rows: Sequence[HeaderRow]) -> list[HeaderRow]:
        """Return the rows with those marked, too, in whose value a part of a name or an ID stands."""

        def names(row: HeaderRow) -> bool:
            value = row.value.casefold()
            return any(word in value for word in self._words)

        return [
            row if row.identifies or not row.tag or not names(row) else dataclasses.replace(row, identifies=True)
            for row in rows
        ]
