"""Contrast-filled lumen: how bright it is in this volume, and which voxels are it rather than bone.

Trabecular bone and contrast share their HU. What tells them apart is what surrounds them: the thick, even core of a
vessel is enclosed by darker tissue; the core of a vertebra by a cortical shell that is brighter than itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.imaging.recipes.coarse import Coarse, coarse, fine, keep_within
from arviewer.imaging.runs import Mask, fill_holes_across, label_runs, mask_of, runs_of, sizes
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, part, silent

EDGE_MM = 1.8
"""Edge of the blocks in which cores are sought."""

MAX_HU = 650.0
"""Even and thick and brighter than this is dense bone, plastic or metal: diluted contrast stays below."""

SHELL_MM = 4.5
"""How far from a core its shell is looked for: its own eroded rim and a cortical bone of 2 mm."""

SHELL_HU = (10.0, 200.0)
"""A shell is brighter than its core by half of what cortical bone is; at least by 4.5 times the noise and the first
of these, and no more than the second is asked for."""

DARK_SHARE = 0.5
"""Tissue round a lumen is darker than this share of the lumen's brightness."""

EVEN_HU = 40.0
"""Range of the 27 blocks round a core's block at most, or six times their noise."""

CORE_ML, TOTAL_ML = 0.15, 2.0
"""Least volume of a core, and of all cores together where there is contrast at all."""

RIM_HU = 90.0
"""A lumen's voxels reach at most this far above its mean, and at most half way to cortical bone that touches it."""


DENSE_HU, DENSE_ML = 60.0, 3.0
"""Dense bone is that much brighter than the brightest lumen can be, or half way from there to cortical bone; its
pieces, in whole blocks, have at least 3 ml."""

THIN_HU, THIN_SHARE = 40.0, 0.15
"""A vessel too thin for a core has this share of voxels within this of the contrast's mean."""

MARROW_MM2 = 2500.0
"""Cross-section of the largest marrow space that a shell encloses (a sacrum); a ring of ribs or a pelvis is wider."""

KEEP_OFF_MM = 2.5
"""How near to dense bone a branch is not followed: the blurred rim of a cortex is as bright as contrast."""


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """The lumen's cores.

    Attributes
    ----------
    blocks : Coarse
    cores : ndarray of int32, shape of the blocks
        0, or the number of the core.
    inside_bone : ndarray of bool, shape of the blocks
        What a brighter shell encloses: spongy bone.
    level_hu : float
        Mean of all cores, by volume: the brightness of contrast in this volume.
    ceiling_hu : ndarray, shape (number of cores + 1,)
        The brightest that a voxel of each core's lumen can be; index 0 is not used.
    dense_hu : float
        What is brighter than this is bone.
    noise_hu : float
        Standard deviation of single voxels in soft tissue.
    """

    blocks: Coarse
    cores: npt.NDArray[np.int32]
    inside_bone: Mask
    level_hu: float
    ceiling_hu: npt.NDArray[np.float64]
    dense_hu: float
    noise_hu: float


def contrast_in(
    volume: Volume, low_hu: float, body: Mask | None = None, progress: Progress = silent
) -> Contrast | None:
    """Find the cores of contrast-filled lumen; None when there is no contrast.

    Parameters
    ----------
    low_hu : float
        Cores are at least this bright.
    """
    blocks = coarse(volume, EDGE_MM, part(progress, 0.0, 0.7))
    noise = noise_hu(volume)
    residual = blocks.mean - ndimage.uniform_filter(blocks.mean, 3)
    soft = (blocks.mean > 0) & (blocks.mean < 100)
    block_noise = 1.4826 * float(np.median(np.abs(residual[soft]))) if soft.any() else 0.0
    even = ndimage.maximum_filter(blocks.mean, 3) - ndimage.minimum_filter(blocks.mean, 3)
    core = (blocks.mean >= low_hu) & (blocks.mean <= MAX_HU) & (even <= max(EVEN_HU, 6 * block_noise))
    progress(0.8)
    if soft.sum() < core.sum():
        return None  # contrast flows through soft tissue: without it, this is a specimen or a phantom
    labels, _count = ndimage.label(core)
    cores = np.zeros(labels.shape, dtype=np.int32)
    spongy = np.zeros(labels.shape, dtype=np.bool_)
    means, spreads, volumes = [], [], []
    boxes = [
        (number, box)
        for number, box in enumerate(ndimage.find_objects(labels), start=1)
        if (labels[box] == number).sum() * blocks.block_ml >= CORE_ML
    ]
    usual = float(np.median(blocks.mean[core])) if core.any() else low_hu
    cortex = _cortex_hu(blocks, usual + 6 * noise)
    for number, box in boxes:
        here = labels[box] == number
        values = blocks.mean[box][here]
        mean = float(values.mean())
        margin = min(max((cortex - mean) / 2, 4.5 * noise + SHELL_HU[0]), SHELL_HU[1])
        if _enclosed_by_brighter(blocks, labels, number, box, mean + margin):
            spongy[box] |= here
            continue
        means.append(mean)
        spreads.append(float(values.std()))
        volumes.append(float(here.sum() * blocks.block_ml))
        cores[box][here] = len(means)
    progress(1.0)
    if sum(volumes) < TOTAL_ML:
        return None
    level = float(np.average(means, weights=volumes))
    cortex = _cortex_hu(blocks, max(means) + 4 * noise)
    ceilings = [0.0]
    for mean, spread in zip(means, spreads, strict=True):
        half_way = min(RIM_HU, max(0.0, cortex - mean) / 2)
        ceilings.append(mean + max(half_way, 4 * noise, 3 * spread))
    dense = min(max(ceilings) + DENSE_HU, max(max(ceilings), (max(ceilings) + cortex) / 2))
    return Contrast(blocks, cores, spongy | _enclosed(blocks, dense), level, np.array(ceilings), dense, noise)


