"""Real series: equal to SimpleITK where it is right, to the positions in the files where it is not."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK

from arviewer.errors import InputRefused
from arviewer.imaging.dicom import describe, load, scan
from arviewer.model.findings import FindingKind, Severity, Verdict
from arviewer.model.study import PhaseKind

REGULAR_CT = [
    "01_ct_chest_lidc0314/ct",
    "02_ct_contrast_chest_rider0117/ct",
    "03_ct_head_phantom_tilt/straight_5mm",
    "04_petct_rtstruct_sts001/ct_cropped",
    "06_ct_20slice_117labels/ct_no_uids",
    "09_seg_dcmqi_liver/ct_3slices",
    "14_phantom_known_geometry",
]

DERIVED = "11_series_defects/derived_orientation"

Named = dict[FindingKind, tuple[Severity, tuple[int, ...], tuple[str, ...]]]
NOTE, WARNING, ERROR = Severity.NOTE, Severity.WARNING, Severity.ERROR

VARIANTS: dict[str, tuple[Verdict, Named]] = {
    # what DERIVED_INDEX.tsv says is wrong: verdict, and for each finding its severity, slices and files
    "ok_axial": (Verdict.REGULAR, {}),
    "missing_one": (
        Verdict.MISSING_SLICES,
        {FindingKind.MISSING_SLICES: (ERROR, (11,), ("011.dcm", "012.dcm"))},
    ),
    "missing_five": (
        Verdict.MISSING_SLICES,
        {FindingKind.MISSING_SLICES: (ERROR, (8, 9, 10, 11, 12), ("008.dcm", "009.dcm"))},
    ),
    "duplicate_position": (Verdict.DUPLICATES, {FindingKind.DUPLICATE_POSITION: (WARNING, (10,), ("012.dcm",))}),
    "duplicate_file": (Verdict.REGULAR, {FindingKind.DUPLICATE_INSTANCE: (NOTE, (), ("025.dcm",))}),
    "jittered_positions": (
        Verdict.UNEVEN,
        {
            FindingKind.UNEVEN_SPACING: (
                WARNING,
                (21, 10, 6, 15, 5, 7, 12, 17, 9, 8, 4, 3, 19, 0),
                tuple(f"{k + 1:03d}.dcm" for k in (21, 10, 6, 15, 5, 7, 12, 17, 9, 8, 4, 3, 19, 0)),
            )
        },
    ),
    "shuffled_names_reversed_instance": (Verdict.REGULAR, {FindingKind.LEFT_HANDED_ORDER: (NOTE, (), ())}),
    "two_time_points": (Verdict.REGULAR, {FindingKind.MULTIPLE_VOLUMES: (WARNING, (), ())}),
    "localizer_inside": (Verdict.REGULAR, {FindingKind.LOCALIZER: (NOTE, (), ("001.dcm",))}),
    "one_slice_other_matrix": (
        Verdict.MISSING_SLICES,
        {
            FindingKind.MISSING_SLICES: (ERROR, (7,), ("007.dcm", "009.dcm")),
            FindingKind.MIXED_MATRIX: (WARNING, (), ("008.dcm",)),
        },
    ),
    "stored_coronal": (Verdict.REGULAR, {}),
    "stored_sagittal": (Verdict.REGULAR, {FindingKind.LEFT_HANDED_ORDER: (NOTE, (), ())}),
    "no_ipp_no_iop": (
        Verdict.NO_GEOMETRY,
        {FindingKind.NO_GEOMETRY: (ERROR, (), tuple(f"{n:03d}.dcm" for n in range(1, 25)))},
    ),
    "thickness_lies": (Verdict.REGULAR, {}),
}

NOBODYS_FAULT = {
    # regular series: what may be noted about them, none of it more than a note
    "01_ct_chest_lidc0314/ct": {FindingKind.NO_FRAME_OF_REFERENCE, FindingKind.LEFT_HANDED_ORDER},
    "02_ct_contrast_chest_rider0117/ct": set(),
    "03_ct_head_phantom_tilt/straight_5mm": set(),
    "04_petct_rtstruct_sts001/ct_cropped": set(),
    "04_petct_rtstruct_sts001/pet_wholebody": {FindingKind.RESCALE_VARIES, FindingKind.LEFT_HANDED_ORDER},
    "06_ct_20slice_117labels/ct_no_uids": {FindingKind.NO_UIDS, FindingKind.LEFT_HANDED_ORDER},
    "07_enhanced_multiframe/eCT_Supplemental.dcm": set(),
    "07_enhanced_multiframe/siemens_xa30_t1w_128x128x96.dcm": {FindingKind.LEFT_HANDED_ORDER},
    "09_seg_dcmqi_liver/ct_3slices": {FindingKind.LEFT_HANDED_ORDER},
    "14_phantom_known_geometry": set(),
}


def kinds(series):
    """The kinds of finding of a series."""
    return {finding.kind for finding in series.findings}


def positions_of(folder):
    """Image Position (Patient) of every file, by SOP Instance UID, read with pydicom."""
    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in folder.iterdir()]
    return {ds.SOPInstanceUID: np.array(ds.ImagePositionPatient, float) for ds in headers}


def itk_image(volume):
    """What SimpleITK makes of the files of a volume in the order of their positions, and its affine."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(one.path) for one in volume.series.instances])
    image = reader.Execute()
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), matrix


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REGULAR_CT)
def test_regular_ct_equals_simpleitk(data, name):
    """Equal intensities, affine within 1e-4 mm, int16, nothing regular accused."""
    (series,) = scan(data / name).series
    volume = load(series)
    voxels, matrix = itk_image(volume)
    assert series.verdict is Verdict.REGULAR
    assert volume.voxels.dtype == np.int16
    assert volume.unit == "HU"
    assert volume.slice_valid.all()
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, matrix, atol=1e-4)


