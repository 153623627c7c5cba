"""Slice pictures: right place, right side, right gray, and no data where there is none."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from arviewer.errors import GeometryError, UsageError
from arviewer.model.geometry import Affine, Plane, standard_plane
from arviewer.model.volume import Volume
from arviewer.render.camera import rotation
from arviewer.render.letters import edge_letters
from arviewer.render.slices import HATCH_GRAYS, OUTSIDE_GRAY, Reslicer, SliceView, reslicer, slice_picture, windowed

UID = "2.25.77"
VIEW = SliceView((3.0, -2.0), 0.7, (170, 150))
MARKERS = {"L": ((39.0, 0.0, 0.0), 900), "A": ((0.0, -33.0, 0.0), 1200), "H": ((0.0, 0.0, 27.0), 1500)}
IN_PLANE = {"axial": "LA", "coronal": "LH", "sagittal": "AH", "oblique": "L"}


def turned(plane: Plane, axis: tuple[float, float, float], angle_deg: float) -> Plane:
    matrix = plane.lps_from_view.matrix.copy()
    matrix[:3, :3] = rotation(axis, angle_deg) @ matrix[:3, :3]
    return Plane(Affine(matrix, to_space=plane.lps_from_view.to_space))


def plane_named(name: str) -> Plane:
    if name != "oblique":
        return standard_plane(name, (0, 0, 0), UID)
    return turned(turned(standard_plane("axial", (0, 0, 0), UID), (1, 0, 0), 35), (0, 0, 1), 12)


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("name", IN_PLANE)
def test_markers_lie_on_the_lettered_side_however_the_volume_is_stored(stored_volume: Volume, name: str) -> None:
    """24 stored orientations: each ball is drawn on the edge that bears its letter, at the pixel its mm say."""
    plane = plane_named(name)
    letters = edge_letters(plane)
    edges = {letters.left: (0, -1), letters.right: (0, 1), letters.top: (1, -1), letters.bottom: (1, 1)}
    picture = slice_picture(stored_volume, plane, VIEW, (0.5, 3001.0), interpolate=False)
    for letter in IN_PLANE[name]:
        at_lps, hu = MARKERS[letter]
        if name == "oblique":
            at_lps = tuple(rotation((0, 0, 1), 12) @ at_lps)
            hu = 0
        level = round((hu / 3000 + 0.5) * 255)
        rows, columns = np.nonzero(picture.pixels == level) if hu else bright_spot(stored_volume, plane)
        found = np.array([np.median(columns), np.median(rows)])
        flat = plane.lps_from_view.matrix[:3, :2].T @ MARKERS[letter][0]
        expected = VIEW.pixel_from_mm(flat)[0]
        axis, sign = next(where for words, where in edges.items() if words.startswith(letter))
        middle = VIEW.pixel_from_mm((0, 0))[0]
        assert sign * (found - middle)[axis] > 10
        np.testing.assert_allclose(found, expected, atol=2.5)


def bright_spot(volume: Volume, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
    """Where the "left" ball (900 HU) shows in a plane that holds no brighter one."""
    values = Reslicer(volume).values(plane, VIEW, interpolate=False)
    return np.nonzero((values > 700) & (values < 1000))


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal", "oblique"])
@pytest.mark.parametrize("interpolate", [True, False])
def test_values_are_those_of_an_independent_resampler(sheared_volume: Volume, name: str, interpolate: bool) -> None:
    """Oblique, sheared grid, distinct spacing: equal to scipy's map_coordinates within rounding."""
    matrix = plane_named(name).lps_from_view.matrix.copy()
    matrix[:3, 3] = sheared_volume.geometry.center_lps
    plane = Plane(Affine(matrix, to_space=UID))
    view = SliceView((1.3, -0.7), 0.31, (131, 97))

    found = Reslicer(sheared_volume).values(plane, view, interpolate)
    inside = Reslicer(sheared_volume).inside(plane, view)

    rows, columns = np.indices((97, 131))
    mm = view.mm_from_pixel(np.column_stack((columns.ravel(), rows.ravel())))
    lps = mm @ matrix[:3, :2].T + matrix[:3, 3]
    to_ijk = np.linalg.inv(sheared_volume.geometry.lps_from_ijk.matrix)
    kji = (lps @ to_ijk[:3, :3].T + to_ijk[:3, 3]).T[::-1]
    limits = np.array(sheared_volume.voxels.shape)[:, None] - 0.5
    really_inside = ((kji > -0.5) & (kji < limits)).all(axis=0).reshape(97, 131)
    expected = map_coordinates(
        sheared_volume.voxels.astype(float), kji, order=1 if interpolate else 0, mode="nearest"
    ).reshape(97, 131)
    # At half-way between two voxels the nearest one is a matter of rounding.
    tie = np.zeros_like(inside) if interpolate else (np.abs(kji % 1 - 0.5) < 1e-4).any(axis=0).reshape(97, 131)
    assert 1000 < inside.sum() < inside.size
    np.testing.assert_array_equal(inside, really_inside)
    difference = np.abs(found - expected)[inside & ~tie]
    # Half a unit is the rounding to whole HU; VTK's single-precision weights add 1e-5 of neighbours' differences.
    assert difference.max() <= (0.52 if interpolate else 0)


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.uint8, np.int32, np.float32, np.float64])
def test_every_pixel_type_is_shown(volume_of: Callable[..., Volume], kind: type) -> None:
    """A ramp comes out as the same ramp of grays in each type."""
    voxels = np.broadcast_to(np.arange(0, 200, 10, dtype=kind), (4, 5, 20)).copy()
    volume = volume_of(voxels, np.eye(4))
    plane = standard_plane("axial", (0, 0, 2), UID)

    picture = slice_picture(volume, plane, SliceView((9.5, 2.0), 1.0, (20, 5)), (95.5, 191.0))

    np.testing.assert_array_equal(picture.pixels[2], np.rint(np.arange(0, 200, 10) / 190 * 255))