def _cortex_hu(blocks: Coarse, low_hu: float) -> float:
    """Return how bright cortical bone is here: the 75th percentile of the brightest voxels of blocks above `low_hu`."""
    bright = blocks.top[blocks.top > low_hu]
    return float(np.percentile(bright, 75)) if bright.size else low_hu


def noise_hu(volume: Volume) -> float:
    """Return the standard deviation of noise in soft tissue (0 to 100 HU), from voxels two columns apart.

    The median of absolute differences does not see edges; neighbours would share the blur of the kernel.
    """
    rows = volume.voxels[::4, ::3][volume.slice_valid[::4]].astype(np.float32)
    a, b = rows[..., 2:], rows[..., :-2]
    soft = (a > 0) & (a < 100) & (b > 0) & (b < 100)
    return 1.4826 * float(np.median(np.abs(a - b)[soft])) / np.sqrt(2.0) if soft.any() else 0.0


def _enclosed_by_brighter(
    blocks: Coarse, labels: npt.NDArray[np.signedinteger], number: int, box: tuple[slice, ...], bright_hu: float
) -> bool:
    """Whether more of a core's border has something brighter than `bright_hu` near it than only darker tissue.

    Near is within `SHELL_MM`. Where it has neither, the border lies inside the same bone or chamber and says nothing.
    """
    reach = blocks.reach(SHELL_MM)
    wide = tuple(
        slice(max(0, s.start - r), min(n, s.stop + r)) for s, r, n in zip(box, reach, labels.shape, strict=True)
    )
    here = labels[wide] == number
    border = here & ~ndimage.binary_erosion(here, border_value=1)
    if not border.any():
        return False
    size = [2 * r + 1 for r in reach]
    brightest = ndimage.maximum_filter(np.where(here, np.float32(-1e4), blocks.top[wide]), size=size)[border]
    darkest = ndimage.minimum_filter(blocks.mean[wide], size=size)[border]
    bright = brightest > bright_hu
    dark = ~bright & (darkest < DARK_SHARE * float(blocks.mean[wide][here].mean()))
    return bool(bright.sum() > dark.sum())


def lumen(volume: Volume, contrast: Contrast, candidates: Mask, progress: Progress = silent) -> Mask:
    """Return the candidates that belong to the lumen round the cores.

    Each core grows within the candidates, no brighter than its ceiling, over the rim that it lost by being even.
    """
    out = np.zeros_like(candidates)
    blocks = contrast.blocks
    rim = 2.0 * float(blocks.edges_mm.max())
    steps = [max(1, round(rim / float(s))) for s in volume.geometry.spacing_mm[::-1]]
    boxes = ndimage.find_objects(contrast.cores)
    for number, box in enumerate(boxes, start=1):
        progress(number / (len(boxes) + 1))
        k, j, i = (
            slice(max(0, s.start * f - n), min(size, s.stop * f + n))
            for s, f, n, size in zip(box, blocks.factors, steps, candidates.shape, strict=True)
        )
        seeds = fine(contrast.cores == number, blocks, (k, j, i))
        allowed = candidates[k, j, i] & (volume.voxels[k, j, i] <= contrast.ceiling_hu[number])
        allowed &= ~fine(contrast.inside_bone, blocks, (k, j, i))
        out[k, j, i] |= _grown(seeds & allowed, allowed, steps)
    return out


