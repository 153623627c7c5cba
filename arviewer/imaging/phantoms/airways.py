"""A chest with branching airways: windpipe, main bronchi, and their branches in lungs with vessels; other by seed."""

from __future__ import annotations

import numpy as np

from arviewer.imaging.phantoms.csg import Difference, Grown, Intersection, Union, Wavy, union
from arviewer.imaging.phantoms.layered import Layer, Layered
from arviewer.imaging.phantoms.shapes import Ellipsoid, Float, Shape, Tube, Vector

CARINA: Vector = (-3.0, 6.0, 38.0)
"""Where the windpipe forks, LPS mm."""

TRACHEA = Tube(((-1.0, -4.0, 200.0), (-3.0, 6.0, 38.0)), (8.5, 8.5))
"""Leaves every scan of this chest at the head end."""

MAINS = {
    "right": Tube((CARINA, (-17.0, 7.0, 24.0), (-32.0, 8.0, 12.0)), (7.5, 6.8, 6.2)),
    "left": Tube((CARINA, (14.0, 8.0, 25.0), (36.0, 9.0, 8.0)), (7.0, 6.2, 5.6)),
}
"""The right one is wider, steeper and shorter."""

WALL_SHARE, WALL_MM = 0.2, 0.5
"""Thickness of an airway's wall: this share of its radius and this much more."""

LUNGS = {
    "right": Ellipsoid((-64.0, 4.0, -8.0), (50.0, 72.0, 98.0)),
    "left": Ellipsoid((67.0, 6.0, -4.0), (46.0, 70.0, 92.0)),
}
BODY = Ellipsoid((0.0, 0.0, 0.0), (136.0, 98.0, 600.0))
AIMS = {
    "right": ((-0.5, 0.1, 0.86), (-0.75, -0.6, -0.25), (-0.4, 0.35, -0.85)),
    "left": ((0.55, -0.2, 0.8), (0.6, 0.3, -0.74)),
}
"""Where the lobar bronchi lead: three on the right, two on the left."""


def airways(seed: int = 1, generations: int = 4) -> Layered:
    """Return a chest in HU.

    Parameters
    ----------
    seed : int
        Other bronchi and vessels.
    generations : int
        Branchings after the main bronchi: lumina of about 4.2, 3.1, 2.3, 1.7 mm radius.

    Returns
    -------
    Layered
        Structures: "airways" (the air in windpipe and bronchi), "trachea", "right main", "left main",
        "right lung", "left lung" (filled bodies), "lung vessels". Needs about ±125 mm in x, ±85 in y, ±115 in z.
    """
    rng = np.random.default_rng(seed)
    apart = Wavy(union([*_mediastinum()], blend_mm=8.0), 1.5, 40.0, seed=seed)
    lungs: dict[str, Shape] = {side: Difference(lung, apart) for side, lung in LUNGS.items()}
    tubes: list[Tube] = [TRACHEA, *MAINS.values()]
    arteries: list[Shape] = []
    for side, main in MAINS.items():
        tree = _tree(rng, main, AIMS[side], LUNGS[side], generations)
        tubes += tree
        beside = [_beside(rng, tube) for tube in tree] + _twigs(rng, main.points[-1], side)
        arteries.append(Intersection((Union(tuple(beside)), LUNGS[side])))
    lumen = Union(tuple(tubes))
    walls = Union(tuple(Tube(t.points, tuple(r + _wall_mm(r) for r in t.radii_mm)) for t in tubes))
    vessels = Difference(Union(tuple(arteries)), Grown(walls, 0.4))
    layers = (
        Layer("fat", BODY, -100.0, 7.0, 30.0),
        Layer("muscle", Grown(BODY, -14.0), 45.0, 6.0, 22.0),
        Layer("lungs", Union(tuple(lungs.values())), -860.0, 25.0, 50.0),
        Layer("lung vessels", vessels, 40.0),
        Layer("airway walls", walls, 20.0),
        Layer("airways", lumen, -1000.0),
    )
    named: dict[str, Shape] = {"airways": lumen, "trachea": TRACHEA, "lung vessels": vessels}
    named |= {f"{side} main": tube for side, tube in MAINS.items()}
    named |= {f"{side} lung": lung for side, lung in lungs.items()}
    return Layered(layers, named)


def _wall_mm(radius_mm: float) -> float:
    return WALL_SHARE * radius_mm + WALL_MM


def _mediastinum() -> list[Shape]:
    """Return what parts the lungs: heart, spine, the sheath of windpipe and main bronchi."""
    heart = Ellipsoid((14.0, -28.0, -40.0), (46.0, 42.0, 50.0))
    spine = Tube(((0.0, 66.0, -300.0), (0.0, 66.0, 300.0)), (30.0, 30.0))
    middle = Tube(((0.0, 6.0, -120.0), CARINA, (-1.0, -2.0, 200.0)), (20.0, 22.0, 20.0))
    return [heart, spine, middle, *(Grown(tube, 6.0) for tube in MAINS.values())]


def _unit(vectors: Float) -> Float:
    return np.asarray(vectors / np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True)), dtype=np.float64)


def _tree(rng: np.random.Generator, main: Tube, aims: tuple[Vector, ...], lung: Shape, generations: int) -> list[Tube]:
    """Return the bronchi after a main bronchus, each forking in two as long as it stays in the lung."""
    heads = [(np.array(main.points[-1]), _unit(np.array(aim)), 4.2) for aim in aims]
    tubes: list[Tube] = []
    for _generation in range(generations):
        grown: list[tuple[Float, Float, float]] = []
        for start, aim, radius in heads:
            stop = start + aim * (7.0 + 4.5 * radius)
            if not lung.contains([stop + 4.0 * aim])[0]:
                continue
            thin = 0.88 * radius
            tubes.append(Tube((_vector(start), _vector(stop)), (radius, thin)))
            aside = _unit(np.cross(aim, rng.integers(-100, 101, size=3) / 100.0 + 1e-3))
            for sign, width in ((1.0, 0.5), (-1.0, 0.7)):
                grown.append((stop, _unit(aim + sign * width * aside), 0.84 * thin))
        heads = grown
    return tubes


def _vector(point: Float) -> Vector:
    x, y, z = (float(value) for value in point)
    return x, y, z


def _beside(rng: np.random.Generator, bronchus: Tube) -> Tube:
    """Return the artery that runs along a bronchus, wall to wall."""
    start, stop = (np.array(point) for point in bronchus.points)
    aside = _unit(np.cross(stop - start, rng.integers(-100, 101, size=3) / 100.0 + 1e-3))
    radii = tuple(0.95 * r for r in bronchus.radii_mm)
    away = [r + _wall_mm(r) + a for r, a in zip(bronchus.radii_mm, radii, strict=True)]
    return Tube((_vector(start + away[0] * aside), _vector(stop + away[1] * aside)), radii)


def _twigs(rng: np.random.Generator, root: Vector, side: str) -> list[Tube]:
    """Return thin vessels that run from the root of a lung to all sides."""
    out = -1.0 if side == "right" else 1.0
    twigs = []
    for _ in range(30):
        ahead = np.array([out * rng.integers(20, 75), *rng.integers(-70, 71, size=2)], dtype=np.float64)
        bend = rng.integers(-9, 10, size=3).astype(np.float64)
        path = (root, _vector(np.array(root) + 0.5 * ahead + bend), _vector(np.array(root) + ahead))
        twigs.append(Tube(path, (2.2, 1.5, 0.8)))
    return twigs
