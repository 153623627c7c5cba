"""Pieces of a structure: keep the largest, keep the clicked, drop the small."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.tools.places import clicked_voxels, reach_ijk
from arviewer.imaging.tools.tool import TARGET, Outcome
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, MaskBox, Triple, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress

NEAR_MM = 2.0
"""A click this near to a piece means it: one on a drawn surface lies half a voxel outside."""


def keep_largest(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the largest 6-connected piece alone."""
    box = mask.box()
    return Outcome({TARGET: cropped(runs.largest(box.voxels, progress), box.start_kji)})


def drop_small(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the pieces of at least ``min_island_ml``."""
    box = mask.box()
    least = max(1, round(values["min_island_ml"] * 1000.0 / volume.geometry.voxel_volume_mm3))
    return Outcome({TARGET: cropped(runs.remove_small(box.voxels, least, progress), box.start_kji)})


def keep_clicked(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the pieces that were clicked."""
    box = mask.box()
    places = [_nearest(volume, box, at) for at in clicked_voxels(volume, hand)]
    found = runs.runs_of(box.voxels, progress)
    _count, labels = runs.label_runs(found)
    meant = np.unique([labels[found.at(place)] for place in places])
    return Outcome({TARGET: cropped(runs.mask_of(found.select(np.isin(labels, meant))), box.start_kji)})


def _nearest(volume: Volume, box: MaskBox, at: Triple) -> Triple:
    """Return the structure's voxel nearest to another, counted from the box's first."""
    reach = np.ceil(reach_ijk(volume, NEAR_MM)).astype(int)[::-1]
    near = box.within(tuple((at - reach).tolist()), tuple((2 * reach + 1).tolist()))
    offsets = np.argwhere(near) - reach
    mm = np.linalg.norm(offsets[:, ::-1] @ volume.geometry.lps_from_ijk.matrix[:3, :3].T, axis=1)
    if len(mm) == 0 or mm.min() > NEAR_MM:
        raise NothingFound(
            _("There is no piece of the structure where you clicked."), "", _("Click on a piece that is to stay.")
        )
    k, j, i = (np.array(at) + offsets[mm.argmin()] - box.start_kji).tolist()
    return k, j, i
