"""Phantoms of tissues painted over one another: values, smooth variation in them, and the shapes that are the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arviewer.imaging.phantoms.csg import waviness
from arviewer.imaging.phantoms.raster import Patch, Sampling, patches, positions_lps
from arviewer.imaging.phantoms.shapes import Array, Float, Shape
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent


@dataclass(frozen=True)
class Layer:
    """One tissue, painted over what came before.

    Attributes
    ----------
    value : float
        Mean, in HU or in the phantom's own unit.
    swing, wavelength_mm : float
        Smooth variation to both sides of the mean and its length.
    """

    name: str
    shape: Shape
    value: float
    swing: float = 0.0
    wavelength_mm: float = 40.0


def paint_layers(
    values: Array,
    layers: Sequence[Layer],
    geometry: VolumeGeometry,
    slices: range,
    sampling: Sampling | None = None,
    progress: Progress = silent,
) -> None:
    """Paint tissues, in place, over some slices, with partial volume at their edges.

    Parameters
    ----------
    values : ndarray of float32, shape (len(slices), rows, columns)
    slices : range
        Must start at a multiple of ``CHUNK_KJI[0]``.
    """
    for n, layer in enumerate(layers):
        progress(n / len(layers), layer.name)
        for patch in patches(layer.shape, geometry, slices, sampling):
            k, j, i = patch.slices
            place = (slice(k.start - slices.start, k.stop - slices.start), j, i)
            target = values[place]
            target += patch.coverage * (_tissue(layer, n, geometry, patch) - target)
    progress(1.0)


def _tissue(layer: Layer, seed: int, geometry: VolumeGeometry, patch: Patch) -> Array | np.float32:
    """Return the value of a layer at each voxel of a patch."""
    if not layer.swing:
        return np.float32(layer.value)
    axes = [np.arange(part.start, part.stop, dtype=np.float64) for part in patch.slices]
    grid = np.meshgrid(*axes, indexing="ij")
    bumps = waviness(*positions_lps(geometry, *grid), layer.wavelength_mm, 100 + seed)
    return np.float32(layer.value) + np.float32(layer.swing) * bumps


@dataclass(frozen=True)
class Layered:
    """A phantom of layers.

    Attributes
    ----------
    layers : tuple of Layer
        In the order of painting.
    structures : mapping of name to Shape
        The truth: what a recipe is to find.
    background : float
        Where no layer is.
    """

    layers: tuple[Layer, ...]
    structures: Mapping[str, Shape]
    background: float = -1000.0

    def values(self, geometry: VolumeGeometry, sampling: Sampling | None = None, progress: Progress = silent) -> Array:
        """Return the phantom on a grid before any scanner: no noise, no artifact.

        Returns
        -------
        ndarray of float32, shape ``geometry.shape_kji``
        """
        values = np.full(geometry.shape_kji, np.float32(self.background))
        paint_layers(values, self.layers, geometry, range(geometry.shape_kji[0]), sampling, progress)
        return values

    def voxels(
        self, geometry: VolumeGeometry, sampling: Sampling | None = None, progress: Progress = silent
    ) -> npt.NDArray[np.int16]:
        """Return what a scanner without noise stores of it on a grid."""
        return np.asarray(np.rint(self.values(geometry, sampling, progress)), dtype=np.int16)


def white(seed: int, k: int, shape: tuple[int, ...]) -> Float:
    """Return white noise of unit variance that is nearly normal, from integers alone, for slice k."""
    parts = np.random.default_rng((seed, k + 1)).integers(0, 4096, size=(4, *shape), dtype=np.int64).sum(axis=0)
    return np.asarray((parts - 8190) / 2364.83)
