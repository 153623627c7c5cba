"""A head in contrast-enhanced T1-weighted MR: uneven coil, Rician noise, lesions on known sides; other by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arviewer.imaging.phantoms.csg import Difference, Grown, Intersection, Rind, Union, Wavy, union, waviness
from arviewer.imaging.phantoms.layered import Layer, Layered, white
from arviewer.imaging.phantoms.raster import Sampling, positions_lps
from arviewer.imaging.phantoms.shapes import Array, Box, Ellipsoid, Shape, Tube, Vector
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent

SIGNAL: Mapping[str, float] = {
    "air": 0.0,
    "skin": 380.0,
    "fat": 720.0,
    "muscle": 300.0,
    "bone": 45.0,
    "marrow": 390.0,
    "fluid": 150.0,
    "dura": 420.0,
    "grey matter": 400.0,
    "white matter": 540.0,
    "vessel": 820.0,
    "edema": 430.0,
    "lesion": 880.0,
    "necrosis": 190.0,
}
"""Mean signal of each tissue, in the arbitrary unit of MR."""

COIL_MM = 190.0
"""Length over which the sensitivity of the coil changes."""


@dataclass(frozen=True)
class Scanned(Layered):
    """A phantom as an MR scanner sees it.

    Attributes
    ----------
    bias : float
        The sensitivity of the coil varies by up to this share to both sides.
    noise : float
        Standard deviation of each of the two channels; the magnitude of both is Rician.
    seed : int
        Of the sensitivity and the noise.
    points : mapping of name to (x, y, z), mm
        Where a person would click.
    """

    bias: float = 0.3
    noise: float = 14.0
    seed: int = 1
    points: Mapping[str, Vector] = field(default_factory=dict)

    def voxels(
        self, geometry: VolumeGeometry, sampling: Sampling | None = None, progress: Progress = silent
    ) -> npt.NDArray[np.int16]:
        """Return what the scanner stores, sensitivity and noise included."""
        signal = self.values(geometry, sampling, progress)
        for k, plane in enumerate(signal):
            plane *= 1 + np.float32(self.bias) * self._sensitivity(geometry, k)
            real, imaginary = (self.noise * white(self.seed + 1000 * n, k, plane.shape) for n in (1, 2))
            plane[:] = np.sqrt((plane + real) ** 2 + imaginary**2)
        return np.asarray(np.rint(signal), dtype=np.int16)

    def _sensitivity(self, geometry: VolumeGeometry, k: int) -> Array:
        """Return the change of the coil's sensitivity over a slice, −1 to 1."""
        j, i = (np.arange(n, dtype=np.float64) for n in geometry.shape_kji[1:])
        place = positions_lps(geometry, np.full(1, float(k)), j[:, None], i[None, :])
        return waviness(*place, COIL_MM, self.seed)


def mr_head(seed: int = 1, bias: float = 0.3, noise: float = 14.0) -> Scanned:
    """Return a head with a large lesion on its left and a small one on its right.

    Structures: "head" (filled, mouth and sinuses too), "brain" (ventricles included, down to the foramen magnum),
    "lesion" (rim and necrotic core), "small lesion". Points: "lesion", "small lesion" (in the enhancing part).
    Needs about ±82 mm in x, −125 to 110 mm in y, −115 to 95 mm in z; the neck goes on below.
    """
    rng = np.random.default_rng(seed)
    smooth = _brain()
    cavity = union([Grown(smooth, 4.0), Tube(((0.0, 18.0, -50.0), (0.0, 24.0, -400.0)), (12.0, 9.0))])
    skull = Grown(smooth, 10.0)
    head = _head(skull)
    brain = Intersection((Wavy(smooth, 1.8, 21.0, seed), Box((0.0, 0.0, 340.0), (200.0, 200.0, 400.0))))
    lesions = _lesions(rng, seed)
    layers = (
        *_face(head, skull, rng),
        *_skull(skull, cavity, smooth),
        *_tissue(brain, seed),
        *_vessels(smooth, lesions),
        _layer("edema", "edema", Intersection((Grown(lesions["lesion"], 6.0), Grown(brain, -4.0)))),
        _layer("lesion", "lesion", lesions["lesion"], 60.0, 14.0),
        _layer("necrosis", "necrosis", lesions["necrosis"]),
        _layer("small lesion", "lesion", lesions["small lesion"]),
    )
    large, small = lesions["lesion"].bounds.mean(axis=0), lesions["small lesion"].bounds.mean(axis=0)
    points: dict[str, Vector] = {
        "lesion": (float(large[0]), float(large[1]) - 11.0, float(large[2])),
        "small lesion": (float(small[0]), float(small[1]), float(small[2])),
    }
    structures = {"head": head, "brain": brain, **{name: lesions[name] for name in ("lesion", "small lesion")}}
    return Scanned(layers, structures, SIGNAL["air"], bias, noise, seed, points)


