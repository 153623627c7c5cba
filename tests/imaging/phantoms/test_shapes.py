"""Shapes, their rasterisation and the small phantoms, against closed form on an oblique anisotropic grid."""

import numpy as np
import pytest

from arviewer.errors import Cancelled, UsageError
from arviewer.imaging.phantoms import csg, simple
from arviewer.imaging.phantoms.raster import CHUNK_KJI, Sampling, coverage, patches
from arviewer.imaging.phantoms.shapes import Box, Ellipsoid, Tube, capsule
from arviewer.model.geometry import Affine, Ijk, Points
from arviewer.model.volume import VolumeGeometry

SPACING = np.array([0.8, 1.1, 1.7])


def oblique(shape_kji=(92, 118, 150), center=(3.0, -4.0, 5.0), spacing=SPACING):
    """An oblique right-handed grid of three distinct spacings around a point."""
    rotation = csg.turn("x", 20) @ csg.turn("z", 30) @ csg.turn("y", -15)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * spacing
    matrix[:3, 3] = np.array(center) - matrix[:3, :3] @ ((np.array(shape_kji[::-1]) - 1) / 2)
    return VolumeGeometry(shape_kji, Affine(matrix))


def volume_and_centroid(shares, geometry):
    """Volume (mm³) and centroid (LPS mm) of a coverage."""
    k, j, i = np.nonzero(shares)
    weights = shares[k, j, i].astype(np.float64)
    points: Points[Ijk] = Points(np.stack([i, j, k], axis=1))
    return weights.sum() * geometry.voxel_volume_mm3, weights @ geometry.lps_from_ijk(points).xyz / weights.sum()


@pytest.mark.parametrize("name", ["sphere", "torus", "capsule_phantom", "shell", "rod", "chiral"])
def test_phantoms_keep_volume_and_centroid_on_an_oblique_grid(name):
    """Each part lies within 0.05 mm of its true centroid and within 0.5 % of its true volume."""
    phantom = getattr(simple, name)(center=(2.0, -3.0, 4.0)) if name != "capsule_phantom" else simple.capsule_phantom()
    geometry = oblique()
    for part in phantom.parts.values():
        volume, centroid = volume_and_centroid(coverage(part.shape, geometry), geometry)
        assert volume == pytest.approx(part.volume_mm3, rel=0.005)
        assert np.abs(centroid - part.centroid_lps).max() < 0.05


def test_rod_ends_are_100_mm_apart():
    """The middles of the rod's end balls are 100.0 mm apart, whatever its direction."""
    low, high = simple.rod(center=(1.0, 2.0, 3.0), direction=(1.0, -1.0, 0.5)).parts["rod"].shape.bounds
    assert np.linalg.norm(high - low - 12.0) == pytest.approx(simple.ROD_LENGTH_MM)


def test_chiral_phantom_equals_none_of_its_mirrors():
    """No flip of any axes and no swap of two axes maps the chiral phantom onto itself."""
    size = 97
    geometry = VolumeGeometry(
        (size, size, size), Affine(np.array([[1, 0, 0, -48], [0, 1, 0, -48], [0, 0, 1, -48], [0, 0, 0, 1.0]]))
    )
    voxels = simple.chiral().voxels(geometry)
    for axes in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
        assert (np.flip(voxels, axes) != voxels).sum() > 100
    for order in ((0, 2, 1), (2, 1, 0), (1, 0, 2), (1, 2, 0), (2, 0, 1)):
        assert (voxels.transpose(order) != voxels).sum() > 100


def test_chiral_markers_lie_left_anterior_and_head():
    """Left is +x, anterior is −y, head is +z (LPS), each with its own HU and size."""
    parts = simple.chiral((10.0, 20.0, 30.0)).parts
    towards = {name: np.sign(np.subtract(parts[name].centroid_lps, (10.0, 20.0, 30.0))) for name in parts}
    assert towards["left"].tolist() == [1, 0, 0]
    assert towards["anterior"].tolist() == [0, -1, 0]
    assert towards["head"].tolist() == [0, 0, 1]
    assert parts["left"].volume_mm3 > parts["anterior"].volume_mm3 > parts["head"].volume_mm3


