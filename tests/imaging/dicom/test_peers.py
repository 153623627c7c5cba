"""Every valid real series against SimpleITK and highdicom; where one of them is wrong, that is held too.

The table in docs/developers/peers.md says how each disagreement was decided.
"""

from __future__ import annotations

import warnings

import numpy as np
import pydicom
import pytest
import SimpleITK

from arviewer.imaging.dicom import load, load_resampled, scan
from arviewer.model.findings import FindingKind, Verdict

pytestmark = pytest.mark.filterwarnings("ignore")

DERIVED = "11_series_defects/derived_orientation"

VALID = {
    # folder: (volumes in it, whether highdicom reads it)
    "01_ct_chest_lidc0314/ct": (1, "do not share a frame of reference"),
    "02_ct_contrast_chest_rider0117/ct": (1, ""),
    "03_ct_head_phantom_tilt/straight_5mm": (1, ""),
    "04_petct_rtstruct_sts001/ct_cropped": (1, ""),
    "05_mr_dce_4d_seg_ucsfbr06/mr_3_timepoints": (3, ""),
    "06_ct_20slice_117labels/ct_no_uids": (1, "No IOD found"),
    "09_seg_dcmqi_liver/ct_3slices": (1, ""),
    "14_phantom_known_geometry": (1, ""),
    f"{DERIVED}/ok_axial": (1, ""),
    f"{DERIVED}/shuffled_names_reversed_instance": (1, ""),
    f"{DERIVED}/stored_coronal": (1, ""),
    f"{DERIVED}/stored_sagittal": (1, ""),
    f"{DERIVED}/thickness_lies": (1, ""),
    f"{DERIVED}/two_time_points": (2, ""),
    f"{DERIVED}/duplicate_file": (1, ""),
    f"{DERIVED}/duplicate_position": (1, ""),
    f"{DERIVED}/localizer_inside": (2, ""),
    "07_enhanced_multiframe/eCT_Supplemental.dcm": (1, ""),
    "07_enhanced_multiframe/siemens_xa30_t1w_128x128x96.dcm": (1, ""),
}


def itk(files) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and (4, 4) map of what SimpleITK makes of files in this order."""
    files = list(dict.fromkeys(str(file) for file in files))
    if len(files) == 1:
        image = SimpleITK.ReadImage(files[0])
    else:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(files)
        image = reader.Execute()
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), matrix


def highdicom_volume(files) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and (4, 4) map of highdicom, whose slices run against row × column, turned to run along it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import highdicom

    datasets = [pydicom.dcmread(file) for file in dict.fromkeys(files)]
    if "PerFrameFunctionalGroupsSequence" in datasets[0]:
        found = highdicom.Image.from_dataset(datasets[0]).get_volume()
    else:
        found = highdicom.get_volume_from_series(datasets)
    matrix = found.affine[:, [2, 1, 0, 3]].copy()
    voxels = found.array
    if np.linalg.det(matrix[:3, :3]) < 0:
        matrix[:3, 3] += matrix[:3, 2] * (len(voxels) - 1)
        matrix[:3, 2] *= -1
        voxels = voxels[::-1]
    return voxels, matrix


@pytest.mark.hazard("H06", "H11")
@pytest.mark.parametrize("name", VALID)
def test_every_valid_series_equals_the_others(data, name):
    """Equal intensities, affine within 1e-4 mm of both."""
    count, refusal = VALID[name]
    series = scan(data / name).series
    assert len(series) == count
    for one in series:
        volume = load(one)
        files = [instance.path for instance in one.instances]
        matrix = volume.geometry.lps_from_ijk.matrix
        # Of a multi-frame file SimpleITK keeps the order of the frames, which is checked for single images only.
        if one.instances[0].stored.frames == 1:
            voxels, other = itk(files)
            np.testing.assert_array_equal(volume.voxels, voxels)
            np.testing.assert_allclose(matrix, other, atol=1e-4)
        if refusal:
            with pytest.raises((ValueError, KeyError), match=refusal):
                highdicom_volume(files)
            continue
        voxels, other = highdicom_volume(files)
        np.testing.assert_array_equal(volume.voxels, voxels)
        along = slice(0, 2) if len(volume.voxels) == 1 else slice(0, 3)  # one slice has no step to compare
        np.testing.assert_allclose(matrix[:3, along], other[:3, along], atol=1e-4)
        np.testing.assert_allclose(matrix[:3, 3], other[:3, 3], atol=1e-4)


@pytest.mark.hazard("H06", "H11")
def test_the_sample_patient_equals_the_others(sample):
    """Both series of the sample folder."""
    for one in scan(sample).series:
        volume = load(one)
        files = [instance.path for instance in one.instances]
        for voxels, matrix in (itk(files), highdicom_volume(files)):
            np.testing.assert_array_equal(volume.voxels, voxels)
            np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, matrix, atol=1e-4)


@pytest.mark.hazard("H11")
def test_a_pet_equals_simpleitk_slice_by_slice(data):
    """267 slices with a slope each; SimpleITK calculates in float64, we keep float32; the bed seams are not accused."""
    (series,) = scan(data / "04_petct_rtstruct_sts001/pet_wholebody").series
    volume = load(series)
    voxels, matrix = itk([instance.path for instance in series.instances])
    np.testing.assert_allclose(volume.voxels, voxels, rtol=1e-6)
    np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, matrix, atol=1e-4)
    assert series.verdict is Verdict.REGULAR
    assert series.fit.max_mm <= series.fit.regular_mm < 0.2
    with pytest.raises(ValueError, match="not a regularly-spaced"):
        highdicom_volume([instance.path for instance in series.instances])


WRONG = {
    # folder: (slices and step in mm of SimpleITK, of this program)
    "05_mr_dce_4d_seg_ucsfbr06/mr_3_timepoints": ((180, 0.6592), (60, 2.0)),
    f"{DERIVED}/two_time_points": ((48, 0.9787), (24, 2.0)),
    f"{DERIVED}/missing_one": ((23, 2.0909), (24, 2.0)),
    f"{DERIVED}/missing_five": ((19, 2.5556), (24, 2.0)),
    f"{DERIVED}/duplicate_position": ((25, 1.9167), (24, 2.0)),
    f"{DERIVED}/duplicate_file": ((25, 0.4167), (24, 2.0)),
    "11_series_defects/natural_sliceincrement_001": ((4, 6.6667), (5, 5.0)),
}
"""Where SimpleITK, given the folder, builds a grid that the positions in the files contradict."""


@pytest.mark.parametrize("name", WRONG)
def test_where_a_peer_averages_or_interleaves_the_positions_decide(data, name):
    """SimpleITK still does what the table says; each of our slices lies at its file's own position."""
    (count, step), (ours, own_step) = WRONG[name]
    folder = str(data / name)
    (uid,) = SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(folder)
    voxels, matrix = itk(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(folder, uid))
    assert (len(voxels), np.linalg.norm(matrix[:3, 2])) == (count, pytest.approx(step, abs=1e-3))
    for series in scan(data / name).series:
        assert series.geometry.shape_kji[0] == ours
        assert series.geometry.spacing_mm[2] == pytest.approx(own_step, abs=1e-4)
        for place, instance in zip(series.places, series.instances, strict=True):
            truth = np.array(pydicom.dcmread(instance.path).ImagePositionPatient, float)
            at = series.geometry.lps_from_ijk.matrix @ (0, 0, place, 1)
            np.testing.assert_allclose(at[:3], truth, atol=1e-3)


