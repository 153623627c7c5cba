"""The chest of the synthetic patient: lungs with their vessels, airways, heart, great vessels."""

from __future__ import annotations

from functools import cache

import numpy as np

from arviewer.imaging.phantoms.csg import Difference, Grown, Intersection, Turned, Union, Wavy, turn, union
from arviewer.imaging.phantoms.shapes import Box, Ellipsoid, Float, Shape, Tube, Vector
from arviewer.imaging.phantoms.skeleton import all_bones
from arviewer.imaging.phantoms.trunk import CAGE, back_muscles, cavity

DOMES: tuple[Ellipsoid, Ellipsoid] = (
    Ellipsoid((-60.0, -8.0, 92.0), (74.0, 96.0, 122.0)),
    Ellipsoid((60.0, -5.0, 92.0), (76.0, 94.0, 110.0)),
)
"""Under side of the lungs: the right dome of the diaphragm stands higher."""


@cache
def domes() -> Shape:
    """Return what lies under the diaphragm, the diaphragm included."""
    return Wavy(union(DOMES, blend_mm=24.0), 1.5, 60.0, seed=31)


def diaphragm() -> Shape:
    """Return the muscle sheet over the domes, down to the lowest ribs."""
    sheet = Difference(domes(), Grown(domes(), -2.6))
    return Intersection((sheet, cavity(), Box((0.0, 0.0, 240.0), (200.0, 200.0, 130.0))))


@cache
def lungs() -> dict[str, Shape]:
    """Return both lungs as filled bodies: vessels in them included, main bronchi not."""
    inside = Grown(CAGE, -9.0)
    apart = union([mediastinum(), Grown(heart(), 4.0), Grown(domes(), 3.0)])
    named: dict[str, Shape] = {}
    for side, word, apex in ((-1, "right", 397.0), (1, "left", 394.0)):
        half = Box((side * 90.0, 0.0, 275.0), (86.0, 120.0, 132.0))
        cone = Ellipsoid((side * 50.0, 14.0, 190.0), (95.0, 118.0, apex - 190.0))
        lung = Difference(Intersection((inside, half, cone)), apart)
        named[f"{word} lung"] = Wavy(Difference(lung, all_bones(), gap_mm=4.0), 0.8, 34.0, seed=32)
    return named


@cache
def both_lungs() -> Union:
    """Return both lungs as one shape."""
    return union(lungs().values())


def mediastinum() -> Shape:
    """Return what keeps the lungs apart around the spine, the great vessels and the airways."""
    spine = Tube(
        ((0.0, 52.0, 100.0), (0.0, 62.0, 190.0), (0.0, 70.0, 270.0), (0.0, 62.0, 340.0), (0.0, 42.0, 430.0)),
        (34.0,) * 5,
    )
    vessels = Grown(union([thoracic_aorta(), arch_branches()]), 5.5)
    middle = Tube(
        ((2.0, 24.0, 150.0), (2.0, 14.0, 230.0), (4.0, 0.0, 290.0), (0.0, -8.0, 340.0), (0.0, -8.0, 440.0)),
        (22.0, 26.0, 30.0, 30.0, 24.0),
    )
    front = Tube(((0.0, -60.0, 380.0), (2.0, -72.0, 300.0), (4.0, -84.0, 220.0)), (16.0, 8.0, 9.0))
    fat_pad = Ellipsoid((0.0, -72.0, 150.0), (66.0, 46.0, 60.0))
    roots = [Ellipsoid((side * 36.0, 0.0, 286.0), (18.0, 15.0, 20.0)) for side in (-1, 1)]
    caval = Grown(union(veins()), 4.0)
    column = union([middle, front, vessels, caval, Grown(airways(), 4.5), *roots, fat_pad], blend_mm=7.0)
    return union([spine, Grown(back_muscles(), 3.0), Wavy(column, 2.0, 38.0, seed=33)], blend_mm=3.0)


@cache
def airways() -> Shape:
    """Return the air in trachea and main bronchi, closed at the lung roots."""
    trachea = Tube(
        ((0.0, -12.0, 440.0), (-1.0, -6.0, 385.0), (-3.0, 1.0, 345.0), (-4.0, 4.0, 312.0)), (8.6, 8.8, 8.8, 8.2)
    )
    right = Tube(((-4.0, 4.0, 312.0), (-20.0, 4.0, 298.0), (-35.0, 2.0, 287.0)), (7.5, 6.6, 5.6))
    left = Tube(((-4.0, 4.0, 312.0), (14.0, 3.0, 300.0), (36.0, 2.0, 288.0)), (7.0, 6.0, 5.2))
    return union([trachea, right, left], blend_mm=3.0)