def test_a_slab_alone_equals_the_slab_of_the_whole():
    """Rasterising only some slabs gives the very same numbers, bit by bit."""
    shape, geometry = csg.Wavy(Ellipsoid((3.0, -4.0, 5.0), (40.0, 30.0, 50.0)), 2.0, 30.0, seed=5), oblique()
    whole = coverage(shape, geometry)
    start = 3 * CHUNK_KJI[0]
    part = np.zeros_like(whole)
    for patch in patches(shape, geometry, range(start, start + 2 * CHUNK_KJI[0])):
        part[patch.slices] = patch.coverage
    assert np.array_equal(part[start : start + 16], whole[start : start + 16])
    assert whole[start].max() == 1.0
    assert not part[:start].any()


def test_blocks_skip_nothing_that_sampling_finds():
    """Settling blocks by distance gives the same coverage as asking every voxel of a twisted body."""
    shape = csg.Difference(
        csg.union([Ellipsoid((0, 0, 0), (30, 18, 40)), Box((25, 5, 10), (12, 9, 14), 3.0)], blend_mm=6.0),
        csg.Grown(Tube(((-20, 0, -30), (5, 4, 0), (30, 0, 30)), (3.0, 6.0, 2.0)), 1.0),
        gap_mm=1.0,
    )
    geometry = oblique((40, 60, 70), (0.0, 0.0, 0.0), np.array([1.3, 1.6, 2.4]))
    shares = coverage(shape, geometry)
    k, j, i = np.indices(geometry.shape_kji).reshape(3, -1)
    points: Points[Ijk] = Points(np.stack([i, j, k], axis=1))
    x, y, z = geometry.lps_from_ijk(points).xyz.T.astype(np.float32)
    inside = (shape.distance(x, y, z) < 0).reshape(geometry.shape_kji)
    deep = np.abs(shape.distance(x, y, z)).reshape(geometry.shape_kji) > 2.0
    assert np.array_equal(shares[deep] > 0.5, inside[deep])


def test_thicker_slices_than_steps_blur_along_the_normal_only():
    """Sampling 1.5 slice steps keeps the volume and spreads the edge over the neighboring slice."""
    geometry = VolumeGeometry((40, 40, 40), Affine(np.diag([1.0, 1.0, 1.0, 1.0])))
    box = Box((20.0, 20.0, 20.0), (9.0, 9.0, 9.5))
    sharp = coverage(box, geometry, Sampling((4, 4, 8)))
    thick = coverage(box, geometry, Sampling((8, 4, 4), (1.5, 1.0, 1.0)))
    assert thick.sum() == pytest.approx(sharp.sum(), rel=0.01)
    assert sharp[10, 20, 20] == 0.0
    assert 0.05 < thick[10, 20, 20] < 0.3


def test_cancel_passes_through_rasterising():
    """A cancel raised by the progress call ends the work at once."""

    def cancel(fraction, what=""):
        raise Cancelled

    with pytest.raises(Cancelled):
        coverage(capsule((0, 0, 0), (10, 0, 0), 4.0), oblique(), progress=cancel)


def test_tube_needs_a_radius_for_each_point():
    """A tube with fewer radii than points is a wrong call."""
    with pytest.raises(UsageError):
        Tube(((0, 0, 0), (1, 0, 0)), (1.0,))


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_turned_and_stretched_shapes_contain_what_they_should(axis):
    """Turning by 90° moves a long axis where the right-hand rule says; stretching lengthens along its axis."""
    long = {"x": (4, 9, 4), "y": (4, 4, 9), "z": (9, 4, 4)}[axis]
    turned = csg.Turned(Ellipsoid((1, 2, 3), long), csg.turn(axis, 90), (1, 2, 3))
    end = {"x": (1, 2, 11), "y": (9, 2, 3), "z": (1, 10, 3)}[axis]
    assert turned.contains([end]).all()
    assert (np.abs(turned.bounds - np.array([1, 2, 3])).max(axis=0) > 8.9).sum() == 1
    stretched = csg.Stretched(Ellipsoid((0, 0, 0), (2, 2, 2)), (1, 1, 3))
    assert stretched.contains([(0, 0, 5.9)]).all()
    assert not stretched.contains([(0, 0, 6.1)]).any()
