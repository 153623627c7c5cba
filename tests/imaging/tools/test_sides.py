"""Left is the patient's left, on every grid; the cut goes through the neck; the middle where there is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arviewer.errors import NothingFound
from arviewer.imaging.tools import TARGET, apply, sides
from arviewer.model.findings import Finding, FindingKind
from arviewer.model.masks import MaskBox
from arviewer.model.volume import Volume, VolumeGeometry
from tests.imaging.tools.scenes import centres_lps, dense

MIDDLE = np.array([3.0, -5.0, 7.0])


@pytest.fixture
def volume(kind: str, grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume]) -> Volume:
    geometry = grid(kind, half_mm=16.0, spacing_mm=(0.8, 0.9, 1.4), center=MIDDLE)
    return ct(np.zeros(geometry.shape_kji, np.int16), geometry)


def halves(volume: Volume, gap_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """A larger ball on the left (+x), a smaller one, lower, on the right."""
    points = centres_lps(volume) - MIDDLE
    left = np.linalg.norm(points - (7.0 + gap_mm, 0.0, 1.0), axis=-1) <= 7.0
    right = np.linalg.norm(points - (-5.5 - gap_mm, 1.0, -2.0), axis=-1) <= 5.5
    return left, right


def split(volume: Volume, voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[Finding, ...]]:
    applied = apply(volume, MaskBox((0, 0, 0), voxels), "split-left-right", {})
    assert set(applied.masks) == {"left", "right"}
    assert TARGET not in applied.masks
    return dense(applied.masks["left"], volume), dense(applied.masks["right"], volume), applied.findings


def test_two_pieces_and_their_crumbs(volume: Volume) -> None:
    left, right = halves(volume, 1.5)
    points = centres_lps(volume) - MIDDLE
    crumbs = [np.linalg.norm(points - (x, -9.0, 5.0), axis=-1) <= 1.5 for x in (6.0, -6.0)]
    made = split(volume, left | right | crumbs[0] | crumbs[1])
    assert np.array_equal(made[0], left | crumbs[0])
    assert np.array_equal(made[1], right | crumbs[1])
    assert made[2] == ()


def test_halves_that_touch_are_cut_at_the_neck(volume: Volume) -> None:
    """The neck is not in the middle of the whole: a cut there would take a part of the larger half."""
    wrong, place = cut_of_touching(volume)
    assert wrong < 0.005
    assert np.linalg.norm(place - MIDDLE) < 3.5


def test_large_structures_are_cut_coarsely(
    kind: str, grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On every second voxel: the border may lie a voxel off, no more."""
    geometry = grid(kind, half_mm=16.0, spacing_mm=(0.4, 0.45, 0.7), center=MIDDLE)
    monkeypatch.setattr(sides, "COARSE_VOXELS", 120_000)
    wrong, place = cut_of_touching(ct(np.zeros(geometry.shape_kji, np.int16), geometry))
    assert wrong < 0.01
    assert np.linalg.norm(place - MIDDLE) < 3.5


def cut_of_touching(volume: Volume) -> tuple[float, np.ndarray]:
    """Split halves that touch; return the share of voxels on the wrong side, and where the doubtful border is."""
    left, right = halves(volume, -1.0)
    assert (left & right).any()
    one, two, findings = split(volume, left | right)
    assert np.array_equal(one | two, left | right)
    assert not (one & two).any()
    (finding,) = findings
    assert finding.kind is FindingKind.TOUCHING
    wrong = (one & right & ~left).sum() + (two & left & ~right).sum()
    return float(wrong / (left | right).sum()), np.array(finding.places_lps[0])


def test_without_a_neck_it_is_cut_in_the_middle(volume: Volume) -> None:
    points = centres_lps(volume) - MIDDLE
    rod = (np.abs(points[..., 0] - 1.0) <= 11.0) & (np.hypot(points[..., 1], points[..., 2]) <= 4.0)
    one, two, findings = split(volume, rod)
    assert np.array_equal(one | two, rod)
    assert points[one][:, 0].min() > points[two][:, 0].max() - 1e-3
    assert abs(points[one][:, 0].min() - 1.0) < 1.0
    assert len(findings) == 1


def test_vertebrae_above_each_other_are_no_left_and_right(volume: Volume) -> None:
    """Two pieces, but neither lies on a side: cut in the middle, each of them."""
    points = centres_lps(volume) - MIDDLE
    upper = np.linalg.norm(points - (0.0, 0.0, 6.0), axis=-1) <= 5.0
    lower = np.linalg.norm(points - (0.0, 0.0, -6.0), axis=-1) <= 5.0
    one, two, _findings = split(volume, upper | lower)
    for made in (one, two):
        assert 0.4 < (made & upper).sum() / upper.sum() < 0.6
        assert 0.4 < (made & lower).sum() / lower.sum() < 0.6
    assert points[one][:, 0].mean() > points[two][:, 0].mean() + 3.0


def test_one_voxel_cannot_be_split(volume: Volume) -> None:
    voxels = np.zeros(volume.geometry.shape_kji, bool)
    voxels[5, 5, 5] = True
    with pytest.raises(NothingFound, match="left and right"):
        split(volume, voxels)


def test_left_is_not_the_end_of_the_rows(grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume]) -> None:
    """On an oblique grid the piece at higher columns may be the right one."""
    geometry = grid("oblique", half_mm=16.0, spacing_mm=(0.8, 0.9, 1.4), center=MIDDLE)
    volume = ct(np.zeros(geometry.shape_kji, np.int16), geometry)
    points = centres_lps(volume) - MIDDLE
    left = np.linalg.norm(points - (3.0, -10.0, 0.0), axis=-1) <= 2.8
    right = np.linalg.norm(points - (-3.0, 10.0, 0.0), axis=-1) <= 2.8
    assert np.argwhere(left)[:, 2].mean() < np.argwhere(right)[:, 2].mean()
    made = split(volume, left | right)
    assert np.array_equal(made[0], left)
    assert np.array_equal(made[1], right)
