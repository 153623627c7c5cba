"""The few header elements that import needs, found in one pass over the first bytes of a file.

A small walker over PS3.5 section 7 data elements: it keeps the raw values of the wanted tags, skips everything else
and stops at the pixel data, whose place it reports. Anything out of the ordinary is left to pydicom.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from arviewer.imaging.dicom.repeats import HEAD, Repeats, Run, Step

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

PIXEL_DATA = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
"""Float, Double Float and integer *Pixel Data*."""

UNDEFINED = 0xFFFFFFFF
MAX_DEPTH = 40
"""Sequences nested deeper than this are hostile; real ones stay under ten."""
MAX_INFLATED_HEADER = 64 << 20
"""Bytes a deflated data set may inflate to before its pixel data is reached; real headers stay under 1 MiB."""

_EXPLICIT_LITTLE_HEAD = struct.Struct("<HH2sH").unpack_from
"""Group, element, VR and, where it is short, length."""

_LONG = frozenset(b"OB OW OF OD OL OV SQ UC UR UT UN SV UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())


class UnreadableHeader(Exception):
    """The bytes are no DICOM header that can be read; the message says why, in words for the reader."""


class _Unusual(Exception):
    """Not what the walker knows."""


class _NeedMore(Exception):
    """The buffer ends inside the header."""


@dataclass(frozen=True, slots=True)
class Header:
    """Raw elements of one data set.

    Attributes
    ----------
    transfer_syntax : str
        (0002,0010), or the syntax found by trial where the file has no meta information.
    values : dict of int to bytes
        Tag (group << 16 | element) to the raw value; sequences are there with b"".
    big_endian : bool
    pixel_tag, pixel_offset : int
        Tag and place of the value of the pixel data; 0 when there is none.
    pixel_length : int or None
        Its length in bytes; None when undefined (encapsulated).
    pixel_vr : bytes
        Its VR where that is explicit.
    """

    transfer_syntax: str
    values: dict[int, bytes] = field(default_factory=dict)
    big_endian: bool = False
    pixel_tag: int = 0
    pixel_offset: int = 0
    pixel_length: int | None = 0
    pixel_vr: bytes = b""


def meta_information(data: bytes) -> tuple[str, int]:
    """Return the transfer syntax and the offset of the data set of a file with a DICOM preamble.

    The file meta information is always explicit little endian (PS3.10 section 7.1).
    """
    syntax, place, size = "", 132, len(data)
    while data.startswith(b"\x02\x00", place) and place + 8 <= size:
        _group, element, vr, length = _EXPLICIT_LITTLE_HEAD(data, place)
        value = place + 8
        if vr not in _SHORT:
            _tag, length, value = _element(data, place, explicit=True, big=False)
        place = value + length
        if length == UNDEFINED or place > size:
            raise _NeedMore
        if element == 0x0010:
            syntax = data[value:place].decode("ascii", "replace").strip("\0 ")
    if place + 8 > size:
        raise _NeedMore
    return syntax, place


def _element(data: bytes, place: int, *, explicit: bool, big: bool) -> tuple[int, int, int]:
    """Return tag, length and the offset of the value of the element at `place`."""
    end = ">" if big else "<"
    if place + 8 > len(data):
        raise _NeedMore
    group, element = struct.unpack_from(end + "HH", data, place)
    tag = group << 16 | element
    if not explicit or group == 0xFFFE:
        return tag, struct.unpack_from(end + "L", data, place + 4)[0], place + 8
    vr = data[place + 4 : place + 6]
    if vr in _SHORT:
        return tag, struct.unpack_from(end + "H", data, place + 6)[0], place + 8
    if vr not in _LONG:
        raise _Unusual
    if place + 12 > len(data):
        raise _NeedMore
    return tag, struct.unpack_from(end + "L", data, place + 8)[0], place + 12


def _after_sequence(data: bytes, place: int, depth: int, *, explicit: bool, big: bool) -> int:
    """Return the offset behind a sequence of undefined length whose items start at `place`."""
    if depth > MAX_DEPTH:
        raise _Unusual
    while True:
        tag, length, place = _element(data, place, explicit=explicit, big=big)
        if tag == 0xFFFEE0DD:
            return place
        if tag != 0xFFFEE000:
            raise _Unusual
        if length != UNDEFINED:
            place += length
            continue
        while True:
            tag, length, place = _element(data, place, explicit=explicit, big=big)
            if tag == 0xFFFEE00D:
                break
            if length == UNDEFINED:
                place = _after_sequence(data, place, depth + 1, explicit=explicit, big=big)
            else:
                place += length


@dataclass(slots=True)
class _Walk:
    """One walk through a data set up to its pixel data.

    Attributes
    ----------
    data : bytes
        May be only the beginning unless `whole`.
    steps : list or None
        Takes tag, start and end of each element.
    alone : int
        Elements that were in no run.
    end : int
        Where the walk ended.
    """

    data: bytes
    syntax: str
    wanted: Container[int]
    whole: bool
    steps: list[Step] | None = None
    alone: int = 0
    end: int = 0

    def go(self, place: int, runs: Mapping[bytes, Run]) -> Header:
        """Walk from `place`, over runs at once."""
        data, size = self.data, len(self.data)
        explicit, big = self.syntax != IMPLICIT_LITTLE, self.syntax == EXPLICIT_BIG
        values: dict[int, bytes] = {}
        last = 0
        while place < size or not self.whole:
            run = runs.get(data[place : place + HEAD])
            if run is not None and run.first > last and data.startswith(run.data, place):
                values.update(run.values)
                place += len(run.data)
                last = run.last
                continue
            self.alone += 1
            tag, vr, length, value = _next(data, place, explicit=explicit, big=big)
            if tag <= last:
                raise _Unusual
            last = tag
            if tag in PIXEL_DATA:
                self.end = place
                return Header(self.syntax, values, big, tag, value, None if length == UNDEFINED else length, vr)
            start, place = place, self._behind(values, tag, vr, length, value)
            if self.steps is not None:
                self.steps.append((tag, start, place))
        if place > size:
            raise _Unusual
        self.end = place
        return Header(self.syntax, values, big)

    def _behind(self, values: dict[int, bytes], tag: int, vr: bytes, length: int, value: int) -> int:
        """Keep what is wanted of an element, and return where it ends."""
        if length == UNDEFINED:
            if vr not in (b"SQ", b""):
                raise _Unusual  # of UN the items are implicit (PS3.5 6.2.2 note 2)
            values[tag] = b""
            explicit, big = self.syntax != IMPLICIT_LITTLE, self.syntax == EXPLICIT_BIG
            return _after_sequence(self.data, value, 0, explicit=explicit, big=big)
        end = value + length
        if tag in self.wanted:
            if end > len(self.data):
                raise _NeedMore
            values[tag] = b"" if tag >> 16 == 0x5200 or tag == 0x00283000 else self.data[value:end]
        return end


def _walk(
    data: bytes, place: int, syntax: str, wanted: Container[int], *, whole: bool, repeats: Repeats | None = None
) -> Header:
    """Walk a data set up to its pixel data; the buffer may be only the beginning unless `whole`."""
    walk = _Walk(data, syntax, wanted, whole)
    if repeats is None:
        return walk.go(place, {})
    header = walk.go(place, repeats.runs)
    repeats.met(
        data, walk.end, walk.alone, lambda steps: _Walk(data, syntax, wanted, whole, steps).go(place, {}).values
    )
    return header


def _next(data: bytes, place: int, *, explicit: bool, big: bool) -> tuple[int, bytes, int, int]:
    """Return tag, VR (b"" where it is implicit), length and the offset of the value of the element at `place`."""
    if explicit and not big:
        try:
            group, element, vr, length = _EXPLICIT_LITTLE_HEAD(data, place)
        except struct.error:
            raise _NeedMore from None
        if vr in _SHORT and group != 0xFFFE:
            return group << 16 | element, vr, length, place + 8
    tag, length, value = _element(data, place, explicit=explicit, big=big)
    return tag, data[place + 4 : place + 6] if explicit else b"", length, value


def inflate(data: bytes, limit: int) -> bytes:
    """Return at most `limit` bytes of a deflated data set; PS3.5 A.5.

    Raises
    ------
    UnreadableHeader
        When the stream is damaged.
    """
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, limit)
    except zlib.error as error:
        raise UnreadableHeader("its deflated part is damaged") from error


def parse(
    data: bytes, wanted: Container[int], *, whole: bool, repeats: dict[str, Repeats] | None = None
) -> Header | None:
    """Return the header in `data`, or None when more of the file is needed.

    Parameters
    ----------
    data : bytes
        The beginning of a file.
    wanted : container of int
        The tags to keep.
    whole : bool
        `data` is the whole file.
    repeats : dict of str to Repeats, optional
        By transfer syntax, what headers before this one taught; always used with the same `wanted`.

    Raises
    ------
    UnreadableHeader
        When neither the walker nor pydicom can make sense of the bytes.
    """
    if data[128:132] == b"DICM":
        try:
            syntax, start = meta_information(data)
            if syntax == DEFLATED:
                return _parse_deflated(data, start, wanted) if whole else None
            if syntax:
                known = None if repeats is None else repeats.setdefault(syntax, Repeats())
                return _walk(data, start, syntax, wanted, whole=whole, repeats=known)
        except (_NeedMore, _Unusual):
            pass
    return parse_with_pydicom(data, wanted) if whole else None


def _parse_deflated(data: bytes, start: int, wanted: Container[int]) -> Header:
    plain = inflate(data[start:], MAX_INFLATED_HEADER)
    try:
        return _walk(plain, 0, DEFLATED, wanted, whole=len(plain) < MAX_INFLATED_HEADER)
    except _NeedMore:
        raise UnreadableHeader(
            f"it inflates to over {MAX_INFLATED_HEADER >> 20} MiB before its pixels, or is cut short"
        ) from None
    except _Unusual:
        raise UnreadableHeader("its inflated header is damaged") from None


def parse_with_pydicom(data: bytes, wanted: Container[int]) -> Header:
    """Return the header of a whole file as pydicom reads it, for what the walker does not know.

    Raises
    ------
    UnreadableHeader
        When pydicom cannot read it either.
    """
    from pydicom import dcmread

    if data[128:132] != b"DICM" and data[:1] not in (b"\x02", b"\x08", b"\x00"):
        raise UnreadableHeader("it is not a DICOM file")
    if DEFLATED.encode() in data:
        raise UnreadableHeader("its meta information is damaged")  # pydicom inflates without a limit
    stream = io.BytesIO(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(stream, stop_before_pixels=True, force=True)
            values = {int(tag): _raw(dataset, tag) for tag in dataset.keys() if int(tag) in wanted}  # noqa: SIM118
        except (Exception, RecursionError) as error:
            raise UnreadableHeader(f"its header is damaged ({type(error).__name__})") from error
    implicit, little = dataset.original_encoding
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) if hasattr(dataset, "file_meta") else ""
    if not syntax:
        syntax = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE if little else EXPLICIT_BIG
    if not values:
        raise UnreadableHeader("no image header is found in it")
    tag, length, offset = 0, 0, 0
    if stream.tell() + 8 <= len(data):
        try:
            tag, length, offset = _element(data, stream.tell(), explicit=not implicit, big=not little)
        except (_Unusual, _NeedMore):
            tag = 0
    if tag not in PIXEL_DATA:
        return Header(syntax, values, not little)
    vr = b"" if implicit else data[stream.tell() + 4 : stream.tell() + 6]
    return Header(syntax, values, not little, tag, offset, None if length == UNDEFINED else length, vr)


def _raw(dataset: object, tag: object) -> bytes:
    from pydicom import Dataset
    from pydicom.dataelem import RawDataElement

    assert isinstance(dataset, Dataset)
    element = dataset.get_item(tag)  # type: ignore[call-overload]
    if isinstance(element, RawDataElement):
        return b"" if element.VR == "SQ" else bytes(element.value or b"")
    value = element.value
    if element.VR == "SQ":
        return b""
    if not isinstance(value, (str, bytes)) and hasattr(value, "__iter__"):
        return "\\".join(map(str, value)).encode("utf-8", "replace")
    return value if isinstance(value, bytes) else str(value or "").encode("utf-8", "replace")
