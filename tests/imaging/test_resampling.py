"""A tilted or uneven stack on an upright, even grid: shapes keep their size and place, and it is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arviewer.imaging.resampling import resampled
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Points
from arviewer.model.study import Patient, Series
from arviewer.model.volume import Volume, VolumeGeometry

SPACING = (0.7, 0.5, 1.3)
"""Along i, j and from plane to plane, mm: all distinct."""

CENTER = np.array([31.0, -12.0, 208.0])
RADIUS = 14.0


def tilted_grid(degrees: float, shape=(44, 110, 70), aside: float = 0.0) -> VolumeGeometry:
    """Planes that lean towards +j by an angle (and a little along i), around CENTER."""
    matrix = np.eye(4)
    tilt = np.radians(degrees)
    matrix[:3, 0] = (SPACING[0], 0, 0)
    matrix[:3, 1] = 0, SPACING[1] * np.cos(tilt), -SPACING[1] * np.sin(tilt)
    normal = np.cross(matrix[:3, 0], matrix[:3, 1])
    normal /= np.linalg.norm(normal)
    # The table moves along z: each plane is shifted in its own plane by the tangent of the tilt.
    matrix[:3, 2] = np.array([aside, 0, SPACING[2] / np.cos(tilt)]) if degrees else SPACING[2] * normal
    middle = (np.array(shape[::-1]) - 1) / 2
    matrix[:3, 3] = CENTER - matrix[:3, :3] @ middle
    return VolumeGeometry.of_grid(shape, matrix, "1.2.3")


def distance(geometry: VolumeGeometry, center=CENTER) -> np.ndarray:
    """Signed distance of every voxel from a sphere's surface, mm: a value that linear interpolation almost keeps."""
    k, j, i = np.indices(geometry.shape_kji).reshape(3, -1)
    points = Points(np.stack([i, j, k], axis=1), geometry.lps_from_ijk.from_space)
    away = np.linalg.norm(geometry.lps_from_ijk(points).xyz - center, axis=1) - RADIUS
    return away.reshape(geometry.shape_kji)


def volume_of(geometry: VolumeGeometry, voxels: np.ndarray, **changes) -> Volume:
    """A volume with nothing else known about it."""
    series = Series("1", "2", "1.2.3", Patient(), 1, "CT", "")
    valid = changes.pop("slice_valid", np.ones(len(voxels), bool))
    return Volume(voxels, geometry, series, "HU", valid, **changes)


def sphere(geometry: VolumeGeometry) -> np.ndarray:
    """1000 HU inside, −1000 outside, ten HU per 0.01 mm across the edge."""
    return np.clip(-1000 * distance(geometry), -1000, 1000).astype(np.int16)


def edge_error_voxels(volume: Volume) -> float:
    """Largest distance of any voxel of the wrong side from the true surface, in voxels."""
    away = distance(volume.geometry) / max(volume.geometry.spacing_mm)
    wrong = (volume.voxels > 0) != (away < 0)
    return float(np.abs(away[wrong]).max(initial=0.0))


@pytest.mark.hazard("H08")
@pytest.mark.parametrize("degrees", [13.5, 18.5])
def test_a_sphere_in_a_tilted_stack_stays_a_sphere(degrees):
    """Within half a voxel before and after the resampling, of the right volume, at its place."""
    volume = volume_of(tilted_grid(degrees), sphere(tilted_grid(degrees)))
    upright = resampled(volume)
    truth = 4 / 3 * np.pi * RADIUS**3
    for one in (volume, upright):
        assert edge_error_voxels(one) <= 0.5
        assert (one.voxels > 0).sum() * one.geometry.voxel_volume_mm3 == pytest.approx(truth, rel=0.003)
        inside = np.argwhere(one.voxels > 0)[:, ::-1].mean(axis=0)
        place = one.geometry.lps_from_ijk(Points(inside[None], one.geometry.lps_from_ijk.from_space)).xyz[0]
        np.testing.assert_allclose(place, CENTER, atol=0.1)
    steps = upright.geometry.lps_from_ijk.matrix[:3, :3] / upright.geometry.spacing_mm
    np.testing.assert_allclose(steps.T @ steps, np.eye(3), atol=1e-9)
    assert upright.geometry.lps_from_ijk.determinant > 0
    (finding,) = upright.findings
    assert (finding.kind, finding.severity) == (FindingKind.RESAMPLED, Severity.WARNING)
    assert finding.details["angle_deg"] == pytest.approx(degrees, abs=0.01)