def _layer(name: str, tissue: str, shape: Shape, swing: float = 0.0, wavelength_mm: float = 40.0) -> Layer:
    return Layer(name, shape, SIGNAL[tissue], swing, wavelength_mm)


def _brain() -> Shape:
    """Return cerebrum, temporal lobes, cerebellum and brain stem without their folds."""
    stem = Tube(((0.0, 10.0, -8.0), (0.0, 16.0, -40.0), (0.0, 18.0, -64.0)), (14.0, 13.0, 8.0))
    temporal = [Ellipsoid((side * 42.0, -8.0, -22.0), (24.0, 38.0, 21.0)) for side in (-1.0, 1.0)]
    cerebrum = Ellipsoid((0.0, 2.0, 12.0), (67.0, 84.0, 60.0))
    return union([cerebrum, *temporal, Ellipsoid((0.0, 42.0, -34.0), (48.0, 30.0, 24.0)), stem], blend_mm=6.0)


def _head(skull: Shape) -> Shape:
    """Return the outside: scalp, face with its nose, two ears that differ, the neck."""
    parts: list[Shape] = [
        Grown(skull, 7.0),
        Ellipsoid((0.0, -52.0, -48.0), (58.0, 50.0, 58.0)),
        Tube(((0.0, -96.0, -18.0), (0.0, -112.0, -46.0), (0.0, -96.0, -52.0)), (6.0, 10.0, 9.0)),
        Tube(((0.0, 14.0, -40.0), (0.0, 22.0, -400.0)), (56.0, 56.0)),
    ]
    ears = [Ellipsoid((side * 81.0, 18.0, -22.0), (7.0, 15.0, 27.0 + 2 * side)) for side in (-1.0, 1.0)]
    return union([union(parts, blend_mm=14.0), *ears], blend_mm=4.0)


def _face(head: Shape, skull: Shape, rng: np.random.Generator) -> list[Layer]:
    """Return what lies outside the skull: fat under the skin, muscles, jaw, air, the eyes with their nerves."""
    open_mouth = float(rng.integers(4, 8))
    air = [
        Tube(
            ((0.0, -118.0, -52.0), (3.0, -84.0, -40.0), (0.0, -30.0, -52.0), (0.0, -22.0, -120.0)), (4.0, 8.0, 7.0, 8.0)
        ),
        Tube(((0.0, -110.0, -74.0), (0.0, -80.0, -72.0), (0.0, -30.0, -74.0)), (open_mouth, 7.0, 6.0)),
        *(Ellipsoid((side * 30.0, -66.0, -42.0), (13.0, 15.0, 15.0 + side)) for side in (-1.0, 1.0)),
        *(Tube(((side * 90.0, 14.0, -24.0), (side * 60.0, 12.0, -26.0)), (3.0, 3.0)) for side in (-1.0, 1.0)),
    ]
    jaw = Tube(((-46.0, -30.0, -84.0), (0.0, -84.0, -92.0), (46.0, -30.0, -84.0)), (7.0, 8.0, 7.0))
    layers = [
        _layer("skin", "skin", head),
        _layer("fat", "fat", Grown(head, -2.0), 50.0, 30.0),
        _layer("muscle", "muscle", union([Grown(head, -8.0), Grown(skull, 3.0)]), 40.0, 14.0),
        _layer("jaw", "bone", jaw),
        _layer("jaw marrow", "marrow", Grown(jaw, -3.0)),
        _layer("airways", "air", Union(tuple(air))),
    ]
    for side in (-1.0, 1.0):
        center: Vector = (side * 31.0, -66.0, -14.0)
        orbit = Intersection((Tube((center, (side * 18.0, -44.0, -12.0)), (17.0, 5.0)), Grown(head, -3.0)))
        layers += [
            _layer("orbit", "fat", orbit),
            _layer("optic nerve", "white matter", Tube((center, (side * 12.0, -40.0, -10.0)), (2.4, 2.4))),
            _layer("eye", "dura", Ellipsoid(center, (12.5, 12.5, 12.5))),
            _layer("vitreous", "fluid", Ellipsoid(center, (11.3, 11.3, 11.3))),
        ]
    return layers