def esophagus() -> Tube:
    """Return the esophagus, collapsed, on its way behind the trachea to the stomach."""
    points = ((2.0, 4.0, 440.0), (4.0, 10.0, 385.0), (4.0, 19.0, 340.0), (4.0, 23.0, 300.0), (10.0, 12.0, 230.0))
    return Tube((*points, (22.0, -4.0, 196.0), (38.0, -8.0, 182.0)), (6.0, 6.0, 6.0, 6.0, 7.0, 7.0, 7.0))


def _turned(center: Vector, radii: Vector, about_z: float, about_x: float) -> Turned:
    return Turned(Ellipsoid(center, radii), turn("z", about_z) @ turn("x", about_x), center)


LEFT_VENTRICLE = ((34.0, -42.0, 242.0), 38.0, 28.0)
"""Center and tilts of the left ventricle; its long axis points to the left, the front and the feet."""


@cache
def heart() -> Shape:
    """Return the whole heart: walls and chambers."""
    center, about_z, about_x = LEFT_VENTRICLE
    parts: list[Shape] = [
        _turned(center, (30.0, 47.0, 31.0), about_z, about_x),
        _turned((4.0, -56.0, 246.0), (30.0, 38.0, 31.0), 22.0, 16.0),
        Ellipsoid((-28.0, -34.0, 262.0), (27.0, 27.0, 33.0)),
        Ellipsoid((8.0, -12.0, 276.0), (34.0, 21.0, 24.0)),
        Tube(((0.0, -40.0, 262.0), (-6.0, -42.0, 286.0)), (20.0, 18.0)),
    ]
    room = Grown(CAGE, -13.0)
    return Wavy(Intersection((union(parts, blend_mm=10.0), room)), 1.2, 42.0, seed=34)


def left_chambers() -> list[Shape]:
    """Return the contrast-filled lumen of left ventricle, left atrium and its four veins' mouths."""
    center, about_z, about_x = LEFT_VENTRICLE
    ventricle = Wavy(_turned(center, (18.0, 34.0, 19.0), about_z, about_x), 1.5, 22.0, seed=35)
    outflow = Tube(((20.0, -34.0, 254.0), (2.0, -32.0, 272.0)), (11.0, 12.0))
    atrium = Ellipsoid((8.0, -12.0, 276.0), (28.0, 15.0, 18.0))
    valve = Tube(((16.0, -16.0, 268.0), (26.0, -32.0, 254.0)), (12.0, 12.0))
    return [union([ventricle, outflow, valve], blend_mm=5.0), atrium]


def right_chambers() -> Shape:
    """Return the blood of the right heart and the pulmonary trunk, not opacified to the vessels' level."""
    ventricle = _turned((0.0, -60.0, 245.0), (23.0, 30.0, 25.0), 22.0, 16.0)
    atrium = Ellipsoid((-30.0, -35.0, 262.0), (21.0, 21.0, 27.0))
    trunk = Tube(((14.0, -52.0, 272.0), (20.0, -38.0, 296.0), (16.0, -18.0, 303.0)), (13.0, 12.0, 11.0))
    branches = Tube(
        ((34.0, 0.0, 294.0), (16.0, -18.0, 303.0), (-12.0, -18.0, 298.0), (-34.0, -2.0, 288.0)), (9.0, 10.5, 9.5, 8.5)
    )
    shunned = Grown(union([*left_chambers(), thoracic_aorta()]), 5.0)
    return Difference(
        union([ventricle, atrium, trunk, branches], blend_mm=6.0), union([shunned, Grown(airways(), 2.0)])
    )


@cache
def thoracic_aorta() -> Tube:
    """Return the lumen from the valve over the arch down to the diaphragm, where it lies on the spine."""
    points = (
        (2.0, -33.0, 270.0),
        (-9.0, -40.0, 292.0),
        (-11.0, -38.0, 314.0),
        (-6.0, -30.0, 332.0),
        (5.0, -16.0, 342.0),
        (17.0, 1.0, 341.0),
        (25.0, 16.0, 330.0),
        (28.0, 25.0, 312.0),
        (28.0, 29.0, 290.0),
        (26.0, 31.0, 262.0),
        (22.0, 27.0, 236.0),
        (16.0, 20.5, 212.0),
    )
    return Tube(points, (15.0, 14.5, 14.2, 13.8, 13.2, 12.6, 12.2, 12.0, 11.8, 11.5, 11.2, 10.8))


