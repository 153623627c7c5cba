"""`arviewer info --dump` and `--report`: the file that is meant, its header or its text, errors as everywhere."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pydicom
import pytest

from tests.cli.conftest import Command, write_phantom
from tests.imaging.dicom.documents import content, encapsulated, pdf, report, write


def test_a_file_is_dumped(arviewer: Command, series: Path) -> None:
    """Tag, VR, keyword and value of each element, as text and as JSON; the values are those pydicom reads."""
    file = sorted(series.iterdir())[5]
    ds = pydicom.dcmread(file)

    text, document = arviewer("info", file, "--dump"), arviewer("info", file, "--dump", "--json")

    assert text.returncode == document.returncode == 0, text.stderr + document.stderr
    assert "(0010,0010) PN PatientName = Test^One" in text.stdout.splitlines()
    assert "(7FE0,0010)" in text.stdout.splitlines()[-1]
    told = json.loads(document.stdout)
    assert told["file"] == file.name
    assert told["complete"] is True
    assert len(told["rows"]) == len(text.stdout.splitlines())
    (row,) = [row for row in told["rows"] if row["keyword"] == "InstanceNumber"]
    assert row == {
        "depth": 0, "tag": "(0020,0013)", "keyword": "InstanceNumber", "vr": "IS", "vm": 1,
        "length": row["length"], "value": str(ds.InstanceNumber),
    }  # fmt: skip


def test_the_file_in_a_folder_or_archive_is_named(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """By file name, by SOP Instance UID, by series; in a zip by the member's name."""
    file = sorted(series.iterdir())[7]
    uid = pydicom.dcmread(file).SOPInstanceUID
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(file, "deep/one.dcm")
    for arguments in (
        (series, "--instance", file.name),
        (series, "--instance", uid),
        (tmp_path / "a.zip", "--instance", "deep/one.dcm"),
        (tmp_path / "a.zip", "--instance", uid),
        (tmp_path / "a.zip",),
    ):
        result = arviewer("info", *arguments, "--dump")
        assert result.returncode == 0, result.stderr
        assert f"SOPInstanceUID = {uid}" in result.stdout
    first = arviewer("info", series, "--dump", "--series", "1")
    assert first.returncode == 0
    assert "(0020,0013) IS InstanceNumber" in first.stdout


def test_what_is_no_image_can_be_dumped(arviewer: Command, tmp_path: Path, data: Path) -> None:
    """A plan, which no scan lists, a report, and a damaged file: all there is of it, and where it ends."""
    plan = arviewer("info", data / "12_malformed_found/rtplan_truncated.dcm", "--dump")
    assert plan.returncode == 0
    assert "BeamSequence" in plan.stdout
    assert "! (300A,00B0) claims 976 bytes, but 711 are left." in plan.stdout
    write(report(content("TEXT", "a", TextValue="b")), tmp_path / "only" / "sr.dcm")
    assert "TextValue = b" in arviewer("info", tmp_path / "only", "--dump").stdout


def test_a_report_is_printed(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """Text on stdout, the same as JSON; which one is asked where there are several."""
    write(report(content("TEXT", "Finding", TextValue="no fracture")), tmp_path / "x" / "one.dcm")

    text, document = (arviewer("info", tmp_path / "x", "--report", *more) for more in ((), ("--json",)))

    assert text.returncode == 0, text.stderr
    assert text.stdout.splitlines()[0] == "Chest CT Report"
    assert "Finding: no fracture" in text.stdout
    told = json.loads(document.stdout)
    assert told["lines"] == [
        {"depth": 1, "relationship": "CONTAINS", "kind": "TEXT", "name": "Finding", "value": "no fracture"}
    ]
    write(report(content("TEXT", "Finding", TextValue="a fracture")), tmp_path / "x" / "two.dcm")
    unclear = arviewer("info", tmp_path / "x", "--report")
    assert unclear.returncode == 2
    assert "two.dcm" in unclear.stderr
    assert "a fracture" in arviewer("info", tmp_path / "x", "--report", "--instance", "two.dcm").stdout
    nobody = arviewer("info", tmp_path / "x", "--report", "--instance", "nobody")
    assert (nobody.returncode, "There is no instance 'nobody'" in nobody.stderr) == (2, True)


def test_reports_of_one_name_are_told_by_folder_and_uid(arviewer: Command, tmp_path: Path) -> None:
    """A burned disk has many an SR00001 in folders of their own."""
    for folder, words in (("a", "no fracture"), ("b", "a fracture")):
        write(report(content("TEXT", "Finding", TextValue=words)), tmp_path / "disk" / folder / "sr.dcm")

    unclear = arviewer("info", tmp_path / "disk", "--report", "--instance", "sr.dcm")

    assert unclear.returncode == 2
    lines = [line.split() for line in unclear.stderr.splitlines() if line.strip().startswith("sr.dcm")]
    assert len({uid for _name, uid in lines}) == 2
    told = {arviewer("info", tmp_path / "disk", "--report", "--instance", uid).stdout for _name, uid in lines}
    assert len(told) == 2
    assert "a fracture" in arviewer("info", tmp_path / "disk", "--report", "--instance", "b/sr.dcm").stdout


@pytest.mark.parametrize("option", ["--dump", "--report"])
def test_json_stays_json_whatever_a_file_is_called(arviewer: Command, tmp_path: Path, option: str) -> None:
    """A no-break space, an escape and a direction override in a name; nothing of it reaches the terminal raw."""
    name = "a\u00a0b\u202e\x1b.dcm"
    write(report(content("TEXT", "Finding", TextValue="x")), tmp_path / name)

    result = arviewer("info", tmp_path / name, option, "--json")

    assert json.loads(result.stdout)["file"] == name
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(("--dump", "--instance", "nobody"), 2, "There is no instance 'nobody'"), (("--report",), 3, "no report"),
     (("--instance", "x"), 2, "--dump or --report"), (("--series", "1"), 2, "--series goes with --dump"),
     (("--report", "--series", "1"), 2, "--series goes with --dump"), (("--dump", "--report"), 2, "not allowed"),
     (("--dump", "--series", "99"), 2, "no series")],
)  # fmt: skip
def test_bad_words_are_answered(
    arviewer: Command, series: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """What / why / remedy, and the documented exit code."""
    result = arviewer("info", series, *arguments)

    assert result.returncode == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not result.stdout


def test_several_patients_are_not_chosen_from(arviewer: Command, tmp_path: Path) -> None:
    """A folder of two patients: the series are listed, none is dumped."""
    write_phantom(tmp_path / "two" / "a", patient="Test^One", slices=3)
    write_phantom(tmp_path / "two" / "b", patient="Test^Two", slices=3)

    result = arviewer("info", tmp_path / "two", "--dump")

    assert result.returncode == 2
    assert "several patients" in result.stderr
    assert not result.stdout


def test_a_pdf_is_dumped_without_its_bytes(arviewer: Command, tmp_path: Path) -> None:
    """The document is told by its size."""
    write(encapsulated(pdf(b"0 g 0 0 9 9 re f")), tmp_path / "letter.dcm")

    result = arviewer("info", tmp_path / "letter.dcm", "--dump")

    (line,) = [line for line in result.stdout.splitlines() if " EncapsulatedDocument =" in line]
    assert "bytes)" in line
    assert len(line) < 150
