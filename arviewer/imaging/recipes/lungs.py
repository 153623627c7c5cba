"""Both lungs in CT: filled with air, the vessels in them filled in, windpipe and main bronchi left out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.body import body_blocks
from arviewer.imaging.recipes.coarse import Coarse, keep_within
from arviewer.imaging.recipes.filling import vessels_filled
from arviewer.imaging.recipes.places import touching
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import mask_box, voxels_in, within
from arviewer.imaging.recipes.sides import part_lungs
from arviewer.imaging.runs import Mask
from arviewer.model.masks import MaskBox, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

GAS_HU = -950.0
"""Gas in the bowel and in the windpipe lies below on average; a lung, emphysema included, above."""

LUNG_SHARE = 0.05
"""Pieces smaller than this share of the largest are no lung: gas in folds of skin, in the gullet."""

WALL_MM = 3.0
"""How far inside the blocks of the body a lung lies at least: a chest wall is thicker."""

AIRWAY_HU = (-930.0, -950.0, -970.0, -985.0)
"""Brightest mean of a block of windpipe, from lenient to strict; the first that does not leak into lung is taken."""

AIRWAY_ML = (2.0, 150.0)
"""Volume of windpipe and bronchi in blocks: what is larger has leaked, what is smaller is a bulla."""

AIRWAY_LONG_MM, AIRWAY_ASIDE_MM = 30.0, 40.0
"""A windpipe is at least this long from head to feet, and its middle is no further than this from the body's."""

AIRWAY_RIM_MM = 6.0
"""How far beyond its darkest blocks a windpipe's lumen and wall reach."""

VESSEL_MM2 = 200.0
"""Cross-section of the largest vessel that is filled in: 16 mm across."""


def lungs(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find both lungs; see the table for the parameters."""
    high = values["high_hu"]
    progress(0.0, _("Finding the lungs"))
    blocks, body = body_blocks(volume, part(progress, 0.0, 0.2))
    air = within(volume, -np.inf, high)
    keep_within(air, blocks.shrunk(body, WALL_MM), blocks.factors)
    air = _lungs_in(volume, air, values["min_island_ml"], part(progress, 0.2, 0.5))
    airway = airway_blocks(volume, blocks, _any_in(air, blocks))
    if airway.any():
        keep_within(air, ~blocks.grown(airway, AIRWAY_RIM_MM), blocks.factors)
        air = _lungs_in(volume, air, values["min_island_ml"], part(progress, 0.5, 0.7))
    if not air.any():
        raise NothingFound(
            _("No lungs were found."),
            _("No piece of {:g} ml or more inside the body is darker than {:g} HU and brighter than gas.").format(
                values["min_island_ml"], high
            ),
            _("Choose a series that shows the chest."),
        )
    box = mask_box(air)
    filled = vessels_filled(volume, box.voxels, VESSEL_MM2, part(progress, 0.7, 1.0))
    return Found(MaskBox(box.start_kji, filled), high, inside_is_above=False)


def one_lung(
    volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress, side: str
) -> Found:
    """Find the lung of one side of the patient, "left" or "right"."""
    both = lungs(volume, values, given, part(progress, 0.0, 0.8))
    progress(0.8, _("Parting the lungs"))
    parted = part_lungs(volume, both.mask, part(progress, 0.8, 1.0))
    mask = parted.left if side == "left" else parted.right
    if not mask.any():
        raise NothingFound(
            _("No lung was found on that side of the patient."),
            _("All lung that was found lies on the other side."),
            _("Check the patient's position in the header, or choose the other lung."),
        )
    found = cropped(mask, both.mask.start_kji)
    name, other = ("lung-left", "lung-right") if side == "left" else ("lung-right", "lung-left")
    touch = touching(volume, parted.left, parted.right, name, other, both.mask.start_kji)
    return Found(found, both.threshold, inside_is_above=False, findings=touch)


def _lungs_in(volume: Volume, air: Mask, least_ml: float, progress: Progress) -> Mask:
    """Return the pieces of air that are lung, by size and mean."""
    found = runs.runs_of(air, progress)
    count, labels = runs.label_runs(found)
    size = runs.sizes(found, labels, count)
    keep = np.zeros(count, dtype=np.bool_)
    largest = 0
    for number in np.argsort(-size):
        if size[number] < max(voxels_in(volume, least_ml), LUNG_SHARE * largest):
            break
        piece = mask_box(runs.mask_of(found.select(labels == number)))
        if float(volume.voxels[piece.slices][piece.voxels].mean()) > GAS_HU:
            keep[number] = True
            largest = max(largest, int(size[number]))
    return runs.mask_of(found.select(keep[labels]))


def airway_blocks(volume: Volume, blocks: Coarse, air: Mask) -> Mask:
    """Return the blocks of the windpipe and main bronchi in the air of the body; none where none are found.

    Parameters
    ----------
    air : ndarray of bool, shape of the blocks
    """
    inside = ndimage.maximum_filter(air, 3)
    matrix = volume.geometry.lps_from_ijk.matrix
    middle = float(volume.geometry.center_lps[0])
    for ceiling in AIRWAY_HU:
        labels, _count = ndimage.label((blocks.mean < ceiling) & inside)
        chosen = np.zeros(inside.shape, dtype=np.bool_)
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            here = labels[box] == number
            if here.sum() * blocks.block_ml < AIRWAY_ML[0]:
                continue
            kji = (np.argwhere(here) + [s.start for s in box] + 0.5) * blocks.factors
            lps = kji[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]
            if np.ptp(lps[:, 2]) >= AIRWAY_LONG_MM and abs(lps[:, 0].mean() - middle) <= AIRWAY_ASIDE_MM:
                chosen[box] |= here
        if 0 < chosen.sum() * blocks.block_ml <= AIRWAY_ML[1]:
            return chosen
    return np.zeros(inside.shape, dtype=np.bool_)


def _any_in(mask: Mask, blocks: Coarse) -> Mask:
    """Return the blocks whose first or middle voxel is set."""
    out = np.zeros(blocks.mean.shape, dtype=np.bool_)
    for half in (False, True):
        first = [f // 2 if half else 0 for f in blocks.factors]
        index = [
            np.minimum(np.arange(out.shape[a]) * blocks.factors[a] + first[a], mask.shape[a] - 1) for a in range(3)
        ]
        out |= mask[np.ix_(*index)]
    return out
