"""Folder → bone STL with arviewer: ``python -m bench.whole_ours FOLDER FILE.stl [smoothed]``."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

import arviewer.imaging.recipes.bone  # noqa: F401 - recipes load when first asked for; imports are not counted
from arviewer.formats.export import export
from arviewer.imaging.dicom import load, scan
from arviewer.imaging.structure import build
from bench.measure import LOW_HU, MIN_ISLAND_ML, measured


def job() -> Mapping[str, object]:
    """Everything a user gets, verification of the written file included."""
    series = max(scan(sys.argv[1]).series, key=lambda s: len(s.instances))
    volume = load(series)
    max_error_mm = 0.25 if "smoothed" in sys.argv else 0.0
    segment, surface = build(volume, "bone", max_error_mm, low_hu=LOW_HU, min_island_ml=MIN_ISLAND_ML)
    shape = volume.geometry.shape_kji
    del volume
    export([surface], sys.argv[2])
    return {
        "triangles": len(surface.triangles),
        "ml": surface.volume_ml,
        "mask_voxels": int(np.count_nonzero(segment.mask.box().voxels)),
        "shape": shape,
    }


measured(job)
