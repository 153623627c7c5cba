"""Structures written as voxels: other programs find every voxel at its place in the patient, with its state."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pydicom
import pytest

import arviewer
from arviewer.errors import GeometryError, InputRefused, OutputFailed, UsageError
from arviewer.formats import atomic
from arviewer.formats.export_voxels import export_voxels
from arviewer.formats.structures import structures
from arviewer.formats.voxels import FORMATS, Format
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.masks import BrickMask, MaskBox, cropped
from arviewer.model.segmentation import CodedTerm, Confirmation, MaskEdit, Provenance, Segmentation, State
from arviewer.model.study import Patient
from arviewer.model.volume import VolumeGeometry
from tests.structure_files import AXES, Case, by_name, case, centroid_lps, coverage_on, grid, write_images
from tests.voxel_files import (
    COLORS,
    Placed,
    by_highdicom,
    by_itk,
    by_nibabel,
    by_pynrrd,
    exported,
    same,
    segment_of,
    truth,
    volume_of,
)

__all__ = ["case"]

every_format = pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)


@pytest.fixture(scope="module", params=["oblique", "flipped"])
def images(request: pytest.FixtureRequest, case: Case, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Images with distinct spacings, oblique; or with columns to the right, rows to anterior."""
    if request.param == "oblique":
        return case
    geometry = grid((1.3, 1.1, 2.3), AXES @ np.diag([-1.0, -1.0, 1.0]))
    folder = tmp_path_factory.mktemp("flipped")
    return Case(folder, write_images(folder, geometry), geometry, case.parts, coverage_on(geometry))


@pytest.mark.hazard("H01", "H02", "H05")
@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("a.seg.nrrd", by_pynrrd),
        ("a.seg.nrrd", by_itk(["block", "left", "head"])),
        ("a.nii.gz", by_nibabel(["block", "left", "head"])),
        ("a.nii", by_itk(["block", "left", "head"])),
        ("a.dcm", by_highdicom),
    ],
    ids=["nrrd-pynrrd", "nrrd-itk", "nifti-nibabel", "nifti-itk", "seg-highdicom"],
)
def test_another_program_finds_every_voxel_on_its_side(
    images: Case, tmp_path: Path, name: str, reader: Callable[[Path], Placed]
) -> None:
    """Number and middle of the voxels of each structure, in the patient."""
    path = exported(images, tmp_path / name, "block", "left", "head")

    assert same(reader(path), truth(images, "block", "left", "head"))


@pytest.mark.hazard("H08")
def test_a_tilted_gantry_shears_the_voxels_in_every_file(case: Case, tmp_path: Path) -> None:
    """Each plane where it was; NIfTI says so in the sform alone, since its quaternion cannot."""
    matrix = case.geometry.lps_from_ijk.matrix.copy()
    matrix[:3, 2] += 0.3 * 1.9 * matrix[:3, 1] / 1.4
    matrix[:3, 3] -= 0.3 * 1.9 * matrix[:3, 1] / 1.4 * case.geometry.shape_kji[0] / 2
    sheared = VolumeGeometry.of_grid(case.geometry.shape_kji, matrix, case.geometry.frame_of_reference_uid)
    folder = tmp_path / "tilted"
    tilted = Case(folder, write_images(folder, sheared), sheared, case.parts, coverage_on(sheared))
    readers = {"a.seg.nrrd": by_pynrrd, "a.nii.gz": by_nibabel(["left", "head"]), "a.dcm": by_highdicom}
    for name, reader in readers.items():
        assert same(reader(exported(tilted, tmp_path / name, "left", "head")), truth(tilted, "left", "head")), name
        found = by_name(structures(tmp_path / name, tilted.series))
        assert np.abs(centroid_lps(found["left"]) - truth(tilted, "left")["left"][1]).max() < 1e-3, name
    assert int(nibabel.load(tmp_path / "a.nii.gz").header["qform_code"]) == 0


@pytest.mark.parametrize(("name", "reader"), [("a.seg.nrrd", by_pynrrd), ("a.dcm", by_highdicom)])
def test_structures_that_overlap_keep_all_their_voxels(case: Case, tmp_path: Path, name: str, reader) -> None:
    """The whole phantom and its parts in one file."""
    assert same(reader(exported(case, tmp_path / name, "left", "all", "block")), truth(case, "left", "all", "block"))


