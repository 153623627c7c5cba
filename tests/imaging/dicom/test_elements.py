"""The header walk agrees with pydicom on everything, and leaves to it what it does not know."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

from arviewer.imaging.dicom import elements
from arviewer.imaging.dicom.elements import UnreadableHeader, parse, parse_with_pydicom
from arviewer.imaging.dicom.tags import WANTED
from arviewer.imaging.dicom.values import Values, readable_name

SYNTAXES = [elements.IMPLICIT_LITTLE, elements.EXPLICIT_LITTLE, elements.EXPLICIT_BIG]
TEXT = st.text("ABC xyz019.-", max_size=16)


def small_ct():
    """A real CT image that comes with pydicom."""
    return Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()


def nested(depth, values):
    """A sequence in a sequence in a sequence, each with an element of its own."""
    item = Dataset()
    item.SeriesDescription = "not this one"
    item.SeriesInstanceUID = "9.9"
    item.PatientComments = values
    if depth:
        item.ReferencedSeriesSequence = Sequence([nested(depth - 1, values)])
        item["ReferencedSeriesSequence"].is_undefined_length = bool(depth % 2)
    item.is_undefined_length_sequence_item = bool(depth % 2)
    return item


@settings(max_examples=60, deadline=None)
@given(
    syntax=st.sampled_from(SYNTAXES),
    description=TEXT,
    positions=st.lists(st.floats(-999, 999).map(lambda value: f"{value:.6g}"), min_size=3, max_size=3),
    depth=st.integers(0, 4),
    undefined=st.booleans(),
    private=st.binary(max_size=300).map(lambda raw: raw + b"\0" * (len(raw) % 2)),
    padding=st.integers(-30000, 30000),
)
def test_every_answer_is_that_of_pydicom(syntax, description, positions, depth, undefined, private, padding):
    """Raw values, byte order and the place of the pixels, for any byte order, VR form, nesting and private data."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    meta.TransferSyntaxUID = syntax
    little = syntax != elements.EXPLICIT_BIG
    implicit = syntax == elements.IMPLICIT_LITTLE
    ds = FileDataset("", {}, b"\0" * 128, meta, is_implicit_VR=implicit, is_little_endian=little)
    ds.SeriesDescription, ds.SeriesInstanceUID, ds.ImagePositionPatient = description, "1.2.3.4", positions
    ds.ReferencedSeriesSequence = Sequence([nested(depth, description)])
    ds["ReferencedSeriesSequence"].is_undefined_length = undefined
    ds.add_new(0x00091010, "OB", private)
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.PixelRepresentation = 2, 3, 16, 1
    ds.add_new(0x00280120, "SS", padding)
    ds.PixelData = bytes(range(12))
    ds["PixelData"].VR = "OW"
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    data = stream.getvalue()

    found, other = parse(data, WANTED, whole=True), parse_with_pydicom(data, WANTED)
    wanted = {tag: value for tag, value in found.values.items() if tag in WANTED}
    assert wanted == other.values
    assert (found.transfer_syntax, found.big_endian) == (other.transfer_syntax, other.big_endian)
    assert (found.pixel_tag, found.pixel_offset, found.pixel_length) == (
        other.pixel_tag,
        other.pixel_offset,
        other.pixel_length,
    )
    assert data[found.pixel_offset : found.pixel_offset + 12] == ds.PixelData
    values = Values(found)
    assert values.text(0x0008103E) == description.strip()
    assert values.short(0x00280120, signed=True) == padding
    np.testing.assert_allclose(values.numbers(0x00200032), [float(value) for value in positions])


CHARSET = 0x00080005
"""pydicom reads this one at once, and differently where it makes no sense."""

