"""The field whose zero is the boundary of a structure: grey values where they made it, the smoothed mask elsewhere.

A voxel of the field is positive inside the mask and negative outside, without exception, so that the surface has
the topology of the mask. Its value decides where between two voxels the surface passes:

* grey and mask agree: grey value minus threshold, so that partial volume places the surface;
* they disagree (filled marrow, a parted neighbour, a voxel outside the field of view): the mask smoothed by a
  Gaussian, scaled to the contrast of its neighbours across the boundary;
* beyond the scan: the last voxel goes on for one more, and ends; `contour` flattens what lies beyond its outer face
  onto that face, so that the cap is plane and exactly there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.runs import Mask
from arviewer.model.segmentation import Segment
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, silent

FAR = 200
"""Value of a voxel that grey misjudges and that no boundary passes: any positive number would do."""

CLIP = 16000
"""Largest |grey − threshold| kept (CT has up to 3071 HU, metal with extended range 12000): twice it fits int16."""

TAPS = 2
"""Reach of the Gaussian that smooths the mask, in voxels."""

SIGMA = 1.0
"""Its standard deviation in voxels: the width of a staircase's step."""

SLAB_VOXELS = 1 << 22
"""Voxels handled at a time, so that temporaries stay small beside the field itself."""


CapPlane = tuple[int, int, float]


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A box of the volume widened by one voxel on each side, by two where the scan ends.

    Attributes
    ----------
    values : ndarray, shape (K, J, I), int16 or float32
        Inside where ``values > iso``.
    iso : float
        −0.5 for integers, so that no voxel lies on the surface; 0 for float32 (where no value is 0).
    start_kji : tuple of int
        Index in the volume of ``values[0, 0, 0]``; −2 where the box begins at the border of the scan.
    cap_planes : tuple of (axis, side, position)
        Outer voxel faces where the scan ends: axis 0 to 2 of (i, j, k), side −1 (low) or 1 (high), position in voxel
        indices of the volume.
    from_mask : ndarray of int64
        Flat indices into `values` of the boundary voxels that follow the smoothed mask.
    """

    values: npt.NDArray[Any]
    iso: float
    start_kji: tuple[int, int, int]
    cap_planes: tuple[CapPlane, ...]
    from_mask: npt.NDArray[np.intp]


def field_of(volume: Volume, segment: Segment, k_range: tuple[int, int], progress: Progress = silent) -> Field:
    """Build the field of a structure over slices ``k_range[0]`` up to (not including) ``k_range[1]``.

    All these slices must be valid; those next to them that are lost, or beyond the volume, are capped.
    """
    box = (slice(*k_range), *segment.mask.slices[1:])
    shape = volume.geometry.shape_kji
    valid = np.concatenate(([False], volume.slice_valid, [False]))
    ends = (  # per axis: does the scan go on before the box, and after it?
        (bool(valid[k_range[0]]), bool(valid[k_range[1] + 1])),
        (box[1].start > 0, box[1].stop < shape[1]),
        (box[2].start > 0, box[2].stop < shape[2]),
    )
    whole = _is_whole(volume, segment)
    values = np.empty(
        [s.stop - s.start + sum(1 if goes_on else 2 for goes_on in end) for s, end in zip(box, ends, strict=True)],
        dtype=np.int16 if whole else np.float32,
    )
    inner = tuple(
        slice(0 if low else 2, n if high else n - 2) for n, (low, high) in zip(values.shape, ends, strict=True)
    )
    origin = tuple(s.start - int(low) for s, (low, _) in zip(box, ends, strict=True))
    mask = _mask_in(segment, origin, values[inner].shape)
    from_mask = _fill(values[inner], volume, segment, mask, origin, progress)
    _end_scan(values, ends)
    caps = tuple(
        (2 - axis, side, box[axis].start - 0.5 if side < 0 else box[axis].stop - 0.5)
        for axis in range(3)
        for side, goes_on in zip((-1, 1), ends[axis], strict=True)
        if not goes_on
    )
    k, j, i = np.unravel_index(from_mask, values[inner].shape)
    shift = [s.start for s in inner]
    flat = np.ravel_multi_index((k + shift[0], j + shift[1], i + shift[2]), values.shape)
    start = (origin[0] - shift[0], origin[1] - shift[1], origin[2] - shift[2])
    return Field(values, -0.5 if whole else 0.0, start, caps, np.asarray(flat, dtype=np.intp))


def _is_whole(volume: Volume, segment: Segment) -> bool:
    """Whether int16 holds the field without loss."""
    return volume.voxels.dtype == np.int16 and (segment.threshold is None or float(segment.threshold).is_integer())


def _mask_in(segment: Segment, origin: tuple[int, ...], shape: tuple[int, ...]) -> Mask:
    """Return the mask over a box that begins at voxel `origin` of the volume."""
    out = np.zeros(shape, dtype=np.bool_)
    cut, put = [], []
    for start, size, first, length in zip(
        segment.mask.start_kji, segment.mask.voxels.shape, origin, shape, strict=True
    ):
        low, high = max(start, first), min(start + size, first + length)
        cut.append(slice(low - start, high - start))
        put.append(slice(low - first, high - first))
    # Slices of the box that lie beyond this block of valid ones are left out by the clipping above, apart from
    # one neighbour on either side, which is empty or not valid.
    out[tuple(put)] = segment.mask.voxels[tuple(cut)]
    return out


def _fill(
    out: npt.NDArray[Any],
    volume: Volume,
    segment: Segment,
    mask: Mask,
    origin: tuple[int, ...],
    progress: Progress,
) -> npt.NDArray[np.intp]:
    """Write the field slab by slab; return the flat indices that follow the mask."""
    step = max(1, SLAB_VOXELS // max(1, mask[0].size))
    j, i = (slice(o, o + n) for o, n in zip(origin[1:], mask.shape[1:], strict=True))
    found = []
    for first in range(0, len(mask), step):
        progress(first / len(mask))
        last = min(len(mask), first + step)
        low, high = max(0, first - 1), min(len(mask), last + 1)  # one slice more, for neighbours across the seam
        grey = volume.voxels[origin[0] + low : origin[0] + high, j, i]
        padding = None if volume.padding_value is None else grey == volume.padding_value
        signed, near = _signed(grey, mask[low:high], segment, padding, out.dtype)
        near = near[(near >= (first - low) * mask[0].size) & (near < (last - low) * mask[0].size)]
        signed.reshape(-1)[near] = _from_mask(signed, mask, near, low)
        out[first:last] = signed[first - low : last - low]
        found.append(near + low * mask[0].size)
    return np.concatenate(found)


def _signed(
    grey: npt.NDArray[Any], mask: Mask, segment: Segment, padding: Mask | None, dtype: npt.DTypeLike
) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return grey minus threshold, positive inside, and the flat boundary voxels where grey and mask disagree."""
    least = 0 if dtype == np.int16 else 0.01  # of a voxel inside; below it outside
    if segment.threshold is None:
        signed = np.where(mask, FAR, -FAR).astype(dtype)
        wrong = np.ones(mask.shape, dtype=np.bool_)
    else:
        level = segment.threshold
        signed = np.clip(grey, level - CLIP, level + CLIP).astype(dtype, copy=False)
        signed -= np.asarray(level, dtype=dtype)
        if not segment.inside_is_above:
            np.negative(signed, out=signed)
        wrong = (signed >= 0) != mask
        if dtype != np.int16:
            np.copyto(signed, np.where(mask, least, -least), where=np.abs(signed) < least, casting="same_kind")
        if padding is not None:
            wrong |= padding & ~mask
        np.copyto(signed, np.where(mask, FAR, -FAR).astype(dtype), where=wrong)
    return signed, np.flatnonzero(wrong & _boundary(mask))


