"""The map between a slice view's pixels and the patient."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.model.geometry import Affine, side_letters
from arviewer.model.volume import VolumeGeometry
from arviewer.ui.viewports.slice_frame import SliceFrame, held_inside, position_words, step_mm
from tests.windows import SPACING, geometry

SIZE = (471, 333)
CURSOR = np.array([11.0, -37.0, 142.0])
NAMES = ("axial", "coronal", "sagittal")


@pytest.mark.parametrize("name", NAMES)
def test_pixels_and_patient_are_inverse(name: str) -> None:
    """A place of the view, taken to the patient and back, is the same place; it lies in the cursor's plane."""
    frame = SliceFrame(name, (3.0, -8.0), 0.7)

    point = frame.lps_at(100.5, 20.25, SIZE, CURSOR)

    assert frame.xy_of(point, SIZE) == pytest.approx((100.5, 20.25))
    assert float((point - CURSOR) @ frame.axes_lps()[2]) == pytest.approx(0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_the_picture_lies_where_the_lines_are_drawn(name: str, ratio: float) -> None:
    """The renderer's pixel of a point and the overlay's place of it agree to a tenth of a device pixel."""
    size_px = round(SIZE[0] * ratio), round(SIZE[1] * ratio)
    logical = size_px[0] / ratio, size_px[1] / ratio
    frame = SliceFrame(name, (3.0, -8.0), 0.7)
    point = frame.lps_at(137.0, 61.0, logical, CURSOR)
    plane, view = frame.plane(CURSOR, ""), frame.view(CURSOR, size_px, ratio)
    in_plane = [(point - plane.origin_lps) @ plane.right_lps, (point - plane.origin_lps) @ plane.down_lps]

    column, row = view.pixel_from_mm([in_plane])[0]

    assert ((column + 0.5) / ratio, (row + 0.5) / ratio) == pytest.approx((137.0, 61.0), abs=0.1 / ratio)


@pytest.mark.parametrize("name", NAMES)
def test_zoom_keeps_what_is_under_the_pointer(name: str) -> None:
    """Magnified about a place, that place shows the same point; half the length fits a pixel."""
    frame = SliceFrame(name, (3.0, -8.0), 0.7)

    larger = frame.zoomed(2.0, 100, 20, SIZE)

    assert larger.mm_per_pixel == pytest.approx(0.35)
    assert larger.lps_at(100, 20, SIZE, CURSOR) == pytest.approx(frame.lps_at(100, 20, SIZE, CURSOR))


@pytest.mark.parametrize("acquisition", ["axial", "sagittal", "oblique"])
@pytest.mark.parametrize("name", NAMES)
def test_all_of_a_volume_fits(name: str, acquisition: str) -> None:
    """Every corner of any volume lies inside a fitted view, and the view is not much larger than needed."""
    grid = geometry(acquisition)

    frame = SliceFrame(name).fitted(grid, SIZE)

    places = np.array([frame.xy_of(corner, SIZE) for corner in grid.corners_lps()])
    assert (places >= 0).all()
    assert (places <= SIZE).all()
    assert np.ptp(places, axis=0).max() > 0.85 * SIZE[1]


def test_scrolling_follows_the_axis_of_the_acquisition() -> None:
    """The step along each standard normal is the spacing of the voxel axis that runs there."""
    steps = {
        acquisition: [step_mm(geometry(acquisition), SliceFrame(name).axes_lps()[2]) for name in NAMES]
        for acquisition in ("axial", "sagittal", "oblique")
    }

    i, j, k = SPACING
    assert steps["axial"] == pytest.approx([k, j, i])
    # Rows run to the back, columns to the feet, slices to the right.
    assert steps["sagittal"] == pytest.approx([j, i, k])
    assert steps["oblique"] == pytest.approx([k, j, i])


def test_the_cursor_is_held_in_the_volume() -> None:
    """A point beyond the scan comes back to its nearest face; one inside stays."""
    grid = VolumeGeometry((5, 6, 7), Affine(np.diag([2.0, 3.0, 4.0, 1.0])))

    assert held_inside(grid, np.array([-9.0, 99.0, 8.5])) == pytest.approx([0, 15, 8.5])
    assert held_inside(grid, np.array([4.2, 5.0, 8.5])) == pytest.approx([4.2, 5.0, 8.5])


def test_places_are_said_in_letters() -> None:
    """Positions carry the side as a letter, never a sign."""
    assert position_words(np.array([-12.34, 4.5, -7.6])) == "R 12.3  P 4.5  F 7.6 mm"
    assert SliceFrame("axial").position(np.array([1.0, 2.0, -3.0])) == "F 3.0 mm"
    assert SliceFrame("sagittal").position(np.array([-1.0, 2.0, -3.0])) == "R 1.0 mm"
    assert SliceFrame("coronal").position(np.array([-1.0, 2.0, -3.0])) == "P 2.0 mm"


def test_the_three_planes_are_radiological() -> None:
    """Axial from the feet, coronal from the front, sagittal from the left."""
    sides = {name: [side_letters(axis) for axis in SliceFrame(name).axes_lps()] for name in NAMES}

    assert sides == {"axial": ["L", "P", "H"], "coronal": ["L", "F", "P"], "sagittal": ["P", "F", "R"]}