def test_a_label_map_has_no_room_for_overlap(case: Case, tmp_path: Path) -> None:
    """NIfTI refuses it with the ways out; into a folder, each goes to a file of its own."""
    with pytest.raises(UsageError, match="overlap") as caught:
        exported(case, tmp_path / "a.nii.gz", "all", "left")
    assert "slash" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []
    exported(case, tmp_path / "apart", "all", "left", format="nifti")
    assert sorted(p.name for p in (tmp_path / "apart").iterdir()) == [
        "all.json", "all.nii.gz", "left.json", "left.nii.gz",
    ]  # fmt: skip
    assert same(by_nibabel(["left"])(tmp_path / "apart/left.nii.gz"), truth(case, "left"))


@every_format
def test_it_comes_back_as_it_was(images: Case, tmp_path: Path, entry: Format) -> None:
    """Through the door for files of others: names, terms where the format has them, colors, voxels; and proposed."""
    confirmation = Confirmation("Dr. Test", "2026-11-24T09:00:00+01:00", segment_of(images, "left").mask.sha256())
    segments = [segment_of(images, "block"), segment_of(images, "left", confirmation=confirmation)]
    path = tmp_path / f"a{entry.suffixes[0]}"
    export_voxels(segments, volume_of(images), path)

    found = by_name(structures(path, images.series))

    assert list(found) == ["block", "left"]
    for name, (count, middle) in truth(images, "block", "left").items():
        segment = found[name].segments[0]
        assert segment.mask.box().voxels.sum() == count
        assert np.abs(centroid_lps(found[name]) - middle).max() < 1e-3
        assert segment.color == pytest.approx(COLORS[name], abs=2e-3)
        assert segment.state is State.PROPOSED
        if entry.name in ("nrrd", "seg"):
            assert segment.term == CodedTerm("272673000", "SCT", "Bone")


