"""What triangles measure: signed volume, area, bounds; summed up chunk by chunk, so that a cancel is heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from arviewer.model.geometry import Float
from arviewer.model.surface import Surface
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

CHUNK = 16_384
"""Triangles measured at once: their corners, 1.2 MB, stay in the processor's cache."""


@dataclass(slots=True)
class Measured:
    """What triangles measure, so far.

    Attributes
    ----------
    center : ndarray, shape (3,), mm
        Where the volume's tetrahedra meet; near the surface, since far from it the sum would lose digits.
    volume_mm3 : float
        Signed: positive when the normals point outward and nothing is mirrored.
    area_mm2 : float
    low, high : ndarray, shape (3,), mm
        Bounds of the corners of the triangles (a point no triangle uses does not count).
    """

    center: Float
    volume_mm3: float = 0.0
    area_mm2: float = 0.0
    low: Float = field(default_factory=lambda: np.full(3, np.inf))
    high: Float = field(default_factory=lambda: np.full(3, -np.inf))

    def add(self, corners: Float) -> None:
        """Take in triangles, shape (3 axes, 3 corners, M), mm."""
        ax, ay, az = corners[:, 0] - self.center[:, None]
        ux, uy, uz = corners[:, 1] - corners[:, 0]
        vx, vy, vz = corners[:, 2] - corners[:, 0]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        # a · (b × c) = a · ((b − a) × (c − a)): one cross product serves the volume and the area.
        # Sums rather than dot products: BLAS would wait for its own threads on a busy machine (three times slower
        # there), and add in an order that depends on how many there are.
        self.volume_mm3 += float((ax * nx + ay * ny + az * nz).sum()) / 6.0
        self.area_mm2 += float(np.sqrt(nx * nx + ny * ny + nz * nz).sum()) / 2.0
        self.low = np.minimum(self.low, corners.reshape(3, -1).min(axis=1))
        self.high = np.maximum(self.high, corners.reshape(3, -1).max(axis=1))


def corners_of(surface: Surface) -> Iterator[Float]:
    """Yield the corners of a surface's triangles chunk by chunk, shape (3 axes, 3 corners, M), LPS mm."""
    for start in range(0, len(surface.triangles), CHUNK):
        corners = surface.points_lps[surface.triangles[start : start + CHUNK]]
        yield np.ascontiguousarray(corners.transpose(2, 1, 0))


def measure(surface: Surface, progress: Progress = silent) -> Measured:
    """Return what a surface with at least one triangle measures, in LPS mm."""
    measured = Measured(surface.points_lps[surface.triangles[0]].mean(axis=0))
    done = 0
    for corners in corners_of(surface):
        measured.add(corners)
        done += corners.shape[2]
        progress(done / len(surface.triangles), _("Measuring the surface"))
    return measured
