"""From images of one orientation to volumes: phases at the same positions, stacks at different ones, told apart.

Images of one series UID may be several time points, echoes or b-values of the same places, or several stacks in
different places. What the headers say parts them; where they say nothing, the order of acquisition does. Where even
that is ambiguous, all stay together and make no volume: two volumes are never interleaved.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from arviewer.imaging.dicom.geometry import Arrangement, arrange, directions, distinct
from arviewer.imaging.dicom.headers import Image
from arviewer.imaging.dicom.phases import ACQUISITION, IMAGE_TYPE, TRIGGER, marks_of, number_of

REPEATED_SHARE = 0.5
"""Share of positions that hold several images from which on a series is several volumes; below it, some images
are there by mistake, unless their headers say otherwise."""

FILLED_SHARE = 0.5
"""Share of positions that each volume fills when a mark that may vary for other reasons is to tell them apart."""

BESIDE_MM = 1.0
"""Stacks whose first voxels lie farther apart than this within the plane lie beside each other: ten times the jitter
of one stack."""

SLAB_GAP = 2.0
"""A gap of more than so many steps parts two slabs, where one grid through both is impossible."""

LEAST_SLAB = 3
"""Images that a slab found by its gaps must have: any two images are evenly spaced."""

MAX_COMBINED = 3
"""Marks that are combined at most: time, echo and image type is the most there is in practice."""

Groups = list[list[Image]]


def volumes(images: Sequence[Image]) -> Groups:
    """Part images of one orientation, matrix and pixel format into volumes.

    Returns
    -------
    list of list of Image
        One list where they are one volume, or where nothing tells them apart.
    """
    counts = _counts(images)
    if len(counts) < 2 or (counts > 1).mean() < REPEATED_SHARE:
        return _at_different_places(images)
    for groups in _at_same_places(images, counts):
        return list(itertools.chain.from_iterable(map(_at_different_places, groups)))
    return [list(images)]


def arrangement(images: Sequence[Image]) -> Arrangement:
    """Return how images of one orientation lie in space."""
    first = images[0]
    assert first.orientation is not None
    assert first.spacing is not None
    return arrange(_positions(images), first.orientation, (first.spacing[0], first.spacing[1]))


# ---- at the same places: phases ----------------------------------------------------------------------------------


def _at_same_places(images: Sequence[Image], counts: npt.NDArray[np.int64]) -> Iterator[Groups]:
    """Yield ways to part images so that none of the groups has two images of one position, surest first."""
    ways = itertools.chain(
        _by_marks(images),
        ((groups, True) for groups in (_beside(images), _by_trigger(images, counts))),
    )
    for groups, unsure in ways:
        if not 1 < len(groups) <= len(images) // 2 or any(_counts(group).max() > 1 for group in groups):
            continue
        if not unsure or min(map(len, groups)) >= FILLED_SHARE * len(counts):
            yield groups
    ordered = _by_order(images, int(counts.max()), bool((counts == counts[0]).all()))
    if ordered:
        yield ordered


def _by_marks(images: Sequence[Image]) -> Iterator[tuple[Groups, bool]]:
    """Yield groups of equal marks, each mark alone first, then combined; and whether they may be by chance."""
    marks = marks_of(images)
    varying = [n for n in range(len(marks[0])) if len({one[n] for one in marks}) > 1]
    for size in range(1, min(len(varying), MAX_COMBINED) + 1):
        for chosen in itertools.combinations(varying, size):
            unsure = size > 1 or chosen[0] in (ACQUISITION, TRIGGER, IMAGE_TYPE)
            yield _equal([tuple(one[n] for n in chosen) for one in marks], images), unsure


def _equal(keys: Sequence[Hashable], images: Sequence[Image]) -> Groups:
    groups: dict[Hashable, list[Image]] = defaultdict(list)
    for key, image in zip(keys, images, strict=True):
        groups[key].append(image)
    return list(groups.values())


def _by_trigger(images: Sequence[Image], counts: npt.NDArray[np.int64]) -> Groups:
    """Part images by the rank of their trigger time at each position: the n-th of each makes the n-th volume.

    The beating heart gives each slice times of its own, so that no two slices share one.
    """
    told = [number_of(marks[TRIGGER]) for marks in marks_of(images)]
    times = [time for time in told if time is not None]
    if len(times) < len(told) or (counts != counts[0]).any():
        return []
    groups: Groups = [[] for _n in range(int(counts[0]))]
    for cluster in _clusters(images):
        ranked = sorted(cluster, key=lambda n: times[n])
        if len({times[n] for n in ranked}) < len(ranked):
            return []
        for rank, n in enumerate(ranked):
            groups[rank].append(images[n])
    return groups


def _by_order(images: Sequence[Image], count: int, equal: bool) -> Groups:
    """Part images by the order they were acquired in; [] when that does not give `count` volumes."""
    if len({image.order for image in images}) < len(images):
        return []
    place = np.empty(len(images), dtype=np.int64)
    for number, cluster in enumerate(_clusters(images)):
        place[cluster] = number
    for key in (lambda n: images[n].order[1], lambda n: images[n].order):
        rounds = _rounds(sorted(range(len(images)), key=key), place)
        if len(rounds) == count:
            return [[images[n] for n in one] for one in rounds]
    if not equal:
        return []
    nth: Groups = [[] for _n in range(count)]
    seen: dict[int, int] = defaultdict(int)
    for n in sorted(range(len(images)), key=lambda n: images[n].order):
        nth[seen[int(place[n])]].append(images[n])
        seen[int(place[n])] += 1
    return nth


def _rounds(turn: Sequence[int], place: npt.NDArray[np.int64]) -> list[list[int]]:
    """Cut a sequence of images where a position comes again."""
    rounds: list[list[int]] = [[]]
    taken: set[int] = set()
    for n in turn:
        if int(place[n]) in taken:
            rounds.append([])
            taken = set()
        rounds[-1].append(n)
        taken.add(int(place[n]))
    return rounds


# ---- at different places: stacks ---------------------------------------------------------------------------------


def _at_different_places(images: Sequence[Image]) -> Groups:
    """Part stacks that lie between, beside or far from each other; one even volume stays one."""
    whole = arrangement(images)
    for groups in _stacks(images, whole):
        return list(itertools.chain.from_iterable(map(_at_different_places, groups)))
    return [list(images)]


def _stacks(images: Sequence[Image], whole: Arrangement) -> Iterator[Groups]:
    for groups, mark in _by_single_marks(images):
        if min(map(len, groups)) < 2:
            continue
        if _is_parted(whole, groups, mark):
            yield groups
    if whole.is_even:
        return
    beside = _beside(images)
    if len(beside) > 1 and all(len(group) > 1 and arrangement(group).is_even for group in beside):
        yield beside
    if whole.matrix is None and not whole.duplicates:
        slabs = _slabs(images)
        if len(slabs) > 1 and all(len(slab) >= LEAST_SLAB and arrangement(slab).is_even for slab in slabs):
            yield slabs


def _by_single_marks(images: Sequence[Image]) -> Iterator[tuple[Groups, int]]:
    marks = marks_of(images)
    for n in range(len(marks[0])):
        if len({one[n] for one in marks}) > 1:
            yield _equal([one[n] for one in marks], images), n


def _is_parted(whole: Arrangement, groups: Groups, mark: int) -> bool:
    """Whether groups of one mark are volumes of their own rather than one volume whose mark varies.

    Acquisition, trigger and image type vary within many a good volume (one rotation of the tube each; a series whose
    last slices were made again), so they speak only where the whole is none. The others tell contrasts or stacks
    apart, which are never stacked in turn; one after the other they may make one even volume.
    """
    if mark in (ACQUISITION, TRIGGER) or (mark == IMAGE_TYPE and min(map(len, groups)) < LEAST_SLAB):
        apart = whole.matrix is None or bool(whole.duplicates)
    else:
        apart = not whole.is_even or _interleave(groups)
    if not apart:
        return False
    found = [arrangement(group) for group in groups]
    if mark in (ACQUISITION, TRIGGER, IMAGE_TYPE):
        return all(one.is_even for one in found)
    return all(one.matrix is not None and not one.duplicates for one in found)


def _interleave(groups: Groups) -> bool:
    """Whether the ranges of positions of any two groups overlap."""
    ranges = sorted((float(along.min()), float(along.max())) for along in map(_along, groups))
    return any(one[1] >= other[0] for one, other in itertools.pairwise(ranges))


def _beside(images: Sequence[Image]) -> Groups:
    """Group images by where their first voxels lie within the plane, to `BESIDE_MM`."""
    assert images[0].orientation is not None
    row, column, _normal = directions(images[0].orientation)
    places = _positions(images) @ np.stack([row, column], axis=1)
    groups: Groups = []
    seeds: list[npt.NDArray[np.float64]] = []
    for image, place in zip(images, places, strict=True):
        near = next((n for n, seed in enumerate(seeds) if np.abs(place - seed).max() <= BESIDE_MM), None)
        if near is None:
            if 2 * len(seeds) > len(images):  # a tilted stack: every image lies elsewhere
                return []
            seeds.append(place)
            groups.append([image])
        else:
            groups[near].append(image)
    return groups


def _slabs(images: Sequence[Image]) -> Groups:
    """Cut a stack at gaps that are wider than `SLAB_GAP` steps."""
    along = _along(images)
    order = np.argsort(along, kind="stable")
    gaps = np.diff(along[order])
    cuts = np.flatnonzero(gaps > SLAB_GAP * np.median(gaps)) + 1
    return [[images[n] for n in part] for part in np.split(order, cuts)]


# ---- positions ---------------------------------------------------------------------------------------------------


def _positions(images: Sequence[Image]) -> npt.NDArray[np.float64]:
    return np.array([image.position for image in images], dtype=np.float64)


def _along(images: Sequence[Image]) -> npt.NDArray[np.float64]:
    """Return the position of each image along the slice normal, mm."""
    assert images[0].orientation is not None
    return np.asarray(_positions(images) @ directions(images[0].orientation)[2], dtype=np.float64)


def _counts(images: Sequence[Image]) -> npt.NDArray[np.int64]:
    """Return how many images each position along the normal holds."""
    return np.bincount(distinct(_along(images))[1]).astype(np.int64)


def _clusters(images: Sequence[Image]) -> list[list[int]]:
    """Return the indices of the images of each position along the normal, ascending."""
    order, cluster = distinct(_along(images))
    return [[int(n) for n in part] for part in np.split(order, np.flatnonzero(np.diff(cluster)) + 1)]
