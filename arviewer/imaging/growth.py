"""Regions grown from seeds, block by block: only blocks that the region enters are ever looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.model.masks import Bools, MaskBox, Triple, cropped
from arviewer.workers.progress import Progress, silent

BLOCK = (32, 32, 64)
"""Slices, rows and columns of a block: few enough for the cache, enough for the calls to pay."""

Box = tuple[slice, slice, slice]
Labels = npt.NDArray[np.unsignedinteger[Any]]


@dataclass
class _Block:
    """A block that was looked at.

    Attributes
    ----------
    labels : ndarray of unsigned int
        Piece of each of its voxels, from 1; 0 outside the range.
    taken : ndarray of bool, shape (pieces + 1,)
        Which pieces belong to the region.
    """

    labels: Labels
    taken: Bools


@dataclass
class _Growth:
    inside: Callable[[Box], Bools]
    shape: Triple
    blocks: dict[Triple, _Block] = field(default_factory=dict)

    def box(self, place: Triple) -> Box:
        k, j, i = (slice(n * b, min((n + 1) * b, size)) for n, b, size in zip(place, BLOCK, self.shape, strict=True))
        return k, j, i

    def look(self, place: Triple) -> tuple[Triple, _Block]:
        inside = self.inside(self.box(place))
        labels, count = ndimage.label(inside)
        small = labels.astype(np.min_scalar_type(count))
        return place, _Block(small, np.zeros(count + 1, np.bool_))

    def look_at(self, places: Iterable[Triple], pool: ThreadPoolExecutor) -> None:
        self.blocks.update(pool.map(self.look, [place for place in places if place not in self.blocks]))

    def entered(self, place: Triple, pieces: Sequence[int]) -> Iterable[tuple[Triple, tuple[Any, ...], Bools]]:
        """Yield each neighbour that pieces of a block touch, its face, and where on it they do."""
        block = self.blocks[place]
        meant = np.zeros_like(block.taken)
        meant[list(pieces)] = True
        for axis in range(3):
            for step, mine, theirs in ((-1, 0, -1), (1, -1, 0)):
                at = place[axis] + step
                if 0 <= at * BLOCK[axis] < self.shape[axis] and at >= 0:
                    touching = meant[block.labels[(slice(None),) * axis + (mine,)]]
                    if touching.any():
                        neighbour = (*place[:axis], at, *place[axis + 1 :])
                        yield neighbour, (slice(None),) * axis + (theirs,), touching  # type: ignore[misc]

    def take(self, place: Triple, pieces: npt.NDArray[Any]) -> list[int]:
        """Take pieces of a block; return those that are new."""
        block = self.blocks[place]
        new = [int(n) for n in pieces if n and not block.taken[n]]
        block.taken[new] = True
        return new


def grow(
    inside: Callable[[Box], Bools], shape: Triple, seeds: Iterable[Triple], progress: Progress = silent
) -> MaskBox:
    """Return the voxels that a 6-connected path within a set leads to from a seed.

    Parameters
    ----------
    inside : callable
        Returns which voxels of a box belong to the set; called from two threads, at most once for each block.
    shape : tuple of int
        Of the volume: slices, rows, columns.
    seeds : (k, j, i) each
        Those outside the set are passed over.
    """
    growth = _Growth(inside, shape)
    total = int(np.prod([-(-size // b) for size, b in zip(shape, BLOCK, strict=True)]))
    with ThreadPoolExecutor(2) as pool:
        front: dict[Triple, list[int]] = {}
        for seed in seeds:
            place, at = zip(*(divmod(n, b) for n, b in zip(seed, BLOCK, strict=True)), strict=True)
            growth.look_at([place], pool)
            front.setdefault(place, []).extend(growth.take(place, growth.blocks[place].labels[at].reshape(1)))
        while front:
            progress(min(1.0, len(growth.blocks) / total))
            touched = [one for place, pieces in front.items() for one in growth.entered(place, pieces)]
            growth.look_at({place for place, _face, _where in touched}, pool)
            front = {}
            for place, face, where in touched:
                new = growth.take(place, np.unique(growth.blocks[place].labels[face][where]))
                if new:
                    front.setdefault(place, []).extend(new)
    return _assembled(growth)


def _assembled(growth: _Growth) -> MaskBox:
    """Return the pieces that were taken as one mask."""
    some = {place: block for place, block in growth.blocks.items() if block.taken.any()}
    if not some:
        return MaskBox((0, 0, 0), np.zeros((0, 0, 0), np.bool_))
    boxes = {place: growth.box(place) for place in some}
    low = [min(box[axis].start for box in boxes.values()) for axis in range(3)]
    high = [max(box[axis].stop for box in boxes.values()) for axis in range(3)]
    voxels = np.zeros([b - a for a, b in zip(low, high, strict=True)], np.bool_)
    for place, block in some.items():
        k, j, i = (slice(s.start - a, s.stop - a) for s, a in zip(boxes[place], low, strict=True))
        voxels[k, j, i] = block.taken[block.labels]
    return cropped(voxels, (low[0], low[1], low[2]))