@pytest.mark.hazard("H08")
def test_a_tilted_head_lies_at_the_positions_of_its_slices(data):
    """Every slice's first voxel is at the file's own position; SimpleITK, without shear, is 42 mm off at the top."""
    folder = data / "03_ct_head_phantom_tilt/tilt_minus18p5_2p5mm"
    (series,) = scan(folder).series
    volume = load(series)
    truth = positions_of(folder)
    matrix = volume.geometry.lps_from_ijk.matrix
    for k, one in enumerate(series.instances):
        np.testing.assert_allclose(matrix @ (0, 0, k, 1), (*truth[one.sop_instance_uid], 1), atol=1e-4)
    voxels, other = itk_image(volume)
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert series.verdict is Verdict.TILTED
    assert np.linalg.norm((other - matrix) @ (0, 0, len(truth) - 1, 1)) > 40
    (finding,) = series.findings
    assert finding.details["angle_deg"] == pytest.approx(18.5, abs=0.01)


@pytest.mark.hazard("H11")
def test_a_whole_body_pet_is_regular_and_rescaled_slice_by_slice(data):
    """Bed seams are not accused; each slice has its own slope; values equal pydicom's own arithmetic."""
    (series,) = scan(data / "04_petct_rtstruct_sts001/pet_wholebody").series
    volume = load(series)
    assert series.verdict is Verdict.REGULAR
    assert kinds(series) == {FindingKind.RESCALE_VARIES, FindingKind.LEFT_HANDED_ORDER}
    assert (volume.voxels.dtype, volume.unit) == (np.float32, "BQML")
    for k in (0, 100, 266):
        ds = pydicom.dcmread(series.instances[k].path)
        np.testing.assert_allclose(volume.voxels[k], ds.pixel_array * float(ds.RescaleSlope), rtol=1e-6)
        position = volume.geometry.lps_from_ijk.matrix @ (0, 0, k, 1)
        np.testing.assert_allclose(position[:3], np.array(ds.ImagePositionPatient, float), atol=0.1)


