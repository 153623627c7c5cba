"""Series that are tilted or too uneven, read from files onto an even grid by name."""

from __future__ import annotations

import numpy as np
import pytest

import arviewer
from arviewer.errors import InputRefused
from arviewer.imaging.dicom import load, load_resampled, scan
from arviewer.model.findings import FindingKind, Severity, Verdict
from arviewer.model.geometry import Points
from tests.imaging.dicom.test_sides import chiral, turned

SHAPE = (12, 10, 8)
UNEVEN_MM = np.array([0.0, 1.9, 4.3, 6.0, 8.5, 10.0, 12.0, 14.9, 16.0, 18.1, 20.0, 22.0])
"""Up to 0.9 mm off an even 2 mm: no volume as it is."""


def field(points: np.ndarray) -> np.ndarray:
    """A value that is linear in LPS mm, so that linear interpolation keeps it."""
    return 300 + 3 * points[..., 0] - 2 * points[..., 1] + 5 * points[..., 2]


def linear_stack(write_stack, along, directions, folder="stack", **elements):
    """Write slices at distances `along` the normal of an oblique grid, each pixel with the value of its place."""
    matrix = np.eye(4)
    matrix[:3, :3] = directions * (0.7, 0.5, 1.0)
    matrix[:3, 3] = -12.5, 30.0, -200.0
    k, j, i = np.indices((len(along), *SHAPE[1:]))
    normal = directions[:, 2]
    start = matrix[:3, 3] + np.asarray(along)[:, None] * normal
    places = start[k] + i[..., None] * matrix[:3, 0] + j[..., None] * matrix[:3, 1]
    voxels = np.rint(field(places) * 4).astype(np.int16)
    vary = elements.pop("vary", lambda k: {})
    return write_stack(
        voxels,
        matrix,
        folder,
        vary=lambda k: (
            None if vary(k) is None else {"ImagePositionPatient": [f"{x:.10g}" for x in start[k]], **vary(k)}
        ),
        RescaleSlope=0.25,
        **elements,
    )


def require_field(volume):
    """Every voxel of a valid slice has the value of its place."""
    k, j, i = np.indices(volume.voxels.shape).reshape(3, -1)
    ijk = Points(np.stack([i, j, k], axis=1), volume.geometry.lps_from_ijk.from_space)
    truth = field(volume.geometry.lps_from_ijk(ijk).xyz).reshape(volume.voxels.shape)
    valid = volume.slice_valid
    np.testing.assert_allclose(volume.voxels[valid], truth[valid], atol=0.3)


@pytest.mark.parametrize("frame", ["1.2.3.9", None], ids=["frame", "no frame"])
def test_a_series_too_uneven_for_3d_becomes_a_volume_by_name(write_stack, frame):
    """Refused as it is, with slices named; resampled, each value lies where it was measured, and it is said."""
    directions = turned(np.eye(3), 27.0)
    (series,) = scan(linear_stack(write_stack, UNEVEN_MM, directions, FrameOfReferenceUID=frame)).series
    assert (series.verdict, series.geometry) == (Verdict.UNEVEN, None)
    (finding,) = [one for one in series.findings if one.kind is FindingKind.UNEVEN_SPACING]
    assert (finding.severity, finding.slices[0]) == (Severity.ERROR, 7)
    assert finding.files[0] == "007"
    with pytest.raises(InputRefused, match="deviate from even spacing"):
        load(series)
    volume = arviewer.resample(series)
    assert volume.geometry.spacing_mm[2] == pytest.approx(2.0)
    assert volume.geometry.frame_of_reference_uid == (frame or volume.geometry.frame_of_reference_uid)
    assert volume.slice_valid.all()
    require_field(volume)
    kinds = {one.kind: one for one in volume.findings}
    assert FindingKind.UNEVEN_SPACING not in kinds
    assert kinds[FindingKind.RESAMPLED].severity is Severity.WARNING
    assert kinds[FindingKind.RESAMPLED].details["gap_mm"] == pytest.approx(2.9)


