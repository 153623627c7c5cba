"""Structured reports as text: every kind of item, as other programs read it, within caps, of the right patient."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from arviewer.errors import InputRefused
from arviewer.imaging.dicom import scan
from arviewer.imaging.dicom.report import MAX_LEVELS, MAX_LINES, report_text
from arviewer.imaging.dicom.report_values import dated, unit_text
from arviewer.imaging.dicom.tree import Item
from arviewer.imaging.dicom.untrusted import UntrustedReader
from arviewer.model.documents import Report
from arviewer.model.study import Attachment, AttachmentKind
from tests.imaging.dicom.documents import code, content, measured, reference, report, write

CT = "1.2.840.10008.5.1.4.1.1.2"


def attachment(path: Path) -> Attachment:
    """The report that a scan lists."""
    (found,) = scan(path).attachments
    assert found.kind is AttachmentKind.REPORT
    return found


def read(path: Path) -> Report:
    """A report as text, read here."""
    return report_text(attachment(path))


def everything(**elements: object) -> Dataset:
    """A report with an item of every kind."""
    return report(
        content("PNAME", "Person Observer Name", PersonName="Müller^Änne", relationship="HAS OBS CONTEXT"),
        content(
            "CONTAINER", "Findings",
            content("TEXT", "Finding", content("IMAGE", "Source", ReferencedSOPSequence=reference(CT, "1.2.77.1"),
                                               relationship="INFERRED FROM"),
                    TextValue="Nodule in the left upper lobe.\r\nNo effusion."),
            content("CODE", "Laterality", ConceptCodeSequence=code("7771000", "SCT", "Left")),
            content("CODE", "Rare", ConceptCodeSequence=code("X-99", "99ACME", "")),
            content("NUM", "Diameter", MeasuredValueSequence=measured("12.5", "mm", meaning="millimeter")),
            content("NUM", "Volume", MeasuredValueSequence=measured("1.02", "mm3", meaning="cubic millimeter")),
            content("NUM", "Density", MeasuredValueSequence=measured("-640", "[hnsf'U]", meaning="Hounsfield unit")),
            content("NUM", "Ratio", MeasuredValueSequence=measured("0.25", "{ratio}", meaning="ratio")),
            content("NUM", "Unknown", MeasuredValueSequence=[],
                    NumericValueQualifierCodeSequence=code("114000", "DCM", "Not a number")),
            relationship="CONTAINS",
        ),
        content("DATE", "Operation", Date="20260314"),
        content("TIME", "Incision", Time="081500"),
        content("DATETIME", "Scan", DateTime="20260313101112.5+0100"),
        content("UIDREF", "Tracking", UID="1.2.3.99"),
        content("COMPOSITE", "Plan", ReferencedSOPSequence=reference("1.2.840.10008.5.1.4.1.1.481.5", "1.2.77.2")),
        content("IMAGE", "Frames", ReferencedSOPSequence=reference(CT, "1.2.77.3", ReferencedFrameNumber=[3, 5])),
        content("WAVEFORM", "ECG", ReferencedSOPSequence=reference("1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.77.4",
                                                                   ReferencedWaveformChannels=[1, 2])),
        content("SCOORD3D", "Tip", GraphicType="POINT", GraphicData=[-12.25, 30.5, 101.0],
                ReferencedFrameOfReferenceUID="1.2.3.9"),
        content("SCOORD", "Outline", GraphicType="POLYLINE", GraphicData=[1.5, 2.0, 3.0, 4.25]),
        content("TCOORD", "Beat", TemporalRangeType="POINT", ReferencedTimeOffsets=["0.8"]),
        **elements,
    )  # fmt: skip


EXPECTED = """\
Chest CT Report
Date: 2026-01-02 14:30:05
Completion: complete
Verification: not verified by a person who is responsible for it

(context) Person Observer Name: Müller, Änne
Findings
    Finding: Nodule in the left upper lobe.
        No effusion.
        (inferred from) Source: CT Image 1.2.77.1
    Laterality: Left
    Rare: (X-99, 99ACME)
    Diameter: 12.5 mm
    Volume: 1.02 mm³
    Density: -640 HU
    Ratio: 0.25 ratio
    Unknown: Not a number