def test_the_window_is_the_standards_formula() -> None:
    """PS3.3 C.11.2.1.2.1, evaluated by its three lines of pseudo-code for integers and reals."""
    for center, width in ((40.0, 400.0), (2048.0, 4096.0), (0.5, 1.0), (-600.0, 1500.0), (50.25, 2.5)):
        for values in (np.arange(-3000, 3000, dtype=np.int16), np.linspace(-3000, 3000, 4001)):
            for x, y in zip(values.tolist(), windowed(values, (center, width)).tolist(), strict=True):
                if x <= center - 0.5 - (width - 1) / 2:
                    expected = 0.0
                elif x > center - 0.5 + (width - 1) / 2:
                    expected = 255.0
                else:
                    expected = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255
                assert abs(y - expected) <= 0.5 + 1e-9


def test_a_window_narrower_than_one_is_refused() -> None:
    """The standard allows none."""
    with pytest.raises(UsageError, match="window"):
        windowed(np.zeros(3), (0.0, 0.5))


def test_beyond_the_scan_is_not_air(volume_of: Callable[..., Volume]) -> None:
    """Air inside is black, outside is another gray, and the border lies half a voxel beyond the last centres."""
    volume = volume_of(np.full((6, 8, 10), -1000, dtype=np.int16), np.diag([2.0, 3.0, 4.0, 1.0]))
    view = SliceView((9.0, 10.5), 0.5, (60, 60))

    picture = slice_picture(volume, standard_plane("axial", (0, 0, 8), UID), view, (40, 400))

    assert set(np.unique(picture.pixels[picture.inside])) == {0}
    assert set(np.unique(picture.pixels[~picture.inside])) == {OUTSIDE_GRAY}
    low, high = view.pixel_from_mm([(-1, -1.5), (19, 22.5)])
    rows, columns = np.nonzero(picture.inside)
    assert (columns.min(), columns.max()) == (np.ceil(low[0]), np.floor(high[0]))
    assert (rows.min(), rows.max()) == (np.ceil(low[1]), np.floor(high[1]))


