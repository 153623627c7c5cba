"""What a content item of a structured report says, as people read it; PS3.3 C.17.3.2."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence

from arviewer.imaging.dicom.plain_text import uid_name
from arviewer.imaging.dicom.tree import Item
from arviewer.imaging.dicom.values import readable_name
from arviewer.words import _

MAX_POINTS = 8
"""Points of a coordinate item that are written out."""
MAX_LISTED = 20
"""Frames, segments or channels of a reference that are written out."""

_UNITS = {
    "1": "",
    "[hnsf'U]": "HU",
    "mm[Hg]": "mmHg",
    "m[H2O]": "mH₂O",
    "Cel": "°C",
    "deg": "°",
    "a": _("years"),
    "mo": _("months"),
    "wk": _("weeks"),
    "d": _("days"),
    "[in_i]": "in",
    "[lb_av]": "lb",
    "{H.B.}/min": _("beats/min"),
    "{SUVbw}g/ml": "g/ml SUVbw",
}
"""UCUM codes that people write otherwise."""
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def code_text(code: Item) -> str:
    """Return the meaning of a code, or the code itself where it has none; PS3.3 table 8.8-1."""
    meaning = code.text(0x00080104)
    if meaning:
        return meaning
    value = code.text(0x00080100) or code.text(0x00080119) or code.text(0x00080120)
    scheme = code.text(0x00080102)
    return f"({value}, {scheme})" if value and scheme else value


def unit_text(code: Item) -> str:
    """Return a unit as people write it: "mm²" for the UCUM code "mm2", "" for the unit one."""
    value = code.text(0x00080100)
    if code.text(0x00080102) != "UCUM" or not value:
        return code_text(code)
    if value in _UNITS:
        return _UNITS[value]
    annotation = re.fullmatch(r"\{([^{}]*)\}", value)
    if annotation:
        return annotation[1]
    plain = re.sub(r"\{[^{}]*\}", "", value)
    raised = re.sub(r"(?<=[A-Za-z])-?\d+", lambda power: power[0].translate(_SUPERSCRIPTS), plain)
    # A "u" is micro only in front of a unit: um, ug, ul, umol.
    return re.sub(r"(?<![A-Za-z\[])u(?=(m|g|l|L|s|mol|V|A)\b|(?:m|l)[⁰¹²³⁴⁵⁶⁷⁸⁹])", "µ", raised).replace(".", "·")


def dated(date: str, time: str = "") -> str:
    """Return a DICOM date, time, or both as ISO 8601 writes them; what is none, as it is."""
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d{2,6}(?:\.\d+)?)?([+-]\d{4})?", date.strip())
    if found:
        date = f"{found[1]}-{found[2]}-{found[3]}"
        time = time or found[4] or ""
        zone = found[5] or ""
    else:
        zone = ""
    clock = re.fullmatch(r"(\d\d)(\d\d)?(\d\d)?(?:\.\d+)?", time.strip())
    told = ":".join(part for part in clock.groups() if part) if clock else time
    return " ".join(part for part in (date, told, zone) if part)


def value_text(kind: str, item: Item) -> str | None:
    """Return what an item of a *Value Type* says, "" for a heading; None for a kind that is not known."""
    reader = _KINDS.get(kind)
    return None if reader is None else reader(item)


def _number(item: Item) -> str:
    measured = item.items(0x0040A300)
    qualifiers = ", ".join(code_text(code) for code in item.items(0x0040A301))
    if not measured or not measured[0].text(0x0040A30A):
        return qualifiers or _("no value")
    value = measured[0].text(0x0040A30A).replace("\\", ", ")
    unit = unit_text(measured[0].first(0x004008EA))
    told = f"{value}{unit}" if unit in ("°", "%") else f"{value} {unit}".strip()
    return f"{told} ({qualifiers})" if qualifiers else told


def _name(item: Item) -> str:
    return readable_name(item.text(0x0040A123))


def _object(item: Item) -> str:
    """Return what an IMAGE, COMPOSITE or WAVEFORM item refers to."""
    told = []
    for reference in item.items(0x00081199):
        sop_class = reference.text(0x00081150)
        name = uid_name(sop_class) or sop_class
        words = [f"{name.removesuffix(' Storage')} {reference.text(0x00081155)}"]
        frames = reference.text(0x00081160).replace("\\", ", ")
        if frames:
            words.append(_("frames {frames}").format(frames=frames))
        for tag, word in ((0x0062000B, _("segments {numbers}")), (0x0040A0B0, _("channels {numbers}"))):
            numbers = _unpacked(reference, tag, "H", 2)
            if numbers:
                words.append(word.format(numbers=", ".join(f"{n:g}" for n in numbers[:MAX_LISTED])))
        told.append(", ".join(words))
    return "; ".join(told) or _("(no object)")


def _unpacked(item: Item, tag: int, code: str, size: int) -> Sequence[float]:
    """Return the values of a binary element."""
    element = item.elements.get(tag)
    if element is None:
        return ()
    raw = item.raw(tag)
    order = ">" if element.big_endian else "<"
    return struct.unpack(f"{order}{len(raw) // size}{code}", raw[: len(raw) // size * size])


def _points(item: Item, dimension: int) -> str:
    """Return type and points of a spatial coordinate item."""
    values = _unpacked(item, 0x00700022, "f", 4)
    points = [values[at : at + dimension] for at in range(0, len(values) - dimension + 1, dimension)]
    told = " ".join("(" + ", ".join(f"{x:.7g}" for x in point) + ")" for point in points[:MAX_POINTS])
    more = _("… ({count:,} points)").format(count=len(points)) if len(points) > MAX_POINTS else ""
    unit = _("mm") if dimension == 3 else _("column, row")
    return f"{item.text(0x00700023).lower()} {told}{more} {unit}"


def _times(item: Item) -> str:
    offsets, samples = item.text(0x0040A138), _unpacked(item, 0x0040A132, "L", 4)
    listed = ", ".join(f"{n:g}" for n in samples[:MAX_LISTED])
    parts = [
        item.text(0x0040A130).lower(),
        _("samples {numbers}").format(numbers=listed) if samples else "",
        _("at {offsets} s").format(offsets=offsets.replace("\\", ", ")) if offsets else "",
        ", ".join(dated(one) for one in item.text(0x0040A13A).split("\\") if one),
    ]
    return " ".join(part for part in parts if part)


_KINDS: dict[str, Callable[[Item], str]] = {
    "CONTAINER": lambda _item: "",
    "TEXT": lambda item: item.text(0x0040A160),
    "CODE": lambda item: code_text(item.first(0x0040A168)),
    "NUM": _number,
    "PNAME": _name,
    "DATE": lambda item: dated(item.text(0x0040A121)),
    "TIME": lambda item: dated("", item.text(0x0040A122)),
    "DATETIME": lambda item: dated(item.text(0x0040A120)),
    "UIDREF": lambda item: item.text(0x0040A124),
    "IMAGE": _object,
    "COMPOSITE": _object,
    "WAVEFORM": _object,
    "SCOORD": lambda item: _points(item, 2),
    "SCOORD3D": lambda item: _points(item, 3),
    "TCOORD": _times,
}