def branches(volume: Volume, contrast: Contrast, candidates: Mask, trunk: Mask, progress: Progress = silent) -> Mask:
    """Return the candidates, no brighter than contrast, that lead on from the trunk and keep away from bone.

    A path into a bone has to pass its cortex, so that all within `KEEP_OFF_MM` of dense bone is barred.
    """
    allowed = _away_from_bone(volume, contrast, candidates)
    allowed |= trunk
    found = runs_of(allowed, progress)
    count, labels = label_runs(found)
    roots = runs_of(trunk)
    owner = np.searchsorted(found.starts, roots.starts, side="right") - 1
    is_branch = np.zeros(count, dtype=np.bool_)
    is_branch[labels[owner]] = True
    return mask_of(found.select(is_branch[labels]))


def _away_from_bone(volume: Volume, contrast: Contrast, candidates: Mask) -> Mask:
    """Return the candidates that are no brighter than contrast and not near bone."""
    blocks = contrast.blocks
    bone = blocks.grown(_dense_bone(contrast) | contrast.inside_bone, KEEP_OFF_MM)
    allowed = candidates & (volume.voxels <= float(contrast.ceiling_hu[1:].max()))
    keep_within(allowed, ~bone, blocks.factors)
    return allowed


def other_trees(
    volume: Volume, contrast: Contrast, candidates: Mask, known: Mask, least_voxels: int, progress: Progress = silent
) -> Mask:
    """Return the pieces of contrast that hang on no core: trees of vessels that are all thin, as in a liver.

    A tenth of such a piece is nearly as bright as contrast; the noisy rest of an organ that only reaches over the
    boundary is not.
    """
    found = runs_of(_away_from_bone(volume, contrast, candidates & ~known), progress)
    count, labels = label_runs(found)
    size = sizes(found, labels, count)
    bright = runs_of(mask_of(found) & (volume.voxels >= contrast.level_hu - THIN_HU))
    owner = np.searchsorted(found.starts, bright.starts, side="right") - 1
    bright_size = np.bincount(labels[owner], weights=bright.lengths, minlength=count)
    is_tree = (size >= least_voxels) & (bright_size >= THIN_SHARE * size)
    return mask_of(found.select(is_tree[labels]))


def _enclosed(blocks: Coarse, dense_hu: float) -> Mask:
    """Return what shells of dense bone enclose, in space or in a plane along the grid."""
    shell = _pieces(blocks, dense_hu)
    inside = shell.copy()
    for axis in range(3):
        turned = np.ascontiguousarray(np.moveaxis(shell, axis, 0))
        face_mm2 = float(np.prod(np.delete(blocks.edges_mm, axis)))
        filled = fill_holes_across(turned, max_voxels=round(MARROW_MM2 / face_mm2))
        inside |= np.moveaxis(filled, 0, axis)
    return inside & ~shell


def _dense_bone(contrast: Contrast) -> Mask:
    """Return the blocks that hold dense bone."""
    return _pieces(contrast.blocks, contrast.dense_hu)


def _pieces(blocks: Coarse, dense_hu: float) -> Mask:
    """Return the blocks that hold pieces brighter than contrast, large enough to be no calcification."""
    labels, count = ndimage.label(blocks.top > dense_hu, structure=np.ones((3, 3, 3)))
    size = np.bincount(labels.reshape(-1), minlength=count + 1)
    size[0] = 0
    return np.asarray((size * blocks.block_ml >= DENSE_ML)[labels])


def _grown(seeds: Mask, allowed: Mask, steps: list[int]) -> Mask:
    """Return what the seeds reach within `allowed` in that many steps along k, j, i."""
    out = seeds
    for step in range(max(steps)):
        cross = np.zeros((3, 3, 3), dtype=np.bool_)
        cross[1, 1, 1] = True
        for axis, most in enumerate(steps):
            # Spread the fewer steps of a coarse axis over the many of a fine one.
            if (step + 1) * most // max(steps) > step * most // max(steps):
                np.moveaxis(cross, axis, 0)[:, 1, 1] = True
        out = ndimage.binary_dilation(out, cross, mask=allowed)
    return np.asarray(out)