@pytest.mark.hazard("H10")
def test_three_time_points_become_three_volumes(data):
    """One series UID, 180 images, 60 positions: three volumes of 60, each of one time, never interleaved."""
    found = scan(data / "05_mr_dce_4d_seg_ucsfbr06/mr_3_timepoints").series
    assert [(len(one.instances), one.verdict, one.part) for one in found] == [
        (60, Verdict.REGULAR, (n, 3)) for n in (1, 2, 3)
    ]
    times = []
    for one in found:
        assert FindingKind.MULTIPLE_VOLUMES in kinds(one)
        headers = [pydicom.dcmread(image.path, stop_before_pixels=True) for image in one.instances]
        assert len({tuple(ds.ImagePositionPatient) for ds in headers}) == 60
        times.append({ds.ContentTime for ds in headers})
    assert not times[0] & times[1] | times[1] & times[2] | times[0] & times[2]
    # ContentTime 10:25:51, 10:32:38 and 10:38:32.
    assert [(one.phase.kind, one.phase.value) for one in found] == [(PhaseKind.TIME, s) for s in (0.0, 407.0, 761.0)]


def test_files_without_uids_are_one_series(data):
    """Empty study, series and SOP UIDs: grouped by what the files share, and said so."""
    (series,) = scan(data / "06_ct_20slice_117labels/ct_no_uids").series
    assert len(series.instances) == 20
    assert kinds(series) == {FindingKind.NO_UIDS, FindingKind.LEFT_HANDED_ORDER}


def test_a_frame_of_reference_per_image_is_none(data):
    """LIDC names another frame of reference in every file: one volume, whose frame nothing else shares."""
    (series,) = scan(data / "01_ct_chest_lidc0314/ct").series
    assert kinds(series) == {FindingKind.NO_FRAME_OF_REFERENCE, FindingKind.LEFT_HANDED_ORDER}
    assert series.frame_of_reference_uid == ""
    assert series.geometry.frame_of_reference_uid.startswith("2.25.")


@pytest.mark.hazard("H11")
def test_padding_outside_the_field_of_view_is_known(data):
    """−2000 stored is −3024 HU after the rescale, and it is in the corners."""
    (series,) = scan(data / "02_ct_contrast_chest_rider0117/ct").series
    volume = load(series)
    assert volume.padding_value == -3024
    assert volume.voxels[0, 0, 0] == -3024


@pytest.mark.hazard("H10")
@pytest.mark.parametrize("name", VARIANTS)
def test_each_defect_is_found_and_named_and_nothing_else(data, name):
    """Verdict, severity, slices and files of each variant are those its maker wrote down."""
    verdict, expected = VARIANTS[name]
    series = scan(data / DERIVED / name).series[0]
    found = {one.kind: (one.severity, one.slices, one.files) for one in series.findings}
    assert (series.verdict, found) == (verdict, expected)


def test_every_variant_of_the_index_is_in_the_table(data):
    """No defect is left out."""
    lines = (data / DERIVED / "DERIVED_INDEX.tsv").read_text().splitlines()[1:]
    assert {line.split("\t")[0] for line in lines} == set(VARIANTS)


@pytest.mark.parametrize("name", NOBODYS_FAULT)
def test_nothing_regular_is_accused(data, name):
    """Verdict regular, no warning, and notes only where there is something to know."""
    (series,) = scan(data / name).series
    assert series.verdict is Verdict.REGULAR
    assert kinds(series) == NOBODYS_FAULT[name]
    assert {one.severity for one in series.findings} <= {NOTE}


def test_the_sample_patient_is_not_accused(sample):
    """Both of its series are regular, without any finding."""
    found = scan(sample).series
    assert [(one.verdict, one.findings) for one in found] == [(Verdict.REGULAR, ())] * 2


def test_frames_without_positions_are_refused_with_the_reason(data):
    """An enhanced MR of ten frames, none with a place: listed, refused, loaded by nobody."""
    (series,) = scan(data / "07_enhanced_multiframe/emri_small.dcm").series
    (finding,) = series.findings
    assert (series.verdict, finding.kind) == (Verdict.REFUSED, FindingKind.UNSUPPORTED)
    assert "10 frames without a position of each" in str(finding.details["why"])
    with pytest.raises(InputRefused, match="10 frames"):
        load(series)


