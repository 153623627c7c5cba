"""Surfaces near the limit of memory: the caller lives, whatever becomes of them."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.errors import TooLarge
from arviewer.imaging.meshing import extract, guarded, surface
from arviewer.imaging.phantoms.simple import sphere
from arviewer.imaging.recipes import segment
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, Provenance, Segment, Segmentation


@pytest.fixture
def bone(scanned, grid):
    """A ball as bone, oblique."""
    return segment(scanned(sphere(radius_mm=12.0), grid("oblique", 16.0)), "bone", low_hu=-200)


@pytest.fixture
def gravel(ct, grid):
    """Noise: as many faces as voxels."""
    geometry = grid("straight", 60.0)
    voxels = np.random.default_rng(1).integers(-1000, 1000, geometry.shape_kji).astype(np.int16)
    mask = MaskBox((0, 0, 0), voxels > 0)
    term = CodedTerm("1", "SCT", "Gravel")
    return Segmentation(ct(voxels, geometry), (Segment("gravel", term, mask, Provenance("x"), threshold=0.5),))


def test_the_need_is_estimated_from_the_boundary():
    """A solid block has few faces for its voxels; a checkerboard has as many as there can be."""
    block = MaskBox((0, 0, 0), np.ones((20, 30, 40), bool))
    board = MaskBox((0, 0, 0), np.indices((20, 30, 40)).sum(axis=0) % 2 == 0)
    faces = 2 * (20 * 30 + 30 * 40 + 20 * 40)
    assert guarded.needed_bytes(block, 0) <= faces * guarded.BYTES_PER_FACE
    assert guarded.needed_bytes(board, 0) > 0.9 * board.voxels.size * 3 * guarded.BYTES_PER_FACE
    assert guarded.needed_bytes(block, 1e12) == block.voxels.size * 3 * guarded.BYTES_PER_FACE


def test_near_the_limit_another_process_makes_the_same_surface(bone, monkeypatch):
    """Same points, same triangles, same error."""
    need = guarded.needed_bytes(bone["bone"].mask, 0)
    monkeypatch.setattr(guarded, "available_bytes", lambda: need + guarded.SPARE_BYTES + guarded.LIBRARIES_BYTES)
    monkeypatch.setattr(guarded, "NEAR_SHARE", 0.0)
    there, here = surface(bone, "bone"), extract.surface(bone, "bone")
    np.testing.assert_array_equal(there.points_lps, here.points_lps)
    np.testing.assert_array_equal(there.triangles, here.triangles)
    assert there.error_mm == here.error_mm


def test_what_does_not_fit_is_said_with_numbers(bone, monkeypatch):
    """Before anything is made."""
    monkeypatch.setattr(guarded, "available_bytes", lambda: 1 << 20)
    with pytest.raises(TooLarge, match="1 MiB are free"):
        surface(bone, "bone")


@pytest.mark.hazard("H22")
def test_a_mesher_that_gets_no_memory_costs_its_process_only(gravel, monkeypatch):
    """VTK aborts there; here it is an error with a remedy."""
    free = guarded.SPARE_BYTES + guarded.LIBRARIES_BYTES + (100 << 20)
    monkeypatch.setattr(guarded, "available_bytes", lambda: free)
    monkeypatch.setattr(guarded, "needed_bytes", lambda mask, enough: 100 << 20)
    monkeypatch.setattr(guarded, "NEAR_SHARE", 0.0)
    with pytest.raises(TooLarge, match="does not fit into memory") as refusal:
        surface(gravel, "gravel")
    assert "SIG" in refusal.value.why or "memory" in refusal.value.why