def test_naive_stacking_of_the_same_planes_would_fail_the_measure():
    """The measure above sees a sheared sphere: stacked straight, it is off by three times what is allowed."""
    geometry = tilted_grid(18.5)
    straight = tilted_grid(0.0)
    assert edge_error_voxels(volume_of(straight, sphere(geometry))) > 1.5


def test_a_tilted_stack_keeps_its_planes_and_nothing_is_blended_across_them():
    """Each plane holds values of its own slice only."""
    geometry = tilted_grid(13.5, (9, 12, 10))
    voxels = np.repeat(np.arange(9, dtype=np.int16)[:, None, None] * 100, 12, axis=1).repeat(10, axis=2)
    upright = resampled(volume_of(geometry, voxels, padding_value=-5.0))
    for k, plane in enumerate(upright.voxels):
        assert set(np.unique(plane)) == {-5, 100 * k}


@given(st.floats(-25, 25).filter(lambda degrees: abs(degrees) > 0.5), st.floats(-0.9, 0.9))
@example(9.702754132446117, 0.0)
@settings(max_examples=25, deadline=None)
def test_a_linear_field_is_kept_exactly_wherever_a_plane_leans(degrees, aside):
    """Value = x + 2y − z at every voxel inside, before and after, whatever the lean along i and j."""
    geometry = tilted_grid(degrees, (11, 14, 12), aside)
    k, j, i = np.indices(geometry.shape_kji).reshape(3, -1)

    def field(one):
        places = Points(np.stack([i_, j_, k_], axis=1), one.lps_from_ijk.from_space)
        return one.lps_from_ijk(places).xyz @ (1.0, 2.0, -1.0)

    k_, j_, i_ = k, j, i
    voxels = field(geometry).reshape(geometry.shape_kji).astype(np.float32)
    upright = resampled(volume_of(geometry, voxels, padding_value=-9999.0))
    k_, j_, i_ = np.indices(upright.voxels.shape).reshape(3, -1)
    truth = field(upright.geometry).reshape(upright.voxels.shape)
    inside = upright.voxels > -9000
    assert inside.sum() >= 0.7 * voxels.size
    # Shifts below a thousandth of a pixel are left out: up to 0.0018 of this field.
    np.testing.assert_allclose(upright.voxels[inside], truth[inside], atol=2e-3)


def test_padding_is_not_mixed_with_tissue():
    """Next to padding the nearest value is taken: no value between −3024 and 40 HU is made up."""
    geometry = tilted_grid(18.5, (9, 20, 16))
    voxels = np.full(geometry.shape_kji, 40, np.int16)
    voxels[:, :6] = -3024
    upright = resampled(volume_of(geometry, voxels, padding_value=-3024.0))
    assert set(np.unique(upright.voxels)) == {-3024, 40}


def uneven(gaps) -> tuple[Volume, np.ndarray]:
    """A volume of slices at these gaps whose value is the position along the normal, and the positions."""
    along = np.concatenate([[0.0], np.cumsum(gaps)])
    geometry = tilted_grid(0.0, (len(along), 6, 5))
    matrix = geometry.lps_from_ijk.matrix
    positions = matrix[:3, 3] + along[:, None] * matrix[:3, 2] / SPACING[2]
    voxels = np.broadcast_to(along[:, None, None] * 10, geometry.shape_kji).astype(np.float32)
    return volume_of(geometry, voxels), positions


