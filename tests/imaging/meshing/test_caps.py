"""Where a structure leaves the scan, or meets a lost slice, it is capped there, and the cap is stated."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.errors import Cancelled, NothingFound, UsageError
from arviewer.imaging.meshing import surface
from arviewer.imaging.phantoms.simple import sphere
from arviewer.imaging.recipes import segment
from arviewer.model.findings import FindingKind
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, Provenance, Segment, Segmentation


@pytest.fixture
def rod(ct, grid):
    """A square rod of 10 × 10 voxels through all slices, and its grid."""
    geometry = grid("oblique", 10.0, (0.7, 0.9, 1.3))
    voxels = np.full(geometry.shape_kji, -100, np.int16)
    voxels[:, 6:16, 8:18] = 700
    return ct(voxels, geometry)


def local_points(made, volume):
    """Vertices in voxel indices."""
    back = volume.geometry.lps_from_ijk.inverse().matrix
    return made.points_lps @ back[:3, :3].T + back[:3, 3]


def test_the_cap_is_the_outer_face_of_the_last_voxel(rod):
    """A rod that crosses the scan ends half a voxel beyond the first and last centre, and its caps are measured."""
    made = surface(segment(rod, "bone", low_hu=300), "bone")
    k = local_points(made, rod)[:, 2]
    assert k.min() == pytest.approx(-0.5, abs=1e-3)
    assert k.max() == pytest.approx(len(rod.voxels) - 0.5, abs=1e-3)
    assert made.closed
    assert made.capped_mm2 == pytest.approx(2 * 100 * 0.7 * 0.9, rel=0.05)
    (finding,) = [f for f in made.findings if f.kind is FindingKind.LEAVES_SCAN]
    assert finding.details == {"name": "bone", "area_mm2": made.capped_mm2}


def test_a_structure_inside_has_no_cap(grid, scanned):
    """A ball well inside is not capped, and nothing says that it leaves the scan."""
    made = surface(segment(scanned(sphere(radius_mm=8.0), grid("straight", 12.0)), "bone", low_hu=-200), "bone")
    assert made.capped_mm2 == 0.0
    assert FindingKind.LEAVES_SCAN not in {finding.kind for finding in made.findings}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_borders_in_the_plane_cap_too(ct, grid, axis):
    """A box against the low and high border of any axis is capped exactly there."""
    geometry = grid("sheared", 8.0, (0.7, 0.9, 1.3))
    voxels = np.full(geometry.shape_kji, -100, np.int16)
    inner = [slice(5, 12)] * 3
    inner[axis] = slice(None)
    voxels[tuple(inner)] = 700
    volume = ct(voxels, geometry)
    made = surface(segment(volume, "bone", low_hu=300, min_island_ml=0.01), "bone")
    along = local_points(made, volume)[:, 2 - axis]
    assert along.min() == pytest.approx(-0.5, abs=1e-3)
    assert along.max() == pytest.approx(voxels.shape[axis] - 0.5, abs=1e-3)
    assert made.closed


def test_a_lost_slice_caps_both_sides(rod):
    """Nothing is bridged over a lost slice: the rod ends on its faces, whatever its voxels hold."""
    valid = np.ones(len(rod.voxels), dtype=bool)
    lost = len(valid) // 2
    valid[lost] = False
    volume = type(rod)(rod.voxels, rod.geometry, rod.series, "HU", valid)
    found = segment(volume, "bone", low_hu=300)
    assert not found["bone"].mask.voxels[lost].any()
    made = surface(found, "bone")
    k = local_points(made, volume)[:, 2]
    assert not ((k > lost - 0.5 + 1e-3) & (k < lost + 0.5 - 1e-3)).any()
    assert made.capped_mm2 == pytest.approx(4 * 100 * 0.7 * 0.9, rel=0.05)
    assert made.closed


def test_padding_does_not_pull_the_boundary(ct, grid):
    """Beside padding of −3024 HU the boundary stays midway between voxels instead of on the last centre."""
    geometry = grid("straight", 10.0, (1.0, 1.0, 1.0))
    voxels = np.full(geometry.shape_kji, -100, np.int16)
    voxels[6:16, 6:16, 6:] = 400
    voxels[..., 15:] = -3024
    volume = ct(voxels, geometry, padding_value=-3024.0)
    made = surface(segment(volume, "bone", low_hu=150), "bone", max_error_mm=0.0)
    local = local_points(made, volume)
    end = local[(np.abs(local[:, 1:] - 10.5) < 2).all(axis=1) & (local[:, 0] > 12)]
    assert end[:, 0] == pytest.approx(np.full(len(end), 14.5), abs=0.1)


def test_wrong_calls_are_refused(rod):
    """An unknown name, a negative or meaningless bound, an empty mask: each says what is wrong."""
    found = segment(rod, "bone", low_hu=300)
    with pytest.raises(UsageError, match="no structure"):
        surface(found, "heart")
    for bound in (-0.1, float("nan")):
        with pytest.raises(UsageError, match="0 mm or more"):
            surface(found, "bone", max_error_mm=bound)
    empty = Segment("it", CodedTerm("1", "SCT", "It"), MaskBox((0, 0, 0), np.zeros((2, 2, 2), bool)), Provenance("x"))
    with pytest.raises(NothingFound, match="no surface"):
        surface(Segmentation(rod, (empty,)), "it")


def test_a_cancel_is_heard_at_every_step(rod):
    """Whenever progress says stop, the error comes out and nothing is returned."""
    found = segment(rod, "bone", low_hu=300)
    calls = []
    surface(found, "bone", progress=lambda fraction, what="": calls.append(fraction))
    assert calls == sorted(calls)
    assert calls[-1] == 1.0
    for stop_at in range(len(calls)):
        heard = []

        def stop(fraction, what="", stop_at=stop_at, heard=heard):
            heard.append(fraction)
            if len(heard) > stop_at:
                raise Cancelled

        with pytest.raises(Cancelled):
            surface(found, "bone", progress=stop)


def test_the_hash_knows_mask_and_place(rod):
    """The same mask elsewhere, and another mask there, have other hashes; the same has the same."""
    base = np.zeros((3, 3, 3), bool)
    base[1, 1, 1] = True
    other = base.copy()
    other[1, 1, 2] = True
    term, made_by = CodedTerm("1", "SCT", "It"), Provenance("x")
    hashes = []
    for start, mask in (((4, 4, 4), base), ((4, 4, 4), base.copy()), ((4, 4, 5), base), ((4, 4, 4), other)):
        segmentation = Segmentation(rod, (Segment("it", term, MaskBox(start, mask), made_by),))
        hashes.append(surface(segmentation, "it").mask_sha256)
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
