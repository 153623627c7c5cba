"""Masks as bricks: the same set of voxels as dense ones, at the cost of the bricks that an edit touches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arviewer.model.masks import BRICK, BrickMask, MaskBox, cropped

Triple = tuple[int, int, int]


def a_mask(shape: Triple, seed: int, share: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


triples = st.tuples(*[st.integers(0, 70)] * 3)
sizes = st.tuples(*[st.integers(1, 70)] * 3)


@settings(max_examples=25, deadline=None)
@given(triples, sizes, triples, sizes, st.integers(0, 1000))
def test_bricks_hold_what_was_put_into_them(start: Triple, size: Triple, at: Triple, part: Triple, seed: int) -> None:
    """Two boxes put one after the other, anywhere: the dense view is as if an array had been written."""
    truth = np.zeros((150, 150, 150), dtype=bool)
    first, second = a_mask(size, seed), a_mask(part, seed + 1)
    truth[MaskBox(start, first).slices] = first
    truth[MaskBox(at, second).slices] = second

    found = BrickMask.of(MaskBox(start, first)).with_box(at, second)

    assert np.array_equal(found.within((0, 0, 0), truth.shape), truth)
    box = found.box()
    assert np.array_equal(truth[box.slices], box.voxels)
    assert box.voxels.sum() == truth.sum()
    assert found.sha256() == MaskBox((0, 0, 0), truth).sha256()


def test_an_edit_shares_every_brick_it_does_not_touch() -> None:
    """A stroke within one brick costs one brick; undo is the old mask."""
    before = BrickMask.of(MaskBox((0, 0, 0), a_mask((100, 120, 130), 1)))

    after = before.with_box((40, 40, 40), np.ones((8, 9, 10), dtype=bool))

    assert after.touched(before) == 1
    assert after.bricks[1, 1, 1] is not before.bricks[1, 1, 1]
    assert not before.bricks[1, 1, 1].flags.writeable


def test_full_and_empty_bricks_cost_nothing() -> None:
    """All full bricks are one array; empty ones are absent."""
    mask = BrickMask.of(MaskBox((0, 0, 0), np.ones((BRICK * 2,) * 3, dtype=bool)))
    assert len({id(brick) for brick in mask.bricks.values()}) == 1

    assert not mask.with_box((0, 0, 0), np.zeros((BRICK * 2,) * 3, dtype=bool)).bricks


def test_writing_what_is_there_changes_nothing() -> None:
    """Bricks that would not change stay the same objects."""
    mask = BrickMask.of(MaskBox((3, 4, 5), a_mask((50, 50, 50), 2)))
    again = mask.with_box((3, 4, 5), mask.within((3, 4, 5), (50, 50, 50)))
    assert again.touched(mask) == 0


@pytest.mark.hazard("H25")
def test_the_hash_is_of_the_voxels_and_their_place() -> None:
    """Moved by one voxel, or one voxel more: another hash. Another cut of the same set: the same."""
    voxels = a_mask((6, 7, 8), 3)
    voxels[0, 0, 0] = voxels[-1, -1, -1] = True
    told = MaskBox((1, 2, 3), voxels).sha256()

    padded = np.pad(voxels, ((1, 2), (0, 1), (3, 0)))
    more = voxels.copy()
    more[2, 2, 2] ^= True

    assert MaskBox((0, 2, 0), padded).sha256() == told
    assert MaskBox((1, 2, 4), voxels).sha256() != told
    assert MaskBox((1, 2, 3), more).sha256() != told


def test_an_empty_mask_is_an_empty_box() -> None:
    """Nothing set: nothing held, and still a mask."""
    empty = BrickMask.of(cropped(np.zeros((4, 4, 4), dtype=bool)))
    assert empty.box().voxels.size == 0
    assert empty.within((0, 0, 0), (2, 2, 2)).sum() == 0
