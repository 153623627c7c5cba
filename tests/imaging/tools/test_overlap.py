"""The rules of overlap, whatever the masks: only voxels that were gained count."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arviewer.imaging.tools.overlap import Overlap, resolve
from arviewer.imaging.tools.tool import TARGET
from arviewer.model.masks import BRICK, AnyMask, BrickMask, MaskBox

SHAPE = (34, 5, 66)


@st.composite
def masks(draw: st.DrawFn) -> AnyMask:
    """Clumps that cross bricks, some empty, some full, as boxes or as bricks."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    voxels = np.zeros(SHAPE, bool)
    for _ in range(draw(st.integers(0, 3))):
        a, b = np.sort(rng.integers(0, np.array(SHAPE) + 1, (2, 3)), axis=0)
        voxels[a[0] : b[0], a[1] : b[1], a[2] : b[2]] = True
    box = MaskBox((0, 0, 0), voxels)
    return BrickMask.of(box) if draw(st.booleans()) else box


def whole(mask: AnyMask) -> np.ndarray:
    return mask.within((0, 0, 0), SHAPE)


@given(masks(), masks(), masks(), masks())
def test_gained_voxels_follow_the_rule_and_no_other_moves(
    before: AnyMask, after: AnyMask, one: AnyMask, two: AnyMask
) -> None:
    others = {"one": one, "two": two}
    gained = whole(after) & ~whole(before)
    for rule in Overlap:
        result = resolve(before, after, others, rule)
        got = {name: whole(result.get(name, mask)) for name, mask in others.items()}
        target = whole(result[TARGET])
        if rule is Overlap.PROTECT:
            assert np.array_equal(target, whole(after) & ~(gained & (whole(one) | whole(two))))
        else:
            assert np.array_equal(target, whole(after))
        for name, mask in others.items():
            taken = gained if rule is Overlap.OVERWRITE else np.zeros(SHAPE, bool)
            assert np.array_equal(got[name], whole(mask) & ~taken)


@given(masks(), masks(), masks())
def test_only_bricks_with_a_gained_voxel_are_copied(before: AnyMask, after: AnyMask, other: AnyMask) -> None:
    before, after, other = BrickMask.of(before), BrickMask.of(after), BrickMask.of(other)
    gained = whole(after) & ~whole(before)
    hit = gained & whole(other)
    places = {tuple(place) for place in (np.argwhere(hit) // BRICK).tolist()}
    less = resolve(before, after, {"other": other}, Overlap.OVERWRITE).get("other", other)
    kept = resolve(before, after, {"other": other}, Overlap.PROTECT)[TARGET]
    for was, now in ((other, less), (after, kept)):
        assert {place for place, brick in was.bricks.items() if now.bricks.get(place) is not brick} == places
        assert all(brick.any() for brick in now.bricks.values())
