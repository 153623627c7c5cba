"""Structures added, subtracted, intersected: as sets, and brick by brick; thresholds as sets of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.ranges import in_range
from arviewer.imaging.tools import TARGET, apply
from arviewer.imaging.tools.boolean import difference, intersection, union
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, BrickMask, MaskBox
from arviewer.model.volume import Volume
from tests.imaging.tools.scenes import dense, done, random_blobs
from tests.imaging.tools.test_overlap import masks, whole


@given(masks(), masks())
def test_sets_of_voxels(one: AnyMask, two: AnyMask) -> None:
    a, b = BrickMask.of(one), BrickMask.of(two)
    for made, expected in (
        (union(a, b), whole(a) | whole(b)),
        (difference(a, b), whole(a) & ~whole(b)),
        (intersection(a, b), whole(a) & whole(b)),
    ):
        assert np.array_equal(whole(made), expected)
        assert all(brick.any() for brick in made.bricks.values())
        for place, brick in made.bricks.items():
            if place in a.bricks and np.array_equal(brick, a.bricks[place]):
                assert brick is a.bricks[place]


def test_several_others_at_once(small: Callable[..., Volume]) -> None:
    volume = small()
    one, two, three = (random_blobs(volume, seed, share=0.5) for seed in (1, 2, 3))
    hand = Hand(others={"two": MaskBox((0, 0, 0), two), "three": MaskBox((0, 0, 0), three)})
    assert np.array_equal(done(volume, one, "add", hand), one | two | three)
    assert np.array_equal(done(volume, one, "subtract", hand), one & ~two & ~three)
    assert np.array_equal(done(volume, one, "intersect", hand), one & two & three)
    with pytest.raises(UsageError, match="another structure"):
        done(volume, one, "subtract")
    with pytest.raises(NothingFound, match="would be left"):
        done(volume, one, "subtract", Hand(others={"same": MaskBox((0, 0, 0), one)}))


def test_a_threshold_of_the_volume_and_of_the_structure(
    small: Callable[..., Volume], ct: Callable[..., Volume]
) -> None:
    grid = small("oblique").geometry
    values = np.random.default_rng(0).integers(-1000, 1000, grid.shape_kji).astype(np.int16)
    valid = np.ones(len(values), bool)
    valid[2] = False
    volume = ct(values, grid, slice_valid=valid, padding_value=333.0)
    structure = random_blobs(volume, 3)
    wanted = (values >= 100) & (values <= 699) & (values != 333) & valid[:, None, None]
    limits = {"low": 99.5, "high": 699.2}
    assert np.array_equal(done(volume, structure, "threshold", low=99.5, high=699.2), wanted)
    within = done(volume, structure, "threshold", low=99.5, high=699.2, within=1.0)
    assert np.array_equal(within, wanted & structure)
    empty = apply(volume, MaskBox((0, 0, 0), np.zeros((0, 0, 0), bool)), "threshold", limits).masks[TARGET]
    assert np.array_equal(dense(empty, volume), wanted)
    plane = (slice(4, 5), slice(None), slice(3, 9))
    assert np.array_equal(in_range(volume, 99.5, 699.2, plane), wanted[plane])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_limits_beyond_the_type_of_the_voxels(
    small: Callable[..., Volume], ct: Callable[..., Volume], dtype: type
) -> None:
    grid = small().geometry
    values: Any = np.random.default_rng(0).integers(0, 200, grid.shape_kji).astype(dtype)
    volume = ct(values, grid)
    for low, high in ((-1e9, 1e9), (-70000.0, 100.0), (100.5, 70000.0), (5e5, 6e5), (-6e5, -5e5), (np.inf, np.inf)):
        assert np.array_equal(in_range(volume, low, high), (values >= low) & (values <= high)), (low, high)


def test_thresholds_that_take_nothing_or_all_or_stand_on_their_head(small: Callable[..., Volume]) -> None:
    volume = small()
    nothing = np.zeros(volume.voxels.shape, bool)
    with pytest.raises(UsageError, match="wrong way round") as said:
        done(volume, nothing, "threshold", low=300.0, high=200.0)
    assert said.value.remedy
    with pytest.raises(NothingFound, match="No voxel") as none:
        done(volume, nothing, "threshold", low=300.0)
    assert "from 0 to 0" in none.value.why
    with pytest.raises(NothingFound, match="whole volume"):
        done(volume, nothing, "threshold", low=-5.0, high=5.0)
    with pytest.raises(UsageError, match="not empty"):
        done(volume, nothing, "threshold", within=1.0)


def test_no_number_is_in_no_range(small: Callable[..., Volume], ct: Callable[..., Volume]) -> None:
    grid = small().geometry
    values = np.random.default_rng(0).random(grid.shape_kji).astype(np.float32)
    values[:, 2:5] = np.nan
    volume = ct(values, grid, unit="BQML")
    found = done(volume, np.zeros(values.shape, bool), "threshold", low=0.25)
    assert np.array_equal(found, values >= 0.25)
    with pytest.raises(NothingFound, match="No voxel") as said:
        done(volume, found, "threshold", low=2.0)
    assert "nan" not in said.value.why