def validated(path: Path) -> str:
    checker = Path(sysconfig.get_path("scripts")) / "dciodvfy"
    done = subprocess.run([checker, path], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def test_the_validator_finds_no_fault(images: Case, tmp_path: Path) -> None:
    """dciodvfy knows it as a segmentation, without an error or a warning."""
    told = validated(exported(images, tmp_path / "a.dcm", "block", "all"))

    assert told.strip().splitlines() == ["Segmentation"], told


def test_a_seg_refers_to_its_images(case: Case, tmp_path: Path) -> None:
    """Patient, study, frame of reference; each frame names the very image it was drawn on."""
    path = exported(case, tmp_path / "a.dcm", "left", "block")

    seg, sources = pydicom.dcmread(path), {ds.SOPInstanceUID: ds for ds in case.sources()}
    first = case.sources()[0]
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate"):
        assert seg[keyword].value == first[keyword].value
    assert seg.FrameOfReferenceUID == first.FrameOfReferenceUID
    assert seg.SeriesInstanceUID != first.SeriesInstanceUID
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == first.SeriesInstanceUID
    used = set()
    for group in seg.PerFrameFunctionalGroupsSequence:
        (derivation,) = group.DerivationImageSequence
        source = sources[derivation.SourceImageSequence[0].ReferencedSOPInstanceUID]
        used.add(source.SOPInstanceUID)
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        assert np.abs(position - np.array(source.ImagePositionPatient, float)).max() < 1e-3
    referred = seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert {one.ReferencedSOPInstanceUID for one in referred} == used


def test_a_part_of_the_images_keeps_its_place(case: Case, tmp_path: Path) -> None:
    """A structure found in a box, on every second voxel: its frames lie between or on images, and say so."""
    geometry = case.geometry
    matrix = geometry.lps_from_ijk.matrix.copy()
    matrix[:3, 3] += matrix[:3, :3] @ (3, 5, 7)
    matrix[:3, :3] *= 2
    part = VolumeGeometry.of_grid((20, 30, 31), matrix, geometry.frame_of_reference_uid)
    voxels = np.zeros(part.shape_kji, bool)
    voxels[4:9, 6:20, 11:17] = True
    segment = segment_of(case, "left", mask=cropped(voxels))
    middle = (matrix @ [13.5, 12.5, 6, 1])[:3]

    for name, reader in (("a.dcm", by_highdicom), ("a.nii.gz", by_nibabel(["left"])), ("a.seg.nrrd", by_pynrrd)):
        export_voxels([segment], volume_of(case, part), tmp_path / name)
        assert same(reader(tmp_path / name), {"left": (5 * 14 * 6, middle)})
    frames = pydicom.dcmread(tmp_path / "a.dcm").PerFrameFunctionalGroupsSequence
    named = [one.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID for one in frames]
    assert named == [case.series.instances[7 + 2 * k].sop_instance_uid for k in range(4, 9)]


def test_images_without_a_frame_of_reference(case: Case, tmp_path: Path) -> None:
    """A SEG must name one: a new one, tied to the images by its references alone; it is read back all the same."""
    matrix = case.geometry.lps_from_ijk.matrix
    geometry = VolumeGeometry.of_grid(case.geometry.shape_kji, matrix, "")
    series = replace(case.series, frame_of_reference_uid="", geometry=geometry)
    export_voxels([segment_of(case, "left")], volume_of(case, geometry, series), tmp_path / "a.dcm")

    assert pydicom.dcmread(tmp_path / "a.dcm").FrameOfReferenceUID not in ("", case.series.frame_of_reference_uid)
    assert validated(tmp_path / "a.dcm").strip() == "Segmentation"
    (found,) = structures(tmp_path / "a.dcm", series)
    assert np.abs(centroid_lps(found) - truth(case, "left")["left"][1]).max() < 1e-3


@pytest.mark.parametrize(
    ("made_by", "edits", "expected"),
    [
        (Provenance("bone"), (), "AUTOMATIC"),
        (Provenance("bone", {"click_x_mm": 1.0}), (), "SEMIAUTOMATIC"),
        (Provenance("bone"), (MaskEdit("paint"),), "SEMIAUTOMATIC"),
        (Provenance("empty"), (MaskEdit("paint"),), "MANUAL"),
        (Provenance("import", {"algorithm": "MANUAL"}), (), "MANUAL"),
        (Provenance("import", {"algorithm": "MANUAL"}), (MaskEdit("smooth"),), "SEMIAUTOMATIC"),
    ],
)
def test_a_seg_says_who_drew_it(case: Case, tmp_path: Path, made_by: Provenance, edits, expected: str) -> None:
    """Recipe alone, with a click, repaired, by hand, brought by a file; and the validator agrees with each."""
    export_voxels([segment_of(case, "left", made_by=made_by, edits=edits)], volume_of(case), tmp_path / "a.dcm")

    (item,) = pydicom.dcmread(tmp_path / "a.dcm").SegmentSequence
    assert item.SegmentAlgorithmType == expected
    assert "Error" not in validated(tmp_path / "a.dcm")
    for edit in edits:
        assert edit.tool in item.SegmentDescription


MARKS = {
    "nrrd": (b"arviewer_state:=proposed", b"arviewer_state:=confirmed"),
    "seg": (b"left (proposed, not confirmed)", b"left (confirmed)"),
    "nii": (b"STATE=proposed", b"STATE=confirmed"),
}


@pytest.mark.hazard("H25")
@pytest.mark.parametrize("entry", [one for one in FORMATS if one.name in MARKS], ids=lambda entry: entry.name)
def test_the_file_itself_says_whether_somebody_stands_behind_it(case: Case, tmp_path: Path, entry: Format) -> None:
    """Proposed; confirmed; confirmed before the last edit, which counts for nothing; beside one that is proposed."""
    left = segment_of(case, "left")
    good = Confirmation("Test^Ada", "2026-11-24T09:00:00+01:00", left.mask.sha256())
    proposed, confirmed = MARKS[entry.name]
    for confirmation, mark, absent in (
        (None, proposed, confirmed),
        (good, confirmed, proposed),
        (replace(good, mask_sha256="00" * 32), proposed, confirmed),
    ):
        path = tmp_path / f"a{entry.suffixes[0]}"
        told = export_voxels([replace(left, confirmation=confirmation)], volume_of(case), path).to_json()
        data = path.read_bytes()
        assert mark in data
        assert absent not in data
        assert left.mask.sha256().encode() in data
        assert told["files"][0]["state"] == ("confirmed" if mark == confirmed else "proposed")
    both = [replace(left, confirmation=good), segment_of(case, "head")]
    assert export_voxels(both, volume_of(case), path).files[0].state is State.PROPOSED


def test_confirmed_names_the_person_in_a_seg(case: Case, tmp_path: Path) -> None:
    """Content creator, label, and the description of the segment."""
    left = segment_of(case, "left")
    confirmation = Confirmation("Dr. Ada Test", "2026-11-24T09:00:00+01:00", left.mask.sha256())
    export_voxels([replace(left, confirmation=confirmation)], volume_of(case), tmp_path / "a.dcm")

    seg = pydicom.dcmread(tmp_path / "a.dcm")
    assert (seg.ContentLabel, str(seg.ContentCreatorName)) == ("LEFT_CONFIRMED", "Dr. Ada Test^")
    assert "Dr. Ada Test, 2026-11-24T09:00:00+01:00" in seg.SegmentSequence[0].SegmentDescription
    assert validated(tmp_path / "a.dcm").strip() == "Segmentation"


@every_format
def test_the_sidecar_tells_where_it_comes_from(case: Case, tmp_path: Path, entry: Format) -> None:
    """Recipe, parameters, edits, hashes of voxels, images and file, findings, time; no identity."""
    touching = Finding(FindingKind.TOUCHING, Severity.WARNING, (3,), (), {"name": "left", "other": "vessels"})
    edits = (MaskEdit("drop-small", {"min_island_ml": 0.5}, "9.9"),)
    segment = segment_of(case, "left", findings=(touching,), edits=edits)
    export_voxels([segment], volume_of(case), tmp_path / f"a{entry.suffixes[0]}")

    told = json.loads((tmp_path / "a.json").read_text())
    (structure,) = told["structures"]
    assert (structure["recipe"], structure["parameters"]) == ("bone", {"low_hu": 250.0})
    assert structure["edits"] == [{"tool": "drop-small", "parameters": {"min_island_ml": 0.5}, "version": "9.9"}]
    assert structure["mask_sha256"] == segment.mask.sha256()
    assert structure["volume_ml"] == pytest.approx(structure["voxels"] * 1.1 * 1.4 * 1.9 / 1000)
    assert (told["state"], told["describes"]) == ("proposed", f"a{entry.suffixes[0]}")
    assert told["series_uids"] == [case.series.uid]
    assert [one["kind"] for one in told["findings"]] == ["touching"]
    assert len(told["instances"]) == len(case.series.instances)
    assert told["version"]
    assert told["exported_at"]
    assert "Probe" not in (tmp_path / "a.json").read_text()
    if "patient" not in entry.carries:
        assert b"Probe" not in (tmp_path / f"a{entry.suffixes[0]}").read_bytes()


def test_the_header_of_slicer_is_whole(case: Case, tmp_path: Path) -> None:
    """Every field 3D Slicer looks for, and ours beside them, as JSON that can be read again."""
    _labels, header = nrrd.read(str(exported(case, tmp_path / "a.seg.nrrd", "left", "all")))

    assert header["Segment1_Layer"] == "1"
    assert header["Segment0_ID"] == "Segment_1"
    assert [float(v) for v in header["Segment0_Color"].split()] == pytest.approx(COLORS["left"])
    tags = header["Segment0_Tags"].split("|")
    assert "Segmentation.Status:inprogress" in tags
    assert any("~SCT^272673000^Bone~" in tag for tag in tags)
    assert header["kinds"] == ["list", "domain", "domain", "domain"]
    assert header["space units"] == ["mm", "mm", "mm"]
    assert json.loads(header["arviewer_Segment0"])["recipe"] == "bone"
    assert json.loads(header["arviewer_told"])["series_uids"] == [case.series.uid]


def test_nifti_has_one_geometry_in_two_ways(images: Case, tmp_path: Path) -> None:
    """Both forms are coded and agree; the intent is a label map; the unit is mm."""
    header = nibabel.load(exported(images, tmp_path / "a.nii.gz", "left")).header

    assert (int(header["sform_code"]), int(header["qform_code"]), int(header["intent_code"])) == (1, 1, 1002)
    assert np.abs(header.get_sform() - header.get_qform()).max() < 1e-3
    assert header.get_xyzt_units()[0] == "mm"
    comments = [json.loads(one.get_content()) for one in header.extensions if one.get_code() == 6]
    assert comments[0]["structures"][0]["name"] == "left"


def test_a_structure_of_a_file_leaves_on_its_own_grid(case: Case, tmp_path: Path) -> None:
    """Read from a coarser label map: written on that grid; as a SEG with the images, which it is laid over."""
    small = grid((2.2, 2.8, 3.8))
    labels = (coverage_on(small)["left"] >= 0.5).astype(np.uint8)
    image = nibabel.Nifti1Image(labels.T, np.diag([-1.0, -1.0, 1.0, 1.0]) @ small.lps_from_ijk.matrix)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "in.nii.gz")
    (found,) = structures(tmp_path / "in.nii.gz", case.series)
    (segment,) = found.segments
    expected = {segment.name: (int(labels.sum()), centroid_lps(found))}

    arviewer.export(found, tmp_path / "a.seg.nrrd")
    export_voxels([segment], volume_of(case), tmp_path / "a.dcm")
    with pytest.raises(InputRefused, match="DICOM"):
        arviewer.export(found, tmp_path / "b.dcm")

    assert same(by_pynrrd(tmp_path / "a.seg.nrrd"), expected)
    assert same(by_highdicom(tmp_path / "a.dcm"), expected)
    (again,) = structures(tmp_path / "a.dcm", case.series)
    with pytest.raises(InputRefused, match="DICOM"):
        arviewer.export(again, tmp_path / "c.dcm")


