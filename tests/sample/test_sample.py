"""The sample patient: it regenerates, other readers agree on its place, and it is what TRUTH.json says."""

import json
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its users know

from arviewer.imaging.phantoms.csg import Grown
from arviewer.imaging.phantoms.raster import Sampling, coverage
from arviewer.imaging.phantoms.truth import measured, structures
from sample_dicom import generate

SERIES = ("ct", "sagittal")


@pytest.fixture(scope="module")
def told(sample):
    """TRUTH.json."""
    return json.loads((sample / "TRUTH.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ordered(sample):
    """Files of each series along the slice normal, by an order of our own making."""

    def along(path):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        orientation = np.array(header.ImageOrientationPatient, dtype=float)
        return float(np.cross(orientation[:3], orientation[3:]) @ np.array(header.ImagePositionPatient, dtype=float))

    return {name: sorted((sample / name).glob("*.dcm"), key=along) for name in SERIES}


@pytest.fixture(scope="module")
def images(ordered):
    """Each series as SimpleITK reads it."""
    return {name: sitk.ReadImage([str(path) for path in ordered[name]]) for name in SERIES}


@pytest.mark.parametrize(("name", "slabs"), [("ct", (4, 17)), ("sagittal", (2,))])
def test_the_generator_makes_the_committed_pixels(name, slabs, images):
    """Slabs made anew equal the decoded pixels of the committed files, every voxel."""
    committed = sitk.GetArrayFromImage(images[name])
    acquisition = generate.acquisitions()[name]
    for number in slabs:
        slices = acquisition.slabs()[number]
        assert np.array_equal(acquisition.scan(slices), committed[slices.start : slices.stop])


@pytest.mark.parametrize("name", SERIES)
def test_another_reader_finds_it_where_truth_says(name, images, told):
    """SimpleITK's origin, spacing and direction equal TRUTH.json's affine to 1e-4 mm; right-handed."""
    image, described = images[name], told["series"][name]
    matrix = np.array(described["lps_from_ijk"])
    assert np.allclose(image.GetOrigin(), matrix[:3, 3], atol=1e-4)
    assert np.allclose(image.GetSpacing(), described["spacing_mm"], atol=1e-4)
    direction = np.reshape(image.GetDirection(), (3, 3))
    assert np.allclose(direction * image.GetSpacing(), matrix[:3, :3], atol=1e-4)
    assert np.linalg.det(direction) == pytest.approx(1.0, abs=1e-6)
    assert list(image.GetSize()) == described["size_ijk"]


def test_it_is_large_enough_and_its_spacings_differ(told):
    """At least 384 × 384 × 220 and 128 × 160 × 40; no two axes share a spacing, nor does the thickness tag."""
    assert all(np.array(told["series"]["ct"]["size_ijk"]) >= (384, 384, 220))
    assert all(np.array(told["series"]["sagittal"]["size_ijk"]) >= (128, 160, 40))
    for described in told["series"].values():
        assert len({*described["spacing_mm"], described["slice_thickness_mm"]}) == 4


def test_the_folder_stays_small(sample):
    """Everything in the folder together is below 25 MB."""
    assert sum(path.stat().st_size for path in sample.rglob("*") if path.is_file()) < 25e6


@pytest.mark.parametrize("name", SERIES)
def test_the_standard_finds_no_error(name, ordered):
    """The validator dciodvfy reports no error in the first, a middle and the last file."""
    checker = Path(sysconfig.get_path("scripts")) / "dciodvfy"
    files = ordered[name]
    for path in (files[0], files[len(files) // 2], files[-1]):
        done = subprocess.run([checker, path], capture_output=True, text=True, check=False)
        assert done.stderr.startswith("CTImage")
        assert "Error" not in done.stderr + done.stdout


def test_both_series_share_patient_study_and_frame(ordered, told):
    """One invented patient, one study, one frame of reference; two series; every UID once and under 2.25."""
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for name in SERIES for path in ordered[name]]
    assert {str(header.PatientName) for header in headers} == {"Sample^Patient"}
    assert {header.StudyInstanceUID for header in headers} == {told["study_uid"]}
    assert {header.FrameOfReferenceUID for header in headers} == {told["frame_of_reference_uid"]}
    assert {header.SeriesInstanceUID for header in headers} == {told["series"][name]["series_uid"] for name in SERIES}
    uids = [header.SOPInstanceUID for header in headers]
    assert len(set(uids)) == len(uids) == 284
    assert all(uid.startswith("2.25.") for uid in uids)
    assert {header.file_meta.TransferSyntaxUID for header in headers} == {pydicom.uid.JPEGLSLossless}


def test_file_names_and_instance_numbers_of_the_files_are_not_one_order(ordered):
    """File names say nothing about the order of the slices."""
    names = [path.name for path in ordered["ct"]]
    assert names not in (sorted(names), sorted(names, reverse=True))


def test_sides_are_told_by_centroids(told):
    """Right is −x from the midline, left is +x: liver and tumor right; spleen, heart, stomach and marked rib left."""
    middle = told["midline_x_lps_mm"]
    expected = {"liver": -1, "tumor": -1, "gallbladder": -1, "right kidney": -1, "right lung": -1}
    expected |= {"spleen": 1, "heart": 1, "stomach": 1, "left kidney": 1, "left lung": 1, "fracture pin": 1}
    for name, sign in expected.items():
        assert np.sign(told["structures"][name]["centroid_lps_mm"][0] - middle) == sign
        assert told["structures"][name]["side"] == ("left" if sign > 0 else "right")


def test_tissues_have_the_hu_that_truth_tells(images, told):
    """The mean of 4 mm around each tissue point is within 9 HU of its tissue (lung: 25), in both series."""
    for name in SERIES:
        image = images[name]
        voxels = sitk.GetArrayFromImage(image)
        for label, point in told["tissue_points"].items():
            continuous = np.array(image.TransformPhysicalPointToContinuousIndex(point["lps_mm"]))[::-1]
            reach = np.maximum(np.floor(4.0 / np.array(image.GetSpacing())[::-1]), 0).astype(int)
            if name == "sagittal" and (label not in SAGITTAL_POINTS):
                continue
            k, j, i = np.rint(continuous).astype(int)
            box = voxels[
                k - reach[0] : k + reach[0] + 1, j - reach[1] : j + reach[1] + 1, i - reach[2] : i + reach[2] + 1
            ]
            limit = 25 if point["tissue"] == "lung" else 9
            assert abs(float(box.mean()) - point["hu"]) < limit, (name, label, float(box.mean()))


SAGITTAL_POINTS = ("descending aorta", "left ventricle", "psoas", "vena cava")


def test_noise_is_realistic_and_correlated(images, told):
    """In the descending aorta it has 7 to 13 HU, and neighboring pixels share a part of it."""
    image = images["ct"]
    voxels = sitk.GetArrayFromImage(image).astype(float)
    i, j, k = image.TransformPhysicalPointToIndex(told["tissue_points"]["descending aorta"]["lps_mm"])
    box = voxels[k - 3 : k + 4, j - 5 : j + 6, i - 5 : i + 6]
    rest = box - box.mean()
    assert 7.0 < rest.std() < 13.0
    assert 0.3 < (rest[:, :, 1:] * rest[:, :, :-1]).mean() / rest.var() < 0.85


def test_volumes_in_truth_follow_from_the_shapes(told):
    """Measuring some shapes again gives the volumes and centroids in TRUTH.json; the errors told are small."""
    for name in ("tumor", "L3", "left kidney", "fracture pin"):
        found = measured(structures()[name], generate.acquisitions()["ct"].geometry)
        assert found.volume_ml == pytest.approx(told["structures"][name]["volume_ml"], abs=1e-4)
        place = np.array(found.centroid) + generate.LPS_FROM_BODY_MM
        assert np.allclose(place, told["structures"][name]["centroid_lps_mm"], atol=1e-3)
    for name, truth in told["structures"].items():
        assert truth["volume_error_ml"] < 0.01 * truth["volume_ml"], name


@pytest.mark.parametrize(
    ("name", "low_hu", "high_hu"),
    [("left heart chambers", 215, 3000), ("tumor", -1024, 82), ("left lung", -1024, -405)],
)
def test_half_way_thresholds_find_the_true_volume(name, low_hu, high_hu, images, told):
    """Counting voxels past half the contrast, within 3 mm of a structure, gives its true volume within 3 %."""
    geometry = generate.acquisitions()["ct"].geometry
    shape = structures()[name]
    near = coverage(Grown(shape, 1.5), geometry, Sampling((1, 1, 1))) > 0.5
    voxels = sitk.GetArrayFromImage(images["ct"])[near]
    found_ml = ((voxels > low_hu) & (voxels < high_hu)).sum() * geometry.voxel_volume_mm3 / 1000
    assert found_ml == pytest.approx(told["structures"][name]["volume_ml"], rel=0.03)


def test_meaning_of_every_main_structure_is_told(told):
    """What "bone", "skin", "lungs" and "vessels" include is written beside their volumes."""
    for name in ("bone", "skin", "lungs", "vessels"):
        assert told["structures"][name]["volume_ml"] > 50
        assert len(told["meaning"][name]) > 20
