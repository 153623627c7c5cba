"""Volumes of known truth for the tests of recipes and meshing: grids, noise, and a Volume round them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arviewer.imaging.phantoms.raster import Sampling
from arviewer.imaging.phantoms.simple import Phantom
from arviewer.model.geometry import Affine
from arviewer.model.study import Patient, Series
from arviewer.model.volume import Volume, VolumeGeometry

SPACING_MM = (0.7, 0.8, 1.0)


def _grid(kind: str, spacing_mm: tuple[float, float, float], half_mm: float, center: np.ndarray) -> VolumeGeometry:
    axes = np.diag(spacing_mm).astype(float)
    if kind in ("oblique", "sheared"):
        a, b = np.radians(23.0), np.radians(-14.0)
        about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        axes = about_z @ about_x @ axes
    if kind == "sheared":
        axes[:, 2] += 0.33 * spacing_mm[2] * axes[:, 1] / spacing_mm[1]  # the table moves past a tilted gantry
    if kind == "flipped":
        axes = axes @ np.diag([-1.0, -1.0, 1.0])  # feet first prone: columns to the right, rows to anterior
    # A sheared grid leans: it needs more columns and rows to hold the same ball.
    grow = 1.45 if kind == "sheared" else 1.0
    counts = [int(np.ceil(2 * half_mm * grow / s)) + 3 for s in spacing_mm]
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = center - axes @ (np.array(counts) / 2.0 - 0.37)
    return VolumeGeometry((counts[2], counts[1], counts[0]), Affine(matrix, "1.2.3", "grid"))


@pytest.fixture(scope="session")
def grid() -> Callable[..., VolumeGeometry]:
    """A grid that holds a ball of `half_mm` round `center`: "straight", "oblique", "sheared" or "flipped"."""

    def make(kind: str = "straight", half_mm: float = 25.0, spacing_mm: Any = SPACING_MM, center: Any = (0, 0, 0)):
        return _grid(kind, spacing_mm, half_mm, np.asarray(center, dtype=float))

    return make


@pytest.fixture(scope="session")
def ct() -> Callable[..., Volume]:
    """A CT volume round voxels in HU, with noise on request."""

    def make(voxels: np.ndarray, geometry: VolumeGeometry, noise_hu: float = 0.0, seed: int = 7, **changes: Any):
        if noise_hu:
            noise = np.random.default_rng(seed).normal(0.0, noise_hu, voxels.shape)
            voxels = np.rint(voxels + noise).astype(np.int16)
        series = Series("1.2.3.4", "1.2.3", geometry.frame_of_reference_uid, Patient(), 1, "CT", "phantom")
        values = {"series": series, "unit": "HU", "slice_valid": np.ones(len(voxels), dtype=bool), **changes}
        return Volume(voxels, geometry, **values)

    return make


@pytest.fixture(scope="session")
def scanned(ct: Callable[..., Volume]) -> Callable[..., Volume]:
    """A phantom on a grid, partial volume at its edges, with noise on request."""

    def make(phantom: Phantom, geometry: VolumeGeometry, noise_hu: float = 0.0, **changes: Any):
        return ct(phantom.voxels(geometry, Sampling((5, 5, 5))), geometry, noise_hu, **changes)

    return make