def test_bricks_are_written_as_well(case: Case, tmp_path: Path) -> None:
    """An edited structure is a grid of bricks."""
    mask = BrickMask.of(segment_of(case, "left").mask.box())
    export_voxels([segment_of(case, "left", mask=mask)], volume_of(case), tmp_path / "a.seg.nrrd")

    assert same(by_pynrrd(tmp_path / "a.seg.nrrd"), truth(case, "left"))


def test_three_hundred_structures(case: Case, tmp_path: Path) -> None:
    """More than a byte can number, with names that end lines, part values and close brackets."""
    masks = [MaskBox((n // 10, n % 10, 0), np.ones((1, 1, 3), bool)) for n in range(300)]
    names = [f"a\n{n} ]<b\\c>" for n in range(300)]
    segments = [
        replace(segment_of(case, "left"), name=name, mask=mask) for name, mask in zip(names, masks, strict=True)
    ]
    for name in ("a.seg.nrrd", "a.nii.gz", "a.dcm"):
        export_voxels(segments, volume_of(case), tmp_path / name)
        found = structures(tmp_path / name, case.series)
        assert len(found) == 300
        assert sum(int(one.segments[0].mask.box().voxels.sum()) for one in found) == 900


@pytest.mark.hazard("H07")
@every_format
def test_lost_slices_leave_only_when_accepted(case: Case, tmp_path: Path, entry: Format) -> None:
    """Refused with the option that accepts it, nothing written; accepted, it is recorded."""
    lost = Finding(FindingKind.MISSING_SLICES, Severity.ERROR, (40, 41), (), {"count": 2})
    volume, path = replace(volume_of(case), findings=(lost,)), tmp_path / f"a{entry.suffixes[0]}"

    with pytest.raises(InputRefused) as caught:
        export_voxels([segment_of(case, "left")], volume, path)
    assert "--accept missing-slices" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []
    export_voxels([segment_of(case, "left")], volume, path, accept=["missing-slices"])
    assert json.loads((tmp_path / "a.json").read_text())["accepted"] == ["missing-slices"]


def test_what_cannot_be_written_is_said(case: Case, tmp_path: Path) -> None:
    """No voxels, a size no body has, two grids, images that are no DICOM, an unknown suffix."""
    empty = segment_of(case, "left", mask=MaskBox((0, 0, 0), np.zeros((0, 0, 0), bool)))
    speck = segment_of(case, "left", mask=MaskBox((3, 3, 3), np.ones((1, 1, 1), bool)))
    small = VolumeGeometry.of_grid((4, 4, 4), np.diag([0.1, 0.1, 0.1, 1.0]), case.series.frame_of_reference_uid)
    other = segment_of(case, "head", geometry=grid((1.2, 1.4, 1.9)))
    unnamed = replace(case.series, study_uid="", patient=Patient())
    invalid = replace(case.series, uid="1.2/../3")
    for segments, volume, name, error, words in (
        ([empty], volume_of(case), "a.seg.nrrd", InputRefused, "no voxels"),
        ([speck], volume_of(case, small), "a.seg.nrrd", InputRefused, "0.1 mm long"),
        ([segment_of(case, "left"), other], volume_of(case), "a.dcm", GeometryError, "different grids"),
        ([segment_of(case, "left")], volume_of(case, series=unnamed), "a.dcm", InputRefused, "DICOM"),
        ([segment_of(case, "left")], volume_of(case, series=invalid), "a.dcm", InputRefused, "DICOM"),
        ([segment_of(case, "left")], volume_of(case), "a.mha", UsageError, "a.mha"),
        ([], volume_of(case), "a.dcm", UsageError, "nothing to export"),
    ):
        with pytest.raises(error, match=words) as caught:
            export_voxels(segments, volume, tmp_path / name)
        assert caught.value.what
        assert caught.value.remedy
        assert list(tmp_path.iterdir()) == []


@pytest.mark.hazard("H02")
@every_format
def test_a_file_that_does_not_hold_the_model_never_appears(
    case: Case, tmp_path: Path, entry: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that shifts by a voxel, mirrors, loses one, or mixes two up is found out; the earlier file stays."""
    path = tmp_path / f"a{entry.suffixes[0]}"
    exported(case, path, "head")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def shifted(mask: MaskBox) -> MaskBox:
        k, j, i = mask.start_kji
        return MaskBox((k, j, i + 1), mask.voxels)

    def mirrored(mask: MaskBox) -> MaskBox:
        return MaskBox(mask.start_kji, mask.voxels[:, :, ::-1])

    def pierced(mask: MaskBox) -> MaskBox:
        voxels = mask.voxels.copy()
        voxels[tuple(np.argwhere(voxels)[0])] = False
        return MaskBox(mask.start_kji, voxels)

    for wrong in (shifted, mirrored, pierced):
        bad = replace(
            entry, write=lambda content, progress, w=wrong: entry.write(
                replace(content, masks=tuple(w(mask) for mask in content.masks)), progress)
        )  # fmt: skip
        monkeypatch.setattr(
            "arviewer.formats.export_voxels.FORMATS", tuple(bad if one is entry else one for one in FORMATS)
        )
        with pytest.raises(OutputFailed, match="left"):
            exported(case, path, "left", "block")
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.hazard("H19")
@every_format
def test_stopping_or_a_full_disk_changes_nothing(
    case: Case, tmp_path: Path, entry: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any point of the way; the earlier file and its sidecar stay, and no part of a new one."""
    path = tmp_path / f"a{entry.suffixes[0]}"
    exported(case, path, "head")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    for at in (0.0, 0.15, 0.4, 0.7, 1.0):

        def stop(fraction: float, what: str = "", at: float = at) -> None:
            if fraction >= at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            exported(case, path, "left", progress=stop)
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    monkeypatch.setattr(atomic, "free_bytes", lambda folder: 10)
    with pytest.raises(OutputFailed, match="MB free"):
        exported(case, path, "left")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_the_verb_takes_what_it_is_given(case: Case, tmp_path: Path) -> None:
    """`arviewer.export` writes a segmentation as voxels."""
    done = arviewer.export(Segmentation(volume_of(case), (segment_of(case, "left"),)), tmp_path / "a.seg.nrrd")

    assert [file.path.name for file in done.files] == ["a.seg.nrrd"]
    assert done.files[0].sidecar.name == "a.json"
