"""Headers: what pydicom reads of good files, as much as there is of bad ones, and nothing that could deceive."""

from __future__ import annotations

import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from arviewer.errors import InputRefused
from arviewer.imaging.dicom.dump import MAX_ROWS, as_lines, header_rows
from arviewer.imaging.dicom.untrusted import UntrustedReader
from arviewer.model.documents import HeaderDump
from arviewer.workers.worker import Limits

VALID = ("07_enhanced_multiframe", "08_transfer_syntaxes", "09_seg_dcmqi_liver", "10_encapsulated_stl",
         "04_petct_rtstruct_sts001", "12_malformed_found")  # fmt: skip
BY_BYTES = {"OB", "OW", "OF", "OD", "OL", "UN", "SQ"}
"""Shown by their size, or by their items."""
WRITTEN_OTHERWISE = {"DS", "IS", "FL", "FD", "UI", "AT"}
"""Numbers that pydicom converts, UIDs with their names: compared on their own below."""


def flat(ds: Dataset, depth: int = 0) -> Iterator[tuple[int, str, pydicom.DataElement | None]]:
    """Everything in a data set as pydicom reads it."""
    for element in ds:
        yield depth, f"({element.tag.group:04X},{element.tag.elem:04X})", element
        if element.VR == "SQ":
            for item in element.value:
                yield depth + 1, "(FFFE,E000)", None
                yield from flat(item, depth + 1)


