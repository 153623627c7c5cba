"""What happens where a structure grows into others: one rule, chosen by the person, on the voxels it gained only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from arviewer.imaging.tools.tool import TARGET
from arviewer.model.geometry import read_only
from arviewer.model.masks import AnyMask, Bools, BrickMask, Triple


class Overlap(StrEnum):
    """Who keeps a voxel that a structure gained and another one has."""

    ALLOW = "allow"
    """Both."""
    OVERWRITE = "overwrite"
    """The one that gained it."""
    PROTECT = "protect"
    """The one that had it."""


def resolve(before: AnyMask, after: AnyMask, others: Mapping[str, AnyMask], rule: Overlap) -> Mapping[str, BrickMask]:
    """Return the masks after a change of one, by the rule; where they overlapped before they still do.

    Parameters
    ----------
    before, after : MaskBox or BrickMask
        Of the structure that was changed.
    others : mapping of name to mask
        On the same grid.

    Returns
    -------
    mapping of name to BrickMask
        The changed structure as `TARGET`, and those of the others that changed.
    """
    old, new = BrickMask.of(before), BrickMask.of(after)
    theirs = {name: BrickMask.of(mask) for name, mask in others.items()}
    if rule is Overlap.ALLOW:
        return {TARGET: new}
    gained = _gained(old, new)
    if rule is Overlap.OVERWRITE:
        less = {name: combined(mask, gained, _without) for name, mask in theirs.items()}
        return {TARGET: new} | {name: mask for name, mask in less.items() if mask is not theirs[name]}
    for mask in theirs.values():
        new = combined(new, combined(gained, mask, np.logical_and, alone=False), _without)
    return {TARGET: new}


def _without(a: Bools, b: Bools) -> Bools:
    return a & ~b


def _gained(old: BrickMask, new: BrickMask) -> BrickMask:
    found = {}
    for place, brick in new.bricks.items():
        was = old.bricks.get(place)
        if was is None:
            found[place] = brick
        elif was is not brick and (more := brick & ~was).any():
            found[place] = read_only(more)
    return BrickMask(MappingProxyType(found))


def combined(
    a: BrickMask, b: BrickMask, operation: Callable[[Bools, Bools], Bools], *, alone: bool = True
) -> BrickMask:
    """Return an operation on two masks, done where both have a brick; `a` itself where nothing changes.

    Parameters
    ----------
    alone : bool
        Whether the bricks that only `a` has stay; those that only `b` has never count.
    """
    bricks: dict[Triple, Bools] = dict(a.bricks) if alone else {}
    for place in a.bricks.keys() & b.bricks.keys():
        was = a.bricks[place]
        made = operation(was, b.bricks[place])
        if np.array_equal(made, was):
            bricks[place] = was
        elif made.any():
            bricks[place] = read_only(made)
        else:
            bricks.pop(place, None)
    unchanged = len(bricks) == len(a.bricks) and all(bricks[place] is brick for place, brick in a.bricks.items())
    return a if unchanged else BrickMask(MappingProxyType(bricks))
