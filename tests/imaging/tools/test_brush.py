"""The brush against its definition: voxel centres within its radius of the path, in mm, on every grid."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arviewer.errors import UsageError
from arviewer.imaging.tools import TARGET, apply
from arviewer.model.geometry import Affine
from arviewer.model.intent import Hand
from arviewer.model.masks import BRICK, BrickMask, MaskBox
from arviewer.model.study import Patient, Series
from arviewer.model.volume import Volume, VolumeGeometry
from tests.imaging.tools.scenes import at, centres_lps, done, random_blobs

PATH = np.array([[-2.0, -7.0, 4.0], [6.0, -3.5, 8.5], [5.0, -1.0, 12.0]])


def distance_mm(points: np.ndarray, path: np.ndarray) -> np.ndarray:
    """From each point to the nearest of very many points of the path: as slow and plain as can be."""
    many = np.concatenate([a + np.linspace(0, 1, 400)[:, None] * (b - a) for a, b in itertools.pairwise(path)])
    return np.asarray(np.min([np.linalg.norm(points - p, axis=-1) for p in many], axis=0))


def test_a_ball_paints_all_within_its_radius_of_the_path(small: Callable[..., Volume], kind: str) -> None:
    volume = small(kind)
    far = distance_mm(centres_lps(volume), PATH)
    painted = done(volume, np.zeros(far.shape, bool), "paint", Hand(PATH), radius_mm=2.5)
    assert painted[far < 2.5 - 0.001].all()
    assert not painted[far > 2.5].any()
    assert 300 < painted.sum() < painted.size / 4


def test_erasing_takes_what_painting_would_add(small: Callable[..., Volume], kind: str) -> None:
    volume = small(kind)
    before = random_blobs(volume, 3)
    painted = done(volume, before, "paint", Hand(PATH), radius_mm=2.5)
    erased = done(volume, before, "erase", Hand(PATH), radius_mm=2.5)
    brush = done(volume, np.zeros_like(before), "paint", Hand(PATH), radius_mm=2.5)
    assert np.array_equal(painted, before | brush)
    assert np.array_equal(erased, before & ~brush)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_disc_on_a_slice_paints_that_slice_only(small: Callable[..., Volume], kind: str, axis: int) -> None:
    """Along each axis of the grid, and as far as a disc reaches."""
    volume = small(kind)
    middle = np.array(volume.geometry.shape_kji) // 2
    axes = volume.geometry.lps_from_ijk.matrix[:3, :3].T[::-1]  # of k, j, i
    normal = np.cross(*(axes[n] for n in range(3) if n != axis))
    there = at(volume, *middle)
    painted = done(volume, np.zeros(volume.geometry.shape_kji, bool), "paint", Hand(there, normal), radius_mm=4.0)
    far = np.linalg.norm(centres_lps(volume) - there, axis=-1)
    in_slice = np.indices(painted.shape)[axis] == middle[axis]
    assert np.array_equal(painted, in_slice & (far <= 4.0))
    assert painted.sum() > 15


@given(st.integers(0, 10_000))
def test_a_slice_at_any_angle_has_no_gap_and_no_double(seed: int) -> None:
    """A disc meets each line of voxels along the axis that its normal follows most exactly once."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    spacing, normal = rng.uniform(0.5, 3.0, 3), rng.normal(size=3)
    matrix = np.eye(4)
    matrix[:3, :3] = turn * spacing
    matrix[:3, 3] = -matrix[:3, :3] @ (10.0, 10.0, 10.0)
    volume = bare((21, 21, 21), matrix)
    painted = done(
        volume, np.zeros((21, 21, 21), bool), "paint", Hand(rng.uniform(-1, 1, (1, 3)), normal), radius_mm=2.0
    )
    main = int(np.abs(normal @ matrix[:3, :3]).argmax())
    assert painted.sum(axis=2 - main).max() <= 1