@pytest.mark.hazard("H01")
@pytest.mark.parametrize(
    "name", [f"{DERIVED}/{one}" for one in VARIANTS if one != "no_ipp_no_iop"] + ["14_phantom_known_geometry"]
)
def test_values_tell_where_they_lie(data, name):
    """The phantom's value at (x, y, z) is x/2 + y/2 − z/2: every valid voxel of every variant says where it is."""
    series = scan(data / name).series[0]
    volume = load(series)
    k, j, i = np.indices(volume.voxels.shape).reshape(3, -1)
    x, y, z = (volume.geometry.lps_from_ijk.matrix @ np.stack([i, j, k, np.ones(len(i))]))[:3]
    truth = (x / 2 + y / 2 - z / 2).reshape(volume.voxels.shape)
    error = np.abs(volume.voxels - truth)[volume.slice_valid]
    # Positions moved by up to 0.35 mm leave half of that, and what the even grid moved, in the values.
    assert error.max() <= (0.5 if name.endswith("jittered_positions") else 0.5 + 1e-9 if "14_" in name else 1e-3)


@pytest.mark.hazard("H10")
def test_a_second_time_point_is_the_other_volume(data):
    """The second volume of the phantom is the first plus 100, voxel by voxel: nothing was interleaved."""
    found = scan(data / DERIVED / "two_time_points").series
    first, second = (load(one).voxels for one in found)
    np.testing.assert_array_equal(second - first, 100)
    assert [(one.phase.kind, one.phase.value) for one in found] == [
        (PhaseKind.TEMPORAL_POSITION, 1.0),
        (PhaseKind.TEMPORAL_POSITION, 2.0),
    ]


@pytest.mark.hazard("H07")
def test_the_place_of_a_missing_slice_is_named_with_its_neighbors(data):
    """Place 11 is empty, between files 011 and 012; its neighbors keep their positions."""
    series = scan(data / DERIVED / "missing_one").series[0]
    volume = load(series)
    (finding,) = series.findings
    assert (finding.slices, finding.files) == ((11,), ("011.dcm", "012.dcm"))
    assert np.flatnonzero(~volume.slice_valid).tolist() == [11]


def test_natural_gaps_and_stacks_of_one_position(data):
    """Gaps 5, 5, 10 mm are one lost slice; four images at one position are no volume."""
    gap = scan(data / "11_series_defects/natural_sliceincrement_001").series[0]
    assert (gap.verdict, gap.geometry.shape_kji[0]) == (Verdict.MISSING_SLICES, 5)
    flat = scan(data / "11_series_defects/natural_notavolume_001").series[0]
    assert (flat.verdict, flat.geometry) == (Verdict.DUPLICATES, None)


@pytest.mark.parametrize(
    ("name", "shape"), [("eCT_Supplemental.dcm", (2, 512, 512)), ("siemens_xa30_t1w_128x128x96.dcm", (96, 128, 128))]
)
def test_enhanced_multi_frame_objects_are_placed_frame_by_frame(data, name, shape):
    """Each frame lies where its functional group says, with the pixels of that frame."""
    path = data / "07_enhanced_multiframe" / name
    (series,) = scan(path).series
    volume = load(series)
    ds = pydicom.dcmread(path)
    assert volume.voxels.shape == shape
    for k in (0, shape[0] - 1):
        frame = series.instances[k].frame
        groups = ds.PerFrameFunctionalGroupsSequence[frame]
        truth = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        np.testing.assert_allclose((volume.geometry.lps_from_ijk.matrix @ (0, 0, k, 1))[:3], truth, atol=1e-3)
        step = np.diff([volume.voxels[k].astype(int), ds.pixel_array[frame]], axis=0)
        assert np.unique(step).size == 1


def test_info_of_a_series_is_plain_json(data):
    """What `describe` returns survives JSON and has every key that scripts rely on."""
    import json

    found = json.loads(json.dumps(describe(scan(data / DERIVED / "missing_one"))))
    (series,) = found["series"]
    required = (
        "uid study_uid patient frame_of_reference_uid number modality description slices size_ijk spacing_mm "
        "lps_from_ijk verdict findings"
    )
    assert set(required.split()) <= set(series)
    assert (series["slices"], series["size_ijk"], series["verdict"]) == (24, [32, 48, 24], "missing-slices")
    assert series["findings"][0]["message"] == "1 slice is missing; its place is kept empty."
    assert set(found["series"][0]["findings"][0]) >= {"kind", "severity", "message", "slices", "files", "remedy"}