SHORT_TEXTS = ("AE", "AS", "CS", "DA", "DS", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI")
LONG_BYTES = ("OB", "OW", "UN", "UC", "UR", "UT", "OL", "OF", "OV")
RAW = st.binary(max_size=40).map(lambda raw: raw + b"\0" * (len(raw) % 2))
SEQUENCES = (0x00089215, 0x00400275)
UNWANTED = sorted(
    {0x00080070, 0x00089215, 0x00100010, 0x00180050, 0x00181030, 0x00204000, 0x00281199, 0x00400275} - WANTED
)


@st.composite
def element(draw, tag, syntax, depth=0):
    """The bytes of one element written by hand: any VR, odd lengths too, sequences of every form."""
    end = ">" if syntax == elements.EXPLICIT_BIG else "<"
    start = struct.pack(end + "HH", tag >> 16, tag & 0xFFFF)
    implicit = syntax == elements.IMPLICIT_LITTLE
    if (tag in SEQUENCES or tag >> 16 & 1) and depth < 3 and draw(st.booleans()):
        return draw(sequence(start, end, implicit, syntax, depth))
    value = draw(RAW if tag not in WANTED else TEXT.map(str.encode))
    if implicit:
        return start + struct.pack(end + "L", len(value)) + value
    if draw(st.booleans()) and tag not in WANTED:
        vr = draw(st.sampled_from(LONG_BYTES))
        return start + vr.encode() + b"\0\0" + struct.pack(end + "L", len(value)) + value
    return start + draw(st.sampled_from(SHORT_TEXTS)).encode() + struct.pack(end + "H", len(value)) + value


@st.composite
def sequence(draw, start, end, implicit, syntax, depth):
    """A sequence with items of known and unknown length, in itself of known or unknown length."""
    items = b""
    for _n in range(draw(st.integers(0, 3))):
        tags = sorted(draw(st.sets(st.sampled_from([0x00080060, 0x0008103E, 0x00100010, 0x00400275]), max_size=3)))
        inside = b"".join(draw(element(tag, syntax, depth + 1)) for tag in tags)
        if draw(st.booleans()):
            items += struct.pack(end + "HHL", 0xFFFE, 0xE000, len(inside)) + inside
        else:
            items += struct.pack(end + "HHL", 0xFFFE, 0xE000, elements.UNDEFINED) + inside
            items += struct.pack(end + "HHL", 0xFFFE, 0xE00D, 0)
    head = start if implicit else start + b"SQ\0\0"
    if draw(st.booleans()):
        return head + struct.pack(end + "L", len(items)) + items
    return head + struct.pack(end + "L", elements.UNDEFINED) + items + struct.pack(end + "HHL", 0xFFFE, 0xE0DD, 0)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_data_sets_written_by_hand_read_as_with_pydicom(data):
    """Odd private tags, every VR form, sequences in sequences, with and without lengths, in three encodings."""
    syntax = data.draw(st.sampled_from(SYNTAXES))
    private = [group << 16 | number for group in (0x0009, 0x0029) for number in (0x0010, 0x1001, 0x10FF)]
    tags = data.draw(
        st.sets(
            st.sampled_from([*sorted(WANTED - {CHARSET, 0x52009229, 0x52009230, 0x00283000}), *UNWANTED, *private]),
            min_size=1,
        )
    )
    tags |= {0x00080016}
    stream = io.BytesIO()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = syntax
    stream.write(b"\0" * 128 + b"DICM")
    pydicom.filewriter.write_file_meta_info(stream, meta, enforce_standard=True)
    for tag in sorted(tags):
        stream.write(data.draw(element(tag, syntax)))
    end = ">" if syntax == elements.EXPLICIT_BIG else "<"
    vr = b"" if syntax == elements.IMPLICIT_LITTLE else b"OW\0\0"
    stream.write(struct.pack(end + "HH", 0x7FE0, 0x0010) + vr + struct.pack(end + "L", 12) + bytes(range(12)))
    raw = stream.getvalue()
    found, other = parse(raw, WANTED, whole=True), parse_with_pydicom(raw, WANTED)
    assert {tag: value for tag, value in found.values.items() if tag in WANTED} == other.values
    assert (found.pixel_offset, found.pixel_length, found.pixel_tag) == (len(raw) - 12, 12, 0x7FE00010)
    assert (other.pixel_offset, other.pixel_length, other.pixel_tag) == (len(raw) - 12, 12, 0x7FE00010)


def test_every_real_file_reads_as_with_pydicom(data):
    """All the files at hand whose header the walker takes on: raw values and place of pixels are pydicom's."""
    compared = 0
    for file in sorted(data.rglob("*")):
        if not file.is_file() or file.stat().st_size > 3 << 20 or file.name.startswith("deflate_bomb"):
            continue
        raw = file.read_bytes()
        if raw[128:132] != b"DICM" or (compared > 200 and "01_ct" in str(file)):
            continue
        try:
            syntax, start = elements.meta_information(raw)
            found = elements._walk(raw, start, syntax, WANTED, whole=True)
        except (elements._NeedMore, elements._Unusual, UnreadableHeader):
            continue  # what the walker leaves to pydicom
        if syntax == elements.DEFLATED or not found.pixel_tag or not WANTED & found.values.keys():
            continue
        other = parse_with_pydicom(raw, WANTED)
        mine = {tag: value for tag, value in found.values.items() if tag in WANTED and value}
        theirs = {tag: value for tag, value in other.values.items() if value}
        charset = 0x00080005  # pydicom has already interpreted it
        assert {t: v.strip(b"\0 ") for t, v in mine.items() if t != charset} == {
            t: v.strip(b"\0 ") for t, v in theirs.items() if t != charset
        }, file
        assert (found.pixel_offset, found.pixel_length) == (other.pixel_offset, other.pixel_length), file
        compared += 1
    assert compared > 300


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_headers_give_a_header_or_one_error(data):
    """Changed, cut and repeated bytes: never another exception."""
    raw = bytearray(small_ct()[:6000])
    for _round in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(132, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        header = parse(bytes(raw[:cut]), WANTED, whole=True)
    except UnreadableHeader:
        return
    values = Values(header)
    for tag in WANTED:
        assert values.text(tag).isprintable()
        numbers = (*values.numbers(tag), values.short(tag) or 0, values.double(tag) or 0.0)
        assert np.isfinite(numbers).all()


def test_a_beginning_that_is_too_short_asks_for_more():
    """None means: read on; the whole file decides."""
    raw = small_ct()
    assert parse(raw[:500], WANTED, whole=False) is None
    assert parse(raw[:8000], WANTED, whole=False) is not None


def test_a_deflated_bomb_stops_at_the_cap(monkeypatch):
    """What inflates without reaching pixels is refused at the cap, not at the end of memory."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = elements.DEFLATED
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = "1.2.3"
    stream = io.BytesIO()
    stream.write(b"\0" * 128 + b"DICM")
    pydicom.filewriter.write_file_meta_info(stream, meta, enforce_standard=True)
    body = struct.pack("<HH2sHL", 0x0009, 0x1010, b"OB", 0, 64 << 20) + bytes(64 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = stream.getvalue() + packer.compress(body) + packer.flush()
    monkeypatch.setattr(elements, "MAX_INFLATED_HEADER", 1 << 20)
    with pytest.raises(UnreadableHeader, match="inflates to over 1 MiB"):
        parse(data, WANTED, whole=True)


def test_deep_nesting_is_refused(data):
    """1,500 nested sequences end in an error with a reason."""
    raw = (data / "13_malformed_crafted/nested_sequences_1500.dcm").read_bytes()
    with pytest.raises(UnreadableHeader, match="RecursionError"):
        parse(raw, WANTED, whole=True)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"1\\2\\3", (1, 2, 3)),
        (b" 1.5 ", (1.5,)),
        (b"1,5", ()),
        (b"nan", ()),
        (b"1\\inf", ()),
        (b"1e400", ()),
        (b"", ()),
    ],
)
def test_numbers_are_finite_or_absent(raw, expected):
    """A comma, NaN or infinity is no number."""
    assert Values(elements.Header("", {0x00280030: raw})).numbers(0x00280030) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Doe^Jane^Ann^Dr^MD", "Doe, Jane Ann"),
        ("Doe", "Doe"),
        ("", ""),
        ("Yamada^Tarou=山田^太郎", "Yamada, Tarou"),
    ],
)
def test_names_are_read_as_people_write_them(name, expected):
    """Components joined, ideographic groups left out."""
    assert readable_name(name) == expected
