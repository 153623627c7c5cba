"""The brain in T1-weighted MR: cut free of its covers by shape, tolerant of an uneven coil, ventricles filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.nearness import closed
from arviewer.imaging.recipes.balloon import balloon, below_vertex
from arviewer.imaging.recipes.coarse import Coarse, coarse, fine
from arviewer.imaging.recipes.doubts import cut_off
from arviewer.imaging.recipes.head import EDGE_MM, air_level, filled_head, finite
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.runs import Mask
from arviewer.model.masks import MaskBox, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

Float = npt.NDArray[np.float32]

SCALP_MM = 8.0
"""The brain lies at least so deep in the head: under scalp and skull."""

COIL_MM = 18.0
"""Standard deviation of the low-pass that stands for the coil's sensitivity; anatomy is finer, coils are not."""

ODD = 0.5
"""Tissue whose logarithm is further than this from that of its surroundings says nothing about the coil."""

ROOM_MM = 2.5
"""How far beyond the balloon brain is looked for."""

COVER_MM = 3.5
"""Half the thickness of what is cut: dura, nerves, veins that lead from the brain to its covers."""

STEM_MM = (7.0, 10.0, 13.0)
"""Half the thickness at which the brain stem counts as spinal cord; wider where what is found is too large a brain."""

MOST_ML, TALL_MM = 2000.0, 155.0
"""No brain is larger, nor longer from the vertex to the foramen magnum."""

FOLD_MM = 5.0
"""Half the width of the folds that are closed before ventricles are filled."""

GAP_MM = 2.0
"""Half the width of the folds that are closed before the brain stem is looked for; more would bridge the skull."""

FAT = 1.7
"""Fat of the scalp is so many times as bright as a brain; what is as bright, but reaches no scalp, is kept."""

BRIDGE_MM = 4.0
"""Tissue that goes on so far beyond the boundary was cut there; what is shorter is the boundary's own roughness."""

STUMP_MM = 4.0
"""What is left of a cut bridge, and what is smoothed away then."""

LEAST_ML = 100.0
"""A smaller thing is no brain; a newborn's has 350 ml."""

BAND_MM = 3.0
"""How far from the boundary that the blocks show the voxels decide."""