def _boundary(mask: Mask) -> Mask:
    """Return the voxels with a face neighbour on the other side of the mask."""
    out = np.zeros_like(mask)
    for axis in range(3):
        a, b = [slice(None)] * 3, [slice(None)] * 3
        a[axis], b[axis] = slice(1, None), slice(None, -1)
        differ = mask[tuple(a)] != mask[tuple(b)]
        out[tuple(a)] |= differ
        out[tuple(b)] |= differ
    return out


def _from_mask(signed: npt.NDArray[Any], mask: Mask, near: npt.NDArray[np.intp], low: int) -> npt.NDArray[Any]:
    """Return the smoothed mask at the flat voxels `near` of the slab that begins at slice `low`, as field values."""
    k, j, i = np.unravel_index(near, signed.shape)
    weights = np.exp(-0.5 * (np.arange(-TAPS, TAPS + 1) / SIGMA) ** 2)
    weights /= weights.sum()
    ks = [np.clip(k + low + d, 0, mask.shape[0] - 1) * mask[0].size for d in range(-TAPS, TAPS + 1)]
    js = [np.clip(j + d, 0, mask.shape[1] - 1) * mask.shape[2] for d in range(-TAPS, TAPS + 1)]
    ins = [np.clip(i + d, 0, mask.shape[2] - 1) for d in range(-TAPS, TAPS + 1)]
    flat = mask.reshape(-1)
    smooth = np.zeros(len(near), dtype=np.float32)
    for wk, at_k in zip(weights, ks, strict=True):
        for wj, at_j in zip(weights, js, strict=True):
            row = at_k + at_j
            for wi, at_i in zip(weights, ins, strict=True):
                smooth += np.float32(wk * wj * wi) * flat[row + at_i]
    inside = flat[ks[TAPS] + js[TAPS] + ins[TAPS]]
    # half a voxel from a flat boundary the smoothed mask is off 1/2 by `half`: there the surface must pass midway
    half = weights[TAPS + 1 :].sum() - 0.5
    ratio = np.clip((smooth - 0.5) / abs(half) * np.where(inside, 1.0, -1.0), 0.05, 3.0)
    value = np.maximum(ratio * _contrast(signed, inside, (k, j, i)), 1.0)
    return np.asarray(np.where(inside, value, -value)).astype(signed.dtype)


def _contrast(signed: npt.NDArray[Any], inside: Mask, kji: tuple[npt.NDArray[np.intp], ...]) -> npt.NDArray[np.float32]:
    """Return the mean |field| of the face neighbours across the boundary, shape (N,)."""
    total = np.zeros(len(inside), dtype=np.float32)
    count = np.zeros(len(inside), dtype=np.float32)
    for axis in range(3):
        for step in (-1, 1):
            at = list(kji)
            at[axis] = np.clip(kji[axis] + step, 0, signed.shape[axis] - 1)
            other = signed[tuple(at)].astype(np.float32)
            across = (other >= 0) != inside
            total += np.where(across, np.abs(other), 0.0)
            count += across
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), FAR), dtype=np.float32)


def _end_scan(values: npt.NDArray[Any], ends: tuple[tuple[bool, bool], ...]) -> None:
    """Write the two layers beyond the scan: the last voxels once more, then outside."""
    for axis, (low, high) in enumerate(ends):
        face = np.moveaxis(values, axis, 0)
        if not low:
            face[1], face[0] = face[2], -FAR
        if not high:
            face[-2], face[-1] = face[-3], -FAR
