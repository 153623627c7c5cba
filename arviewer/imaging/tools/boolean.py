"""Structures added to each other, taken from each other, and what they share; brick by brick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType

import numpy as np

from arviewer.imaging.tools.tool import TARGET, Outcome
from arviewer.model.geometry import read_only
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, Bools, BrickMask, Triple
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress


def add(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Add other structures."""
    return Outcome({TARGET: reduce(union, map(BrickMask.of, hand.others.values()), BrickMask.of(mask))})


def subtract(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Take other structures away."""
    return Outcome({TARGET: reduce(difference, map(BrickMask.of, hand.others.values()), BrickMask.of(mask))})


def intersect(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Keep what lies in every one of the others too."""
    return Outcome({TARGET: reduce(intersection, map(BrickMask.of, hand.others.values()), BrickMask.of(mask))})


def union(a: BrickMask, b: BrickMask) -> BrickMask:
    """Return what lies in either; bricks that only one has are its own."""
    return _combined(a, b, np.logical_or, {**b.bricks, **a.bricks})


def difference(a: BrickMask, b: BrickMask) -> BrickMask:
    """Return what lies in the first alone."""
    return _combined(a, b, lambda one, two: one & ~two, dict(a.bricks))


def intersection(a: BrickMask, b: BrickMask) -> BrickMask:
    """Return what lies in both."""
    return _combined(a, b, np.logical_and, {})


def _combined(
    a: BrickMask, b: BrickMask, operation: Callable[[Bools, Bools], Bools], bricks: dict[Triple, Bools]
) -> BrickMask:
    """Return `bricks` with an operation done where both have one; bricks of `a` that do not change are shared."""
    for place in a.bricks.keys() & b.bricks.keys():
        was = a.bricks[place]
        made = operation(was, b.bricks[place])
        if not made.any():
            bricks.pop(place, None)
        else:
            bricks[place] = was if np.array_equal(made, was) else read_only(made)
    return BrickMask(MappingProxyType(bricks))
