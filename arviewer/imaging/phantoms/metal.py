"""Implants in bone, with the streaks that metal throws over a CT: a hip, a jaw, a spine; other by seed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from arviewer.imaging.phantoms.csg import Difference, Grown, Union, Wavy, union, wave
from arviewer.imaging.phantoms.layered import Layer, Layered
from arviewer.imaging.phantoms.raster import Sampling, patches
from arviewer.imaging.phantoms.shapes import Array, Box, Ellipsoid, Float, Shape, Tube, Vector, single
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent

HIGHEST_HU, LOWEST_HU = 3071.0, -1024.0
"""What most scanners store at most; the metal itself is brighter, so that it comes out flat."""

METAL_HU = 7000.0
DARK_HU, FAN_HU = -420.0, 220.0
"""Depth of the dark band between two pieces of metal, and of the fan of rays round each."""

BAND_MM, FAN_MM = 3.0, 10.0
"""Half the width of a dark band; the distance from the metal at which rays have lost half."""

SOURCES = 3
"""Points of each piece of metal in a slice that throw rays: a rod that lies in the slice throws them all along."""


@dataclass(frozen=True)
class Streaked(Layered):
    """A phantom whose metal throws streaks in the plane of each slice.

    Attributes
    ----------
    pieces : tuple of Shape
        The metal.
    seed : int
    """

    pieces: tuple[Shape, ...] = ()
    seed: int = 1

    def values(self, geometry: VolumeGeometry, sampling: Sampling | None = None, progress: Progress = silent) -> Array:
        """Return HU on a grid, streaks included, as far as a scanner stores them; see `Layered.values`."""
        hu = super().values(geometry, sampling, progress)
        rng = np.random.default_rng(self.seed)
        points: list[list[Float]] = [[] for _ in hu]
        for piece in self.pieces:
            for k, in_plane in _in_slices(piece, geometry):
                points[k].append(in_plane[rng.integers(0, len(in_plane), size=SOURCES)])
        for k, sources in enumerate(points):
            if sources:
                hu[k] += _streaks(sources, geometry, self.seed + k)
        return single(np.clip(hu, LOWEST_HU, HIGHEST_HU))


def _in_slices(piece: Shape, geometry: VolumeGeometry) -> list[tuple[int, Float]]:
    """Return, for each slice that a piece meets, the (j, i) of its voxels there."""
    found: dict[int, list[Float]] = {}
    for patch in patches(piece, geometry, range(geometry.shape_kji[0])):
        kji = np.argwhere(patch.coverage > 0.5) + [part.start for part in patch.slices]
        for k in np.unique(kji[:, 0]).tolist():
            found.setdefault(k, []).append(kji[kji[:, 0] == k, 1:].astype(np.float64))
    return [(k, np.concatenate(parts)) for k, parts in sorted(found.items())]


def _streaks(sources: list[Float], geometry: VolumeGeometry, seed: int) -> Array:
    """Return what is added to a slice: dark bands along the lines between pieces, a fan of rays round each point."""
    step = geometry.spacing_mm[[1, 0]]
    v, u = (single(np.arange(n) * s) for n, s in zip(geometry.shape_kji[1:], step, strict=True))
    out = np.zeros((len(v), len(u)), dtype=np.float32)
    for number, point in enumerate(np.concatenate(sources) * step):
        dv, du = v[:, None] - np.float32(point[0]), u[None, :] - np.float32(point[1])
        away = np.sqrt(dv * dv + du * du) + np.float32(1e-3)
        fall = np.float32(FAN_MM) / (away + np.float32(FAN_MM))
        out += np.float32(FAN_HU / SOURCES) * fall * _rays(dv / away, du / away, 7 * seed + number)
    for one, other in itertools.combinations(sources, 2):
        for a, b in zip(one * step, other * step, strict=True):
            out += np.float32(DARK_HU / SOURCES) * _band(v, u, a, b)
    return out


def _rays(v: Array, u: Array, seed: int) -> Array:
    """Return a value in about −1 … 1 for each direction: rays of several widths."""
    total = np.zeros_like(v)
    for turns in np.random.default_rng(seed).integers(-14, 15, size=(4, 2)) / 2.0:
        total += np.float32(0.5) * wave(v * np.float32(turns[0]) + u * np.float32(turns[1]) + np.float32(0.3))
    return total


def _band(v: Array, u: Array, a: Float, b: Float) -> Array:
    """Return 1 on the line between two points, falling off beside it and beyond its ends."""
    along = b - a
    length = float(np.sqrt((along * along).sum())) + 1e-6
    along = along / length
    dv, du = v[:, None] - np.float32(a[0]), u[None, :] - np.float32(a[1])
    t = dv * np.float32(along[0]) + du * np.float32(along[1])
    off = dv * np.float32(along[1]) - du * np.float32(along[0])
    beyond = np.maximum(np.maximum(-t, t - np.float32(length)), 0)
    fall = np.float32(FAN_MM) / (beyond + np.float32(FAN_MM))
    width = np.float32(BAND_MM)
    return single(fall * width * width / (off * off + width * width))


def _phantom(body: Shape, bone: Shape, marrow: Shape, metal: tuple[Shape, ...], seed: int) -> Streaked:
    whole = Union(metal)
    layers = (
        Layer("fat", body, -100.0, 7.0, 30.0),
        Layer("muscle", Grown(body, -8.0), 55.0, 6.0, 22.0),
        Layer("bone", bone, 1100.0, 120.0, 30.0),
        Layer("marrow", Difference(marrow, Grown(whole, 1.0)), 220.0, 60.0, 14.0),
        Layer("metal", whole, METAL_HU),
    )
    return Streaked(layers, {"metal": whole, "bone": Difference(bone, whole)}, -1000.0, metal, seed)


def hip(seed: int = 1) -> Streaked:
    """Return a left thigh and hip in HU: a stem in the femur, its ball in a cup of metal in the pelvis.

    Structures: "metal", "bone" (with marrow, without metal). Needs about ±80 mm around the origin, ±110 mm in z.
    """
    lean = float(np.random.default_rng(seed).integers(-40, 41)) / 10.0
    head: Vector = (-26.0, -6.0, 70.0)
    femur = Tube(((lean, 0.0, -300.0), (6.0, 2.0, 20.0), (8.0, 2.0, 44.0)), (14.0, 16.0, 20.0))
    canal = Tube(((lean, 0.0, -300.0), (6.0, 2.0, 20.0), (8.0, 2.0, 40.0)), (7.5, 10.0, 15.0))
    stem = Tube(((3.0 + lean / 2, 1.0, -70.0), (6.0, 2.0, 20.0), (2.0, 0.0, 46.0), head), (5.0, 8.0, 9.5, 6.0))
    ball = Ellipsoid(head, (14.0, 14.0, 14.0))
    cup = Difference(
        Ellipsoid(head, (24.0,) * 3), union([Ellipsoid(head, (18.0,) * 3), Box(_under(head), (60.0,) * 3)])
    )
    pelvis = Wavy(
        Difference(Ellipsoid((-34.0, -4.0, 88.0), (38.0, 36.0, 34.0)), Grown(cup.without, 5.0)), 1.5, 40.0, seed
    )
    spongy = Grown(pelvis, -3.0)
    body = Ellipsoid((-5.0, 0.0, 0.0), (84.0, 76.0, 600.0))
    return _phantom(body, union([femur, pelvis]), union([canal, spongy]), (stem, ball, cup), seed)


def _under(head: Vector) -> Vector:
    return head[0], head[1], head[2] - 56.0


def jaw(seed: int = 1) -> Streaked:
    """Return a lower face in HU: an arch of bone with teeth, fillings in some, a crown on one.

    Structures: "metal", "bone" (teeth included). Needs about ±70 mm in x and y, ±40 mm in z.
    """
    rng = np.random.default_rng(seed)
    xs = np.arange(-7, 8) * 3.4
    arch = [(float(x), float(-42.0 + 0.085 * x * x), 0.0) for x in xs * 1.25]
    bone = Tube(tuple((x, y, -8.0) for x, y, _z in arch), (7.5,) * len(arch))
    teeth = [Tube(((x, y, -8.0), (x, y, 9.0)), (2.6, 3.3)) for x, y, _z in arch[::2]]
    crown = Difference(
        Ellipsoid((*arch[-1][:2], 8.0), (5.2, 5.2, 5.2)), Ellipsoid((*arch[-1][:2], 6.0), (3.8, 3.8, 3.8))
    )
    filled = rng.permutation(len(teeth) - 1)[:3]
    fillings = [Ellipsoid((*arch[2 * int(n)][:2], 9.5), (2.0, 2.0, 2.2)) for n in filled]
    body = Ellipsoid((0.0, 4.0, 0.0), (66.0, 62.0, 400.0))
    marrow = Grown(bone, -2.5)
    return _phantom(body, union([bone, *teeth]), Difference(marrow, union(teeth)), (crown, *fillings), seed)


def spine(seed: int = 1) -> Streaked:
    """Return two vertebrae in HU, with four screws in them and two rods.

    Structures: "metal", "bone" (without metal), "left rod". Needs about ±95 mm in x, ±75 mm in y, ±45 mm in z.
    """
    rng = np.random.default_rng(seed)
    bones: list[Shape] = []
    screws: list[Shape] = []
    for z in (-20.0, 20.0):
        bones += [Ellipsoid((0.0, -8.0, z), (24.0, 18.0, 15.0))]
        for side in (-1.0, 1.0):
            aim = float(rng.integers(-20, 21)) / 10.0
            pedicle = Tube(((side * 13.0, 2.0, z), (side * 16.0, 22.0, z)), (7.0, 6.0))
            process = Tube(((side * 16.0, 22.0, z), (0.0, 34.0, z - 4.0)), (5.0, 5.0))
            bones += [pedicle, process]
            screws.append(Tube(((side * 19.0, 36.0, z), (side * 9.0, -14.0, z + aim)), (2.75, 2.75)))
    rods = {
        side: Tube(((x, 36.0, -34.0), (x, 36.0, 30.0 + x / 5)), (2.75, 2.75))
        for side, x in (("left", 19.0), ("right", -19.0))
    }
    bone = union(bones, blend_mm=4.0)
    made = _phantom(
        Ellipsoid((0.0, -10.0, 0.0), (110.0, 80.0, 500.0)), bone, Grown(bone, -2.5), (*screws, *rods.values()), seed
    )
    return Streaked(made.layers, {**made.structures, "left rod": rods["left"]}, made.background, made.pieces, seed)
