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

FAR = 200
"""Value of a voxel that grey misjudges and that no boundary passes: any positive number would do."""

CLIP = 16000
"""Largest |grey − threshold| kept (CT has up to 3071 HU, metal with extended range 12000): twice it fits int16."""

TAPS = 2
"""Reach of the Gaussian that smooths the mask, in voxels."""

SIGMA = 1.0
"""Its standard deviation in voxels: the width of a staircase's step."""

SLAB_VOXELS = 1 << 21
"""Voxels of one slab: a field is built and contoured slab by slab, so that it never exists whole."""


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


def slabs_of(
    volume: Volume, segment: Segment, k_range: tuple[int, int], slab_voxels: int = SLAB_VOXELS
) -> list[tuple[int, int]]:
    """Return the stretches of slices to build the field in, each with the last slice of the one before as its first.

    Parameters
    ----------
    k_range : tuple of int
        As of `field_of`.
    slab_voxels : int
        About as many voxels has each slab.
    """
    (low, high), _rows, _columns = _ends(volume, segment, k_range)
    first, last = k_range[0] - int(low), k_range[1] + int(high)
    step = max(1, slab_voxels // max(1, segment.mask.box().voxels[0].size))
    return [(k, min(k + step + 1, last)) for k in range(first, max(first + 1, last - 1), step)]


def field_of(volume: Volume, segment: Segment, k_range: tuple[int, int], slab: tuple[int, int] | None = None) -> Field:
    """Build the field of a structure over slices ``k_range[0]`` up to (not including) ``k_range[1]``.

    All these slices must be valid; those next to them that are lost, or beyond the volume, are capped.

    Parameters
    ----------
    slab : tuple of int, optional
        One of `slabs_of`: the field of these slices alone, with the values that it has in the whole.
    """
    box = (slice(*k_range), *segment.mask.box().slices[1:])
    ends = _ends(volume, segment, k_range)
    first, last = k_range[0] - int(ends[0][0]), k_range[1] + int(ends[0][1])
    low, high = (first, last) if slab is None else slab
    inner_shape = (high - low, *(s.stop - s.start + sum(end) for s, end in zip(box[1:], ends[1:], strict=True)))
    # A seam between slabs goes on, as a box within the scan does: nothing is put beyond it.
    goes_on = ((ends[0][0] or low > first, ends[0][1] or high < last), *ends[1:])
    before = [0 if end[0] else 2 for end in goes_on]
    values = np.empty(
        [n + start + (0 if end[1] else 2) for n, start, end in zip(inner_shape, before, goes_on, strict=True)],
        dtype=np.int16 if _is_whole(volume, segment) else np.float32,
    )
    inner = tuple(slice(start, start + n) for n, start in zip(inner_shape, before, strict=True))
    origin = (low, *(s.start - int(end[0]) for s, end in zip(box[1:], ends[1:], strict=True)))
    from_mask = _fill(values[inner], volume, segment, origin, (first, last))
    _end_scan(values, goes_on)
    caps = tuple(
        (2 - axis, side, box[axis].start - 0.5 if side < 0 else box[axis].stop - 0.5)
        for axis in range(3)
        for side, is_on in zip((-1, 1), ends[axis], strict=True)
        if not is_on
    )
    k, j, i = np.unravel_index(from_mask, inner_shape)
    flat = np.ravel_multi_index((k + before[0], j + before[1], i + before[2]), values.shape)
    start = (origin[0] - before[0], origin[1] - before[1], origin[2] - before[2])
    return Field(values, -0.5 if values.dtype == np.int16 else 0.0, start, caps, np.asarray(flat, dtype=np.intp))


def _ends(volume: Volume, segment: Segment, k_range: tuple[int, int]) -> tuple[tuple[bool, bool], ...]:
    """Return for each axis whether the scan goes on before the box of the structure, and after it."""
    _k, j, i = segment.mask.box().slices
    _slices, rows, columns = volume.geometry.shape_kji
    valid = np.concatenate(([False], volume.slice_valid, [False]))
    return (
        (bool(valid[k_range[0]]), bool(valid[k_range[1] + 1])),
        (j.start > 0, j.stop < rows),
        (i.start > 0, i.stop < columns),
    )


def _is_whole(volume: Volume, segment: Segment) -> bool:
    """Whether int16 holds the field without loss."""
    return volume.voxels.dtype == np.int16 and (segment.threshold is None or float(segment.threshold).is_integer())


def _mask_in(segment: Segment, origin: tuple[int, ...], shape: tuple[int, ...]) -> Mask:
    """Return the mask over a box that begins at voxel `origin` of the volume."""
    k, j, i = origin
    return segment.mask.within((k, j, i), (shape[0], shape[1], shape[2]))


def _fill(
    out: npt.NDArray[Any],
    volume: Volume,
    segment: Segment,
    origin: tuple[int, ...],
    k_range: tuple[int, int],
) -> npt.NDArray[np.intp]:
    """Write the field, which begins at voxel `origin`; return the flat indices that follow the mask.

    The field as a whole covers the slices of `k_range`: what lies beyond them counts for nothing.
    """
    low, high = max(k_range[0], origin[0] - 1), min(k_range[1], origin[0] + len(out) + 1)  # neighbours across a seam
    far_low, far_high = max(k_range[0], low - TAPS), min(k_range[1], high + TAPS)
    j, i = (slice(o, o + n) for o, n in zip(origin[1:], out.shape[1:], strict=True))
    grey = volume.voxels[low:high, j, i]
    mask = _mask_in(segment, (far_low, *origin[1:]), (far_high - far_low, *out.shape[1:]))
    padding = None if volume.padding_value is None else grey == volume.padding_value
    signed, near = _signed(grey, mask[low - far_low : high - far_low], segment, padding, out.dtype.type)
    skipped = (origin[0] - low) * out[0].size
    near = near[(near >= skipped) & (near < skipped + out.size)]
    signed.reshape(-1)[near] = _from_mask(signed, mask, near, low - far_low)
    out[:] = signed[origin[0] - low : origin[0] - low + len(out)]
    return np.asarray(near - skipped, dtype=np.intp)


def _signed(
    grey: npt.NDArray[Any], mask: Mask, segment: Segment, padding: Mask | None, dtype: type[np.int16 | np.float32]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return grey minus threshold, positive inside, and the flat boundary voxels where grey and mask disagree."""
    least = 0 if dtype == np.int16 else 0.01  # of a voxel inside; below it outside
    if segment.threshold is None:
        signed = np.where(mask, dtype(FAR), dtype(-FAR))
        return signed, _on_boundary(mask, np.arange(mask.size))
    level = segment.threshold
    signed = np.clip(grey, level - CLIP, level + CLIP).astype(dtype, copy=False)
    signed -= dtype(level)
    if not segment.inside_is_above:
        np.negative(signed, out=signed)
    wrong = signed >= 0
    wrong ^= mask
    if dtype != np.int16:
        wrong |= np.isnan(signed)
        np.copyto(signed, np.where(mask, least, -least), where=np.abs(signed) < least, casting="same_kind")
    if padding is not None:
        wrong |= padding & ~mask
    at = np.flatnonzero(wrong)
    signed.reshape(-1)[at] = np.where(mask.reshape(-1)[at], dtype(FAR), dtype(-FAR))
    return signed, _on_boundary(mask, at)


def _on_boundary(mask: Mask, at: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return those of the flat indices whose voxel has a face neighbour on the other side of the mask."""
    slices, rows, columns = mask.shape
    flat = mask.reshape(-1)
    inside = flat[at]
    row, i = np.divmod(at, columns)
    k, j = np.divmod(row, rows)
    found = np.zeros(len(at), dtype=np.bool_)
    for n, size, step in ((k, slices, rows * columns), (j, rows, columns), (i, columns, 1)):
        found |= flat[at - np.where(n > 0, step, 0)] != inside
        found |= flat[at + np.where(n < size - 1, step, 0)] != inside
    return at[found]


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
