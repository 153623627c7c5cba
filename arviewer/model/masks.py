"""Sets of voxels: dense in a box, or as an immutable grid of bricks of which edits share what they leave alone."""

from __future__ import annotations

import hashlib
import itertools
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from arviewer.model.geometry import read_only

Bools = npt.NDArray[np.bool_]
Triple = tuple[int, int, int]

BRICK = 32
"""Voxels along each edge of a brick: a stroke of a brush 10 mm wide touches eight bricks or fewer, 32 KiB each."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class MaskBox:
    """A mask cropped to the box it occupies.

    Attributes
    ----------
    start_kji : tuple of int
        Index of the box's first voxel in the volume.
    voxels : ndarray of bool, read-only
        True inside the structure.
    """

    start_kji: Triple
    voxels: Bools

    def __post_init__(self) -> None:
        object.__setattr__(self, "voxels", read_only(self.voxels))

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index into an array of the volume's shape."""
        k, j, i = (slice(s, s + n) for s, n in zip(self.start_kji, self.voxels.shape, strict=True))
        return k, j, i

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self.voxels.nbytes

    def box(self) -> MaskBox:
        """Return itself: it is dense already."""
        return self

    def within(self, start_kji: Triple, shape_kji: Triple) -> Bools:
        """Return a new dense array of the mask in any box, False where this one does not reach."""
        out = np.zeros(shape_kji, dtype=np.bool_)
        _copy(self.voxels, self.start_kji, out, start_kji)
        return out

    def sha256(self) -> str:
        """Return the hash of the set of voxels: the same for the same set, however its box is cut."""
        tight = cropped(self.voxels, self.start_kji)
        digest = hashlib.sha256(repr((tight.start_kji, tight.voxels.shape)).encode())
        digest.update(np.packbits(tight.voxels).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class BrickMask:
    """A mask as a grid of bricks of `BRICK` voxels along each edge, laid from the volume's first voxel.

    Attributes
    ----------
    bricks : mapping of (k, j, i) to ndarray of bool, shape (BRICK, BRICK, BRICK), read-only
        By their place in the grid of bricks; those without a set voxel are absent. Masks share bricks.
    """

    bricks: Mapping[Triple, Bools]
    _dense: list[weakref.ref[MaskBox]] = field(default_factory=list, init=False, repr=False)

    @staticmethod
    def of(mask: MaskBox | BrickMask) -> BrickMask:
        """Return a mask as bricks; one that is bricks already is returned as it is."""
        if isinstance(mask, BrickMask):
            return mask
        return BrickMask(MappingProxyType({})).with_box(mask.start_kji, mask.voxels)

    @property
    def nbytes(self) -> int:
        """Memory it takes, whoever shares it."""
        return len(self.bricks) * BRICK**3

    @property
    def start_kji(self) -> Triple:
        """Index of the first voxel of the dense box, see `box`."""
        return self.box().start_kji

    def with_box(self, start_kji: Triple, voxels: Bools) -> BrickMask:
        """Return a mask with other voxels in a box; bricks outside the box are the same objects.

        Parameters
        ----------
        start_kji : tuple of int
            Of the box, not negative.
        voxels : ndarray of bool, shape (K, J, I)
            What the mask is in there.
        """
        bricks = dict(self.bricks)
        for place, inside, outside in _tiles(start_kji, voxels.shape):
            before, part = bricks.get(place), voxels[outside]
            if before is not None and np.array_equal(before[inside], part):
                continue
            brick = np.zeros((BRICK,) * 3, np.bool_) if before is None else before.copy()
            brick[inside] = part
            kept = _canonical(brick)
            if kept is None:
                bricks.pop(place, None)
            else:
                bricks[place] = kept
        return BrickMask(MappingProxyType(bricks))

    def within(self, start_kji: Triple, shape_kji: Triple) -> Bools:
        """Return a new dense array of the mask in any box, False where no brick is."""
        out = np.zeros(shape_kji, dtype=np.bool_)
        for place, inside, outside in _tiles(start_kji, shape_kji):
            brick = self.bricks.get(place)
            if brick is not None:
                out[outside] = brick[inside]
        return out

    def box(self) -> MaskBox:
        """Return the mask dense in the box it occupies; made on demand, and shared as long as somebody holds it."""
        known = self._dense[0]() if self._dense else None
        if known is not None:
            return known
        if not self.bricks:
            return MaskBox((0, 0, 0), np.zeros((0, 0, 0), np.bool_))
        places = np.array(list(self.bricks))
        low, high = places.min(axis=0) * BRICK, (places.max(axis=0) + 1) * BRICK
        k, j, i = low.tolist()
        made = cropped(self.within((k, j, i), tuple((high - low).tolist())), (k, j, i))
        self._dense[:] = [weakref.ref(made)]
        return made

    def sha256(self) -> str:
        """Return the hash of the set of voxels, as of `MaskBox.sha256`."""
        return self.box().sha256()

    def touched(self, other: BrickMask) -> int:
        """Return how many bricks of this mask are not the very ones of another: what an edit costs."""
        return sum(1 for place, brick in self.bricks.items() if other.bricks.get(place) is not brick)


AnyMask = MaskBox | BrickMask


def sharing(before: AnyMask | None, after: AnyMask) -> BrickMask:
    """Return a mask as bricks; those that are as in the mask before it are the very same objects."""
    if before is None or isinstance(after, BrickMask) or 0 in (before.nbytes, after.nbytes):
        return BrickMask.of(after)
    old, now, then = BrickMask.of(before), after.box(), before.box()
    spans = [
        (min(a, b), max(a + n, b + m))
        for a, n, b, m in zip(now.start_kji, now.voxels.shape, then.start_kji, then.voxels.shape, strict=True)
    ]
    k, j, i = (low for low, _high in spans)
    depth, height, width = (high - low for low, high in spans)
    return old.with_box((k, j, i), now.within((k, j, i), (depth, height, width)))


def cropped(voxels: Bools, start_kji: Triple = (0, 0, 0)) -> MaskBox:
    """Return the box of an array that its set voxels occupy; an empty box when there are none.

    Parameters
    ----------
    start_kji : tuple of int
        Place of the array's first voxel in the volume.
    """
    spans = []
    for axis in range(3):
        others = tuple(n for n in range(3) if n != axis)
        where = np.flatnonzero(voxels.any(axis=others))
        if len(where) == 0:
            return MaskBox((0, 0, 0), np.zeros((0, 0, 0), np.bool_))
        spans.append(slice(int(where[0]), int(where[-1]) + 1))
    k, j, i = (start + span.start for start, span in zip(start_kji, spans, strict=True))
    return MaskBox((k, j, i), np.ascontiguousarray(voxels[tuple(spans)]))


def _copy(source: Bools, source_start: Triple, target: Bools, target_start: Triple) -> None:
    """Copy, in place, what two boxes have in common."""
    take, put = [], []
    for a, n, b, m in zip(source_start, source.shape, target_start, target.shape, strict=True):
        low, high = max(a, b), min(a + n, b + m)
        if low >= high:
            return
        take.append(slice(low - a, high - a))
        put.append(slice(low - b, high - b))
    target[tuple(put)] = source[tuple(take)]


Slices = tuple[slice, slice, slice]


def _tiles(start_kji: Triple, shape_kji: Triple) -> Iterator[tuple[Triple, Slices, Slices]]:
    """Yield each brick that a box meets: its place, the part within it, the part within the box."""
    axes = []
    for start, size in zip(start_kji, shape_kji, strict=True):
        cuts = []
        for n in range(start // BRICK, -(-(start + size) // BRICK)):
            low, high = max(start, n * BRICK), min(start + size, (n + 1) * BRICK)
            cuts.append((n, slice(low - n * BRICK, high - n * BRICK), slice(low - start, high - start)))
        axes.append(cuts)
    for k, j, i in itertools.product(*axes):
        yield (k[0], j[0], i[0]), (k[1], j[1], i[1]), (k[2], j[2], i[2])


_FULL = read_only(np.ones((BRICK,) * 3, np.bool_))


def _canonical(brick: Bools) -> Bools | None:
    """Return a brick to keep: none for an empty one, one and the same for all full ones."""
    if not brick.any():
        return None
    return _FULL if brick.all() else read_only(brick)