def as_pydicom_reads(path: Path) -> list[tuple[int, str, pydicom.DataElement | None]] | None:
    """The rows pydicom would give; None where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds = pydicom.dcmread(path)
            return [*flat(ds.file_meta), *flat(ds)]
        except Exception:  # noqa: BLE001 - the point of the next test
            return None


def row(dump: HeaderDump, tag: str):
    """The first row of a tag."""
    return next(one for one in dump.rows if one.tag == tag)


def value(dump: HeaderDump, tag: str) -> str:
    """What is shown of a tag."""
    return row(dump, tag).value


@pytest.mark.parametrize("folder", VALID)
def test_every_element_is_the_one_pydicom_reads(data: Path, folder: str) -> None:
    """Depth, tag, VR, number of values and text of each element of real files."""
    compared = 0
    files = [path for path in sorted((data / folder).rglob("*")) if path.is_file() and path.suffix != ".md"][:60]
    for path in files:
        expected = as_pydicom_reads(path)
        if expected is None or path.name == "emri_small_jpeg_2k_lossless_too_short.dcm":  # pydicom reads none of it
            continue
        try:
            dump = header_rows(path)
        except InputRefused:
            pytest.fail(f"{path.name} was refused")
        ours = [one for one in dump.rows if one.tag]
        if path.name == "priv_SQ.dcm":
            expected = expected[: len(ours)]
        assert [(one.depth, one.tag) for one in ours] == [known[:2] for known in expected], path.name
        for one, (_depth, _tag, element) in zip(ours, expected, strict=True):
            if element is None or element.VR in BY_BYTES or one.vr == "UN" or one.tag.endswith(",0000)"):
                continue
            compared += 1
            where = (path.name, one.tag, one.keyword)
            assert one.vr == element.VR, where
            assert one.count == element.VM or one.vr in ("LT", "ST", "UT", "UR"), where
            many = element.VM > 1
            text = "\\".join(map(str, element.value)) if many else str(element.value or "" if one.vr != "US" else "")
            if one.vr in WRITTEN_OTHERWISE or (one.vr in ("US", "SS", "UL", "SL") and not many):
                assert bool(one.value) == (element.VM > 0), where
            elif len(text) < 300 and "\n" not in text and "\r" not in text:
                assert one.value.rstrip("=") == text.strip().rstrip("="), where
    assert compared > 20


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_kind_of_value_is_written_as_people_read_it(make_image, tmp_path: Path, syntax: str) -> None:
    """Numbers, tags, UIDs with their names, nested items, private elements, texts in Greek, in three encodings."""
    inner, innermost = Dataset(), Dataset()
    innermost.CodeMeaning = "Κεφαλή"
    inner.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    inner.ConceptCodeSequence = Sequence([innermost, Dataset()])
    ds = make_image(
        None, Rows=7, Columns=300, SpecificCharacterSet="ISO_IR 126", PatientName="Παπαδόπουλος^Μαρία",
        PixelRepresentation=1, SmallestImagePixelValue=-1024, FrameIncrementPointer=0x00181063,
        SliceLocation="12.50", ReferencedImageSequence=Sequence([inner]),
        RecommendedDisplayFrameRateInFloat=0.1, RealWorldValueSlope=0.1, syntax=syntax,
    )  # fmt: skip
    ds.add_new(0x00090010, "LO", "ACME 1.1")
    ds.add_new(0x00091001, "LO", "private words")
    path = tmp_path / "one"
    pydicom.dcmwrite(path, ds, enforce_file_format=True)

    dump = header_rows(path)

    assert dump.complete
    assert dump.file == "one"
    assert value(dump, "(0028,0010)") == "7"
    assert value(dump, "(0028,0011)") == "300"
    assert value(dump, "(0028,0106)") == "-1024"
    assert row(dump, "(0028,0106)").vr == "SS"
    assert value(dump, "(0028,0009)") == "(0018,1063)"
    assert value(dump, "(0040,9225)") == "0.1"
    assert value(dump, "(0008,9459)") == "0.1"
    assert value(dump, "(0020,1041)") == "12.50"
    assert value(dump, "(0008,0016)") == "1.2.840.10008.5.1.4.1.1.2 (CT Image Storage)"
    assert value(dump, "(0010,0010)") == "Παπαδόπουλος^Μαρία"
    assert value(dump, "(0009,1001)") == "private words"
    assert row(dump, "(0009,1001)").keyword == "ACME 1.1"
    nested = [(one.depth, one.tag, one.value) for one in dump.rows if one.depth]
    assert nested == [
        (1, "(FFFE,E000)", ""),
        (1, "(0008,1150)", "1.2.840.10008.5.1.4.1.1.2 (CT Image Storage)"),
        (1, "(0040,A168)", ""),
        (2, "(FFFE,E000)", ""),
        (2, "(0008,0104)", "Κεφαλή"),
        (2, "(FFFE,E000)", ""),
    ]
    assert "    (0008,0104) LO CodeMeaning = Κεφαλή" in list(as_lines(dump))


def self_explaining(reading: Callable[[], HeaderDump], name: str) -> HeaderDump | None:
    """What is read, or None where it is refused with what, why and remedy."""
    try:
        return reading()
    except InputRefused as refusal:
        told = refusal
    assert name in told.what
    assert told.why
    assert told.remedy
    return None


@pytest.fixture(scope="module")
def reader() -> Iterator[UntrustedReader]:
    """One capped process for the files of this module."""
    with UntrustedReader() as made:
        yield made


@pytest.mark.hazard("H22")
@pytest.mark.parametrize("folder", ["12_malformed_found", "13_malformed_crafted"])
def test_every_bad_file_is_shown_as_far_as_it_goes_or_refused_by_name(reader, data: Path, folder: str) -> None:
    """No file of the collections of damaged and hostile ones ends the reading, and no row holds a control letter."""
    shown = 0
    for path in sorted((data / folder).rglob("*")):
        if not path.is_file():
            continue
        dump = self_explaining(lambda path=path: reader.header(path), path.name)
        if dump is None:
            continue
        shown += 1
        assert dump.rows
        for one in dump.rows:
            assert all(text.isprintable() for text in (one.tag, one.vr, one.keyword, one.value)), (path.name, one)
            assert len(one.value) < 1000
    assert shown >= 15


@pytest.mark.hazard("H22")
def test_known_attacks(reader, data: Path) -> None:
    """Deep nesting, a deflate bomb, a lying length, a lying syntax, a name that writes backwards."""
    crafted = data / "13_malformed_crafted"

    assert max(one.depth for one in reader.header(crafted / "nested_sequences_1500.dcm").rows) == 1500
    assert "Deflated" in value(reader.header(crafted / "deflate_bomb_128MB.dcm"), "(0002,0010)")
    lying = reader.header(crafted / "element_length_4gb.dcm")
    assert not lying.complete
    assert "claims 4,294,967,280 bytes, but 64 are left" in lying.rows[-1].value
    swapped = reader.header(crafted / "transfer_syntax_lies.dcm")
    assert "1.2.840.10008.1.2.2 is not how its elements are written" in swapped.rows[-1].value
    assert value(swapped, "(0028,0010)") == "64"
    name = value(reader.header(crafted / "patient_name_markup.dcm"), "(0010,0010)")
    assert "⟨U+001B⟩" in name
    assert "⟨U+202E⟩" in name
    long = value(reader.header(crafted / "patient_name_64k.dcm"), "(0010,0010)")
    assert long.endswith("… (65,000 bytes)")
    assert len(long) < 330


BOMB = 400 << 20
"""Bytes."""


def deflated(path: Path, inner: bytes) -> Path:
    """A file whose data set inflates to `inner`."""
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", 22) + b"1.2.840.10008.1.2.1.99"
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    path.write_bytes(b"\0" * 128 + b"DICM" + meta + packer.compress(inner) + packer.flush())
    return path


@pytest.mark.hazard("H22")
def test_a_bomb_is_read_to_the_cap_and_says_so(reader, tmp_path: Path) -> None:
    """400 KiB that inflate to 400 MiB: the first element is shown, the rest told, and the process lives."""
    first = struct.pack("<HH2sH", 8, 0x60, b"CS", 2) + b"CT" + struct.pack("<HH2sHL", 9, 0x1001, b"OB", 0, BOMB)
    path = deflated(tmp_path / "bomb", first + bytes(BOMB))
    assert path.stat().st_size < BOMB / 900

    dump = reader.header(path)

    assert value(dump, "(0008,0060)") == "CT"
    assert not dump.complete
    assert any("inflates to more than 256 MiB" in one.value for one in dump.rows)


@pytest.mark.hazard("H22")
def test_more_elements_than_can_be_read_are_counted(reader, tmp_path: Path) -> None:
    """A million empty elements: the rows end at the cap, and say how many more there are."""
    element = struct.pack("<HH2sH", 9, 0x1001, b"LO", 0)
    path = deflated(tmp_path / "many", struct.pack("<HH2sH", 8, 0x60, b"CS", 0) + element * 1_000_000)
    short = deflated(tmp_path / "some", struct.pack("<HH2sH", 8, 0x60, b"CS", 0) + element * (MAX_ROWS + 41))

    dump, other = reader.header(path), reader.header(short)

    assert len(dump.rows) == len(other.rows) == MAX_ROWS + 1
    assert dump.rows[-1].value == "and more than 500,000 more elements"
    assert other.rows[-1].value == "and 43 more elements"
    assert not dump.complete


@pytest.mark.hazard("H22")
def test_a_process_that_is_ended_is_a_refusal_of_the_file(make_image, tmp_path: Path) -> None:
    """When a file meets the cap of memory or of time, it is named, and the next one is read."""
    path = tmp_path / "good"
    make_image(None).save_as(path, enforce_file_format=True)
    bomb = deflated(tmp_path / "bomb", bytes(BOMB))
    slow = deflated(tmp_path / "slow", struct.pack("<HH2sH", 9, 0x1001, b"LO", 0) * 1_000_000)
    for victim, limits, why in (
        (bomb, Limits(memory_bytes=220 << 20, cpu_s=20.0), "It needs more than"),
        (slow, Limits(memory_bytes=1 << 30, cpu_s=0.1), "took more than its 0.1 s"),
    ):
        with UntrustedReader(limits) as narrow:
            with pytest.raises(InputRefused, match=victim.name) as caught:
                narrow.header(victim)
            assert "cannot be read safely" in caught.value.what
            assert why in caught.value.why
            assert value(narrow.header(path), "(0008,0060)") == "CT"


def test_a_member_of_an_archive(make_image, tmp_path: Path) -> None:
    """The header comes from the archive; a member that is not there is named."""
    make_image(None, PatientID="in the zip").save_as(tmp_path / "one", enforce_file_format=True)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "one", "deep/one")

    dump = header_rows(tmp_path / "a.zip", "deep/one")

    assert value(dump, "(0010,0020)") == "in the zip"
    assert dump.file == "deep/one"
    with pytest.raises(InputRefused, match="deep/two"):
        header_rows(tmp_path / "a.zip", "deep/two")


def test_what_may_tell_who_it_is_is_marked(make_image, tmp_path: Path) -> None:
    """Patient group, names, dates, free text, private elements, and a name inside a description."""
    ds = make_image(
        None, PatientName="Oyelaran^Ada", PatientID="Q-4711", StudyDate="20260102", ImageComments="comes again",
        SeriesDescription="thorax OYELARAN thin", StudyID="x4", Manufacturer="ACME", ReferringPhysicianName="Bo^B",
        StationName="room q-4711",
    )  # fmt: skip
    ds.add_new(0x00090010, "LO", "ACME 1.1")
    ds.add_new(0x00091001, "LO", "words")
    ds.save_as(tmp_path / "one", enforce_file_format=True)

    marked = {one.tag for one in header_rows(tmp_path / "one").rows if one.identifies}

    assert marked == {
        "(0008,0020)", "(0008,0090)", "(0008,1010)", "(0008,103E)", "(0009,1001)", "(0010,0010)", "(0010,0020)",
        "(0010,0030)", "(0020,0010)", "(0020,4000)",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (b"no image" * 40, "begin"), (b"\0" * 128 + b"DICM", "Nothing")]
)
def test_what_is_no_dicom_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """An empty file, a text, a preamble alone; a file that is not there."""
    (tmp_path / "letter").write_bytes(content)
    with pytest.raises(InputRefused, match="letter") as caught:
        header_rows(tmp_path / "letter")
    assert why in caught.value.why
    with pytest.raises(InputRefused, match="gone"):
        header_rows(tmp_path / "gone")


def test_every_cut_of_a_file_is_shown_or_refused(make_image, tmp_path: Path) -> None:
    """A file that ends anywhere: the rows before the cut are there, and the cut is told."""
    inner = Dataset()
    inner.CodeMeaning = "within"
    path = tmp_path / "whole"
    make_image(None, ReferencedImageSequence=Sequence([inner])).save_as(path, enforce_file_format=True)
    whole, all_rows = path.read_bytes(), header_rows(path).rows
    cut = tmp_path / "cut"
    for length in range(170, len(whole), 3):
        cut.write_bytes(whole[:length])
        dump = header_rows(cut)
        rows = [one for one in dump.rows if one.tag]
        assert [one.tag for one in rows] == [one.tag for one in all_rows[: len(rows)]]
        # At the end of an element nothing tells that another one should follow.
        assert not dump.complete or len(rows) < len(all_rows)
