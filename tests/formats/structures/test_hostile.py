"""Files made to harm: damaged at random, inflating without end, killing their reader. The person hears which it was."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from arviewer.errors import InputRefused
from arviewer.formats.reading import scan
from arviewer.formats.structures import attachment_at, contents, listing, read, structures
from arviewer.imaging.dicom import describe
from arviewer.workers.worker import Limits
from tests.formats.structures.test_grid_files import labels_of, nifti_of, save_nrrd
from tests.formats.structures.test_segmentation import write as write_seg
from tests.structure_files import Case, circle, closed, write_structure_set


def seed_nifti(case: Case, path: Path) -> Path:
    nibabel.save(nifti_of(case, labels_of(case)), path)
    return path


SEEDS: dict[str, Callable[[Case, Path], Path]] = {
    "binary.dcm": lambda case, path: write_seg(case, path, "BINARY"),
    "labels.dcm": lambda case, path: write_seg(case, path, "LABELMAP"),
    "packed.dcm": lambda case, path: write_seg(case, path, "FRACTIONAL", RLELossless),
    "rt.dcm": lambda case, path: write_structure_set(
        case, path, {"a": closed(*(circle(case, k, 12.0) for k in range(20, 24)))}
    ),
    "a.nii": seed_nifti,
    "a.nii.gz": seed_nifti,
    "a.nrrd": lambda case, path: save_nrrd(case, path, labels_of(case)),
}


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, doubled, dropped, cut; mostly in the header."""
    out = bytearray(data)
    head = min(len(out), 30_000) if chance.random() < 0.7 else len(out)
    place = chance.randrange(head)
    match chance.randrange(4):
        case 0:
            for _ in range(chance.choice((1, 3, 20))):
                out[chance.randrange(head)] = chance.choice((0, 255, 45, 57, chance.randrange(256)))
        case 1:
            del out[place:]
        case 2:
            out[place : place + 12] = out[place : place + 12] * chance.choice((0, 2))
        case _:
            out[place : place + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\x80", b"nan,", b"1e99"))
    return bytes(out)


@pytest.mark.hazard("H22")
@pytest.mark.parametrize("name", SEEDS)
def test_damage_ends_in_structures_or_a_refusal_by_name(case: Case, tmp_path: Path, name: str) -> None:
    """Sixty seeded mutants of each kind of file: nothing but InputRefused comes out, and it names the file."""
    path = SEEDS[name](case, tmp_path / name)
    data, attachment = path.read_bytes(), attachment_at(path)
    mutant = replace(attachment, path=tmp_path / f"mutant-{name}")
    chance = random.Random(name)
    told = []
    for _ in range(60):
        mutant.path.write_bytes(damaged(data, chance))
        for look in (lambda: contents(mutant), lambda: read(mutant, case.series, 0.5, [])):
            try:
                look()
            except InputRefused as error:
                told.append(error)
    assert len(told) > 5
    assert all(mutant.name in str(error) and error.remedy for error in told)


@pytest.mark.hazard("H22")
def test_a_deflated_bomb_stops_at_the_cap(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What really comes out is counted, whatever the header says."""
    path = write_seg(case, tmp_path / "seg.dcm", "BINARY")
    attachment = attachment_at(path)
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(path)
    assert len(read(attachment, case.series, 0.5, [])) == 5

    monkeypatch.setattr("arviewer.formats.dicom.data_set.MAX_INFLATED", 20_000)
    with pytest.raises(InputRefused, match=r"seg\.dcm(.|\n)*inflates"):
        read(attachment, case.series, 0.5, [])


@pytest.mark.hazard("H22")
@pytest.mark.parametrize(
    ("limits", "why"), [(Limits(300 << 20, 30.0), "MemoryError|stopped"), (Limits(4 << 30, 0.1), "stopped.*0.1 s")]
)
def test_a_file_that_takes_too_much_is_refused_by_name(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits, why: str
) -> None:
    """Beyond its memory or its time the reader ends, the caller lives, and reads the same file with more."""
    ring = circle(case, 20, 12.0)
    path = write_structure_set(case, tmp_path / "heavy.dcm", {"a": closed(*[ring] * 501)})
    ds = pydicom.dcmread(path)
    ds.add_new(0x30060099, "OB", bytes(256 << 20))
    ds.save_as(path)
    attachment = attachment_at(path)
    monkeypatch.setattr("arviewer.formats.structures.LIMITS", limits)

    with pytest.raises(InputRefused, match=rf"heavy\.dcm(.|\n)*({why})"):
        structures(attachment, case.series)

    monkeypatch.undo()
    assert len(structures(attachment, case.series)) == 1


def test_what_cannot_be_read_does_not_spoil_the_list(case: Case, tmp_path: Path) -> None:
    """One damaged file among three: its reason stands in its place."""
    good = attachment_at(write_seg(case, tmp_path / "good.dcm", "BINARY"))
    bad = attachment_at(write_seg(case, tmp_path / "bad.dcm", "BINARY"))
    ds = pydicom.dcmread(bad.path)
    ds.SegmentSequence = []
    ds.save_as(bad.path)

    first, second, third = listing([good, bad, good], [case.series])

    assert isinstance(second, InputRefused)
    assert "bad.dcm" in second.why
    assert first[0].structures == third[0].structures != ()


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_qform_that_is_no_place_is_left_out(case: Case, tmp_path: Path, number: float) -> None:
    """The sform places the file; no finding speaks of an infinite distance, which JSON could not say."""
    image = nifti_of(case, labels_of(case))
    image.header["qoffset_x"] = number
    image.header["qform_code"] = 1
    nibabel.save(image, tmp_path / "a.nii")

    (series,) = scan(tmp_path / "a.nii").series

    assert series.geometry is not None
    assert "two-geometries" not in {finding.kind for finding in series.findings}
    json.dumps(describe(scan(tmp_path / "a.nii")), allow_nan=False)
