"""Space: maps compose only when they fit, mirrors are refused, letters name the right side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arviewer.errors import GeometryError
from arviewer.model.geometry import Affine, Ijk, Lps, Points, side_letters, standard_plane
from arviewer.model.volume import VolumeGeometry

OBLIQUE = np.array(
    [
        [0.45, -0.1, 0.6, -120.0],
        [0.12, 0.66, 0.3, 35.0],
        [-0.15, 0.08, 2.4, 900.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
"""Oblique, sheared, another spacing on each axis, right-handed."""

numbers = st.floats(-500, 500, allow_nan=False)


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=5))
def test_inverse_leads_back(positions: list) -> None:
    """There and back again is the same place within a nanometer."""
    lps_from_ijk: Affine[Lps, Ijk] = Affine(OBLIQUE, "frame", "grid")
    ijk: Points[Ijk] = Points(np.array(positions), "grid")

    back = lps_from_ijk.inverse()(lps_from_ijk(ijk))

    assert np.allclose(back.xyz, ijk.xyz, atol=1e-6)
    assert back.space == "grid"


def test_a_map_moves_points_as_the_formula_says() -> None:
    """Column i goes along the first column of the matrix, and so on (PS3.3 C.7.6.2.1.1)."""
    lps_from_ijk: Affine[Lps, Ijk] = Affine(OBLIQUE)
    ijk: Points[Ijk] = Points(np.array([[2.0, 3.0, 5.0]]))

    expected = 2 * OBLIQUE[:3, 0] + 3 * OBLIQUE[:3, 1] + 5 * OBLIQUE[:3, 2] + OBLIQUE[:3, 3]

    assert np.allclose(lps_from_ijk(ijk).xyz[0], expected)


def test_composition_is_the_product() -> None:
    """(a after b)(p) is a(b(p)), and the spaces are joined end to end."""
    a: Affine[Lps, Lps] = Affine(np.diag([2.0, 3.0, 5.0, 1.0]), "new", "frame")
    b: Affine[Lps, Ijk] = Affine(OBLIQUE, "frame", "grid")
    point: Points[Ijk] = Points(np.array([[1.0, 2.0, 3.0]]), "grid")

    both = a @ b

    assert np.allclose(both(point).xyz, a(b(point)).xyz)
    assert (both.to_space, both.from_space) == ("new", "grid")


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("space", ["other", ""])
def test_two_spaces_of_one_kind_never_mix(space: str) -> None:
    """A point or map of another grid or frame of reference is refused when it meets this one."""
    lps_from_ijk: Affine[Lps, Ijk] = Affine(OBLIQUE, "frame", "grid")
    elsewhere: Points[Ijk] = Points(np.zeros((1, 3)), space)
    other: Affine[Ijk, Ijk] = Affine(np.eye(4), space, "x")

    with pytest.raises(GeometryError, match="must not be mixed"):
        lps_from_ijk(elsewhere)
    with pytest.raises(GeometryError, match="must not be mixed"):
        _ = lps_from_ijk @ other


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((4, 4)), np.eye(3), np.diag([1.0, 1, 1, 2]), np.diag([1.0, 0, 1, 1]), np.diag([np.nan, 1, 1, 1])],
)
def test_a_map_that_cannot_be_inverted_is_refused(matrix: np.ndarray) -> None:
    """Singular, not affine, not finite, not 4×4."""
    with pytest.raises(GeometryError):
        Affine(matrix)


@pytest.mark.hazard("H01")
def test_a_mirrored_volume_is_refused() -> None:
    """No grid with det < 0 can exist."""
    mirrored = OBLIQUE @ np.diag([1.0, 1.0, -1.0, 1.0])

    with pytest.raises(GeometryError, match="mirrored"):
        VolumeGeometry((4, 5, 6), Affine(mirrored))


def test_grid_measures_follow_the_affine() -> None:
    """Spacing, voxel volume, center and corners of an oblique, sheared grid."""
    geometry = VolumeGeometry((4, 5, 6), Affine(OBLIQUE))

    assert np.allclose(geometry.spacing_mm, np.linalg.norm(OBLIQUE[:3, :3], axis=0))
    assert geometry.voxel_volume_mm3 == pytest.approx(np.linalg.det(OBLIQUE[:3, :3]))
    assert np.allclose(geometry.center_lps, OBLIQUE[:3, :3] @ [2.5, 2.0, 1.5] + OBLIQUE[:3, 3])
    corners = geometry.corners_lps()
    assert np.allclose(corners[0], OBLIQUE[:3, :3] @ [-0.5, -0.5, -0.5] + OBLIQUE[:3, 3])
    assert np.allclose(corners[-1], OBLIQUE[:3, :3] @ [5.5, 4.5, 3.5] + OBLIQUE[:3, 3])


def test_values_cannot_be_written_through() -> None:
    """Points and matrices are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        Points(np.zeros((1, 3))).xyz[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        Affine(np.eye(4)).matrix[0, 0] = 2


@pytest.mark.hazard("H01")
@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((1, 0, 0), "L"),
        ((-1, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, -1, 0), "A"),
        ((0, 0, 1), "H"),
        ((0, 0, -1), "F"),
        ((0.9, -0.4, 0.1), "LAH"),
        ((-3, 0, 2), "RH"),
        ((0.03, 1, -0.03), "P"),
    ],
)
def test_letters_name_the_direction(direction: tuple, letters: str) -> None:
    """LPS: +x is the patient's left, +y posterior, +z to the head; the strongest letter comes first."""
    assert side_letters(direction) == letters


@pytest.mark.hazard("H01")
@pytest.mark.parametrize(
    ("name", "right", "down", "away"),
    [("axial", "L", "P", "H"), ("coronal", "L", "F", "P"), ("sagittal", "P", "F", "R")],
)
def test_standard_pictures_follow_radiological_convention(name: str, right: str, down: str, away: str) -> None:
    """Patient's left at the right of axial and coronal; sagittal looks from the left; all right-handed."""
    plane = standard_plane(name, (10.0, 20.0, 30.0), "frame")

    assert side_letters(plane.right_lps) == right
    assert side_letters(plane.down_lps) == down
    assert side_letters(plane.normal_lps) == away
    assert plane.lps_from_view.determinant == pytest.approx(1.0)
    assert np.allclose(plane.origin_lps, (10, 20, 30))
