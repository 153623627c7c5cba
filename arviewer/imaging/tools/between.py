"""Fill in between painted slices: the shape changes evenly from one to the next.

Shapes are interpolated by their signed distances: S. Raya and J. Udupa, "Shape-based interpolation of
multidimensional objects", IEEE Trans. Med. Imaging 9 (1990) 32-42, https://doi.org/10.1109/42.52980
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging.tools.tool import TARGET, Outcome
from arviewer.model.geometry import Float
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, Bools, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress


def interpolate(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Fill the empty slices between painted ones, along the axis of the grid that has them."""
    whole = mask.box()
    box = cropped(whole.voxels, whole.start_kji)
    painted = [np.flatnonzero(box.voxels.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    empty = [(n - len(some)) / n for n, some in zip(box.voxels.shape, painted, strict=True)]
    axis = int(np.argmax(empty))
    if empty[axis] == 0.0:
        raise NothingFound(
            _("There is nothing to fill in."),
            _("No slice between the first and the last painted one is empty."),
            _("Paint the structure on some slices, and leave those between them empty."),
        )
    voxels = box.voxels.copy()
    planes = np.moveaxis(voxels, axis, 0)
    sampling = np.delete(volume.geometry.spacing_mm[::-1], axis)
    pairs = list(itertools.pairwise(painted[axis].tolist()))
    for n, (a, b) in enumerate(pairs):
        progress(n / len(pairs))
        if b > a + 1:
            _fill(planes, a, b, sampling)
    voxels &= volume.slice_valid[box.slices[0], None, None]
    return Outcome({TARGET: cropped(voxels, box.start_kji)})


def _fill(planes: Bools, a: int, b: int, sampling: Float) -> None:
    """Fill, in place, the planes between two."""
    ends = planes[a], planes[b]
    # A single piece on either side moves along; of several nobody knows which belongs to which.
    moves = all(ndimage.label(end)[1] == 1 for end in ends)
    middles = [np.array(ndimage.center_of_mass(end)) for end in ends]
    aside = int(np.ceil(np.abs(middles[1] - middles[0]).max())) + 1 if moves else 1
    signed = [_signed_mm(np.pad(end, aside), sampling) for end in ends]
    for n in range(a + 1, b):
        share = (n - a) / (b - a)
        middle = (1.0 - share) * middles[0] + share * middles[1]
        first, second = (
            ndimage.shift(one, middle - own, order=1, mode="nearest") if moves else one
            for one, own in zip(signed, middles, strict=True)
        )
        both = (1.0 - share) * first + share * second
        planes[n] = both[aside:-aside, aside:-aside] > 0.0


def _signed_mm(plane: Bools, sampling: Float) -> Float:
    """Return the distance from the boundary in mm, positive inside."""
    inside = ndimage.distance_transform_edt(plane, sampling=sampling)
    outside = ndimage.distance_transform_edt(~plane, sampling=sampling)
    return np.asarray(inside - outside, dtype=np.float64)
