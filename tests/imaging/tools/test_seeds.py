"""Structures that spread until they meet: at an edge of the values, at a neck, by random walks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arviewer.errors import NothingFound, TooLarge, UsageError
from arviewer.imaging.tools import TARGET, apply, seeds
from arviewer.model.intent import Hand
from arviewer.model.masks import MaskBox
from arviewer.model.volume import Volume, VolumeGeometry
from tests.imaging.tools.scenes import centres_lps, dense

MIDDLE = np.array([3.0, -5.0, 7.0])


@pytest.fixture
def organs(grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume]) -> Callable[..., Volume]:
    """Two halves of a ball, a little brighter on one side of an oblique plane."""

    def make(kind: str, step_hu: int = 60) -> Volume:
        geometry = grid(kind, half_mm=11.0, spacing_mm=(0.8, 0.9, 1.4), center=MIDDLE)
        empty = ct(np.zeros(geometry.shape_kji, np.int16), geometry)
        ball, brighter = parts(empty)
        return ct(np.where(ball, 50 + step_hu * brighter, -800).astype(np.int16), geometry, noise_hu=8.0)

    return make


def parts(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    points = centres_lps(volume) - MIDDLE
    return np.linalg.norm(points, axis=-1) <= 9.5, points @ (0.6, 0.64, 0.48) > 1.5


def painted(volume: Volume, offset: tuple[float, float, float]) -> MaskBox:
    near = np.linalg.norm(centres_lps(volume) - MIDDLE - offset, axis=-1) <= 1.8
    return MaskBox((0, 0, 0), near)


@pytest.mark.parametrize("tool", ["watershed", "random-walker"])
def test_they_meet_where_the_values_change(organs: Callable[..., Volume], kind: str, tool: str) -> None:
    volume = organs(kind)
    ball, brighter = parts(volume)
    one, two = painted(volume, (-3.0, -3.0, -2.0)), painted(volume, (4.0, 3.5, 3.0))
    applied = apply(volume, one, tool, {"low": -200.0, "margin_mm": 12.0}, Hand(others={"two": two}))
    first, second = dense(applied.masks[TARGET], volume), dense(applied.masks["two"], volume)
    assert not (first & second).any()
    assert np.array_equal(first | second, ball)
    for made, truth in ((first, ball & ~brighter), (second, ball & brighter)):
        assert 2 * (made & truth).sum() / (made.sum() + truth.sum()) > 0.95


def test_they_meet_at_a_neck_of_the_shape(grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume]) -> None:
    geometry = grid("oblique", half_mm=17.0, spacing_mm=(0.7, 0.8, 3.1), center=MIDDLE)
    points = centres_lps(ct(np.zeros(geometry.shape_kji, np.int16), geometry)) - MIDDLE
    left = np.linalg.norm(points - (6.5, 0, 0), axis=-1) <= 8.0
    right = np.linalg.norm(points - (-6.5, 0, 0), axis=-1) <= 8.0
    volume = ct(np.where(left | right, 100, -100).astype(np.int16), geometry)
    applied = apply(
        volume,
        painted(volume, (9.0, 1.0, 0.0)),
        "watershed",
        {"low": 0.0, "margin_mm": 20.0, "by_shape": 1.0},
        Hand(others={"right": painted(volume, (-9.0, 0.0, 1.0))}),
    )
    found = dense(applied.masks[TARGET], volume)
    assert (found & (points[..., 0] < -1.5)).sum() == 0
    assert (left & (points[..., 0] > 1.5) & ~found).sum() == 0


def test_margins_limit_them_and_the_first_keeps_what_both_have(organs: Callable[..., Volume]) -> None:
    volume = organs("straight")
    one, two = painted(volume, (-2.0, 0.0, 0.0)), painted(volume, (0.0, 0.0, 0.0))
    shared = one.voxels & two.voxels
    assert shared.any()
    applied = apply(volume, one, "watershed", {"low": 5000.0, "margin_mm": 0.0}, Hand(others={"two": two}))
    first, second = dense(applied.masks[TARGET], volume), dense(applied.masks["two"], volume)
    assert np.array_equal(first, one.voxels)
    assert np.array_equal(second, two.voxels & ~shared)


def test_what_cannot_spread_is_refused(organs: Callable[..., Volume], ct: Callable[..., Volume]) -> None:
    volume = organs("straight")
    one, two = painted(volume, (-2.0, 0.0, 0.0)), painted(volume, (4.0, 0.0, 0.0))
    with pytest.raises(UsageError, match="another structure"):
        apply(volume, one, "watershed", {})
    empty = Hand(others={"two": MaskBox((0, 0, 0), np.zeros((0, 0, 0), bool))})
    with pytest.raises(NothingFound, match="nothing to part"):
        apply(volume, one, "watershed", {}, empty)
    with pytest.raises(NothingFound, match="nothing to part"):
        apply(volume, one, "watershed", {}, Hand(others={"same": one}))
    with pytest.raises(UsageError, match="wrong way"):
        apply(volume, one, "watershed", {"low": 3.0, "high": 2.0}, Hand(others={"two": two}))
    large = ct(np.zeros((70, 70, 70), np.int16), VolumeGeometry((70, 70, 70), volume.geometry.lps_from_ijk))
    corner = np.zeros((70, 70, 70), bool)
    corner[69, 69, 69] = True
    first = np.zeros_like(corner)
    first[0, 0, 0] = True
    with pytest.raises(TooLarge, match="too large") as said:
        apply(large, MaskBox((0, 0, 0), first), "random-walker", {}, Hand(others={"b": MaskBox((0, 0, 0), corner)}))
    assert "343000" in said.value.why
    assert said.value.remedy


@pytest.mark.parametrize("tool", ["watershed", "random-walker"])
def test_no_numbers_and_parts_that_no_seed_reaches(
    organs: Callable[..., Volume], ct: Callable[..., Volume], tool: str
) -> None:
    base = organs("oblique")
    values = base.voxels.astype(np.float32)
    values[0, :4, :4] = 100.0  # in the range, out of reach
    ball, _brighter = parts(base)
    values[~ball & (values < 0)] = np.nan
    volume = ct(values, base.geometry, unit="BQML")
    one, two = painted(volume, (-3.0, -3.0, -2.0)), painted(volume, (4.0, 3.5, 3.0))
    applied = apply(volume, one, tool, {"low": 0.0, "margin_mm": 12.0}, Hand(others={"two": two}))
    both = dense(applied.masks[TARGET], volume) | dense(applied.masks["two"], volume)
    assert np.array_equal(both, ball)


def test_edges_are_as_steep_per_mm_along_each_axis() -> None:
    spacing = np.array([3.0, 0.9, 0.6])
    for axis in range(3):
        ramp = 10.0 * spacing[axis] * np.indices((9, 12, 15))[axis]
        steep = seeds._edges(ramp, spacing)
        assert np.allclose(steep[4:5, 5:7, 6:9], 10.0)
