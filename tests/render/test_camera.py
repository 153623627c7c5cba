"""Cameras: the side the reader looks at, and the pixel a point falls on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arviewer.errors import GeometryError, UsageError
from arviewer.model.geometry import Affine, Plane, standard_plane
from arviewer.render.camera import STANDARD_VIEWS, Camera, Eye, box_corners, rotation
from arviewer.render.letters import EdgeLetters, edge_letters

BOUNDS = (np.array([-90.0, -160.0, 1000.0]), np.array([150.0, 40.0, 1500.0]))
SIZE = (640, 400)

EXPECTED = {
    # left, right, top, bottom of the picture, said by a reader who stands on that side of a standing patient.
    "anterior": EdgeLetters("R", "L", "H", "F"),
    "posterior": EdgeLetters("L", "R", "H", "F"),
    "left": EdgeLetters("A", "P", "H", "F"),
    "right": EdgeLetters("P", "A", "H", "F"),
    "head": EdgeLetters("L", "R", "A", "P"),
    "feet": EdgeLetters("R", "L", "A", "P"),
}

TOWARD = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}

cameras = st.builds(
    lambda view, dx, dy, roll, zoom, parallel: (
        Camera.standard(view, BOUNDS, SIZE[0] / SIZE[1], parallel).orbit(dx, dy).roll(roll).zoom(zoom)
    ),
    st.sampled_from(sorted(STANDARD_VIEWS)),
    st.floats(-180, 180),
    st.floats(-85, 85),
    st.floats(-180, 180),
    st.floats(0.2, 2),
    st.booleans(),
)


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("view", EXPECTED)
def test_standard_views_show_each_side_where_the_letter_says(view: str, parallel: bool) -> None:
    """Letters are those of a reader on that side, and a point toward each lettered side falls on that edge."""
    camera = Camera.standard(view, BOUNDS, SIZE[0] / SIZE[1], parallel)
    letters = edge_letters(camera)

    assert letters == EXPECTED[view]
    middle = camera.project(camera.focal_lps, SIZE)[0]
    for letter, edge in zip(
        (letters.left, letters.right, letters.top, letters.bottom), ((-1, 0), (1, 0), (0, -1), (0, 1)), strict=True
    ):
        pixel = camera.project(np.add(camera.focal_lps, 20 * np.array(TOWARD[letter])), SIZE)[0]
        assert (pixel - middle) @ edge > 5
    assert np.dot(camera.forward_lps, TOWARD[view[0].upper()]) == -1


@pytest.mark.hazard("H01")
def test_the_slices_have_the_letters_of_radiology() -> None:
    """Axial from the feet, coronal from the front, sagittal from the left with anterior at the left."""
    assert edge_letters(standard_plane("axial", (0, 0, 0))) == EdgeLetters("R", "L", "A", "P")
    assert edge_letters(standard_plane("coronal", (0, 0, 0))) == EdgeLetters("R", "L", "H", "F")
    assert edge_letters(standard_plane("sagittal", (0, 0, 0))) == EdgeLetters("A", "P", "H", "F")


def test_an_oblique_slice_names_the_stronger_side_first() -> None:
    """An axial slice tipped by 30 degrees about the patient's x axis says so at top and bottom only."""
    matrix = standard_plane("axial", (0, 0, 0)).lps_from_view.matrix.copy()
    matrix[:3, :3] = rotation((1, 0, 0), 30) @ matrix[:3, :3]

    assert edge_letters(Plane(Affine(matrix))) == EdgeLetters("R", "L", "AF", "PH")


@given(cameras)
def test_projecting_is_what_the_matrices_do(camera: Camera) -> None:
    """The closed form agrees with view and projection matrix to 1e-6 px, parallel or perspective."""
    rng = np.random.default_rng(1)
    points = np.asarray(camera.focal_lps) + rng.uniform(-40, 40, (20, 3))
    eye = camera.eye(SIZE)

    clip = np.column_stack((points, np.ones(20))) @ (eye.projection(1.0, 5000.0) @ np.linalg.inv(eye.lps_from_eye)).T
    ndc = clip[:, :2] / clip[:, 3:]
    pixels = (ndc * (1, -1) + 1) / 2 * SIZE - 0.5

    np.testing.assert_allclose(camera.project(points, SIZE), pixels, atol=1e-6)


