"""A structure that a file brought on a grid of its own, on the grid of the images."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from arviewer.errors import NothingFound, UsageError
from arviewer.model.geometry import Affine, Ijk, require_same_space
from arviewer.model.masks import MaskBox, cropped
from arviewer.model.segmentation import Segment
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

SLAB_VOXELS = 1 << 22
"""Voxels sampled at a time."""


def on_grid_of(volume: Volume, segment: Segment, progress: Progress = silent) -> MaskBox:
    """Return the voxels of a volume whose centres lie in a structure: where its own grid, interpolated, says half.

    Parameters
    ----------
    segment : Segment
        With a geometry of its own, in the volume's frame of reference.

    Raises
    ------
    UsageError
        When it lies on the grid of the images already.
    GeometryError
        When it lies in another frame of reference.
    NothingFound
        When no voxel of the volume lies in it.
    """
    if segment.geometry is None:
        raise UsageError(_("{name} lies on the grid of the images already.").format(name=segment.name))
    own, target = segment.geometry, volume.geometry
    require_same_space(own.frame_of_reference_uid, target.frame_of_reference_uid)
    box = segment.mask.box()
    ijk_from_own: Affine[Ijk, Ijk] = target.lps_from_ijk.inverse() @ own.lps_from_ijk
    start, stop = _reach(box, ijk_from_own.matrix, target.shape_kji)
    shape = [max(0, b - a) for a, b in zip(start, stop, strict=True)]
    out = np.zeros(shape, dtype=np.bool_)
    if out.size:
        _sample(box, np.linalg.inv(ijk_from_own.matrix), start, out, progress)
    k, j, i = start
    mask = cropped(out, (k, j, i))
    if mask.nbytes == 0:
        raise NothingFound(
            _("No voxel of the images lies in {name}.").format(name=segment.name),
            _("It lies beside the images, or is thinner than their voxels."),
        )
    return mask


def _reach(box: MaskBox, matrix: np.ndarray, shape_kji: tuple[int, int, int]) -> tuple[list[int], list[int]]:
    """Return the box of the volume, as first and one after the last (k, j, i), in which the structure can lie."""
    ends = [(s.start - 1, s.stop) for s in reversed(box.slices)]
    corners = np.array([[i, j, k, 1] for i in ends[0] for j in ends[1] for k in ends[2]], dtype=np.float64)
    found = (corners @ matrix.T)[:, 2::-1]
    low = np.clip(np.floor(found.min(axis=0)), 0, shape_kji).astype(int)
    high = np.clip(np.ceil(found.max(axis=0)) + 1, 0, shape_kji).astype(int)
    return low.tolist(), high.tolist()


def _sample(box: MaskBox, own_from_ijk: np.ndarray, start: list[int], out: np.ndarray, progress: Progress) -> None:
    """Sample the structure at the voxels of `out`, in place, slab by slab."""
    source = np.pad(box.voxels.astype(np.float32), 1)  # a rim of nothing: beyond the box there is none of it
    turned = own_from_ijk[2::-1, 2::-1]
    first = turned @ np.asarray(start, dtype=np.float64) + own_from_ijk[2::-1, 3] - np.asarray(box.start_kji) + 1.0
    step = max(1, SLAB_VOXELS // max(1, out[0].size))
    for k in range(0, len(out), step):
        progress(k / len(out), _("Laying it onto the images"))
        part = out[k : k + step]
        sampled = ndimage.affine_transform(
            source, turned, first + turned[:, 0] * k, output_shape=part.shape, order=1, mode="constant", cval=0.0
        )
        np.greater_equal(sampled, 0.5, out=part)
