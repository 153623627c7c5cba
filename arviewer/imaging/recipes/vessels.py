"""Contrast-filled lumen in CT: heart chambers, arteries and veins as bright as the contrast; bone parted from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.body import body_blocks
from arviewer.imaging.recipes.bone import bone_beside
from arviewer.imaging.recipes.coarse import keep_within
from arviewer.imaging.recipes.contrast import Contrast, branches, contrast_in, lumen, other_trees
from arviewer.imaging.recipes.places import touching
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import mask_box, voxels_in, within
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

BONE_HU = 250.0
"""Threshold of the bone that vessels are parted from."""

AROUND_MM = (5.0, 10.0)
"""Distance from a core, in mm, at which the tissue round a vessel is looked at."""


def vessels(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find contrast-filled lumen; see the table for the parameters.

    The boundary lies half way between the contrast and the tissue round it, both measured in this volume, unless
    the caller names a threshold.
    """
    progress(0.0, _("Finding contrast"))
    contrast = contrast_in(volume, values["low_hu"], progress=part(progress, 0.0, 0.15))
    if contrast is None:
        raise NothingFound(
            _("No contrast-filled vessels were found."),
            _("Nothing even, thick and enclosed by darker tissue is brighter than {:g} HU.").format(values["low_hu"]),
            _("Choose a series with contrast, or lower the threshold."),
        )
    low = values["low_hu"] if "low_hu" in given else _boundary_hu(contrast)
    progress(0.15, _("Parting bone from vessels"))
    mask = within(volume, low)
    blocks, body = body_blocks(volume, part(progress, 0.15, 0.25))
    keep_within(mask, body, blocks.factors)
    bone = bone_beside(volume, BONE_HU, contrast, (blocks, body), part(progress, 0.25, 0.6))
    mask &= ~bone
    progress(0.6, _("Following the vessels"))
    trunk = lumen(volume, contrast, mask, part(progress, 0.6, 0.75))
    least = voxels_in(volume, values["min_island_ml"])
    tree = trunk | branches(volume, contrast, mask, trunk, part(progress, 0.75, 0.82))
    mask = tree | other_trees(volume, contrast, mask, tree, least, part(progress, 0.82, 0.88))
    mask = runs.remove_small(mask, least, part(progress, 0.88, 0.92))
    mask = runs.fill_holes(mask, part(progress, 0.92, 1.0))
    mask &= ~bone
    return Found(mask_box(mask), low, findings=touching(volume, mask, bone, "vessels", "bone"), used={"low_hu": low})


def _boundary_hu(contrast: Contrast) -> float:
    """Return half way between the contrast and the soft tissue round its cores, in whole HU.

    Fat is left out: between lumen and fat there is a wall. Of the rest the lower quartile counts: muscle and walls
    rather than organs that took up contrast themselves.
    """
    blocks = contrast.blocks
    core = contrast.cores > 0
    around = blocks.grown(core, AROUND_MM[1]) & ~blocks.grown(core, AROUND_MM[0])
    tissue = blocks.mean[around & (blocks.mean > 0) & (blocks.mean < contrast.level_hu / 2)]
    background = float(np.percentile(tissue, 25)) if tissue.size else 0.0
    return float(round((contrast.level_hu + background) / 2))