@given(cameras, st.floats(-200, 200), st.floats(-200, 200))
def test_panning_keeps_the_point_under_the_pointer(camera: Camera, dx: float, dy: float) -> None:
    """A point in the focal plane moves by exactly the pixels dragged."""
    before = camera.project(camera.focal_lps, SIZE)[0]
    after = camera.pan(dx, dy, SIZE).project(camera.focal_lps, SIZE)[0]

    np.testing.assert_allclose(after - before, (dx, dy), atol=1e-6)


@given(cameras, st.floats(0.3, 3))
def test_zoom_magnifies_the_focal_plane(camera: Camera, factor: float) -> None:
    """Offsets from the middle grow by the factor, and mm per pixel shrinks by it."""
    point = np.asarray(camera.focal_lps) + 11 * camera.right_lps - 7 * camera.up_unit_lps
    middle = np.array([(SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2])
    zoomed = camera.zoom(factor)

    np.testing.assert_allclose(
        zoomed.project(point, SIZE)[0] - middle, factor * (camera.project(point, SIZE)[0] - middle), atol=1e-6
    )
    assert zoomed.mm_per_pixel(SIZE) == pytest.approx(camera.mm_per_pixel(SIZE) / factor)


@given(cameras)
def test_orbit_turns_the_near_side_with_the_pointer(camera: Camera) -> None:
    """Dragging right moves what is nearest to the right, dragging down moves it down; the distance stays."""
    near = np.asarray(camera.focal_lps) - 10 * camera.forward_lps
    start = camera.project(near, SIZE)[0]

    right, down = camera.orbit(5, 0), camera.orbit(0, 5)

    assert (right.project(near, SIZE)[0] - start)[0] > 0.1 / camera.mm_per_pixel(SIZE)
    assert (down.project(near, SIZE)[0] - start)[1] > 0.1 / camera.mm_per_pixel(SIZE)
    assert right.distance_mm == pytest.approx(camera.distance_mm)


@given(cameras)
def test_roll_turns_the_picture_clockwise(camera: Camera) -> None:
    """What was at the top edge is at the right edge after 90 degrees."""
    rolled = camera.roll(90)

    np.testing.assert_allclose(rolled.right_lps, camera.up_unit_lps, atol=1e-9)


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("aspect", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("view", STANDARD_VIEWS)
def test_a_standard_view_shows_the_whole_box_and_fills_the_picture(view: str, aspect: float, parallel: bool) -> None:
    """All corners are inside, and the outermost reaches 80 % of the half size."""
    size = (round(500 * aspect), 500)
    pixels = Camera.standard(view, BOUNDS, size[0] / size[1], parallel).project(box_corners(*BOUNDS), size)

    share = np.abs((pixels + 0.5) / size * 2 - 1).max()

    assert share == pytest.approx(0.8)


def test_a_point_behind_a_perspective_eye_has_no_pixel() -> None:
    """It is NaN, never a mirrored pixel in the picture."""
    camera = Camera.standard("anterior", BOUNDS, parallel=False)
    behind = np.asarray(camera.position_lps) - 10 * camera.forward_lps

    assert np.isnan(camera.project(behind, SIZE)).all()


def test_impossible_views_are_refused() -> None:
    """An unknown view, a zero zoom, up along the line of sight, a mirrored or empty eye."""
    with pytest.raises(UsageError, match="sideways"):
        Camera.standard("sideways", BOUNDS)
    camera = Camera.standard("left", BOUNDS)
    with pytest.raises(UsageError):
        camera.zoom(0)
    with pytest.raises(GeometryError):
        Camera((0, 0, 1), (0, 0, 0), (0, 0, 1))
    with pytest.raises(GeometryError, match="mirror"):
        Eye(np.diag([-1.0, 1.0, 1.0, 1.0]), (-1, 1, -1, 1))
    with pytest.raises(GeometryError):
        Eye(np.eye(4), (1, -1, -1, 1))
