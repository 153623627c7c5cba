"""What happens where a structure grows into others: one rule, chosen by the person, on the voxels it gained only."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from arviewer.imaging.tools.boolean import difference, intersection
from arviewer.imaging.tools.tool import TARGET
from arviewer.model.masks import AnyMask, BrickMask


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
    gained = difference(new, old)
    if rule is Overlap.OVERWRITE:
        less = {name: difference(mask, gained) for name, mask in theirs.items() if _meet(mask, gained)}
        return {TARGET: new} | less
    for mask in theirs.values():
        new = difference(new, intersection(gained, mask))
    return {TARGET: new}


def _meet(a: BrickMask, b: BrickMask) -> bool:
    return any((a.bricks[place] & b.bricks[place]).any() for place in a.bricks.keys() & b.bricks.keys())