@pytest.mark.parametrize(
    ("box", "coarser"), [([(2, 7), (1, 9), (3, 11)], 1), (None, 2), ([(1, 8), (2, 10), (1, 12)], 2)]
)
def test_a_part_is_resampled_where_it_lies(write_stack, box, coarser):
    """A box, every second voxel, or both: each value still lies where it was measured."""
    (series,) = scan(linear_stack(write_stack, UNEVEN_MM, turned(np.eye(3), 27.0))).series
    volume = load_resampled(series, box=box, coarser=coarser)
    assert volume.slice_valid.sum() >= 4
    require_field(volume)


@pytest.mark.hazard("H07")
def test_lost_slices_of_an_uneven_series_stay_lost(write_stack):
    """Three slices gone: the gap of 8.9 mm is not bridged, its places are invalid and named."""
    folder = linear_stack(write_stack, UNEVEN_MM, np.eye(3), vary=lambda k: None if k in (4, 5, 6) else {})
    (series,) = scan(folder).series
    volume = load_resampled(series)
    lost = np.flatnonzero(~volume.slice_valid)
    heights = lost * volume.geometry.spacing_mm[2]
    assert len(lost) >= 3
    assert (heights > 6).all()
    assert (heights < 14.9).all()
    (missing,) = [one for one in volume.findings if one.kind is FindingKind.MISSING_SLICES]
    assert (missing.severity, missing.slices) == (Severity.ERROR, tuple(lost))
    require_field(volume)


def test_a_regular_series_is_read_as_it_is(write_stack):
    """Not a voxel is interpolated where there is nothing to mend, jitter within the tolerance included."""
    jitter = np.random.default_rng(2).uniform(-0.04, 0.04, 12)
    (series,) = scan(linear_stack(write_stack, 2.0 * np.arange(12) + jitter, np.eye(3))).series
    plain, same = load(series), load_resampled(series)
    np.testing.assert_array_equal(plain.voxels, same.voxels)
    assert same.findings == plain.findings
    assert {one.kind for one in same.findings} == {FindingKind.NON_SQUARE_PIXELS}


def test_an_uneven_volume_within_the_tolerance_is_evened_by_name(write_stack):
    """0.3 mm off on 2 mm: a volume as it is, with its error stated; resampled, the error is gone."""
    along = 2.0 * np.arange(12)
    along[5] += 0.4
    (series,) = scan(linear_stack(write_stack, along, turned(np.eye(3), 27.0))).series
    assert series.geometry is not None
    volume = load_resampled(series)
    require_field(volume)
    assert {one.kind for one in volume.findings} == {FindingKind.RESAMPLED, FindingKind.NON_SQUARE_PIXELS}


def test_a_slice_that_leaves_the_line_is_shifted_back(write_stack):
    """One slice 4 mm aside in its own plane: no volume as it is, at its place when resampled."""
    voxels, matrix = chiral(np.eye(3))
    aside = matrix[:3, 3] + 5 * matrix[:3, 2] + (2.8, 0, 0)
    folder = write_stack(voxels, matrix, vary=lambda k: {"ImagePositionPatient": list(aside)} if k == 5 else {})
    (series,) = scan(folder).series
    assert series.geometry is None
    volume = load_resampled(series)
    assert volume.voxels.shape[2] == voxels.shape[2] + 4
    np.testing.assert_array_equal(volume.voxels[5, :, 4:], voxels[5])
    np.testing.assert_array_equal(volume.voxels[4, :, :-4], voxels[4])


def test_what_cannot_be_mended_by_interpolation_stays_refused(write_stack):
    """No positions, no grid: the same refusal as without a resampling."""
    voxels, matrix = chiral(np.eye(3))
    folder = write_stack(voxels, matrix, ImagePositionPatient=None, ImageOrientationPatient=None)
    with pytest.raises(InputRefused, match="no position or orientation"):
        load_resampled(scan(folder).series[0])
