"""A surface made slab by slab is the surface of the whole, triangle by triangle."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.imaging.meshing import extract, surface
from arviewer.imaging.meshing.field import field_of, slabs_of
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, Provenance, Segment, Segmentation

TERM = CodedTerm("272673000", "SCT", "Bone")


def random_segmentation(ct, geometry, dtype, share=0.4, threshold=100.0):
    """Random voxels that agree with a random mask in most places, which touches all borders and has a lost slice."""
    rng = np.random.default_rng(11)
    mask = rng.random(geometry.shape_kji) < share
    voxels = np.where(mask, 300, -200) + rng.integers(-150, 150, geometry.shape_kji)
    valid = np.ones(len(mask), dtype=bool)
    valid[9] = False
    mask[9] = False
    mask[:, :, :4] = False
    volume = ct(voxels.astype(dtype), geometry, slice_valid=valid)
    segment = Segment("it", TERM, MaskBox((0, 0, 4), mask[:, :, 4:]), Provenance("test"), threshold)
    return Segmentation(volume, (segment,))


def corners_in_order(made):
    """The triangles' corners, sorted, so that only places and sides count."""
    corners = np.round(made.points_lps[made.triangles], 4)
    first = np.lexsort(corners.reshape(-1, 3).T).argsort().reshape(-1, 3).argmin(axis=1)
    turned = np.take_along_axis(corners, ((first[:, None] + np.arange(3)) % 3)[:, :, None], axis=1).reshape(-1, 9)
    return turned[np.lexsort(turned.T)]


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("slab_slices", [1, 2, 3, 7])
@pytest.mark.parametrize("max_error_mm", [0.0, 0.3])
def test_slabs_make_the_surface_of_the_whole(ct, grid, monkeypatch, dtype, slab_slices, max_error_mm):
    """However thin the slabs, triangles, caps and stated figures are those of the whole; lost slices included."""
    found = random_segmentation(ct, grid("oblique", 7.0), dtype)
    whole = surface(found, "it", max_error_mm)
    area = found["it"].mask.voxels[0].size
    monkeypatch.setattr(extract, "slabs_of", lambda *given: slabs_of(*given, slab_voxels=slab_slices * area))
    made = surface(found, "it", max_error_mm)
    assert len(extract.slabs_of(found.volume, found["it"], (0, 9))) >= 8 // slab_slices
    assert made.closed
    assert whole.closed
    assert made.points_lps.shape == whole.points_lps.shape
    assert made.triangles.shape == whole.triangles.shape
    if max_error_mm == 0:
        assert np.allclose(corners_in_order(made), corners_in_order(whole), atol=2e-4)
    assert made.capped_mm2 == pytest.approx(whole.capped_mm2, rel=1e-4)
    assert made.grey_share == pytest.approx(whole.grey_share, rel=1e-4)
    assert made.volume_ml == pytest.approx(whole.volume_ml, rel=1e-4)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("threshold", [100.0, None])
def test_a_slab_has_the_values_of_the_whole(ct, grid, dtype, threshold):
    """The field of a slab is the same stretch of the field of the whole, also where it follows the mask."""
    found = random_segmentation(ct, grid("straight", 7.0), dtype, threshold=threshold)
    volume, segment = found.volume, found["it"]
    block = (10, len(volume.voxels))
    whole = field_of(volume, segment, block)
    follows = np.zeros(whole.values.shape, dtype=bool)
    follows.reshape(-1)[whole.from_mask] = True
    slabs = slabs_of(volume, segment, block, slab_voxels=2 * segment.mask.voxels[0].size)
    assert len(slabs) > 2
    for slab in slabs:
        part = field_of(volume, segment, block, slab)
        first = part.start_kji[0] - whole.start_kji[0]
        stretch = slice(first, first + len(part.values))
        assert part.start_kji[1:] == whole.start_kji[1:]
        assert np.array_equal(part.values, whole.values[stretch])
        here = np.zeros(part.values.shape, dtype=bool)
        here.reshape(-1)[part.from_mask] = True
        assert np.array_equal(here, follows[stretch])
