"""What is doubtful about a structure, counted on bodies of which it is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arviewer.imaging.recipes.checks import check
from arviewer.imaging.recipes.scan import mask_box
from arviewer.model.findings import FindingKind, Severity
from arviewer.model.masks import BrickMask
from tests.imaging.recipes.judging import lps_of, turned_grid

SPACING = (0.8, 1.0, 1.1)


@pytest.fixture(scope="module")
def radius_mm():
    """Distance of each voxel from (3, -4, 2), and the grid, which is turned."""
    geometry = turned_grid((34.0, 36.0, 33.0), SPACING, angle_deg=21.0)
    kji = np.moveaxis(np.indices(geometry.shape_kji), 0, -1)
    lps = kji[..., ::-1] @ geometry.lps_from_ijk.matrix[:3, :3].T + geometry.lps_from_ijk.matrix[:3, 3]
    return np.linalg.norm(lps - np.array([3.0, -4.0, 2.0]), axis=-1), lps, geometry


def ball(radius, width_mm):
    """A ball of 400 HU and radius 16 mm in 0 HU, whose edge is a ramp of that width."""
    return np.clip(200.0 - (radius - 16.0) * 400.0 / width_mm, 0.0, 400.0)


def found(volume, mask, threshold=200.0, above=True, **changes):
    """The findings by kind."""
    made = check(replace(volume, **changes), mask, threshold, above, "it")
    assert len({f.kind for f in made}) == len(made)
    assert all(f.details["name"] == "it" for f in made)
    return {f.kind: f for f in made}


def test_the_volume_at_other_thresholds_is_foretold(ct, radius_mm):
    """What counting again at 180 and 220 HU says, to half a percent point; the places lie on the edge."""
    radius, _lps, geometry = radius_mm
    volume = ct(np.rint(ball(radius, 6.0)).astype(np.int16), geometry)
    counts = [int((volume.voxels >= t).sum()) for t in (180, 200, 220)]
    finding = found(volume, mask_box(volume.voxels >= 200))[FindingKind.THRESHOLD_SENSITIVE]
    assert finding.severity is Severity.NOTE
    assert finding.details["lower_percent"] == pytest.approx(100 * (counts[0] / counts[1] - 1), abs=0.5)
    assert finding.details["higher_percent"] == pytest.approx(100 * (counts[2] / counts[1] - 1), abs=0.5)
    assert finding.places_lps
    for place in finding.places_lps:
        assert np.linalg.norm(np.array(place) - (3.0, -4.0, 2.0)) == pytest.approx(16.0, abs=2.0)


def test_what_is_darker_than_its_threshold_is_judged_the_same(ct, radius_mm):
    """A negative of the ball: lower and higher change places."""
    radius, _lps, geometry = radius_mm
    bright = np.rint(ball(radius, 6.0)).astype(np.int16)
    dark = (400 - bright).astype(np.int16)
    above = found(ct(bright, geometry), mask_box(bright >= 200))[FindingKind.THRESHOLD_SENSITIVE].details
    below = found(ct(dark, geometry), mask_box(dark <= 200), 200.0, False)[FindingKind.THRESHOLD_SENSITIVE].details
    assert below["lower_percent"] == pytest.approx(above["higher_percent"], abs=0.2)
    assert below["higher_percent"] == pytest.approx(above["lower_percent"], abs=0.2)


def test_a_blurred_edge_is_a_warning(ct, radius_mm):
    """A ramp of 30 mm: 10 % of the threshold is more than 10 % of the volume."""
    radius, _lps, geometry = radius_mm
    volume = ct(np.rint(ball(radius, 30.0)).astype(np.int16), geometry)
    finding = found(volume, mask_box(volume.voxels >= 200))[FindingKind.THRESHOLD_SENSITIVE]
    assert finding.severity is Severity.WARNING
    assert finding.details["lower_percent"] > 10.0


def test_a_faint_boundary_is_found_where_it_is(ct, radius_mm):
    """A neighbour of 190 HU lies on the ball at its head end: that cap is faint, and nothing else."""
    radius, lps, geometry = radius_mm
    sharp = np.rint(ball(radius, 0.1)).astype(np.int16)
    assert FindingKind.LEAK_RISK not in found(ct(sharp, geometry), mask_box(sharp >= 200))
    beside = sharp.copy()
    beside[(sharp < 200) & (lps[..., 2] > 10.0)] = 190
    volume = ct(beside, geometry)
    finding = found(volume, mask_box(volume.voxels >= 200))[FindingKind.LEAK_RISK]
    cap_mm2 = 2 * np.pi * 16.0 * (16.0 - 8.0)  # the cap above z = 10
    assert finding.severity is Severity.WARNING
    assert 0.9 * cap_mm2 <= finding.details["area_mm2"] <= 1.6 * cap_mm2  # faces of voxels are stairs
    assert all(z > 8.0 for _x, _y, z in finding.places_lps)


def test_thin_parts_are_told_from_edges(ct, radius_mm):
    """A plate two voxels thick on a block: the plate is thin, the block's edges and corners are not."""
    _radius, _lps, geometry = radius_mm
    mask = np.zeros(geometry.shape_kji, np.bool_)
    mask[10:30, 10:30, 10:30] = True
    assert FindingKind.THIN not in found(ct(mask * np.int16(400), geometry), mask_box(mask))
    mask[18:20, 12:28, 30:60] = True
    finding = found(ct(mask * np.int16(400), geometry), mask_box(mask))[FindingKind.THIN]
    plate = 2 * 16 * 30
    assert finding.details["share_percent"] == pytest.approx(100 * plate / (20**3 + plate), abs=1.0)
    assert finding.details["thickness_mm"] == pytest.approx(2.2)
    assert finding.severity is Severity.WARNING
    corners = [lps_of(ct(mask * np.int16(400), geometry), at) for at in ((18, 12, 30), (20, 28, 60))]
    middle = np.mean(corners, axis=0)
    assert max(np.linalg.norm(np.array(place) - middle) for place in finding.places_lps) < 16.0


def test_thick_slices_say_nothing_about_thinness_across(ct):
    """One slice of 5 mm is no thin plate; a wall of two pixels within slices is thin."""
    geometry = turned_grid((40.0, 40.0, 40.0), (1.0, 1.0, 5.0))
    mask = np.zeros(geometry.shape_kji, np.bool_)
    mask[8, 20:60, 20:60] = True
    assert found(ct(mask * np.int16(400), geometry), mask_box(mask), threshold=None) == {}
    mask[:, 5:60, 10:12] = True
    assert FindingKind.THIN in found(ct(mask * np.int16(400), geometry), mask_box(mask), threshold=None)


def test_slabs_and_the_border_of_the_volume_change_nothing(ct, radius_mm, monkeypatch):
    """The same findings whether looked at at once or a few slices at a time; a mask as bricks; cut by the border."""
    radius, _lps, geometry = radius_mm
    volume = ct(np.rint(ball(radius, 6.0)).astype(np.int16), geometry, 12.0)
    mask = mask_box(volume.voxels >= 200)
    at_once = found(volume, mask)
    monkeypatch.setattr("arviewer.imaging.recipes.checks.SLAB_VOXELS", 1)
    in_slabs = found(volume, BrickMask.of(mask))
    assert {k: f.details for k, f in at_once.items()} == {k: f.details for k, f in in_slabs.items()}
    whole = np.ones(geometry.shape_kji, np.bool_)
    assert FindingKind.THIN not in found(volume, mask_box(whole))