def _skull(skull: Shape, cavity: Shape, smooth: Shape) -> list[Layer]:
    """Return bone with its marrow, dura and fluid; nerves and vessels pass it, so that the inside is not closed off."""
    orbits = union([Tube(((s * 31.0, -66.0, -14.0), (s * 18.0, -44.0, -12.0)), (17.0, 5.0)) for s in (-1.0, 1.0)])
    passages = [Tube(((s * 20.0, -54.0, -12.0), (s * 12.0, -30.0, -8.0)), (2.4, 3.0)) for s in (-1.0, 1.0)]
    bone = Difference(skull, Difference(orbits, Grown(smooth, 4.0)))
    spine = Tube(((0.0, 20.0, -72.0), (0.0, 24.0, -400.0)), (20.0, 20.0))
    return [
        _layer("bone", "bone", union([bone, spine])),
        _layer("marrow", "marrow", Intersection((Rind(Grown(smooth, 7.0), 1.3), Grown(bone, -0.8))), 110.0, 25.0),
        _layer("dura", "dura", cavity),
        _layer("fluid", "fluid", Grown(cavity, -1.2)),
        _layer("nerves", "white matter", union(passages)),
        _layer("cord", "white matter", Tube(((0.0, 18.0, -56.0), (0.0, 24.0, -400.0)), (6.0, 5.0))),
    ]


def _tissue(brain: Shape, seed: int) -> list[Layer]:
    """Return grey and white matter, ventricles, the cleft between the halves and the one over the cerebellum."""
    white_matter = Wavy(Grown(brain, -4.5), 1.4, 15.0, seed + 1)
    cleft = Intersection((Box((0.0, 0.0, 60.0), (0.9, 120.0, 42.0)), brain))
    tent = Intersection((Rind(Ellipsoid((0.0, 46.0, -36.0), (58.0, 40.0, 28.0)), 0.8), Box((0, 60, -10), (80, 50, 14))))
    horns = [
        Tube(((s * 8.0, -34.0, 14.0), (s * 10.0, 4.0, 24.0), (s * 20.0, 38.0, 12.0)), (5.0, 5.0 + s, 6.0))
        for s in (-1.0, 1.0)
    ]
    nuclei = [Ellipsoid((s * 16.0, 2.0, 6.0), (9.0, 16.0, 10.0)) for s in (-1.0, 1.0)]
    return [
        _layer("grey matter", "grey matter", brain, 25.0, 25.0),
        _layer("white matter", "white matter", white_matter, 20.0, 40.0),
        _layer("nuclei", "grey matter", union(nuclei)),
        _layer("ventricles", "fluid", union([*horns, Ellipsoid((0.0, 30.0, -30.0), (6.0, 6.0, 9.0))])),
        _layer("clefts", "fluid", union([cleft, Intersection((tent, brain))])),
    ]


def _vessels(smooth: Shape, lesions: Mapping[str, Shape]) -> list[Layer]:
    """Return the sagittal sinus at the vault, which touches the brain, and a vein that leads from it to the lesion."""
    arc = [
        (0.0, y, 12.0 + 66.0 * (1 - ((y - 2.0) / 88.0) ** 2) ** 0.5)
        for y in (-60.0, -40.0, -15.0, 10.0, 35.0, 60.0, 80.0)
    ]
    start = lesions["lesion"].bounds.mean(axis=0)
    vein = Tube((_vector(start), (20.0, float(start[1]) + 6.0, 56.0), arc[3]), (1.3, 1.3, 1.3))
    return [
        _layer("sinus", "vessel", Intersection((Tube(tuple(arc), (3.5,) * len(arc)), Grown(smooth, 6.5)))),
        _layer("vein", "vessel", vein),
    ]


def _vector(point: npt.NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in point)
    return x, y, z


def _lesions(rng: np.random.Generator, seed: int) -> dict[str, Shape]:
    """Return the lesions: the large one with its dead core on the left, the small one on the right."""
    x, y, z = (float(v) for v in rng.integers(-4, 5, size=3))
    center: Vector = (35.0 + x / 2, 6.0 + y, 32.0 + z / 2)
    lesion = Wavy(Ellipsoid(center, (14.0, 16.0, 13.0)), 1.2, 17.0, seed + 2)
    core = Ellipsoid((center[0] + 1.0, center[1] + 1.0, center[2]), (6.5, 8.0, 6.5))
    small: Vector = (-34.0 - x, -34.0 + y, 24.0 + z)
    return {"lesion": lesion, "necrosis": core, "small lesion": Ellipsoid(small, (4.0, 4.5, 4.0))}
