"""One program makes the mask of the bone: ``python -m bench.segment_jobs NAME FOLDER``.

Values of `LOW_HU` and more, the largest piece (6 neighbours), its cavities filled. The volume is in memory, in the
program's own type, before the clock starts; what is hashed after it has stopped is the whole mask [k, j, i].
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.dicom import load, scan
from arviewer.model.volume import Volume
from bench.measure import LOW_HU, measured

Bools = npt.NDArray[np.bool_]
Job = Callable[[], Callable[[], Bools]]
"""Makes a mask of the program's own kind; what it returns turns that into an array [k, j, i], off the clock."""


def loaded(folder: str) -> Volume:
    """Return the one series of a folder."""
    (series,) = scan(folder).series
    return load(series)


def ours(folder: str) -> Job:
    """As the recipes do it: the range, then everything on runs, in place."""
    from arviewer.imaging import runs
    from arviewer.imaging.ranges import in_range

    volume = loaded(folder)

    def job() -> Callable[[], Bools]:
        mask = in_range(volume, LOW_HU)
        piece = runs.remove_all_but_largest_from(mask)
        runs.paint(mask, runs.holes_between(piece))
        return lambda: mask

    return job


def simpleitk(folder: str) -> Job:
    """With ITK's own filters; they use all cores."""
    import SimpleITK as sitk  # noqa: N813 (its own manual calls it so)

    image = sitk.GetImageFromArray(loaded(folder).voxels)

    def job() -> Callable[[], Bools]:
        pieces = sitk.RelabelComponent(sitk.ConnectedComponent(image >= LOW_HU), sortByObjectSize=True)
        filled = sitk.BinaryFillhole(sitk.Cast(pieces == 1, sitk.sitkUInt8), fullyConnected=False)
        return lambda: np.asarray(sitk.GetArrayFromImage(filled)).view(np.bool_)

    return job


def cc3d(folder: str) -> Job:
    """With connected-components-3d and fill_voids."""
    import cc3d as library
    import fill_voids

    voxels = loaded(folder).voxels

    def job() -> Callable[[], Bools]:
        piece = library.largest_k(voxels >= LOW_HU, k=1, connectivity=6) > 0
        filled = fill_voids.fill(piece, in_place=True)
        return lambda: np.asarray(filled, np.bool_)

    return job


def limit(folder: str) -> Job:
    """Read the values once, write a mask once."""
    voxels = loaded(folder).voxels

    def job() -> Callable[[], Bools]:
        mask = voxels >= LOW_HU
        return lambda: np.asarray(mask)

    return job


JOBS: Mapping[str, Callable[[str], Job]] = {"ours": ours, "sitk": simpleitk, "cc3d": cc3d, "limit": limit}


def mask_hash(mask: Bools) -> str:
    """Return the hash of a mask of the whole volume."""
    return hashlib.sha256(np.packbits(mask).data).hexdigest()[:16]


def tell(result: Callable[[], Bools]) -> dict[str, Any]:
    """Return what the results are compared by."""
    return {"mask": mask_hash(result())}


if __name__ == "__main__":
    measured(JOBS[sys.argv[1]](sys.argv[2]), tell)
