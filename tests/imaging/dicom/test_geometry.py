"""Positions in, grid and verdict out: the pure part of import."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arviewer.imaging.dicom import geometry
from arviewer.imaging.dicom.geometry import arrange, directions, distinct, flaw, lattice
from arviewer.model.findings import Verdict

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
OBLIQUE = (0.96, 0.28, 0.0, -0.168, 0.576, -0.8)


def stack(along, orientation=AXIAL, start=(-10.0, 20.0, 30.0)):
    """Positions at distances `along` the slice normal."""
    return np.asarray(start) + np.outer(along, directions(orientation)[2])


def test_the_normal_is_row_cross_column():
    """Right-handed by construction, for an oblique plane too."""
    row, column, normal = directions(OBLIQUE)
    assert np.linalg.det(np.stack([row, column, normal])) == pytest.approx(1.0)


def test_cosines_of_few_digits_become_orthonormal():
    """Three digits in the file do not shorten the pixels."""
    row, column, normal = directions((0.948, 0.0, -0.317, 0.0, 1.0, 0.0))
    assert [np.linalg.norm(one) for one in (row, column, normal)] == pytest.approx([1, 1, 1])
    assert row @ column == pytest.approx(0)


def test_pixel_spacing_is_between_rows_first():
    """Stepping along a row crosses columns: the second value."""
    matrix = arrange(stack([0, 3, 6], OBLIQUE), OBLIQUE, (0.5, 0.7)).matrix
    row, column, normal = directions(OBLIQUE)
    np.testing.assert_allclose(matrix[:3, 0], 0.7 * row)
    np.testing.assert_allclose(matrix[:3, 1], 0.5 * column)
    np.testing.assert_allclose(matrix[:3, 2], 3.0 * normal)


@given(st.permutations(range(7)))
def test_order_is_by_position_whatever_order_they_come_in(turn):
    """Shuffled input gives the same grid and the same order of places."""
    positions = stack(np.arange(7) * 1.25, OBLIQUE)[turn]
    found = arrange(positions, OBLIQUE, (1.0, 1.0))
    along = positions @ directions(OBLIQUE)[2]
    np.testing.assert_allclose(along[list(found.order)], np.sort(along))
    assert found.verdict is Verdict.REGULAR
    assert found.places == tuple(range(7))


@given(st.integers(6, 60), st.floats(0.3, 10), st.integers(0, 2**31), st.floats(-500, 500))
def test_jitter_below_the_tolerance_is_regular(count, step, seed, start):
    """No deviation within the named tolerance is ever called a loss or unevenness."""
    jitter = np.random.default_rng(seed).uniform(-0.49, 0.49, count) * geometry.regular_tolerance(step)
    found = arrange(stack(start + np.arange(count) * step + jitter), AXIAL, (1.0, 1.0))
    assert (found.verdict, found.missing, found.count) == (Verdict.REGULAR, (), count)


@given(st.data(), st.integers(8, 80), st.floats(0.3, 10))
def test_lost_slices_keep_their_place(data, count, step):
    """Up to a third of the inner slices may be gone: each gap has its true width in places."""
    lost = data.draw(st.sets(st.integers(1, count - 2), min_size=1, max_size=count // 3))
    kept = np.setdiff1d(np.arange(count), sorted(lost))
    found = arrange(stack(kept * step), AXIAL, (1.0, 1.0))
    assert found.missing == tuple(sorted(lost))
    assert found.verdict is Verdict.MISSING_SLICES
    assert found.matrix[2, 2] == pytest.approx(step)


@pytest.mark.parametrize("jitter", [0.05, 0.1])
def test_a_jittered_pet_with_a_lost_slice_is_only_missing(jitter):
    """Bed seams and a loss together: the loss is found, the seams are not accused."""
    along = np.delete(np.arange(60) * 3.27, [17]) + np.random.default_rng(3).uniform(-jitter, jitter, 59)
    found = arrange(stack(along), AXIAL, (4.7, 4.7))
    assert (found.verdict, found.missing) == (Verdict.MISSING_SLICES, (17,))


@pytest.mark.parametrize("jitter", [0.05, 0.1])
def test_a_jittered_pet_is_regular(jitter):
    """0.05 to 0.1 mm on 3.27 mm, as the seams of beds give, is nobody's fault."""
    along = np.arange(200) * 3.27 + np.random.default_rng(5).uniform(-jitter, jitter, 200)
    assert arrange(stack(along), AXIAL, (4.7, 4.7)).verdict is Verdict.REGULAR


def test_positions_of_one_decimal_are_regular():
    """0.625 mm slices written to a tenth of a millimeter."""
    assert arrange(stack(np.round(np.arange(300) * 0.625, 1)), AXIAL, (0.5, 0.5)).verdict is Verdict.REGULAR


def test_unevenness_within_the_tolerance_states_its_error():
    """0.3 mm on 2 mm is uneven, a volume still, with maximum and RMS."""
    along = np.arange(20) * 2.0
    along[7] += 0.3
    found = arrange(stack(along), AXIAL, (1.0, 1.0))
    assert found.verdict is Verdict.UNEVEN
    assert found.matrix is not None
    assert found.fit.max_mm == pytest.approx(0.3, abs=0.05)
    assert 0 < found.fit.rms_mm < found.fit.max_mm <= found.fit.uneven_mm