def test_only_values_within_the_limits_are_painted(small: Callable[..., Volume], ct: Callable[..., Volume]) -> None:
    volume = small("oblique")
    values = np.arange(volume.voxels.size, dtype=np.int16).reshape(volume.voxels.shape) % 100
    volume = ct(values, volume.geometry)
    nothing = np.zeros(values.shape, bool)
    whole = done(volume, nothing, "paint", Hand(PATH), radius_mm=3.0)
    some = done(volume, nothing, "paint", Hand(PATH), radius_mm=3.0, low=20.0, high=40.5)
    assert np.array_equal(some, whole & (values >= 20) & (values <= 40))
    with pytest.raises(UsageError, match="wrong way round"):
        done(volume, nothing, "paint", Hand(PATH), low=41.0, high=40.0)


def test_lost_slices_are_not_painted_and_borders_cut_the_brush(small: Callable[..., Volume]) -> None:
    volume = small("oblique")
    valid = np.ones(len(volume.voxels), bool)
    valid[3] = False
    holed = small("oblique", slice_valid=valid)
    corner = at(volume, 0, 0, 0)
    nothing = np.zeros(volume.voxels.shape, bool)
    painted = done(holed, nothing, "paint", Hand(corner), radius_mm=9.0)
    far = np.linalg.norm(centres_lps(volume) - corner, axis=-1)
    assert np.array_equal(painted, (far <= 9.0) & valid[:, None, None])
    with pytest.raises(UsageError, match="no voxel"):
        done(volume, nothing, "paint", Hand(np.array([[900.0, 0.0, 0.0]])), radius_mm=5.0)
    with pytest.raises(UsageError, match="no voxel"):
        done(holed, nothing, "paint", Hand(at(volume, 3, 5, 5)), radius_mm=0.5)


def test_one_slice_and_flat_voxels_are_painted_too() -> None:
    flat = bare((1, 40, 40), np.diag([0.5, 0.5, 5.0, 1.0]))
    disc = done(
        flat, np.zeros((1, 40, 40), bool), "paint", Hand(at(flat, 0, 20, 20), np.array([0, 0, 1.0])), radius_mm=3
    )
    assert 100 < disc.sum() < 130
    steep = bare((9, 40, 40), np.diag([0.5, 0.5, 5.0, 1.0]))
    ball = done(steep, np.zeros((9, 40, 40), bool), "paint", Hand(at(steep, 4, 20, 20)), radius_mm=3.0)
    assert ball.any(axis=(1, 2)).tolist() == [n == 4 for n in range(9)]
    with pytest.raises(UsageError, match="no voxel"):
        done(steep, np.zeros((9, 40, 40), bool), "paint", Hand(at(steep, 4.5, 20, 20)), radius_mm=1.0)


def bare(shape: tuple[int, int, int], matrix: Any, **changes: Any) -> Volume:
    """An empty CT on any grid."""
    series = Series("1.2.3.4", "1.2.3", "1.2", Patient(), 1, "CT", "x")
    geometry = VolumeGeometry(shape, Affine(matrix, "1.2", "grid"))
    return Volume(np.zeros(shape, np.int16), geometry, series, "HU", np.ones(shape[0], bool), **changes)


def test_a_stroke_costs_the_bricks_it_touches() -> None:
    """In a CT of 512 × 512 × 400: one movement of a brush of 10 mm; all other bricks are the very same objects."""
    volume = bare((400, 512, 512), np.diag([0.7, 0.8, 1.25, 1.0]))
    checkered = (np.indices((360, 300, 300), dtype=np.uint16).sum(axis=0) % 3 == 0)[:, :, :]
    before = BrickMask.of(MaskBox((20, 100, 100), checkered))
    hand = Hand(at(volume, 200, 250, 250) + np.array([[0.0, 0, 0], [4.0, 3.0, 0.0]]))
    after = apply(volume, before, "paint", {"radius_mm": 10.0, "low": -2000.0}, hand).masks[TARGET]
    assert isinstance(after, BrickMask)
    reach = (np.array([2 * 10 / 1.25, (2 * 10 + 3) / 0.8, (2 * 10 + 4) / 0.7]) / BRICK + 2).astype(int)
    assert 0 < after.touched(before) <= reach.prod()
    assert len(before.bricks) > 900
