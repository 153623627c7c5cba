"""Pieces of a structure: keep the largest, keep the clicked, drop the small."""

from __future__ import annotations

from collections.abc import Mapping

from arviewer.imaging import runs
from arviewer.imaging.tools.tool import TARGET, Outcome
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, cropped
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress


def keep_largest(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the largest 6-connected piece alone."""
    box = mask.box()
    return Outcome({TARGET: cropped(runs.largest(box.voxels, progress), box.start_kji)})


def drop_small(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Return the pieces of at least ``min_island_ml``."""
    box = mask.box()
    least = max(1, round(values["min_island_ml"] * 1000.0 / volume.geometry.voxel_volume_mm3))
    return Outcome({TARGET: cropped(runs.remove_small(box.voxels, least, progress), box.start_kji)})