def arch_branches() -> Union:
    """Return brachiocephalic trunk, left carotid and left subclavian artery."""
    first = (
        (-8.0, -28.0, 336.0),
        (-14.0, -26.0, 360.0),
        (-20.0, -22.0, 378.0),
        (-23.0, -16.0, 400.0),
        (-24.0, -12.0, 440.0),
    )
    right = (
        (-20.0, -22.0, 376.0),
        (-36.0, -16.0, 392.0),
        (-58.0, -22.0, 401.0),
        (-92.0, -22.0, 412.0),
        (-120.0, -20.0, 440.0),
    )
    carotid = ((6.0, -14.0, 342.0), (12.0, -16.0, 372.0), (20.0, -14.0, 402.0), (23.0, -12.0, 440.0))
    left = (
        (18.0, 2.0, 342.0),
        (24.0, -2.0, 372.0),
        (38.0, -10.0, 392.0),
        (60.0, -20.0, 402.0),
        (92.0, -22.0, 413.0),
        (118.0, -20.0, 440.0),
    )
    return union(
        [
            Tube(first, (7.5, 7.0, 6.0, 4.6, 4.4)),
            Tube(right, (5.6, 5.2, 5.0, 4.8, 4.6)),
            Tube(carotid, (5.0, 4.8, 4.5, 4.4)),
            Tube(left, (5.8, 5.6, 5.4, 5.0, 4.8, 4.6)),
        ],
        blend_mm=2.0,
    )


def veins() -> list[Shape]:
    """Return the superior and inferior vena cava and the brachiocephalic veins, not opacified."""
    upper = Tube(
        ((-28.0, -34.0, 272.0), (-31.0, -30.0, 310.0), (-30.0, -28.0, 350.0), (-34.0, -34.0, 374.0)),
        (11.0, 10.0, 9.5, 8.5),
    )
    across = Tube(
        ((-30.0, -30.0, 350.0), (-4.0, -46.0, 358.0), (26.0, -42.0, 372.0), (48.0, -40.0, 388.0)), (8.0, 7.0, 7.0, 7.0)
    )
    lower = Tube(
        (
            (-24.0, 8.0, 48.0),
            (-24.0, 4.0, 90.0),
            (-25.0, 4.0, 140.0),
            (-27.0, 2.0, 185.0),
            (-28.0, -14.0, 222.0),
            (-29.0, -30.0, 246.0),
        ),
        (10.0, 10.5, 11.0, 11.5, 12.0, 12.5),
    )
    return [upper, across, lower]


@cache
def lung_vessels() -> Union:
    """Return the branching vessels of both lungs, thin and not opacified, clipped to the lungs."""
    rng = np.random.default_rng(36)
    trees: list[Shape] = []
    for side, lung in ((-1, lungs()["right lung"]), (1, lungs()["left lung"])):
        starts = np.array([side * 38.0, 0.0, 286.0]) + rng.integers(-10, 11, size=(22, 3)).astype(np.float64)
        outward = side * rng.integers(15, 90, size=22)
        aims = np.stack([outward, rng.integers(-80, 90, size=22), rng.integers(-120, 105, size=22)], axis=1)
        trees.append(Intersection((_tree(rng, (starts, _unit(aims.astype(np.float64))), lung), lung)))
    return Union(tuple(trees))


def _unit(vectors: Float) -> Float:
    return np.asarray(vectors / np.sqrt((vectors * vectors).sum(axis=1))[:, None], dtype=np.float64)


def _tree(rng: np.random.Generator, poses: tuple[Float, Float], lung: Shape) -> Union:
    """Return a tree that grows from starts and directions, generation by generation, while it stays in the lung."""
    starts, aims = poses
    radii = np.full(len(starts), 3.3)
    pieces: list[Tube] = []
    while len(starts):
        bends = _unit(aims + rng.integers(-18, 19, size=aims.shape) / 100.0)
        lengths = (8.0 + 4.0 * radii)[:, None]
        stops = starts + bends * lengths
        for path, radius in zip(np.stack([starts, stops], axis=1).tolist(), radii.tolist(), strict=True):
            pieces.append(Tube(tuple((x, y, z) for x, y, z in path), (radius, radius * 0.88)))
        grows = (radii > 0.9) & ((radii > 2.4) | lung.contains(stops))
        children = [
            _unit(bends[grows] + rng.integers(-70, 71, size=bends[grows].shape) / 100.0 * (1.4 - shrink))
            for shrink in (0.85, 0.64)
        ]
        starts, aims = np.concatenate([stops[grows]] * 2), np.concatenate(children)
        radii = np.concatenate([radii[grows] * 0.85, radii[grows] * 0.64])
    return Union(tuple(pieces))
