"""Two eyes in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arviewer.errors import UsageError
from arviewer.render.camera import Camera, rotation
from arviewer.render.stereo import Angles, comfortable_separation_mm, eye_from_angles, eye_pair

CAMERA = Camera((20.0, -900.0, 300.0), (20.0, -100.0, 300.0), (0.0, 0.0, 1.0), 30.0, parallel=False)
SIZE = (800, 600)


def at(right_mm: float, up_mm: float, nearer_mm: float) -> np.ndarray:
    """A point by its offset from the focal point, as the reader sees it."""
    return np.add(CAMERA.focal_lps, (right_mm, -nearer_mm, up_mm))


@given(st.floats(-150, 150), st.floats(-100, 100), st.floats(-300, 300), st.floats(20, 80))
def test_each_eye_sees_a_point_where_similar_triangles_say(x: float, y: float, nearer: float, ipd: float) -> None:
    """Derived by hand: the line from the eye to the point meets the screen plane at the focal distance."""
    distance, half_height = 800.0, 800.0 * math.tan(math.radians(15))
    pixel_mm = 2 * half_height / SIZE[1]
    for eye, side in zip(eye_pair(CAMERA, SIZE, ipd), (-1, 1), strict=True):
        eye_x = side * ipd / 2
        on_screen_x = eye_x + (x - eye_x) * distance / (distance - nearer)
        on_screen_y = y * distance / (distance - nearer)
        expected = (
            on_screen_x / pixel_mm + (SIZE[0] - 1) / 2,
            -on_screen_y / pixel_mm + (SIZE[1] - 1) / 2,
        )
        np.testing.assert_allclose(eye.project(at(x, y, nearer), SIZE)[0], expected, atol=1e-6)


@pytest.mark.hazard("H01")
def test_near_points_are_crossed_and_far_points_uncrossed() -> None:
    """Nearer than the screen: further right for the left eye. Swapping the eyes turns the sign and fails here."""
    left, right = eye_pair(CAMERA, SIZE)

    def disparity(nearer: float) -> float:
        return float(left.project(at(10, 5, nearer), SIZE)[0, 0] - right.project(at(10, 5, nearer), SIZE)[0, 0])

    assert disparity(100) > 5
    assert disparity(0) == pytest.approx(0, abs=1e-9)
    assert disparity(-100) < -5
    assert left.position_lps @ CAMERA.right_lps < right.position_lps @ CAMERA.right_lps


def test_there_is_no_vertical_disparity() -> None:
    """Both eyes see every point on the same row."""
    left, right = eye_pair(CAMERA, SIZE)
    points = np.array([at(x, y, z) for x in (-90, 40) for y in (-60, 70) for z in (-200, 150)])

    np.testing.assert_allclose(left.project(points, SIZE)[:, 1], right.project(points, SIZE)[:, 1], atol=1e-9)


@given(st.floats(30, 60), st.floats(30, 60), st.floats(30, 55), st.floats(30, 55), st.floats(-180, 180))
def test_a_headset_eye_maps_its_angles_to_the_edges(
    left: float, right: float, up: float, down: float, turn: float
) -> None:
    """Asymmetric field of view, any head pose: a direction at each edge's angle falls on that edge."""
    angles = Angles(*np.deg2rad([-left, right, up, -down]))
    pose = np.eye(4)
    pose[:3, :3] = rotation((0.6, 0.0, 0.8), turn)
    pose[:3, 3] = (5.0, -7.0, 11.0)
    eye = eye_from_angles(pose, angles)
    size = (1440, 1200)

    for angle, axis, edge in ((-left, 0, -0.5), (right, 0, 1439.5), (up, 1, -0.5), (-down, 1, 1199.5)):
        direction = np.array([0.0, 0.0, -1.0])
        direction[axis] = math.tan(math.radians(angle))
        pixel = eye.project(pose[:3, :3] @ direction * 700 + pose[:3, 3], size)[0]
        assert pixel[axis] == pytest.approx(edge, abs=1e-6)


def test_the_eyes_come_closer_together_when_the_reader_is_near() -> None:
    """63 mm far away, a twentieth of the distance when near; none at all is refused."""
    assert comfortable_separation_mm(CAMERA.zoom(0.1)) == 63.0
    assert comfortable_separation_mm(CAMERA.zoom(8)) == pytest.approx(5.0)
    with pytest.raises(UsageError):
        eye_pair(CAMERA, SIZE, 0)