def test_unevenness_beyond_the_tolerance_is_no_volume():
    """Half a step off belongs to no place: there is no grid."""
    along = np.arange(20) * 2.0
    along[::2] += 0.9
    found = arrange(stack(along), AXIAL, (1.0, 1.0))
    assert (found.verdict, found.matrix) == (Verdict.UNEVEN, None)
    assert found.fit.max_mm > found.fit.uneven_mm


def test_positions_that_leave_the_line_are_no_volume():
    """A slice shifted in its plane is as wrong as one shifted across it."""
    positions = stack(np.arange(10) * 2.0)
    positions[5, 0] += 4.0
    assert arrange(positions, AXIAL, (1.0, 1.0)).matrix is None


@pytest.mark.parametrize("angle", [-18.5, 13.5, 30.0])
def test_a_tilted_gantry_gives_an_exact_shear(angle):
    """The third column is the real step; the angle is stated; nothing is straightened."""
    tilt = np.radians(angle)
    orientation = (1.0, 0.0, 0.0, 0.0, np.cos(tilt), np.sin(tilt))
    positions = np.array([(0.0, 0.0, 2.5 * k) for k in range(40)])
    found = arrange(positions, orientation, (0.48, 0.48))
    assert found.verdict is Verdict.TILTED
    assert found.fit.tilt_deg == pytest.approx(abs(angle))
    np.testing.assert_allclose(found.matrix[:3, 2], (0, 0, 2.5))
    assert np.linalg.det(found.matrix[:3, :3]) == pytest.approx(0.48 * 0.48 * 2.5 * np.cos(tilt))


def test_a_duplicate_position_is_left_out_and_counted():
    """The first image of a position is used."""
    positions = stack([0, 2, 4, 4, 6])
    found = arrange(positions, AXIAL, (1.0, 1.0))
    assert (found.verdict, found.order, found.duplicates) == (Verdict.DUPLICATES, (0, 1, 2, 4), (3,))


def test_one_position_many_times_is_no_volume():
    """Four images of one place have no third dimension."""
    assert arrange(stack([5, 5, 5, 5]), AXIAL, (1.0, 1.0)).matrix is None


def test_images_at_one_position_keep_their_order_despite_rounding():
    """A micrometer between copies does not decide which one is used."""
    order, cluster = distinct(np.array([2.0005, 2.0, 0.0]))
    assert order.tolist() == [2, 0, 1]
    assert cluster.tolist() == [0, 1, 1]


def test_two_spacings_in_one_series_are_not_taken_for_losses():
    """5 mm through the chest and 1 mm through the liver: most places would be empty, so it is uneven."""
    along = np.concatenate([np.arange(30) * 5.0, 150 + np.arange(10) * 1.0])
    assert arrange(stack(along), AXIAL, (1.0, 1.0)).verdict is Verdict.UNEVEN


def test_places_survive_a_slow_drift():
    """Steps that are 0.4 % too long add up to a step over 300 slices; no slice is invented."""
    along = np.cumsum(np.full(300, 1.004))
    assert lattice(along)[-1] == 299


@pytest.mark.parametrize(
    ("position", "orientation", "spacing", "tag"),
    [
        ((1e30, 0, 0), AXIAL, (1, 1), "0020,0032"),
        ((np.nan, 0, 0), AXIAL, (1, 1), "0020,0032"),
        ((0, 0, 0), (0,) * 6, (1, 1), "0020,0037"),
        ((0, 0, 0), (2, 0, 0, 0, 2, 0), (1, 1), "0020,0037"),
        ((0, 0, 0), (1, 0, 0, 0.6, 0.8, 0), (1, 1), "0020,0037"),
        ((0, 0, 0), (np.nan,) * 6, (1, 1), "0020,0037"),
        ((0, 0, 0), AXIAL, (0, 0), "0028,0030"),
        ((0, 0, 0), AXIAL, (-1, 1), "0028,0030"),
        ((0, 0, 0), AXIAL, (np.inf, 1), "0028,0030"),
    ],
)
def test_nonsense_is_named_by_its_tag(position, orientation, spacing, tag):
    """Each useless value is refused with the tag that holds it."""
    assert tag in flaw(position, orientation, spacing)


def test_sound_values_have_no_flaw():
    """Cosines rounded to three digits are sound."""
    assert flaw((-100, 20, 3), (0.948, 0, -0.317, 0, 1, 0), (0.5, 0.7)) == ""


def test_skewed_cosines_become_a_right_angle():
    """Rounded in the file, they must not shear the volume."""
    axes = np.stack(directions((1, 0, 0, 0.008, 1, 0)))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


def test_the_grid_is_the_best_fit_to_all_positions():
    """One slice off moves origin and step by as much as least squares say, not by all of it."""
    along = 2.0 * np.arange(12)
    along[0] -= 0.4
    found = arrange(np.stack([0 * along, 0 * along, along], axis=1), AXIAL, (0.7, 0.5))
    step, start = np.polyfit(found.places, along, 1)
    np.testing.assert_allclose(found.matrix[:3, 2:], [[0, 0], [0, 0], [step, start]], atol=1e-9)
    assert found.fit.max_mm == pytest.approx(np.abs(along - start - step * np.arange(12)).max())
