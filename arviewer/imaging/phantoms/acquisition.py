"""What a scanner makes of the patient: blur in the plane, thicker slices than steps, correlated noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arviewer.imaging.phantoms.layered import white
from arviewer.imaging.phantoms.patient import paint
from arviewer.imaging.phantoms.raster import CHUNK_KJI, Sampling
from arviewer.imaging.phantoms.shapes import Array, single
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent

SLAB = CHUNK_KJI[0]
"""Slices that are made together."""

LOWEST_HU = -1024


@dataclass(frozen=True)
class Acquisition:
    """How a series is scanned.

    Attributes
    ----------
    geometry : VolumeGeometry
        In the patient's own frame (`arviewer.imaging.phantoms.trunk`).
    slice_thickness_mm : float
        The slice's own depth, which may exceed the step.
    noise_hu : float
        Standard deviation in the middle of the body.
    seed : int
    samples_kji : tuple of int
        Sample points in each voxel that a surface crosses.
    """

    geometry: VolumeGeometry
    slice_thickness_mm: float
    noise_hu: float = 11.5
    seed: int = 1
    samples_kji: tuple[int, int, int] = (3, 2, 2)

    @property
    def sampling(self) -> Sampling:
        """Samples spread over the slice thickness."""
        step_mm = float(self.geometry.spacing_mm[2])
        return Sampling(self.samples_kji, (self.slice_thickness_mm / step_mm, 1.0, 1.0))

    def slabs(self) -> list[range]:
        """Return the runs of slices that can be scanned on their own."""
        count = self.geometry.shape_kji[0]
        return [range(k, min(k + SLAB, count)) for k in range(0, count, SLAB)]

    def scan(self, slices: range, progress: Progress = silent) -> npt.NDArray[np.int16]:
        """Return some slices in HU; the same numbers whether scanned alone or with others.

        Parameters
        ----------
        slices : range
            One of `slabs`.

        Returns
        -------
        ndarray of int16, shape (len(slices), rows, columns)
        """
        hu, body = paint(self.geometry, slices, self.sampling, progress)
        hu, body = blurred(hu, BLUR), blurred(body, BLUR)
        noise = np.stack([self._noise(k) for k in slices])
        noise *= single(0.22 + 0.78 * body)
        return np.asarray(np.rint(np.maximum(hu + noise, LOWEST_HU)), dtype=np.int16)

    def _noise(self, k: int) -> Array:
        """Return the noise of slice k, correlated in the plane and with its neighbors, strongest in the middle."""
        rows, columns = self.geometry.shape_kji[1:]
        before, here, after = (white(self.seed, n, (rows, columns)) for n in (k - 1, k, k + 1))
        grain = 0.45 * before + 0.78 * here + 0.45 * after
        v = (np.arange(rows) / (rows - 1) - 0.5)[:, None]
        u = (np.arange(columns) / (columns - 1) - 0.5)[None, :]
        fall = np.maximum(1.0 - 1.6 * (u * u + v * v), 0.6)
        return single(blurred(blurred(single(grain), 0.25), 0.125) * single(self.noise_hu * NOISE_GAIN * fall))


BLUR = 0.12
"""Share of each neighbor in the blur of the plane: a standard deviation of about half a pixel."""

NOISE_GAIN = 1 / 0.3184
"""Makes up for the blur of the noise: the combined kernel (1, 8, 14, 8, 1) / 32 has a sum of squares of 0.3184."""


def blurred(planes: Array, share: float) -> Array:
    """Return planes blurred along rows and columns with the kernel (share, 1 − 2 share, share), edges repeated."""
    for axis in (-2, -1):
        first = np.take(planes, [0], axis=axis)
        last = np.take(planes, [-1], axis=axis)
        padded = np.concatenate([first, planes, last], axis=axis)
        count = planes.shape[axis]
        before, after = (np.take(padded, range(n, n + count), axis=axis) for n in (0, 2))
        planes = single(planes * np.float32(1 - 2 * share) + (before + after) * np.float32(share))
    return planes
