"""From what a hand showed, in LPS mm, to voxels and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arviewer.errors import UsageError
from arviewer.model.geometry import Float, Ijk, Lps, Points
from arviewer.model.intent import Hand
from arviewer.model.masks import MaskBox, Triple
from arviewer.model.volume import Volume
from arviewer.words import _

Box = tuple[slice, slice, slice]
"""A part of the volume, as an index of its voxels."""

HALF = 0.5
"""A voxel reaches half a step to each side of its centre."""


def ijk_of(volume: Volume, points_lps: Float) -> Float:
    """Return where points lie in the grid, shape (N, 3), as fractions."""
    points: Points[Lps] = Points(points_lps, volume.geometry.frame_of_reference_uid)
    return volume.geometry.lps_from_ijk.inverse()(points).xyz


def lps_of(volume: Volume, kji: Sequence[float]) -> tuple[float, float, float]:
    """Return where a voxel lies, mm."""
    index: Points[Ijk] = Points(np.asarray(kji, np.float64)[::-1], volume.geometry.lps_from_ijk.from_space)
    x, y, z = volume.geometry.lps_from_ijk(index).xyz[0].tolist()
    return x, y, z


def clicked_voxels(volume: Volume, hand: Hand) -> list[Triple]:
    """Return the voxel (k, j, i) under each click.

    Raises
    ------
    UsageError
        When one lies outside the volume, or in a lost slice.
    """
    found = []
    for point, ijk in zip(hand.points_lps, ijk_of(volume, hand.points_lps), strict=True):
        i, j, k = np.floor(ijk + HALF).astype(int).tolist()
        inside = all(0 <= at < n for at, n in zip((k, j, i), volume.geometry.shape_kji, strict=True))
        if not inside or not volume.slice_valid[k]:
            raise UsageError(
                _("The click lies outside the images."),
                _("Point {:.1f}, {:.1f}, {:.1f} mm (LPS) is in no slice that is there.").format(*point),
                _("Click inside the structure."),
            )
        found.append((k, j, i))
    return found


def reach_ijk(volume: Volume, radius_mm: float) -> Float:
    """Return how many steps of i, j and k a ball reaches from its middle, as fractions; exact for sheared grids."""
    inverse = np.linalg.inv(volume.geometry.lps_from_ijk.matrix[:3, :3])
    return np.asarray(radius_mm * np.linalg.norm(inverse, axis=1), dtype=np.float64)


def widened(volume: Volume, box: MaskBox, radius_mm: float) -> tuple[Triple, Triple]:
    """Return start and shape (k, j, i) of a box that holds all within `radius_mm` of another, cut at the volume."""
    margin = np.ceil(reach_ijk(volume, radius_mm)).astype(int)[::-1]
    low = np.maximum(0, np.array(box.start_kji) - margin)
    high = np.minimum(volume.geometry.shape_kji, np.array(box.start_kji) + box.voxels.shape + margin)
    k, j, i = low.tolist()
    depth, height, width = (high - low).tolist()
    return (k, j, i), (depth, height, width)


def box_of(start: Triple, shape: Triple) -> Box:
    """Return a box as an index of the volume's voxels."""
    k, j, i = (slice(a, a + n) for a, n in zip(start, shape, strict=True))
    return k, j, i