def test_an_uneven_stack_is_interpolated_where_its_slices_really_lie():
    """Values that grow with the position still do, at an even step, from the first slice to the last."""
    volume, positions = uneven([2.0, 1.1, 2.9, 2.0, 1.4, 2.6, 2.0])
    even = resampled(volume, positions)
    step = even.geometry.spacing_mm[2]
    assert (step, even.voxels.shape[0]) == (pytest.approx(2.0), 8)
    np.testing.assert_allclose(even.voxels[:, 0, 0], 10 * step * np.arange(8), atol=1e-3)
    assert even.slice_valid.all()
    finding = even.findings[0]
    assert finding.details["gap_mm"] == pytest.approx(2.9)
    assert finding.details["uneven_mm"] == pytest.approx(0.9)


@pytest.mark.hazard("H07")
def test_a_gap_of_more_than_two_slices_is_not_bridged():
    """Nothing is made up in it: its places stay invalid, are named, and keep an export from leaving."""
    volume, positions = uneven([2.0, 1.8, 2.2, 7.0, 2.0, 2.0, 2.0])
    even = resampled(volume, positions)
    lost = np.flatnonzero(~even.slice_valid)
    bounds = np.array([6.0, 13.0]) / even.geometry.spacing_mm[2]
    np.testing.assert_array_equal(lost, [k for k in range(len(even.voxels)) if bounds[0] < k < bounds[1]])
    (missing,) = [one for one in even.findings if one.kind is FindingKind.MISSING_SLICES]
    assert missing.slices == tuple(lost)
    assert missing.severity is Severity.ERROR


@pytest.mark.hazard("H07")
def test_a_lost_slice_stays_lost_and_findings_keep_their_slices():
    """A corrupt slice of a tilted stack is at the same place of the upright one; nothing is blended into it."""
    geometry = tilted_grid(13.5, (9, 12, 10))
    valid = np.ones(9, bool)
    valid[4] = False
    corrupt = Finding(FindingKind.CORRUPT_SLICE, Severity.ERROR, (4,), ("x",), {"count": 1, "why": "y"})
    upright = resampled(
        volume_of(geometry, np.ones(geometry.shape_kji, np.int16), slice_valid=valid, findings=(corrupt,))
    )
    assert np.flatnonzero(~upright.slice_valid).tolist() == [4]
    assert [(one.kind, one.slices) for one in upright.findings] == [
        (FindingKind.RESAMPLED, ()),
        (FindingKind.CORRUPT_SLICE, (4,)),
    ]


def test_an_upright_even_volume_is_returned_as_it_is():
    """No voxel is touched where there is nothing to do."""
    geometry = tilted_grid(0.0, (5, 6, 7))
    volume = volume_of(geometry, np.ones(geometry.shape_kji, np.int16))
    assert resampled(volume) is volume


@pytest.mark.hazard("H11")
def test_beside_padding_the_nearer_slice_counts():
    """Planes at 2, 4 and 6 mm: 4 lies 0.8 mm above the slice at 3.2, and 2.0 below that at 6."""
    volume, positions = uneven([2.0, 1.2, 2.8, 2.0])
    voxels = np.full(volume.voxels.shape, 40, np.int16)
    voxels[2] = -3024
    even = resampled(replace(volume, voxels=voxels, padding_value=-3024.0), positions)
    assert even.voxels[:, 0, 0].tolist() == [40, 40, -3024, 40, 40]


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_are_rounded(sign):
    """18 + 9 × 0.9 / 2.9 is 20.8: 21, not 20, on both sides of 0."""
    volume, positions = uneven([2.0, 1.1, 2.9, 2.0])
    steps = sign * np.array([0, 9, 18, 27, 36], np.int16)[:, None, None]
    voxels = np.broadcast_to(steps, volume.voxels.shape).copy()
    even = resampled(replace(volume, voxels=voxels), positions)
    assert even.voxels[2, 0, 0] == sign * 21


def test_what_lies_outside_gets_the_lowest_value_there_is():
    """Not the lowest of each slice, and not 0."""
    geometry = tilted_grid(13.5, (9, 12, 10))
    voxels = np.full(geometry.shape_kji, 500, np.int16)
    voxels[:, 0, 0] = -700
    upright = resampled(volume_of(geometry, voxels))
    assert -700 in (upright.voxels[0, -1, -1], upright.voxels[0, 0, -1])
    assert -700 in (upright.voxels[-1, 0, -1], upright.voxels[-1, -1, -1])