# ---- the tilted head ---------------------------------------------------------------------------------------------


def itk_image(volume, naive=False) -> SimpleITK.Image:
    """A volume for SimpleITK, which knows no shear; every second row and column; `naive` stacks it straight."""
    matrix, spacing = volume.geometry.lps_from_ijk.matrix, volume.geometry.spacing_mm
    directions = matrix[:3, :3] / spacing
    if naive:
        directions[:, 2] = np.cross(directions[:, 0], directions[:, 1])
    image = SimpleITK.GetImageFromArray(np.asarray(volume.voxels[:, ::2, ::2], dtype=np.float32))
    image.SetSpacing((spacing[0] * 2, spacing[1] * 2, spacing[2]))
    image.SetOrigin(matrix[:3, 3])
    image.SetDirection(directions.ravel())
    return image


def likeness(fixed: SimpleITK.Image, moving: SimpleITK.Image) -> tuple[float, float]:
    """Correlation of two scans of one object where both saw it, and the Dice overlap of its skull."""
    outside = -2000.0
    moved = SimpleITK.GetArrayFromImage(SimpleITK.Resample(moving, fixed, SimpleITK.Transform(), 2, outside))
    still = SimpleITK.GetArrayFromImage(fixed)
    both = moved > outside + 1
    one, other = (still > 300) & both, (moved > 300) & both
    overlap = 2 * (one & other).sum() / (one.sum() + other.sum())
    return float(np.corrcoef(still[both], moved[both])[0, 1]), float(overlap)


@pytest.mark.hazard("H08")
def test_the_tilted_head_has_the_size_and_shape_of_the_straight_one(data):
    """One phantom scanned straight and tilted by 18.5°: both coincide once resampled, stacked straight they don't.

    The phantom was not moved between the scans, so that its skull, cylinder and boxes lie at the same LPS places.
    """
    folder = data / "03_ct_head_phantom_tilt"
    straight = itk_image(load(scan(folder / "straight_5mm").series[0]))
    (tilted,) = scan(folder / "tilt_minus18p5_2p5mm").series
    upright = load_resampled(tilted)
    assert [one.kind for one in upright.findings] == [FindingKind.RESAMPLED]
    correlation, overlap = likeness(straight, itk_image(upright))
    assert correlation > 0.95
    assert overlap > 0.8
    correlation, overlap = likeness(straight, itk_image(load(tilted), naive=True))
    assert correlation < 0.6
    assert overlap < 0.4


@pytest.mark.hazard("H08")
def test_the_largest_parts_of_the_tilted_head_keep_volume_place_and_extent(data):
    """Plastic head and both cheeks of the headrest: within a voxel and 1 % of what the sheared voxels say."""
    from scipy import ndimage

    (tilted,) = scan(data / "03_ct_head_phantom_tilt/tilt_minus18p5_2p5mm").series
    measured = []
    for volume in (load(tilted), load_resampled(tilted)):
        labels, _count = ndimage.label(volume.voxels > -500)
        sizes = np.bincount(labels.ravel())[1:]
        matrix = volume.geometry.lps_from_ijk.matrix
        for label in np.argsort(-sizes)[:3] + 1:
            places = np.argwhere(labels == label)[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]
            ml = len(places) * volume.geometry.voxel_volume_mm3 / 1000
            measured.append((ml, places.mean(axis=0), np.sqrt(np.linalg.eigvalsh(np.cov(places.T)))))
    for (ml, place, size), (other_ml, other_place, other_size) in zip(measured[:3], measured[3:], strict=True):
        assert other_ml == pytest.approx(ml, rel=0.01)
        np.testing.assert_allclose(other_place, place, atol=0.48)
        np.testing.assert_allclose(other_size, size, atol=0.48)