def test_a_plane_beside_the_scan_shows_no_data(chiral_volume: Volume) -> None:
    """Everything is outside."""
    picture = slice_picture(chiral_volume, standard_plane("axial", (0, 0, 500), UID), VIEW, (40, 400))

    assert not picture.inside.any()
    assert (picture.pixels == OUTSIDE_GRAY).all()


@pytest.mark.parametrize(("z", "share"), [(3.0, 1.0), (2.5, 1.0), (3.9, 1.0), (2.0, 0.0), (4.0, 0.0), (1.6, 0.0)])
def test_a_lost_slice_is_hatched_wherever_it_has_a_share(
    volume_of: Callable[..., Volume], z: float, share: float
) -> None:
    """Slice 3 of 6 was lost: planes between 2 and 4 are stripes, the others are data."""
    valid = np.array([True, True, True, False, True, True])
    volume = volume_of(np.full((6, 8, 10), 100, dtype=np.int16), np.eye(4), valid)
    plane = standard_plane("axial", (0, 0, z), UID)

    picture = slice_picture(volume, plane, SliceView((4.5, 3.5), 0.25, (30, 20)), (40, 400))

    lost = np.zeros(picture.pixels.shape, bool) if picture.lost is None else picture.lost
    assert lost.mean() == share
    assert set(np.unique(picture.pixels)) == (set(HATCH_GRAYS) if share else {166})


def test_a_lost_slice_is_hatched_across_a_coronal_picture(volume_of: Callable[..., Volume]) -> None:
    """Only the rows between its neighbours are marked."""
    valid = np.array([True, True, True, False, True, True])
    volume = volume_of(np.full((6, 8, 10), 100, dtype=np.int16), np.eye(4), valid)
    view = SliceView((4.5, 0.0), 0.25, (30, 80))

    lost = slice_picture(volume, standard_plane("coronal", (0, 3, 0), UID), view, (40, 400)).lost

    assert lost is not None
    rows = np.nonzero(lost.any(axis=1))[0]
    z = -view.mm_from_pixel([(0, rows.min()), (0, rows.max())])[:, 1]
    np.testing.assert_allclose(z, (4, 2), atol=0.25)


def test_another_frame_of_reference_is_refused(chiral_volume: Volume) -> None:
    """A plane of other data never shows this volume."""
    with pytest.raises(GeometryError):
        slice_picture(chiral_volume, standard_plane("axial", (0, 0, 0), "1.2.3"), VIEW, (40, 400))


@pytest.mark.parametrize(("mm", "size"), [(0.0, (5, 5)), (1.0, (0, 5)), (1.0, (5, -1)), (1.0, (20000, 5))])
def test_impossible_pictures_are_refused(mm: float, size: tuple[int, int]) -> None:
    """No size, no scale, or more pixels than can be shown."""
    with pytest.raises(UsageError):
        SliceView((0, 0), mm, size)


def test_pictures_do_not_share_memory(chiral_volume: Volume) -> None:
    """An earlier picture stays what it was when the next is made."""
    first = slice_picture(chiral_volume, plane_named("axial"), VIEW, (40, 2000))
    before = first.pixels.copy()
    slice_picture(chiral_volume, plane_named("coronal"), VIEW, (300, 1000))

    np.testing.assert_array_equal(first.pixels, before)


def test_the_voxels_are_wrapped_not_copied_and_let_go(volume_of: Callable[..., Volume]) -> None:
    """One reslicer per volume, on the volume's own memory, gone with it."""
    volume = volume_of(np.zeros((4, 5, 6), dtype=np.int16), np.eye(4))
    made = reslicer(volume)

    assert reslicer(volume) is made
    assert np.shares_memory(made._voxels, volume.voxels)
    gone = weakref.ref(volume)
    del volume, made
    gc.collect()
    assert gone() is None
