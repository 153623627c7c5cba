"""Every feature of a surface is where the patient has it: side, size and place, on every grid."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.imaging.meshing import surface
from arviewer.imaging.phantoms.simple import chiral
from arviewer.imaging.recipes import segment

CENTER = (31.0, -17.0, -54.0)


@pytest.fixture(scope="module", params=["straight", "oblique", "sheared", "flipped"])
def made(request, grid, scanned):
    """The chiral phantom, off-centre, as one surface of its four pieces."""
    spacing = (0.9, 1.1, 1.4)
    volume = scanned(chiral(CENTER), grid(request.param, 46.0, spacing, CENTER), noise_hu=15.0)
    return surface(segment(volume, "bone", low_hu=-250.0, min_island_ml=0.02), "bone"), spacing


def piece_round(made, center, reach_mm):
    """The vertices within reach of a place."""
    return made.points_lps[np.linalg.norm(made.points_lps - np.asarray(center), axis=1) < reach_mm]


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("name", ["left", "anterior", "head"])
def test_each_marker_is_on_its_side(made, name):
    """The middle of each marker ball's surface is within a tenth of a voxel of where the patient has it."""
    result, spacing = made
    truth = chiral(CENTER).parts[name].centroid_lps
    ball = piece_round(result, truth, 7.0)
    assert len(ball) > 50
    assert np.abs(ball.mean(axis=0) - truth).max() <= 0.1 * max(spacing)


@pytest.mark.hazard("H02")
def test_the_body_is_not_mirrored(made):
    """The arms reach as far to left, front and head as they should, and nothing reaches to the other sides."""
    result, _ = made
    low, high = (bound - np.asarray(CENTER) for bound in result.bounds_lps)
    assert high == pytest.approx([44.0, 5.0, 30.0], abs=0.5)
    assert low == pytest.approx([-5.0, -37.0, -5.0], abs=0.5)
    assert result.volume_ml > 0


def test_volume_is_the_sum_of_the_parts(made):
    """The surface encloses what the phantom holds."""
    result, _ = made
    assert result.volume_ml == pytest.approx(chiral(CENTER).volume_mm3 / 1000.0, rel=0.04)
