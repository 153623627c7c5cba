"""One program grows a region from a seed in a vessel: ``python -m bench.grow_jobs NAME FOLDER``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np

from bench.measure import measured
from bench.segment_jobs import Bools, Job, loaded, tell

LOW_HU, HIGH_HU = 200, 500
VESSEL_COLUMN, VESSEL_ROW = 0.55, 0.6
"""Middle of a straight vessel of `bench.inputs.slices_hu`, as a share of the picture."""


def seed_kji(shape_kji: tuple[int, ...]) -> tuple[int, int, int]:
    """Return a voxel in the vessel."""
    slices, rows, columns = shape_kji
    return slices // 2, int(VESSEL_ROW * rows), int(VESSEL_COLUMN * columns)


def ours(folder: str) -> Job:
    """With the tool as the window calls it, clicks in mm, bricks that can be undone; without its guard."""
    from arviewer.imaging.tools import TARGET, apply, growing  # noqa: F401 - tools load when first asked for
    from arviewer.imaging.tools.places import lps_of
    from arviewer.model.intent import Hand
    from arviewer.model.masks import BrickMask, MaskBox

    volume = loaded(folder)
    click = Hand(np.array([lps_of(volume, seed_kji(volume.voxels.shape))]))
    nothing = BrickMask.of(MaskBox((0, 0, 0), np.zeros((0, 0, 0), np.bool_)))
    values = {"by_click": 0.0, "low": float(LOW_HU), "high": float(HIGH_HU), "guard_mm": 0.0}

    def job() -> Callable[[], Bools]:
        made = apply(volume, nothing, "grow", values, click).masks[TARGET]
        return lambda: made.within((0, 0, 0), volume.geometry.shape_kji)

    return job


def simpleitk(folder: str) -> Job:
    """With ITK's ConnectedThreshold."""
    import SimpleITK as sitk  # noqa: N813 (its own manual calls it so)

    image = sitk.GetImageFromArray(loaded(folder).voxels)
    seed = seed_kji(image.GetSize()[::-1])[::-1]

    def job() -> Callable[[], Bools]:
        found = sitk.ConnectedThreshold(image, [seed], LOW_HU, HIGH_HU)
        return lambda: np.asarray(sitk.GetArrayFromImage(found)).view(np.bool_)

    return job


def cc3d(folder: str) -> Job:
    """With connected-components-3d on the whole range, and the seed's label."""
    import cc3d as library

    voxels = loaded(folder).voxels
    seed = seed_kji(voxels.shape)

    def job() -> Callable[[], Bools]:
        labels = library.connected_components((voxels >= LOW_HU) & (voxels <= HIGH_HU), connectivity=6)
        mask = labels == labels[seed]
        return lambda: np.asarray(mask)

    return job


JOBS: Mapping[str, Callable[[str], Job]] = {"ours": ours, "sitk": simpleitk, "cc3d": cc3d}


if __name__ == "__main__":
    measured(JOBS[sys.argv[1]](sys.argv[2]), tell)
