"""From files to an exported mesh: what is doubtful about the images is in the file that leaves."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import arviewer
from arviewer.cli import run
from arviewer.errors import GeometryError, InputRefused, UsageError
from arviewer.imaging.dicom import load, scan
from arviewer.model.findings import FindingKind, Severity, Verdict
from arviewer.model.geometry import Ijk, Points
from arviewer.session.choice import choose

STEP_MM = 1.5
MATRIX = np.array([[0.9, 0, 0, -14.0], [0, 0.87, 0, 22.0], [0, 0, STEP_MM, -310.0], [0, 0, 0, 1.0]])


def bone() -> np.ndarray:
    """A beam of 700 HU along the slices, thicker on one side, in soft tissue, in air: 24 slices."""
    voxels = np.full((24, 34, 30), -1000, np.int16)
    voxels[:, 4:30, 4:26] = 40
    voxels[3:21, 10:20, 8:16] = 700
    voxels[8:15, 10:14, 16:22] = 700
    return voxels


def exported(folder, tmp_path, *options: str) -> tuple[int, dict]:
    """The exit code of an export, and the sidecar where there is one."""
    target = tmp_path / "out" / "bone.stl"
    target.parent.mkdir(exist_ok=True)
    code = run(["export", str(folder), "--structure", "bone", "--threshold", "300:", "-o", str(target), *options])
    sidecar = target.with_suffix(".json")
    return code, json.loads(sidecar.read_text()) if sidecar.exists() else {}


@pytest.mark.hazard("H07")
@pytest.mark.parametrize("lost", [(11,), (10, 11, 12)], ids=["one", "three"])
def test_lost_slices_keep_their_place_and_hold_an_export_up(write_stack, tmp_path, capsys, lost):
    """Found, marked, never filled: the mesh is capped at them, and leaves only when that is accepted by name."""
    folder = write_stack(bone(), MATRIX, vary=lambda k: None if k in lost else {})
    (series,) = scan(folder).series
    volume = load(series)
    assert np.flatnonzero(~volume.slice_valid).tolist() == list(lost)
    np.testing.assert_array_equal(volume.voxels[volume.slice_valid], bone()[volume.slice_valid])
    assert exported(folder, tmp_path)[0] == 3
    assert "missing" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())
    code, sidecar = exported(folder, tmp_path, "--accept", "missing-slices")
    assert code == 0
    assert sidecar["accepted"] == ["missing-slices"]
    (finding,) = [one for one in sidecar["findings"] if one["kind"] == "missing-slices"]
    assert finding["slices"] == list(lost)
    made = arviewer.surface(arviewer.segment(volume, "bone", low_hu=300.0), "bone")
    places = (made.points_lps[:, 2] - MATRIX[2, 3]) / STEP_MM
    assert not ((places > lost[0] - 0.4) & (places < lost[-1] + 0.4)).any()
    assert ((places > lost[0] - 1.1) & (places < lost[0])).any(), "the beam goes on right up to the gap"


@pytest.mark.hazard("H07")
def test_a_cut_transfer_counts_as_lost_and_a_doubled_or_jittered_slice_does_not(write_stack, tmp_path):
    """A file cut in the middle of its pixels is a lost slice; a duplicate warns; 0.05 mm of jitter is nothing."""
    cut = write_stack(bone(), MATRIX, "cut")
    victim = cut / "011"
    victim.write_bytes(victim.read_bytes()[:-900])
    volume = load(scan(cut).series[0])
    assert np.flatnonzero(~volume.slice_valid).tolist() == [11]
    assert exported(cut, tmp_path)[0] == 3
    twice = write_stack(bone(), MATRIX, "twice")
    write_stack(bone()[11:12], MATRIX + np.outer(MATRIX[:, 2], [0, 0, 0, 11]), "twice", name="again{}".format)
    (series,) = scan(twice).series
    assert series.verdict is Verdict.DUPLICATES
    assert exported(twice, tmp_path)[0] == 0
    jitter = np.random.default_rng(4).uniform(-0.05, 0.05, 24)
    place = lambda k: {"ImagePositionPatient": [-14, 22, -310 + STEP_MM * k + jitter[k]]}  # noqa: E731
    (series,) = scan(write_stack(bone(), MATRIX, "jitter", vary=place)).series
    assert (series.verdict, series.findings) == (Verdict.REGULAR, ())


@pytest.mark.hazard("H13")
@pytest.mark.parametrize("how", ["declared", "by its syntax"])
def test_a_loss_by_compression_is_written_beside_the_mesh(write_stack, tmp_path, how):
    """A warning on the series, the volume, the surface, and in the file beside the export."""
    if how == "declared":
        elements = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "12"}
        folder = write_stack(bone(), MATRIX, **elements)
    else:
        folder = compressed(write_stack(bone(), MATRIX))
    (series,) = scan(folder).series
    volume = load(series)
    for findings in (series.findings, volume.findings):
        assert {one.kind: one.severity for one in findings}[FindingKind.LOSSY] is Severity.WARNING
    code, sidecar = exported(folder, tmp_path)
    assert code == 0
    (finding,) = [one for one in sidecar["findings"] if one["kind"] == "lossy"]
    assert "compressed with loss" in finding["message"]


def compressed(folder):
    """The same images as lossy JPEG 2000 that does not say so in its header."""
    import imagecodecs
    from pydicom import dcmread
    from pydicom.encaps import encapsulate

    for file in folder.iterdir():
        ds = dcmread(file)
        ds.PixelData = encapsulate([imagecodecs.jpeg2k_encode(ds.pixel_array, level=60, codecformat="j2k")])
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.91"
        ds.save_as(file, enforce_file_format=True)
    return folder


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("padding", [-2000, 2000], ids=["low", "in the range of bone"])
def test_padding_is_no_anatomy_whatever_its_value(write_stack, padding):
    """Pixels outside the field of view are never bone, though their value says 2000 HU."""
    padded = bone()
    padded[:, :, 26:] = padding
    padded[:, :4] = padding
    plain = load(scan(write_stack(bone(), MATRIX, "plain")).series[0])
    volume = load(scan(write_stack(padded, MATRIX, "padded", PixelPaddingValue=padding)).series[0])
    assert volume.padding_value == padding
    made = [arviewer.surface(arviewer.segment(each, "bone", low_hu=300.0), "bone") for each in (plain, volume)]
    assert made[1].volume_ml == pytest.approx(made[0].volume_ml, rel=0.001)
    np.testing.assert_allclose(made[1].points_lps.max(axis=0), made[0].points_lps.max(axis=0), atol=1e-3)


@pytest.mark.hazard("H08")
def test_a_tilted_beam_is_exported_where_it_lies_with_and_without_resampling(write_stack, tmp_path):
    """Same place and volume to 1 % either way; only the resampled one says so."""
    tilted = MATRIX.copy()
    tilted[:3, 1] = 0.87 * np.array([0, np.cos(0.3), -np.sin(0.3)])
    folder = write_stack(bone(), tilted)
    measured = []
    for options in ((), ("--resample",)):
        code, sidecar = exported(folder, tmp_path, *options)
        assert code == 0
        (file,) = [sidecar] if "bounds_lps_mm" in sidecar else sidecar["structures"]
        measured.append((file["volume_ml"], np.array(file["bounds_lps_mm"])))
        kinds = {one["kind"] for one in sidecar["findings"]}
        assert ("resampled" in kinds, "tilted" in kinds) == (bool(options), not options)
    assert measured[1][0] == pytest.approx(measured[0][0], rel=0.01)
    np.testing.assert_allclose(measured[1][1], measured[0][1], atol=0.5)


def test_a_series_too_uneven_is_exported_only_when_resampled(write_stack, tmp_path, capsys):
    """Exit 3 with numbers as it is; done with --resample, without naming the series."""
    off = np.zeros(24)
    off[[5, 9, 14]] = 0.8, -0.7, 0.8
    place = lambda k: {"ImagePositionPatient": [-14, 22, -310 + STEP_MM * k + off[k]]}  # noqa: E731
    folder = write_stack(bone(), MATRIX, vary=place)
    assert exported(folder, tmp_path)[0] == 3
    assert "deviate from even spacing" in capsys.readouterr().err
    code, sidecar = exported(folder, tmp_path, "--resample")
    assert code == 0
    assert "resampled" in {one["kind"] for one in sidecar["findings"]}


# ---- identity ----------------------------------------------------------------------------------------------------


@pytest.mark.hazard("H03")
@pytest.mark.parametrize(
    "other",
    [{"PatientID": "2"}, {"PatientName": "Doe^John"}, {"PatientBirthDate": "19700102"}, {"IssuerOfPatientID": "b"}],
    ids=["id", "name", "birth date", "issuer"],
)
def test_two_patients_under_one_study_and_series_are_never_merged_nor_chosen(write_stack, tmp_path, other):
    """They share study UID, series UID and even the rest of their data: two series, a finding, and a question."""
    upper = MATRIX.copy()
    upper[2, 3] += 24 * STEP_MM
    write_stack(bone(), MATRIX, "a/1")
    write_stack(bone()[:4], upper, "a/2", **other)
    found = scan(tmp_path / "a")
    assert sorted(len(one.instances) for one in found.series) == [4, 24]
    assert len({one.patient.key for one in found.series}) == 2
    assert [one.kind for one in found.findings] == [FindingKind.MULTIPLE_PATIENTS]
    with pytest.raises(UsageError, match="several patients"):
        choose(found)
    assert exported(tmp_path / "a", tmp_path)[0] == 2


@pytest.mark.parametrize("same", [True, False], ids=["one frame", "two frames"])
def test_laying_two_frames_of_reference_over_each_other_is_refused(write_stack, tmp_path, same):
    """Points, maps and surfaces of two frames never meet; of one frame they do."""
    one = load(scan(write_stack(bone(), MATRIX, "1")).series[0])
    frame = "1.2.3.9" if same else "1.2.3.10"
    folder = write_stack(bone(), MATRIX, "2", FrameOfReferenceUID=frame, SeriesInstanceUID="1.2.3.5")
    other = load(scan(folder).series[0])
    here: Points[Ijk] = Points(np.zeros((1, 3)), one.geometry.lps_from_ijk.from_space)
    there = one.geometry.lps_from_ijk(here)
    surfaces = [arviewer.surface(arviewer.segment(each, "bone", low_hu=300.0), "bone") for each in (one, other)]
    surfaces[1] = replace(surfaces[1], name="other")
    if same:
        other.geometry.lps_from_ijk.inverse()(there)
        arviewer.export(surfaces, tmp_path / "both.obj", format="obj")
        return
    with pytest.raises(GeometryError, match="Two different spaces"):
        other.geometry.lps_from_ijk.inverse()(there)
    with pytest.raises(GeometryError, match="Two different spaces"):
        _ = other.geometry.lps_from_ijk.inverse() @ one.geometry.lps_from_ijk
    with pytest.raises(InputRefused):
        arviewer.export(surfaces, tmp_path / "both.obj", format="obj")


# ---- size --------------------------------------------------------------------------------------------------------


@pytest.mark.hazard("H06")
def test_rows_and_columns_keep_their_own_spacing_and_thickness_is_no_spacing(write_stack):
    """0.5 × 0.7 mm pixels, 1.5 mm apart, thickness 5 mm and imager spacings too: positions and pixels decide."""
    matrix = np.diag([0.7, 0.5, 1.5, 1.0])
    folder = write_stack(
        bone(),
        matrix,
        SliceThickness=5,
        SpacingBetweenSlices=5,
        ImagerPixelSpacing=[9, 9],
        NominalScannedPixelSpacing=[8, 8],
    )
    volume = load(scan(folder).series[0])
    np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, matrix, atol=1e-9)
    made = arviewer.surface(arviewer.segment(volume, "bone", low_hu=300.0), "bone")
    # 14 columns, 10 rows, 18 slices; the surface at 300 HU lies a little outside of the voxels at 700 HU.
    np.testing.assert_allclose(np.ptp(made.points_lps, axis=0) / (0.7, 0.5, 1.5), (14, 10, 18), atol=0.6)


@pytest.mark.hazard("H06")
@pytest.mark.parametrize(
    "text", [b"nan\\1", b"1\\nan", b"0.5,0.7", b"1,5\\1,5", b"0\\0.5", b"-1\\1", b"inf\\1", b"1e9\\1", b"1", b""]
)
def test_pixel_spacings_that_mean_nothing_are_refused_by_tag(write_stack, text):
    """Not a number, a decimal comma, zero, negative, endless, one value or none: never a size."""
    folder = write_stack(bone()[:3], MATRIX, PixelSpacing=[0.123, 0.456])
    for file in folder.iterdir():
        data = file.read_bytes()
        written = b"0.123\\0.456 "
        assert data.count(written) == 1
        file.write_bytes(data.replace(written, text.ljust(len(written))))
    (series,) = scan(folder).series
    assert series.geometry is None
    with pytest.raises(InputRefused, match=r"Pixel Spacing \(0028,0030\)"):
        load(series)


@pytest.mark.hazard("H10")
def test_a_scout_across_an_axial_series_is_set_apart(write_stack):
    """One sagittal image among the axial ones: named as localizer, the volume is whole without it."""
    folder = write_stack(bone(), MATRIX)
    scout = np.eye(4)
    scout[:3, 0], scout[:3, 1], scout[:3, 2] = (0, 0.9, 0), (0, 0, -0.87), (1, 0, 0)
    write_stack(np.zeros((1, 34, 30), np.int16), scout, name="scout{}".format)
    main, apart = scan(folder).series
    assert (main.verdict, len(main.instances), len(apart.instances)) == (Verdict.REGULAR, 24, 1)
    (finding,) = main.findings
    assert (finding.kind, finding.files, finding.severity) == (FindingKind.LOCALIZER, ("scout0",), Severity.NOTE)