def brain(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find the brain; see the table for the parameters."""
    progress(0.0, _("Finding the brain"))
    volume = finite(volume)
    blocks = coarse(volume, EDGE_MM, part(progress, 0.0, 0.1))
    level = air_level(blocks)
    head = filled_head(blocks, level, part(progress, 0.1, 0.15))
    deep = blocks.shrunk(head, SCALP_MM)
    if deep.sum() * blocks.block_ml < LEAST_ML:
        raise _no_brain()
    axes = volume.geometry.lps_from_ijk.matrix[:3, 2::-1] * blocks.factors
    edge = values["edge_percent"] / 100
    found = balloon(blocks, head, below_vertex(head, axes), axes, edge) & deep
    log = np.log(np.maximum(blocks.mean, level))
    field = np.zeros_like(log)
    for start in (0.2, 0.4, 0.6):  # once more, with the coil of what is brain alone, and with the scalp known
        progress(start)
        if start > 0.2:
            field = coil(log, found, blocks)
        field += np.median((log - field)[found])
        fluid = field + np.float32(np.log(values["fluid_percent"] / 100))
        scalp = blocks.grown(_reaching(log > field + np.float32(np.log(FAT)), ~deep), EDGE_MM)
        even = replace(blocks, mean=np.where(scalp, np.float32(0), np.exp(log - field)))
        progress(start + 0.05)
        room = blocks.grown(balloon(even, head, np.argwhere(found).mean(axis=0), axes, edge), ROOM_MM)
        tissue = deep & room & (log > fluid) & ~scalp
        found = _cut_free(blocks, tissue, axes[2], part(progress, start + 0.1, start + 0.2))
    box = _refined(volume, blocks, found, fluid, values["fold_mm"], part(progress, 0.8, 1.0))
    beyond = tissue & ~found
    beyond &= blocks.grown(beyond & ~blocks.grown(found, BRIDGE_MM), BRIDGE_MM)
    return Found(box, None, findings=cut_off(volume, found, beyond, "brain", factors=blocks.factors))


def coil(log: Float, tissue: Mask, blocks: Coarse) -> Float:
    """Return the logarithm of the coil's sensitivity: a low-pass over tissue, without what is odd there."""
    step = blocks.reach(COIL_MM / 4)
    sparse = tuple(slice(n // 2, None, n) for n in step)
    whole = [slice(0, n) for n in log.shape]
    sigma = [COIL_MM / (edge * n) for edge, n in zip(blocks.edges_mm, step, strict=True)]
    middle = np.float32(np.median(log[tissue]))
    field = np.full_like(log, middle)
    for _round in range(3):
        weight = (tissue & (np.abs(log - field) < ODD)).astype(np.float32)
        share, total = (
            ndimage.gaussian_filter(ndimage.uniform_filter(values, step)[sparse], sigma)
            for values in (weight, weight * (log - middle))
        )
        field = middle + _zoomed(np.asarray(total / (share + 1e-3), np.float32), step, whole)
    return field


def _reaching(mask: Mask, outside: Mask) -> Mask:
    """Return the pieces of a mask that reach the outside: fat of the scalp, but no lesion, however bright."""
    found = runs.runs_of(mask)
    count, labels = runs.label_runs(found)
    reaching = np.zeros(count, dtype=np.bool_)
    there = runs.runs_of(mask & outside)
    reaching[labels[np.searchsorted(found.starts, there.starts, side="right") - 1]] = True
    return runs.mask_of(found.select(reaching[labels]))


def _cut_free(blocks: Coarse, tissue: Mask, up: Float, progress: Progress) -> Mask:
    """Return the largest piece of tissue that thin bridges hold together with nothing else, its hollows filled.

    Parameters
    ----------
    up : ndarray, shape (3,), mm
        How far one block along k, j and i leads to the head end.
    """
    core = runs.largest(blocks.shrunk(tissue, COVER_MM))
    progress(0.2)
    whole = tissue & blocks.grown(core, COVER_MM)
    even = blocks.closed(whole, GAP_MM)
    for n, stem_mm in enumerate(STEM_MM):
        trunk = runs.largest(blocks.shrunk(even, stem_mm))
        part_of_it = runs.largest(whole & blocks.grown(trunk, stem_mm + STUMP_MM))
        filled = runs.fill_holes(blocks.closed(part_of_it, FOLD_MM))
        found = runs.largest(blocks.grown(blocks.shrunk(filled, STUMP_MM), STUMP_MM) & filled)
        progress((n + 2) / (len(STEM_MM) + 1))
        ml = found.sum() * blocks.block_ml
        if ml < LEAST_ML:
            raise _no_brain()
        if ml <= MOST_ML and np.ptp(np.argwhere(found) @ up) <= TALL_MM:
            break
    progress(1.0)
    return found


def _refined(volume: Volume, blocks: Coarse, found: Mask, level: Float, fold_mm: float, progress: Progress) -> MaskBox:
    """Return the brain on the volume's own grid: near the boundary of the blocks each voxel decides for itself."""
    may, must = blocks.grown(found, BAND_MM), blocks.shrunk(found, BAND_MM)
    spans = runs.bounds(may) or (slice(0, 0),) * 3
    shape = volume.geometry.shape_kji
    k, j, i = (slice(s.start * f, min(s.stop * f, n)) for s, f, n in zip(spans, blocks.factors, shape, strict=True))
    bright = volume.voxels[k, j, i] > np.exp(_zoomed(level, blocks.factors, (k, j, i)))
    progress(0.4)
    mask = runs.largest(fine(may, blocks, (k, j, i)) & bright | fine(must, blocks, (k, j, i)))
    progress(0.6)
    mask = runs.fill_holes(closed(mask, fold_mm, volume.geometry.spacing_mm[::-1]))
    mask[~volume.slice_valid[k]] = False
    progress(1.0)
    return cropped(mask, (k.start, j.start, i.start))


def _zoomed(field: Float, factors: Sequence[int], box: Sequence[slice]) -> Float:
    """Return a smooth field of blocks at the voxels of a box, interpolated along each axis in turn."""
    out = field
    for axis, (span, factor) in enumerate(zip(box, factors, strict=True)):
        at = np.clip((np.arange(span.start, span.stop) + 0.5) / factor - 0.5, 0, field.shape[axis] - 1)
        low = np.minimum(at.astype(int), max(field.shape[axis] - 2, 0))
        high = np.minimum(low + 1, field.shape[axis] - 1)
        share = (at - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
        out = out.take(low, axis) * (1 - share) + out.take(high, axis) * share
    return np.asarray(out, dtype=np.float32)


def _no_brain() -> NothingFound:
    return NothingFound(
        _("No brain was found."),
        _("No piece of {:g} ml or more inside the head stands apart from what surrounds it.").format(LEAST_ML),
        _("Choose a T1-weighted series that shows the whole head."),
    )
