"""A slice of a trunk on a table: body, lungs, windpipe, vertebra, aorta against it, a rib; all in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from arviewer.imaging.phantoms.raster import Sampling, patches
from arviewer.imaging.phantoms.shapes import Box, Ellipsoid, Shape, Tube
from arviewer.model.volume import Volume, VolumeGeometry


@dataclass(frozen=True)
class Trunk:
    """What the trunk is made of: `contrast_hu` fills the aorta and a branch of it."""

    contrast_hu: float = 320.0
    trabecular_hu: float = 255.0
    table: bool = True

    def body(self) -> Shape:
        return Ellipsoid((0.0, 0.0, 0.0), (92.0, 66.0, 400.0))

    def vertebra(self) -> Shape:
        return Ellipsoid((0.0, 22.0, 1.0), (21.0, 17.0, 15.0))

    def marrow(self) -> Shape:
        return Ellipsoid((0.0, 22.0, 1.0), (18.6, 14.6, 12.6))

    def rib(self) -> Shape:
        return Tube(((34.0, 50.0, -14.0), (62.0, 38.0, -4.0), (79.0, 10.0, 6.0)), (5.0, 5.0, 5.0))

    def aorta(self) -> Shape:
        # On the vertebra: its wall of voxels and the cortex share their partial volume.
        return Tube(((15.0, -0.6, -60.0), (15.0, -0.6, 60.0)), (10.0, 10.0))

    def branch(self) -> Shape:
        return Tube(((15.0, -0.6, 4.0), (4.0, -22.0, 10.0), (-8.0, -30.0, 24.0)), (4.0, 3.5, 3.0))

    def lungs(self) -> dict[str, Shape]:
        return {
            "right": Ellipsoid((-52.0, -4.0, 3.0), (28.0, 40.0, 24.0)),
            "left": Ellipsoid((58.0, -8.0, 2.0), (20.0, 30.0, 22.0)),
        }

    def layers(self) -> list[tuple[Shape, float]]:
        table = [
            (Box((0.0, 84.0, 0.0), (120.0, 12.0, 400.0)), 120.0),
            (Box((0.0, 84.0, 0.0), (117.0, 9.5, 400.0)), -920.0),
        ]
        return [
            *(table if self.table else []),
            (Box((0.0, 69.0, 0.0), (100.0, 3.0, 400.0)), -940.0),
            (self.body(), -100.0),
            (Ellipsoid((0.0, 0.0, 0.0), (86.0, 60.0, 394.0)), 55.0),
            *((lung, -850.0) for lung in self.lungs().values()),
            (Tube(((-40.0, -4.0, 2.0), (-66.0, -8.0, 4.0)), (2.4, 2.0)), 40.0),
            (Tube(((-2.0, -12.0, -60.0), (-2.0, -12.0, 60.0)), (6.5, 6.5)), -1000.0),
            (self.aorta(), self.contrast_hu),
            (self.branch(), self.contrast_hu),
            (self.vertebra(), 500.0),
            (self.marrow(), self.trabecular_hu),
            (self.rib(), 500.0),
            (Tube(((34.0, 50.0, -14.0), (62.0, 38.0, -4.0), (79.0, 10.0, 6.0)), (2.6, 2.6, 2.6)), 210.0),
        ]


@pytest.fixture(scope="session")
def paint(ct: Callable[..., Volume]) -> Callable[..., Volume]:
    """Layers painted one over the other on a grid, with noise; a CT volume of it."""

    def make(trunk: Trunk, geometry: VolumeGeometry, noise_hu: float = 11.0, seed: int = 1, **changes):
        hu = np.full(geometry.shape_kji, -1000.0, dtype=np.float32)
        for shape, value in trunk.layers():
            for patch in patches(shape, geometry, range(geometry.shape_kji[0]), Sampling((3, 3, 3))):
                box = hu[patch.slices]
                box += patch.coverage * (np.float32(value) - box)
        return ct(np.rint(hu).astype(np.int16), geometry, noise_hu, seed, **changes)

    return make


@pytest.fixture(scope="session")
def trunk_grid() -> Callable[..., VolumeGeometry]:
    """A grid over the trunk: 200 × 180 × 64 mm, optionally turned about the body's long axis and sheared."""
    from arviewer.model.geometry import Affine

    def make(spacing_mm=(0.9, 0.92, 1.8), angle_deg=0.0, shear=0.0):
        a = np.radians(angle_deg)
        turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        axes = turn @ np.diag(spacing_mm)
        axes[:, 2] += shear * axes[:, 1] * spacing_mm[2] / spacing_mm[1]
        counts = np.array([int(n / s) for n, s in zip((206.0, 180.0, 64.0), spacing_mm, strict=True)])
        matrix = np.eye(4)
        matrix[:3, :3] = axes
        matrix[:3, 3] = np.array([0.0, 14.0, 0.0]) - axes @ (counts / 2.0)
        return VolumeGeometry((int(counts[2]), int(counts[1]), int(counts[0])), Affine(matrix, "1.2.3", "grid"))

    return make


@pytest.fixture(scope="session")
def trunk() -> type[Trunk]:
    """The class of trunks."""
    return Trunk


@pytest.fixture(scope="session")
def truth() -> Callable[..., tuple[float, np.ndarray]]:
    """Volume (ml) and centroid (LPS mm) of shapes within a grid, by dense sampling."""

    def make(shapes, geometry: VolumeGeometry):
        coverage = np.zeros(geometry.shape_kji, dtype=np.float32)
        for shape in shapes:
            for patch in patches(shape, geometry, range(geometry.shape_kji[0]), Sampling((4, 4, 4))):
                np.maximum(coverage[patch.slices], patch.coverage, out=coverage[patch.slices])
        kji = np.argwhere(coverage > 0)
        weight = coverage[coverage > 0].astype(float)
        matrix = geometry.lps_from_ijk.matrix
        lps = kji[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]
        return weight.sum() * geometry.voxel_volume_mm3 / 1000.0, weight @ lps / weight.sum()

    return make


@pytest.fixture(scope="session")
def centroid() -> Callable[..., np.ndarray]:
    """Centroid of the volume that a surface encloses, LPS mm."""

    def make(surface):
        a, b, c = (surface.points_lps[surface.triangles[:, n]] for n in range(3))
        volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
        return (volumes[:, None] * (a + b + c) / 4.0).sum(axis=0) / volumes.sum()

    return make
