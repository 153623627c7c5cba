"""Small surfaces and volumes of known place, made by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from arviewer.imaging.phantoms.simple import chiral
from arviewer.model.findings import Verdict
from arviewer.model.geometry import Affine
from arviewer.model.segmentation import CodedTerm, Provenance
from arviewer.model.study import Patient, Series
from arviewer.model.surface import Surface, SurfaceError
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.render.camera import rotation

UID = "2.25.77"

MARKERS = {"left": (39.0, 0.0, 0.0), "anterior": (0.0, -33.0, 0.0), "head": (0.0, 0.0, 27.0)}
"""Centres of the chiral phantom's balls, LPS mm."""


def make_surface(name: str, points: np.ndarray, triangles: np.ndarray, uid: str = UID) -> Surface:
    return Surface(
        name, points, triangles, CodedTerm("", "", ""), Provenance("test"), uid, SurfaceError(0, 0, 0), True, 1.0
    )


def make_ball(
    center: tuple[float, float, float], radius: float, name: str = "ball", uid: str = UID, steps: int = 40
) -> Surface:
    """A closed sphere, outward normals, poles along z."""
    theta = np.linspace(0, np.pi, steps + 1)[1:-1]
    phi = np.arange(2 * steps) * np.pi / steps
    rings = np.stack(
        [
            np.outer(np.sin(theta), np.cos(phi)),
            np.outer(np.sin(theta), np.sin(phi)),
            np.outer(np.cos(theta), np.ones(2 * steps)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    points = np.vstack((rings, [[0, 0, 1], [0, 0, -1]])) * radius + center
    top, bottom = len(points) - 2, len(points) - 1
    index = np.arange(len(rings)).reshape(-1, 2 * steps)
    a, b = index[:-1], index[1:]
    a1, b1 = np.roll(a, -1, axis=1), np.roll(b, -1, axis=1)
    faces = [np.stack((a, b, b1), axis=-1).reshape(-1, 3), np.stack((a, b1, a1), axis=-1).reshape(-1, 3)]
    faces.append(np.stack((np.full(2 * steps, top), index[0], np.roll(index[0], -1)), axis=-1))
    faces.append(np.stack((np.full(2 * steps, bottom), np.roll(index[-1], -1), index[-1]), axis=-1))
    surface = make_surface(name, points, np.vstack(faces), uid)
    assert surface.volume_ml > 0
    return surface


def make_volume(voxels: np.ndarray, matrix: np.ndarray, valid: np.ndarray | None = None, uid: str = UID) -> Volume:
    geometry = VolumeGeometry(voxels.shape, Affine(matrix, to_space=uid, from_space="grid"))
    series = Series("1", "2", uid, Patient(), 1, "CT", "", verdict=Verdict.REGULAR, geometry=geometry)
    return Volume(voxels, geometry, series, "HU", np.ones(len(voxels), bool) if valid is None else valid)


def stored_orientations() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The 24 right-handed ways to store a volume: a permutation of axes and flips, determinant +1."""
    found = []
    for order in itertools.permutations(range(3)):
        for flips in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[list(order), range(3)] = flips
            if np.linalg.det(matrix) > 0:
                found.append((order, flips))
    return found


def restored(volume: Volume, order: tuple[int, ...], flips: tuple[int, ...]) -> Volume:
    """The same patient stored another way: axis n of the new grid runs along axis order[n] of the old one."""
    old = volume.voxels.transpose(2, 1, 0)  # i, j, k
    new = old.transpose(order)
    step = np.eye(4)
    step[:3, :3] = 0
    for axis, (source, sign) in enumerate(zip(order, flips, strict=True)):
        step[source, axis] = sign
        if sign < 0:
            new = np.flip(new, axis)
            step[source, 3] = old.shape[source] - 1
    matrix = volume.geometry.lps_from_ijk.matrix @ step
    return make_volume(np.ascontiguousarray(new.transpose(2, 1, 0)), matrix)


@pytest.fixture(scope="session")
def surface_of() -> Callable[..., Surface]:
    return make_surface


@pytest.fixture(scope="session")
def ball() -> Callable[..., Surface]:
    return make_ball


@pytest.fixture(scope="session")
def volume_of() -> Callable[..., Volume]:
    return make_volume


@pytest.fixture(scope="session")
def chiral_volume() -> Volume:
    """The chiral phantom on an axial grid with a different spacing on each axis."""
    spacing = np.array([1.1, 1.3, 1.7])
    count = np.array([91, 77, 59])
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = -(count - 1) / 2 * spacing
    geometry = VolumeGeometry(tuple(count[::-1]), Affine(matrix, to_space=UID, from_space="grid"))
    return make_volume(chiral().voxels(geometry), matrix)


@pytest.fixture(scope="session", params=stored_orientations(), ids=str)
def stored_volume(request: pytest.FixtureRequest, chiral_volume: Volume) -> Volume:
    """The chiral phantom stored in each of the 24 right-handed orientations."""
    return restored(chiral_volume, *request.param)


@pytest.fixture(scope="session")
def sheared_volume() -> Volume:
    """Smooth values on an oblique, sheared grid with a different spacing on each axis."""
    rng = np.random.default_rng(5)
    coarse = rng.normal(0, 400, (23, 31, 37))
    voxels = np.round(coarse).astype(np.int16)
    axes = rotation((0.36, 0.48, 0.8), 37.0) @ np.diag([0.9, 1.2, 2.1])
    axes[:, 2] += 0.35 * axes[:, 1]
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = (-31.0, 12.0, 140.0)
    return make_volume(voxels, matrix)
