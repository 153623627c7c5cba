"""Growing from clicks: the range, the guard, where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from arviewer.errors import UsageError
from arviewer.imaging.growth import BLOCK, grow
from arviewer.imaging.tools import TARGET, apply
from arviewer.model.findings import FindingKind
from arviewer.model.intent import Hand
from arviewer.model.masks import MaskBox
from arviewer.model.volume import Volume, VolumeGeometry
from tests.imaging.tools.scenes import at, centres_lps, dense, done, random_blobs

MIDDLE = np.array([3.0, -5.0, 7.0])


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 1.0])
def test_growth_over_blocks_is_scipys_component(share: float) -> None:
    """Winding through many blocks, back into ones it left, from several seeds."""
    shape = (BLOCK[0] * 2 + 5, BLOCK[1] * 2 + 1, BLOCK[2] + 9)
    noise = ndimage.gaussian_filter(np.random.default_rng(5).random(shape), 1.5)
    mask = noise >= np.quantile(noise, 1 - share)
    labels, _count = ndimage.label(mask)
    wanted = [labels[tuple(np.argwhere(labels == n)[0])] for n in (1, min(3, labels.max()))]
    seeds: list[Any] = [tuple(np.argwhere(labels == n)[0].tolist()) for n in wanted]
    looked_at = []

    def inside(box: tuple[slice, slice, slice]) -> np.ndarray:
        looked_at.append(tuple(s.start for s in box))
        return mask[box]

    found = grow(inside, shape, [*seeds, (0, 0, 0)] if not mask[0, 0, 0] else seeds)
    assert np.array_equal(found.within((0, 0, 0), shape), np.isin(labels, wanted))
    assert len(looked_at) == len(set(looked_at)), "each block once"


def dumbbell(volume: Volume, neck_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Two balls joined by a rod, and the larger ball alone."""
    points = centres_lps(volume) - MIDDLE
    one = np.linalg.norm(points - (-8.0, 0.0, 0.0), axis=-1) <= 7.0
    two = np.linalg.norm(points - (9.0, 1.0, 1.0), axis=-1) <= 6.0
    rod = (np.abs(points[..., 0]) <= 10.0) & (np.hypot(points[..., 1], points[..., 2]) <= neck_mm)
    return one | two | rod, one


@pytest.fixture
def joined(grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume]) -> Callable[..., Volume]:
    def make(kind: str, neck_mm: float = 1.6) -> Volume:
        geometry = grid(kind, half_mm=17.0, spacing_mm=(0.8, 0.9, 1.1), center=MIDDLE)
        empty = ct(np.zeros(geometry.shape_kji, np.int16), geometry)
        both, _one = dumbbell(empty, neck_mm)
        return ct(np.where(both, 300, 20).astype(np.int16), geometry, noise_hu=12.0)

    return make


def test_the_guard_stops_at_a_neck_and_says_where(joined: Callable[..., Volume], kind: str) -> None:
    volume = joined(kind)
    both, one = dumbbell(volume, 1.6)
    click = Hand(MIDDLE[None] - (9.0, -1.0, 1.0))
    nothing = MaskBox((0, 0, 0), np.zeros((0, 0, 0), bool))
    values = {"by_click": 0.0, "low": 160.0, "high": 2000.0}
    free = dense(apply(volume, nothing, "grow", {**values, "guard_mm": 0.0}, click).masks[TARGET], volume)
    assert np.array_equal(free, both)
    applied = apply(volume, nothing, "grow", {**values, "guard_mm": 2.5}, click)
    kept = dense(applied.masks[TARGET], volume)
    assert not (kept & ~both).any()
    assert (one & ~kept).sum() < 0.01 * one.sum(), "nothing of the ball itself is lost"
    assert (kept & ~one).sum() < 0.02 * one.sum(), "at most the root of the neck comes along"
    (finding,) = applied.findings
    assert finding.kind is FindingKind.LEAK_RISK
    (place,) = finding.places_lps
    assert np.linalg.norm(np.array(place) - MIDDLE) < 4.0, "in the neck, which is 4 mm long between the balls"
    assert 2.0 < float(finding.details["area_mm2"]) < 3 * np.pi * 1.6**2
    wide = apply(volume, nothing, "grow", {**values, "guard_mm": 1.0}, click)
    assert np.array_equal(dense(wide.masks[TARGET], volume), both)
    assert wide.findings == ()


def test_the_range_is_taken_round_the_click(joined: Callable[..., Volume]) -> None:
    volume = joined("oblique")
    both, _one = dumbbell(volume, 1.6)
    click = Hand(MIDDLE[None] - (8.0, 0.0, 0.0))
    grown = done(volume, np.zeros(both.shape, bool), "grow", click, spread_sd=5.0, guard_mm=0.0)
    assert np.array_equal(grown, both)
    before = ~both & random_blobs(volume, 3)
    assert np.array_equal(done(volume, before, "grow", click, spread_sd=5.0, guard_mm=0.0), both | before), "added"


def test_it_stays_within_its_radius(joined: Callable[..., Volume], kind: str) -> None:
    volume = joined(kind)
    both, _one = dumbbell(volume, 1.6)
    where = np.argwhere(np.linalg.norm(centres_lps(volume) - MIDDLE - (-8.0, 0, 0), axis=-1) < 1.0)[0]
    click = at(volume, *where)
    grown = done(
        volume,
        np.zeros(both.shape, bool),
        "grow",
        Hand(click),
        by_click=0.0,
        low=160.0,
        guard_mm=0.0,
        max_radius_mm=5.0,
    )
    assert np.array_equal(grown, np.linalg.norm(centres_lps(volume) - click, axis=-1) <= 5.0)


def test_clicks_that_cannot_be_grown_from(joined: Callable[..., Volume]) -> None:
    volume = joined("flipped")
    nothing = np.zeros(volume.voxels.shape, bool)
    with pytest.raises(UsageError, match="needs a click"):
        done(volume, nothing, "grow")
    with pytest.raises(UsageError, match="outside the images"):
        done(volume, nothing, "grow", Hand(np.array([[500.0, 0.0, 0.0]])))
    beside = Hand(MIDDLE[None] + (0.0, 12.0, 0.0))
    with pytest.raises(UsageError, match="within the range") as said:
        done(volume, nothing, "grow", beside, by_click=0.0, low=160.0)
    assert said.value.remedy
    with pytest.raises(UsageError, match="wrong way"):
        done(volume, nothing, "grow", beside, by_click=0.0, low=160.0, high=20.0)
    with pytest.raises(UsageError, match="leak guard"):
        done(volume, nothing, "grow", Hand(np.array([MIDDLE])), by_click=0.0, low=160.0, guard_mm=20.0)


def test_values_that_are_no_numbers_are_never_taken(small: Callable[..., Volume], ct: Callable[..., Volume]) -> None:
    """A PET with NaN round and in the structure."""
    grid = small("oblique").geometry
    values = np.full(grid.shape_kji, np.nan, np.float32)
    values[3:9, 4:16, 4:16] = 2.0
    values[5, 8, 8] = np.nan
    volume = ct(values, grid, unit="BQML")
    nothing = np.zeros(values.shape, bool)
    grown = done(volume, nothing, "grow", Hand(at(volume, 6, 9, 9)), guard_mm=0.0)
    assert np.array_equal(grown, np.isfinite(values))
    with pytest.raises(UsageError, match="no values"):
        done(volume, nothing, "grow", Hand(at(volume, 1, 20, 20)))
