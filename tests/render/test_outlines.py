"""Outlines: the surface that is exported, cut by the plane that is shown."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from arviewer.errors import GeometryError
from arviewer.model.geometry import Affine, Plane, standard_plane
from arviewer.model.surface import Surface
from arviewer.render.camera import rotation
from arviewer.render.outlines import Cutter, outline

UID = "2.25.77"
CENTER = (31.0, -12.0, 140.0)


def planes(through: tuple[float, float, float]) -> list[Plane]:
    found = [standard_plane(name, through, UID) for name in ("axial", "coronal", "sagittal")]
    matrix = found[0].lps_from_view.matrix.copy()
    matrix[:3, :3] = rotation((0.6, 0.48, 0.64), 33) @ matrix[:3, :3]
    return [*found, Plane(Affine(matrix, to_space=UID))]


def wavy(ball: Callable[..., Surface], surface_of: Callable[..., Surface]) -> Surface:
    """An asymmetric closed body with dents."""
    sphere = ball((0, 0, 0), 1.0)
    x, y, z = sphere.points_lps.T
    radius = 20 * (1 + 0.3 * np.sin(4 * x + 1) * np.cos(3 * y) + 0.1 * z)
    return surface_of("wavy", sphere.points_lps * radius[:, None] * (1.0, 1.3, 0.8) + CENTER, sphere.triangles)


def in_patient(line: np.ndarray, plane: Plane) -> np.ndarray:
    return line @ plane.lps_from_view.matrix[:3, :2].T + plane.origin_lps


def distance_to_triangles(points: np.ndarray, surface: Surface) -> np.ndarray:
    """Distance of each point to the nearest triangle's plane patch, by brute force over edges of that triangle."""
    corners = surface.points_lps[surface.triangles]
    result = np.full(len(points), np.inf)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    for n, point in enumerate(points):
        offset = point - corners
        height = np.abs(np.einsum("ij,ij->i", offset[:, 0], normal))
        outside = np.zeros(len(corners))
        for a in range(3):
            edge = corners[:, (a + 1) % 3] - corners[:, a]
            inward = np.cross(normal, edge)
            inward /= np.linalg.norm(inward, axis=1)[:, None]
            outside = np.maximum(outside, -np.einsum("ij,ij->i", offset[:, a], inward))
        result[n] = np.hypot(height, np.maximum(outside, 0)).min()
    return result


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("number", range(4))
def test_every_point_lies_on_the_surface_and_in_the_plane(
    ball: Callable[..., Surface], surface_of: Callable[..., Surface], number: int
) -> None:
    """Within 0.01 mm of a triangle; in the plane by construction of the two coordinates."""
    surface = wavy(ball, surface_of)
    plane = planes((CENTER[0] + 1.234, CENTER[1] - 2.1, CENTER[2] + 0.77))[number]

    lines = outline(surface, plane)

    assert lines
    for line in lines:
        assert distance_to_triangles(in_patient(line, plane), surface).max() < 0.01


@pytest.mark.parametrize("number", range(4))
def test_lines_of_a_closed_surface_close_and_miss_no_triangle(
    ball: Callable[..., Surface], surface_of: Callable[..., Surface], number: int
) -> None:
    """As many segments as a plain scan of all triangles finds crossing ones, none longer than a triangle."""
    surface = wavy(ball, surface_of)
    plane = planes((CENTER[0] + 1.234, CENTER[1] - 2.1, CENTER[2] + 0.77))[number]

    lines = outline(surface, plane)

    beyond = ((surface.points_lps - plane.origin_lps) @ plane.normal_lps >= 0)[surface.triangles].sum(axis=1)
    assert sum(len(line) - 1 for line in lines) == ((beyond == 1) | (beyond == 2)).sum()
    for line in lines:
        np.testing.assert_array_equal(line[0], line[-1])
        assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 5


def test_the_circle_of_a_ball_is_where_and_as_large_as_it_must_be(ball: Callable[..., Surface]) -> None:
    """A ball of 20 mm cut 12 mm above its centre: a circle of 16 mm around the centre's place in the picture."""
    surface = ball(CENTER, 20.0, steps=120)

    (line,) = outline(surface, standard_plane("axial", (0, 0, CENTER[2] + 12), UID))

    radii = np.linalg.norm(line - CENTER[:2], axis=1)
    assert abs(radii - 16).max() < 0.02
    assert np.ptp(np.arctan2(*(line - CENTER[:2]).T)) > 6


def test_two_bodies_give_two_lines(ball: Callable[..., Surface], surface_of: Callable[..., Surface]) -> None:
    """Separate parts of one surface are separate lines."""
    a, b = ball((0, 0, 0), 5.0), ball((30, 0, 2), 7.0)
    both = surface_of(
        "both", np.vstack((a.points_lps, b.points_lps)), np.vstack((a.triangles, b.triangles + len(a.points_lps)))
    )

    lines = outline(both, standard_plane("axial", (0, 0, 1), UID))

    assert sorted(round(float(line[:, 0].mean())) for line in lines) == [0, 30]


def test_corners_exactly_in_the_plane_leave_no_gap(surface_of: Callable[..., Surface]) -> None:
    """An octahedron cut through four of its corners still gives one closed line."""
    points = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=float)
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    surface = surface_of("octahedron", points, faces)

    (line,) = outline(surface, standard_plane("axial", (0, 0, 0), UID))

    np.testing.assert_array_equal(line[0], line[-1])
    assert set(map(tuple, np.abs(line).round(9).tolist())) == {(1.0, 0.0), (0.0, 1.0)}


def test_an_open_surface_gives_one_open_line(surface_of: Callable[..., Surface]) -> None:
    """A strip of triangles is cut into a single line from end to end, whatever the order of its triangles."""
    n = 30
    points = np.array([[x, y, z] for x in range(n) for y, z in ((0, -1), (0, 1))], dtype=float)
    faces = np.array(
        [f for k in range(n - 1) for f in ([2 * k, 2 * k + 2, 2 * k + 1], [2 * k + 1, 2 * k + 2, 2 * k + 3])]
    )
    faces = faces[np.random.default_rng(2).permutation(len(faces))]

    (line,) = outline(surface_of("strip", points, faces), standard_plane("axial", (0, 0, 0.2), UID))

    assert np.ptp(line[:, 0]) == pytest.approx(n - 1)
    assert len(line) == 2 * (n - 1) + 1


def test_beside_the_surface_there_is_no_line(ball: Callable[..., Surface], surface_of: Callable[..., Surface]) -> None:
    """Nor for a surface without triangles."""
    plane = standard_plane("axial", (0, 0, 999), UID)

    assert outline(ball(CENTER, 5.0), plane) == []
    assert outline(surface_of("empty", np.zeros((0, 3)), np.zeros((0, 3), int)), plane) == []


def test_another_frame_of_reference_is_refused(ball: Callable[..., Surface]) -> None:
    """The outline of other data is never drawn on this slice."""
    with pytest.raises(GeometryError):
        outline(ball(CENTER, 5.0), standard_plane("axial", CENTER, "1.2.3"))


def test_a_cutter_goes_with_its_surface(ball: Callable[..., Surface]) -> None:
    """The cache holds no surface alive, and a cutter gives what the cached one gives."""
    surface = ball(CENTER, 5.0)
    plane = standard_plane("axial", CENTER, UID)
    for mine, cached in zip(Cutter(surface).cut(plane), outline(surface, plane), strict=True):
        np.testing.assert_array_equal(mine, cached)
    gone = weakref.ref(surface)
    del surface
    gc.collect()
    assert gone() is None
