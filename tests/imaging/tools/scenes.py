"""What the tests of tools share: where voxels lie, and what a tool makes of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from arviewer.imaging.tools import TARGET, apply
from arviewer.model.geometry import Ijk, Points
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, MaskBox
from arviewer.model.volume import Volume

KINDS = ("straight", "oblique", "sheared", "flipped")


def centres_lps(volume: Volume) -> np.ndarray:
    """The middle of every voxel, shape (K, J, I, 3), mm."""
    geometry = volume.geometry
    k, j, i = np.indices(geometry.shape_kji)
    ijk: Points[Ijk] = Points(np.stack((i, j, k), -1).reshape(-1, 3), geometry.lps_from_ijk.from_space)
    return geometry.lps_from_ijk(ijk).xyz.reshape(*geometry.shape_kji, 3)


def dense(mask: AnyMask, volume: Volume) -> np.ndarray:
    return mask.within((0, 0, 0), volume.geometry.shape_kji)


def done(
    volume: Volume, voxels: np.ndarray, tool: str, hand: Hand | None = None, name: str = TARGET, **values: float
) -> np.ndarray:
    """What a tool makes of a mask, dense."""
    return dense(apply(volume, MaskBox((0, 0, 0), voxels), tool, values, hand).masks[name], volume)


def at(volume: Volume, *kji: float) -> np.ndarray:
    """Where a voxel lies, as one click, shape (1, 3)."""
    i_j_k: Points[Ijk] = Points(np.array([kji[::-1]], float), volume.geometry.lps_from_ijk.from_space)
    return volume.geometry.lps_from_ijk(i_j_k).xyz


def random_blobs(volume: Volume, seed: int, share: float = 0.4) -> np.ndarray:
    """Clumps of voxels with holes and islands, asymmetric."""
    rng = np.random.default_rng(seed)
    noise: Any = rng.random(volume.geometry.shape_kji)
    for axis in range(3):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, 2, axis)
    return np.asarray(noise > np.quantile(noise, 1.0 - share))
