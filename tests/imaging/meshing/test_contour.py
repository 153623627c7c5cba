"""The raw iso-surface against an independent implementation, and a field that never betrays its mask."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from arviewer.imaging.meshing import surface
from arviewer.imaging.meshing.contour import contour
from arviewer.imaging.meshing.field import field_of
from arviewer.imaging.phantoms.simple import torus
from arviewer.imaging.recipes import segment
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, Provenance, Segment, Segmentation

TERM = CodedTerm("272673000", "SCT", "Bone")


def segment_of(mask, threshold=None, inside_is_above=True):
    """A segment round a whole-volume mask."""
    return Segment("it", TERM, MaskBox((0, 0, 0), mask), Provenance("test"), threshold, inside_is_above)


def test_every_vertex_is_one_of_scikit_images(grid, scanned):
    """Flying Edges puts its vertices where scikit-image's marching cubes puts them, within 0.001 mm."""
    volume = scanned(torus((0.2, 0.9, -0.6), 15.0, 6.0), grid("straight", 23.0), noise_hu=20.0)
    found = segment(volume, "bone", low_hu=-200)
    field = field_of(volume, found["bone"], (0, len(volume.voxels)))
    points, triangles = contour(field)
    reference, _, _, _ = marching_cubes(field.values.astype(np.float32), level=field.iso)
    expected = reference[:, ::-1] + np.array(field.start_kji[::-1])
    spacing = volume.geometry.spacing_mm
    distance, _ = cKDTree(expected * spacing).query(points * spacing)
    assert distance.max() <= 0.001
    assert len(triangles) > 1000


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.uint16])
@pytest.mark.parametrize("above", [True, False])
def test_the_field_never_betrays_its_mask(ct, grid, dtype, above):
    """Whatever grey says, a voxel is inside the field exactly when it is inside the mask."""
    rng = np.random.default_rng(5)
    geometry = grid("straight", 6.0)
    voxels = rng.integers(0, 900, geometry.shape_kji).astype(dtype)
    mask = rng.random(geometry.shape_kji) < 0.5
    found = segment_of(mask, threshold=400.0, inside_is_above=above)
    volume = ct(voxels, geometry)
    field = field_of(volume, found, (0, len(voxels)))
    inside = field.values > field.iso
    assert np.array_equal(inside[2:-2, 2:-2, 2:-2], mask)
    for axis in range(3):  # beyond the scan: once more the last voxels, then nothing
        face = np.moveaxis(inside, axis, 0)
        assert np.array_equal(face[1], face[2])
        assert np.array_equal(face[-2], face[-3])
        assert not face[[0, -1]].any()


@pytest.mark.parametrize("seed", range(6))
def test_any_mask_gives_a_closed_surface(ct, grid, seed):
    """Random voxels, with every ambiguous corner there is, still make a surface whose edges have two triangles."""
    geometry = grid("oblique", 5.0)
    mask = np.random.default_rng(seed).random(geometry.shape_kji) < 0.4
    volume = ct(np.where(mask, 500, -500).astype(np.int16), geometry)
    made = surface(Segmentation(volume, (segment_of(mask, 0.0),)), "it")
    assert made.closed
    assert made.volume_ml > 0


def test_a_mask_without_grey_is_smooth(ct, grid):
    """Where no threshold made the boundary, the smoothed mask does: a ball of voxels is round within half a voxel."""
    geometry = grid("straight", 14.0, (0.8, 0.8, 0.8))
    k, j, i = np.indices(geometry.shape_kji)
    middle = (np.array(geometry.shape_kji) - 1) / 2
    radius = 0.8 * np.sqrt((k - middle[0]) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2)
    volume = ct(np.zeros(geometry.shape_kji, np.int16), geometry)
    made = surface(Segmentation(volume, (segment_of(radius < 10.0),)), "it")
    distance = np.linalg.norm(made.points_lps - made.points_lps.mean(axis=0), axis=1) - 10.0
    assert made.grey_share == 0.0
    assert np.abs(distance).mean() <= 0.08
    assert np.abs(distance).max() <= 0.4


def test_a_parted_neighbour_is_cut_midway(ct, grid):
    """Where the mask alone parts two things of one brightness, the surface passes half way between their voxels."""
    geometry = grid("straight", 12.0, (1.0, 1.1, 1.2))
    voxels = np.full(geometry.shape_kji, 400, np.int16)
    voxels[:, :4] = voxels[:, -4:] = voxels[:4] = voxels[-4:] = voxels[..., :4] = voxels[..., -4:] = -100
    mask = voxels == 400
    mask[..., 12:] = False
    volume = ct(voxels, geometry)
    made = surface(Segmentation(volume, (segment_of(mask, 150.0),)), "it", max_error_mm=0.0)
    ijk = geometry.lps_from_ijk.inverse().matrix
    local = made.points_lps @ ijk[:3, :3].T + ijk[:3, 3]
    flat = local[(local[:, 0] > 11.0) & (np.abs(local[:, 1:] - 10.0) < 3).all(axis=1)]
    assert len(flat) > 10
    assert np.abs(flat[:, 0] - 11.5).max() < 0.1
    assert 0.5 < made.grey_share < 0.95
