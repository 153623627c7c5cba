"""Small phantoms of known truth for tests: each with its volume and centroid, rasterised on any grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arviewer.imaging.phantoms.csg import Difference, union
from arviewer.imaging.phantoms.raster import Sampling, patches
from arviewer.imaging.phantoms.shapes import Box, Ellipsoid, Shape, Torus, Tube, Vector, capsule
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent


@dataclass(frozen=True)
class Part:
    """One body of a phantom: its shape in LPS mm, its HU, and the truth about it in closed form."""

    shape: Shape
    hu: float
    volume_mm3: float
    centroid_lps: Vector


@dataclass(frozen=True)
class Phantom:
    """Parts that do not overlap, in a background of `background_hu`."""

    parts: Mapping[str, Part]
    background_hu: float = -1000.0

    @property
    def volume_mm3(self) -> float:
        """Volume of all parts together."""
        return sum(part.volume_mm3 for part in self.parts.values())

    @property
    def centroid_lps(self) -> npt.NDArray[np.float64]:
        """Centroid of all parts together, shape (3,), mm."""
        weighted = [part.volume_mm3 * np.array(part.centroid_lps) for part in self.parts.values()]
        return np.asarray(np.sum(weighted, axis=0) / self.volume_mm3, dtype=np.float64)

    def voxels(
        self, geometry: VolumeGeometry, sampling: Sampling | None = None, progress: Progress = silent
    ) -> npt.NDArray[np.int16]:
        """Return the phantom in HU on a grid, partial volume at all edges, without noise."""
        values = np.full(geometry.shape_kji, self.background_hu, dtype=np.float32)
        for part in self.parts.values():
            for patch in patches(part.shape, geometry, range(geometry.shape_kji[0]), sampling, progress):
                box = values[patch.slices]
                box += patch.coverage * np.float32(part.hu - self.background_hu)
        return np.rint(values).astype(np.int16)


def _one(name: str, shape: Shape, volume_mm3: float, centroid: Vector, hu: float) -> Phantom:
    return Phantom({name: Part(shape, hu, volume_mm3, centroid)})


def sphere(center: Vector = (0.0, 0.0, 0.0), radius_mm: float = 15.0, hu: float = 600.0) -> Phantom:
    """Return a ball."""
    ball = Ellipsoid(center, (radius_mm, radius_mm, radius_mm))
    return _one("sphere", ball, ball.volume_mm3, center, hu)


def torus(center: Vector = (0.0, 0.0, 0.0), ring_mm: float = 18.0, tube_mm: float = 6.0, hu: float = 600.0) -> Phantom:
    """Return a torus around the z axis: a body with a hole in it (genus 1)."""
    ring = Torus(center, ring_mm, tube_mm)
    return _one("torus", ring, ring.volume_mm3, center, hu)


def capsule_phantom(
    start: Vector = (-12.0, -6.0, -9.0), stop: Vector = (14.0, 8.0, 10.0), radius_mm: float = 7.0, hu: float = 600.0
) -> Phantom:
    """Return an oblique cylinder with half-balls on both ends."""
    length_mm = float(np.linalg.norm(np.subtract(stop, start)))
    volume = float(np.pi * radius_mm**2 * (length_mm + 4 / 3 * radius_mm))
    x, y, z = (float(value) for value in np.add(start, stop) / 2)
    return _one("capsule", capsule(start, stop, radius_mm), volume, (x, y, z), hu)


def shell(
    center: Vector = (0.0, 0.0, 0.0), radius_mm: float = 20.0, thickness_mm: float = 1.5, hu: float = 600.0
) -> Phantom:
    """Return a hollow ball whose wall is about a voxel thin; `radius_mm` is its outer radius."""
    inner_mm = radius_mm - thickness_mm
    outer = Ellipsoid(center, (radius_mm, radius_mm, radius_mm))
    inner = Ellipsoid(center, (inner_mm, inner_mm, inner_mm))
    return _one("shell", Difference(outer, inner), outer.volume_mm3 - inner.volume_mm3, center, hu)


ROD_LENGTH_MM = 100.0
"""Distance between the middles of the two end balls of `rod`."""


def rod(center: Vector = (0.0, 0.0, 0.0), direction: Vector = (2.0, 1.0, 3.0), hu: float = 600.0) -> Phantom:
    """Return two balls of radius 6 mm exactly 100.0 mm apart, joined by a bar of radius 2 mm, along any direction."""
    unit = np.array(direction) / np.linalg.norm(direction)
    half = unit * ROD_LENGTH_MM / 2
    start, stop = (tuple(float(v) for v in np.array(center) + side * half) for side in (-1, 1))
    balls = [Ellipsoid((x, y, z), (6.0, 6.0, 6.0)) for x, y, z in (start, stop)]
    bar = Tube((balls[0].center, balls[1].center), (2.0, 2.0))
    # The bar leaves each ball through a circle of radius 2 at 6 - cap from its middle.
    to_circle_mm = float(np.sqrt(6.0**2 - 2.0**2))
    cap = 6.0 - to_circle_mm
    caps = np.pi * cap**2 * (3 * 6.0 - cap) / 3
    volume = 2 * balls[0].volume_mm3 + np.pi * 2.0**2 * (ROD_LENGTH_MM - 2 * to_circle_mm) - 2 * caps
    return _one("rod", union([*balls, bar]), float(volume), center, hu)


def chiral(center: Vector = (0.0, 0.0, 0.0)) -> Phantom:
    """Return a body that no mirror, swap of axes or turn maps onto itself, with a marker ball on three sides.

    The block has arms of 24 mm to Left, 18 mm to Anterior and 12 mm to Head from a cube of 10 mm around `center`,
    all 500 HU. The balls: "left" (radius 5 mm, 900 HU), "anterior" (4 mm, 1200 HU), "head" (3 mm, 1500 HU), each
    10 mm beyond the end of its arm. Needs ±48 mm around `center`.
    """
    x, y, z = center
    block = {
        "cube": Box(center, (5.0, 5.0, 5.0)),
        "to left": Box((x + 17.0, y, z), (12.0, 5.0, 5.0)),
        "to anterior": Box((x, y - 14.0, z), (5.0, 9.0, 5.0)),
        "to head": Box((x, y, z + 11.0), (5.0, 5.0, 6.0)),
    }
    volumes = np.array([8 * np.prod(box.half) for box in block.values()])
    middles = np.array([box.center for box in block.values()])
    bx, by, bz = (float(v) for v in volumes @ middles / volumes.sum())
    parts = {"block": Part(union(block.values()), 500.0, float(volumes.sum()), (bx, by, bz))}
    markers: dict[str, tuple[Vector, float, float]] = {
        "left": ((x + 39.0, y, z), 5.0, 900.0),
        "anterior": ((x, y - 33.0, z), 4.0, 1200.0),
        "head": ((x, y, z + 27.0), 3.0, 1500.0),
    }
    for name, (at, radius_mm, hu) in markers.items():
        ball = Ellipsoid(at, (radius_mm, radius_mm, radius_mm))
        parts[name] = Part(ball, hu, ball.volume_mm3, at)
    return Phantom(parts)