Operation: 2026-03-14
Incision: 08:15:00
Scan: 2026-03-13 10:11:12 +0100
Tracking: 1.2.3.99
Plan: RT Plan 1.2.77.2
Frames: CT Image 1.2.77.3, frames 3, 5
ECG: 12-lead ECG Waveform 1.2.77.4, channels 1, 2
Tip: point (-12.25, 30.5, 101) mm
Outline: polyline (1.5, 2) (3, 4.25) column, row
Beat: point at 0.8 s"""


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_kind_of_item_is_said_in_words(tmp_path: Path, syntax: str) -> None:
    """All value types, units as people write them, codes without a meaning as their code, in three encodings."""
    found = read(write(everything(syntax=syntax), tmp_path / "sr"))

    assert found.text == EXPECTED
    assert not found.remarks


def words_in(text: str) -> list[str]:
    """What stands in quotes."""
    return [part for part in text.split('"')[1::2] if part.strip()]


def judged_by(command: list[str]) -> str:
    """What another program prints of a report."""
    told = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return (told.stdout + told.stderr).decode("utf-8", "replace")


@pytest.mark.parametrize("name", ["crafted", "08_transfer_syntaxes/pydicom/reportsi.dcm"])
def test_every_text_another_program_prints_is_there(request, tmp_path: Path, name: str) -> None:
    """Each name, meaning and value that dicom3tools' dcsrdump (and DCMTK's dsrdump, where it is) finds is in ours."""
    crafted = name == "crafted"
    path = write(everything(), tmp_path / "sr") if crafted else request.getfixturevalue("data") / name
    ours = read(path).text
    judge = Path(sys.executable).with_name("dcsrdump")
    theirs = words_in(judged_by([str(judge), str(path)]))
    if crafted and shutil.which("dsrdump"):
        theirs += words_in(judged_by(["dsrdump", "+Pl", "+U8", str(path)]))
    assert len(theirs) > 8
    dictionary = {"Müller^Änne": "Müller, Änne", "20260314": "2026-03-14", "081500": "08:15:00",
                  "20260313101112.5+0100": "2026-03-13 10:11:12 +0100", "millimeter": "mm", "cubic millimeter": "mm³",
                  "Hounsfield unit": "HU"}  # fmt: skip
    for text in theirs:
        for line in text.replace("\\r", "\n").replace("\\n", "\n").splitlines():
            words = dictionary.get(line, line)
            assert words in ours, words


def test_an_item_that_refers_to_another_names_it(tmp_path: Path) -> None:
    """By-reference relationships name what they point at, and say so when nothing is there."""
    pointing, lost = Dataset(), Dataset()
    for item, place in ((pointing, [1, 1, 2]), (lost, [1, 7])):
        item.RelationshipType, item.ReferencedContentItemIdentifier = "INFERRED FROM", place
    first, second = content("TEXT", "First", TextValue="a"), content("TEXT", "Second", pointing, lost, TextValue="b")
    findings = content("CONTAINER", "Findings", first, second)

    lines = read(write(report(findings), tmp_path / "sr")).text.splitlines()

    assert lines[-2:] == ["        (inferred from) see “Second” (item 1.1.2)", "        (inferred from) see item 1.7"]


def test_what_the_report_says_of_itself(tmp_path: Path) -> None:
    """Verified, by whom, when; partial; preliminary; in the place of another."""
    verifier = Dataset()
    verifier.VerifyingObserverName, verifier.VerifyingOrganization = "Okafor^Ngozi", "St. Elsewhere"
    verifier.VerificationDateTime = "202601031200"
    ds = report(
        content("TEXT", "a", TextValue="b"), VerifyingObserverSequence=[verifier],
        PreliminaryFlag="FINAL", PredecessorDocumentsSequence=[Dataset()],
    )  # fmt: skip
    ds.VerificationFlag, ds.CompletionFlag, ds.CompletionFlagDescription = "VERIFIED", "PARTIAL", "image 3 pending"

    facts = read(write(ds, tmp_path / "sr")).facts

    assert facts[1:] == (
        ("Completion", "partial: not all of it is there (image 3 pending)"),
        ("Verification", "verified"),
        ("State", "final"),
        ("Verified by", "Okafor, Ngozi, St. Elsewhere, 2026-01-03 12:00"),
        ("Note", "it takes the place of an earlier report"),
    )


@pytest.mark.hazard("H22")
def test_hostile_reports_stay_within_caps(tmp_path: Path) -> None:
    """Ten thousand items, a thousand levels, letters that write backwards, a kind nobody knows: shown and told."""
    with UntrustedReader() as reader:
        many = report(*[content("TEXT", f"n{n}", TextValue="x") for n in range(MAX_LINES + 7)])
        found = reader.report(attachment(write(many, tmp_path / "many")))
        assert len(found.lines) == MAX_LINES
        assert "7 more items are not shown" in found.remarks[0]

        deep = content("TEXT", "bottom", TextValue="x")
        for _level in range(150):
            deep = content("CONTAINER", "level", deep)
        found = reader.report(attachment(write(report(deep), tmp_path / "deep")))
        assert len(found.lines) == MAX_LEVELS
        assert "more items are not shown" in found.remarks[0]

        odd = report(content("TEXT", "na\u202eme", TextValue="\x1b[31mred"), content("HOLOGRAM", "What"))
        found = reader.report(attachment(write(odd, tmp_path / "odd")))
        assert "na⟨U+202E⟩me: ⟨U+001B⟩[31mred" in found.text
        assert found.remarks == ("What items of these kinds say is not shown: HOLOGRAM.",)


def test_a_report_cut_short_says_so(tmp_path: Path) -> None:
    """The items before the cut are there, and above them stands that the rest is not."""
    path = write(everything(), tmp_path / "sr")
    path.write_bytes(path.read_bytes()[:-700])

    found = read(path)

    assert found.remarks
    assert "Laterality: Left" in found.text
    assert "Beat" not in found.text


@pytest.mark.hazard("H03")
def test_a_file_exchanged_since_is_not_shown(tmp_path: Path) -> None:
    """The object of another patient under the same name is refused: neither its text nor its title comes out."""
    first = report(content("TEXT", "a", TextValue="b"))
    path = write(first, tmp_path / "sr")
    listed = attachment(path)
    other_patient = report(content("TEXT", "a", TextValue="secret"), patient=("Zwei^Bo", "2", "19700101", "M"))
    other_patient.SOPInstanceUID = first.SOPInstanceUID
    for other in (other_patient, report(content("TEXT", "a", TextValue="secret"))):
        write(other, path)
        with UntrustedReader() as reader, pytest.raises(InputRefused, match="another object, or of another patient"):
            reader.report(listed)


def test_an_object_that_is_no_report_is_refused(tmp_path: Path) -> None:
    """A report without a title and without items has nothing to read."""
    ds = report()
    del ds.ContentSequence, ds.ConceptNameCodeSequence

    with pytest.raises(InputRefused, match="It has no content"):
        read(write(ds, tmp_path / "sr"))


@pytest.mark.parametrize(
    ("ucum", "words"),
    [("mm", "mm"), ("cm2", "cm²"), ("um", "µm"), ("ug/ml", "µg/ml"), ("s-1", "s⁻¹"), ("1", ""), ("%", "%"),
     ("{counts}", "counts"), ("mm[Hg]", "mmHg"), ("um2/ms", "µm²/ms"), ("kg.m", "kg·m"), ("Bq/ml", "Bq/ml"),
     ("10*-6.mm2/s", "10*-6·mm²/s"), ("mmol/L", "mmol/L"), ("lux", "lux"), ("{SUVbw}g/ml", "g/ml SUVbw")],
)  # fmt: skip
def test_units_are_written_as_people_write_them(tmp_path: Path, ucum: str, words: str) -> None:
    """UCUM codes; PS3.16 CID 82 and others."""
    path = write(report(content("NUM", "n", MeasuredValueSequence=measured("2", ucum))), tmp_path / "sr")

    told = read(path).lines[0].value

    assert told == ("2%" if ucum == "%" else f"2 {words}".strip())
    assert unit_text(Item()) == ""


@pytest.mark.parametrize(
    ("date", "time", "words"),
    [("20260102", "143005.25", "2026-01-02 14:30:05"), ("20260102", "", "2026-01-02"), ("", "0915", "09:15"),
     ("2026010214", "", "2026-01-02 14"), ("soon", "late", "soon late"), ("", "", "")],
)  # fmt: skip
def test_dates_are_iso_dates(date: str, time: str, words: str) -> None:
    """What is no date stays as it is."""
    assert dated(date, time) == words


def test_names_cannot_deceive(tmp_path: Path) -> None:
    """A direction override in the title, in a name, in the name of what is referred to: each is seen as its code."""
    evil = code("1", "99X", "left\u202ethgir\x07")
    ds = report(content("TEXT", "x", TextValue="y"))
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ConceptNameCodeSequence = ds.ContentSequence[0].ConceptNameCodeSequence = evil
    link = Dataset()
    link.RelationshipType, link.ReferencedContentItemIdentifier = "CONTAINS", [1, 1]
    link.ConceptNameCodeSequence = evil
    ds.ContentSequence.append(link)

    told = read(write(ds, tmp_path / "sr.dcm"))

    for text in (told.title, *(line.name for line in told.lines), told.text):
        assert "\u202e" not in text
        assert "⟨U+202E⟩" in text
