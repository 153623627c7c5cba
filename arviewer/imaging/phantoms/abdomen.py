"""The abdomen of the synthetic patient: liver with tumor and vessels, spleen, kidneys, stomach, bowel, arteries."""

from __future__ import annotations

from functools import cache

import numpy as np

from arviewer.imaging.phantoms.chest import domes, heart, thoracic_aorta
from arviewer.imaging.phantoms.csg import Difference, Grown, Intersection, Turned, Union, Wavy, turn, union
from arviewer.imaging.phantoms.shapes import Box, Ellipsoid, Shape, Tube, Vector
from arviewer.imaging.phantoms.skeleton import all_bones
from arviewer.imaging.phantoms.trunk import (
    BODY_HALF_DEPTH,
    BODY_HALF_WIDTH,
    CAGE,
    SPINE_Y,
    back_muscles,
    cavity,
    loin_muscles,
)

TOUCH_MM = 0.7
"""How far the aorta is pressed against the spine: they share a strip without any fat between."""


@cache
def abdominal_aorta() -> Tube:
    """Return the lumen from the diaphragm to the bifurcation; it lies on the front of the spine all the way."""
    points: list[Vector] = []
    radii: list[float] = []
    for z in np.linspace(212.0, 52.0, 21):
        share = (212.0 - z) / 160.0
        x, radius = 15.0 - 9.0 * min(1.0, share * 1.6), 10.8 - 2.4 * share
        depth = BODY_HALF_DEPTH.at(z) * float(np.sqrt(1 - (x / BODY_HALF_WIDTH.at(z)) ** 2))
        points.append((float(x), SPINE_Y.at(z) - depth - radius + TOUCH_MM, float(z)))
        radii.append(radius)
    return Tube(tuple(points), tuple(radii))


def _aorta_at(z: float) -> Vector:
    """Return the point of the abdominal aorta's middle line nearest to a height."""
    return min(abdominal_aorta().points, key=lambda point: abs(point[2] - z))


@cache
def aorta() -> Shape:
    """Return the whole aortic lumen, from the valve to the bifurcation, the spine's surface spared."""
    lumen = union([thoracic_aorta(), abdominal_aorta()])
    return Difference(lumen, all_bones())


def iliac_arteries() -> dict[str, Tube]:
    """Return the common iliac arteries, which leave the scan at its lower end."""
    x, y, z = abdominal_aorta().points[-1]
    named = {}
    for side, word in ((-1, "right"), (1, "left")):
        path: tuple[Vector, ...] = (
            (x, y, z),
            (x * 0.5 + side * 12.0, y - 5.0, z - 24.0),
            (side * 26.0, y - 4.0, z - 50.0),
        )
        path += (
            (side * 38.0, y + 3.0, z - 76.0),
            (side * 45.0, y + 10.0, z - 100.0),
            (side * 50.0, y + 26.0, z - 160.0),
        )
        named[f"{word} iliac artery"] = Tube(path, (6.2, 5.8, 5.6, 5.4, 5.0, 4.8))
    return named


KIDNEYS: dict[str, tuple[Vector, float]] = {
    "right kidney": ((-68.0, 26.0, 92.0), 1.0),
    "left kidney": ((68.0, 27.0, 104.0), -1.0),
}
"""Center of each, and the sense of its tilt."""


def renal_arteries() -> dict[str, Tube]:
    """Return both renal arteries, from the aorta to the sinus of each kidney."""
    named = {}
    for side, word, level in ((-1, "right", 110.0), (1, "left", 118.0)):
        origin = _aorta_at(level)
        sinus = KIDNEYS[f"{word} kidney"][0]
        knee = (side * 26.0, origin[1] + 2.0, level - 3.0)
        hilum = (sinus[0] - side * 17.0, sinus[1] - 6.0, sinus[2] + 3.0)
        named[f"{word} renal artery"] = Tube(
            (origin, knee, (side * 38.0, 8.0, level - 6.0), hilum), (3.6, 3.3, 3.1, 2.9)
        )
    return named


def gut_arteries() -> Union:
    """Return celiac trunk with its branches to liver and spleen, and the superior mesenteric artery."""
    low, high = _aorta_at(132.0), _aorta_at(147.0)
    fork = (high[0] - 1.0, high[1] - 26.0, high[2] + 1.0)
    hepatic = Tube((fork, (-8.0, -33.0, 144.0), (-24.0, -30.0, 140.0)), (3.4, 3.0, 2.8))
    splenic = Tube(
        (fork, (24.0, -12.0, 148.0), (42.0, 5.0, 154.0), (58.0, 13.0, 161.0), (74.0, 15.0, 162.0), (86.0, 23.0, 157.0)),
        (3.4, 3.2, 3.1, 3.0, 2.9, 2.8),
    )
    mesenteric = Tube(
        (low, (low[0], low[1] - 22.0, 124.0), (0.0, -40.0, 95.0), (-4.0, -42.0, 60.0), (-10.0, -40.0, 25.0)),
        (4.0, 3.8, 3.5, 3.2, 2.8),
    )
    return union([Tube((high, fork), (4.2, 3.9)), hepatic, splenic, mesenteric], blend_mm=1.5)


TUMOR_CENTER: Vector = (-99.0, 18.0, 150.0)


@cache
def tumor() -> Shape:
    """Return the tumor in the right lobe of the liver."""
    return Intersection((Wavy(Ellipsoid(TUMOR_CENTER, (15.0, 15.0, 16.0)), 1.5, 22.0, seed=41), Grown(liver(), -1.5)))


def gallbladder() -> Shape:
    """Return the gallbladder, at the under side of the liver."""
    return Tube(((-36.0, -34.0, 112.0), (-44.0, -52.0, 92.0), (-47.0, -60.0, 82.0)), (7.0, 12.5, 13.0))


@cache
def liver() -> Shape:
    """Return the liver as a filled body: vessels and tumor included."""
    right = Ellipsoid((-66.0, -6.0, 130.0), (66.0, 86.0, 90.0))
    tip = Ellipsoid((-96.0, 0.0, 96.0), (32.0, 56.0, 56.0))
    left = Turned(Ellipsoid((-6.0, -46.0, 166.0), (64.0, 34.0, 34.0)), turn("y", 12.0), (-6.0, -46.0, 166.0))
    whole = union([right, tip, left], blend_mm=22.0)
    room = Intersection((whole, Grown(CAGE, -11.5), Grown(domes(), -4.0)))
    porta = Tube(
        ((-8.0, 0.0, 105.0), (-30.0, -8.0, 120.0), (-40.0, -22.0, 105.0), (-34.0, 0.0, 80.0)), (20.0, 14.0, 13.0, 24.0)
    )
    spared = [
        Grown(kidneys_filled(), 4.0),
        Grown(gallbladder(), 1.2),
        Grown(heart(), 8.0),
        Grown(all_bones_near(), 8.0),
        Grown(union([abdominal_aorta(), thoracic_aorta()]), 7.0),
        Grown(stomach(), 3.0),
        Grown(back_muscles(), 6.0),
        Grown(loin_muscles(), 4.0),
        porta,
    ]
    fissure = Turned(Box((-20.0, -70.0, 140.0), (1.6, 34.0, 44.0), 1.5), turn("z", 14.0), (-20.0, -70.0, 140.0))
    return Wavy(Difference(room, union([*spared, fissure], blend_mm=5.0)), 1.6, 46.0, seed=42)


def all_bones_near() -> Shape:
    """Return the column that the vertebrae of the upper abdomen fill."""
    points = tuple((0.0, SPINE_Y.at(float(z)), float(z)) for z in np.linspace(50.0, 240.0, 8))
    return Tube(points, (20.0,) * 8)


def portal_veins() -> Shape:
    """Return the portal vein, its trunk outside and its branches inside the liver, opacified."""
    fork = (-38.0, -10.0, 132.0)
    trunk = Tube(((-2.0, -30.0, 104.0), (-16.0, -22.0, 116.0), fork), (6.0, 6.2, 6.2))
    paths: list[tuple[tuple[Vector, ...], float]] = [
        ((fork, (-58.0, -6.0, 138.0), (-72.0, -10.0, 148.0)), 5.2),
        (((-72.0, -10.0, 148.0), (-88.0, -18.0, 158.0), (-104.0, -24.0, 164.0)), 3.8),
        (((-72.0, -10.0, 148.0), (-82.0, 8.0, 160.0), (-92.0, 28.0, 168.0)), 3.6),
        (((-58.0, -6.0, 138.0), (-76.0, -22.0, 124.0), (-92.0, -32.0, 108.0), (-100.0, -34.0, 94.0)), 3.8),
        (((-58.0, -6.0, 138.0), (-66.0, 22.0, 148.0), (-76.0, 44.0, 154.0)), 3.4),
        ((fork, (-36.0, -26.0, 146.0), (-26.0, -42.0, 158.0)), 4.6),
        (((-26.0, -42.0, 158.0), (-8.0, -50.0, 166.0), (14.0, -52.0, 170.0), (30.0, -50.0, 172.0)), 3.6),
        (((-26.0, -42.0, 158.0), (-38.0, -58.0, 150.0), (-46.0, -68.0, 138.0)), 3.2),
    ]
    branches = [Tube(path, tuple(np.linspace(start, start * 0.55, len(path)).tolist())) for path, start in paths]
    # Where it runs outside the liver the trunk is free; the branches stay 3 mm inside it.
    inside = Intersection((union(branches, blend_mm=2.0), Grown(liver(), -3.0)))
    return union([trunk, Tube((fork, paths[0][0][1]), (6.0, 5.2)), inside], blend_mm=2.0)


def hepatic_veins() -> Shape:
    """Return the three hepatic veins, opacified, ending just before the vena cava."""
    paths: list[tuple[Vector, ...]] = [
        ((-46.0, 4.0, 186.0), (-66.0, 10.0, 184.0), (-86.0, 8.0, 180.0), (-100.0, -4.0, 172.0), (-110.0, -16.0, 148.0)),
        ((-44.0, -8.0, 186.0), (-58.0, -26.0, 184.0), (-70.0, -44.0, 172.0), (-74.0, -54.0, 152.0)),
        ((-32.0, -20.0, 186.0), (-20.0, -36.0, 184.0), (-4.0, -46.0, 184.0), (12.0, -48.0, 182.0)),
    ]
    branches = [Tube(path, tuple(np.linspace(4.6, 2.3, len(path)).tolist())) for path in paths]
    return Intersection((union(branches), Grown(liver(), -3.0)))


@cache
def liver_vessels() -> Shape:
    """Return portal and hepatic veins, the tumor spared."""
    return Difference(union([portal_veins(), hepatic_veins()]), tumor(), gap_mm=4.0)


def _kidney(name: str) -> Shape:
    (x, y, z), sense = KIDNEYS[name]
    body = Turned(Ellipsoid((x, y, z), (26.0, 22.0, 52.0)), turn("y", -9.0 * sense), (x, y, z))
    room = Intersection((body, Grown(cavity(), -4.0)))
    return Wavy(Difference(room, union([loin_muscles(), back_muscles()]), gap_mm=4.0), 1.2, 28.0, seed=43)


@cache
def kidneys_filled() -> Union:
    """Return both kidneys with the fat of their sinuses."""
    return union(_kidney(name) for name in KIDNEYS)


def _sinus(name: str) -> Shape:
    (x, y, z), _ = KIDNEYS[name]
    inward = -1.0 if x > 0 else 1.0
    main = Tube(((x + inward * 34.0, y - 8.0, z + 2.0), (x + inward * 12.0, y - 3.0, z)), (13.0, 8.0))
    calyces = [
        Tube(((x + inward * 14.0, y - 3.0, z + step), (x + inward * 4.0, y, z + 1.6 * step)), (6.5, 4.0))
        for step in (-17.0, 0.0, 17.0)
    ]
    return Wavy(union([main, *calyces], blend_mm=5.0), 1.0, 16.0, seed=44)


@cache
def kidneys() -> dict[str, Shape]:
    """Return the parenchyma of each kidney, its sinus left out."""
    arteries = Grown(union(renal_arteries().values()), 2.0)
    return {name: Difference(_kidney(name), union([_sinus(name), arteries])) for name in KIDNEYS}


def medullae(name: str) -> Shape:
    """Return the pyramids of a kidney: a little darker than its cortex."""
    (x, y, z), _ = KIDNEYS[name]
    inner = Intersection(
        (Grown(_kidney(name), -7.0), Wavy(Ellipsoid((x, y, z), (26.0, 22.0, 52.0)), 6.0, 17.0, seed=45))
    )
    return Difference(inner, _sinus(name), gap_mm=1.0)


@cache
def spleen() -> Shape:
    """Return the spleen: at the left, behind."""
    body = Turned(Ellipsoid((94.0, 34.0, 142.0), (23.0, 42.0, 46.0)), turn("z", 28.0), (94.0, 34.0, 142.0))
    room = Intersection((body, Grown(CAGE, -12.0), Grown(domes(), -4.0)))
    spared = union([Grown(stomach(), 4.0), Grown(kidneys_filled(), 5.0), Grown(loin_muscles(), 4.0)])
    return Wavy(Difference(room, spared), 1.4, 36.0, seed=46)


@cache
def stomach() -> Shape:
    """Return the stomach with wall and content."""
    parts: list[Shape] = [
        Ellipsoid((60.0, -22.0, 166.0), (31.0, 28.0, 28.0)),
        Ellipsoid((50.0, -34.0, 128.0), (29.0, 31.0, 42.0)),
        Tube(((44.0, -44.0, 102.0), (18.0, -54.0, 86.0), (-10.0, -50.0, 92.0)), (22.0, 18.0, 13.0)),
    ]
    room = Intersection((union(parts, blend_mm=16.0), Grown(CAGE, -13.0), Grown(domes(), -8.0)))
    spared = union([Grown(gut_arteries(), 5.0), Grown(kidneys_filled(), 4.0)])
    return Wavy(Difference(room, spared), 1.5, 38.0, seed=47)


STOMACH_LEVEL_Y = -40.0
"""The fluid level: gas lies in front of it, as the patient lies on the back."""


def stomach_content() -> tuple[Shape, Shape]:
    """Return fluid and gas of the stomach."""
    inside = Grown(Wavy(stomach(), 1.2, 12.0, seed=48), -4.5)
    air = Intersection((inside, Box((30.0, STOMACH_LEVEL_Y - 60.0, 130.0), (140.0, 60.0, 120.0))))
    return inside, air


def pancreas() -> Shape:
    """Return the pancreas, in front of the aorta and the left kidney."""
    path = ((-20.0, -30.0, 98.0), (-6.0, -30.0, 112.0), (16.0, -24.0, 126.0), (40.0, -6.0, 136.0), (66.0, 12.0, 146.0))
    return Difference(Wavy(Tube(path, (13.0, 10.0, 9.0, 9.5, 8.0)), 1.6, 13.0, seed=49), Grown(stomach(), 2.0))


COLON: tuple[tuple[Vector, ...], ...] = (
    ((-84.0, -16.0, -60.0), (-88.0, -14.0, -20.0), (-98.0, -10.0, 20.0), (-100.0, -16.0, 38.0)),
    (
        (-98.0, -20.0, 40.0),
        (-72.0, -47.0, 46.0),
        (-30.0, -54.0, 38.0),
        (20.0, -55.0, 42.0),
        (66.0, -46.0, 62.0),
        (92.0, -14.0, 88.0),
    ),
    ((93.0, -10.0, 88.0), (102.0, 12.0, 60.0), (104.0, 14.0, 20.0), (98.0, 2.0, -20.0), (80.0, -10.0, -70.0)),
)
"""Ascending, transverse and descending colon."""


@cache
def _colon_parts() -> list[Shape]:
    widths = (21.0, 18.0, 14.0)
    return [Wavy(Tube(path, (w,) * len(path)), 2.6, 27.0, seed=50) for path, w in zip(COLON, widths, strict=True)]


@cache
def colon() -> Shape:
    """Return the colon with wall, content and gas."""
    room = Intersection((union(_colon_parts(), blend_mm=4.0), Grown(CAGE, -12.0)))
    return Difference(room, union([Grown(liver(), 3.0), Grown(kidneys_filled(), 3.0), Grown(spleen(), 3.0)]))


COLON_LEVELS_Y = (-22.0, -57.0, 2.0)
"""Fluid level in each part of the colon."""


def colon_gas() -> Shape:
    """Return the gas of the colon, in front of its content."""
    airy = []
    for part, level in zip(_colon_parts(), COLON_LEVELS_Y, strict=True):
        airy.append(Intersection((part, Box((0.0, level - 60.0, 30.0), (150.0, 60.0, 160.0)))))
    return Intersection((Grown(colon(), -3.2), Grown(union(airy), -3.2)))


def small_bowel() -> list[Shape]:
    """Return loops of small bowel, each a winding tube; they fold around one another with fat between."""
    rng = np.random.default_rng(51)
    loops: list[Shape] = []
    for z in (-62.0, -36.0, -10.0, 16.0, 42.0, 68.0):
        for y in (-52.0, -26.0, -2.0):
            side = 1.0 if rng.integers(0, 2) else -1.0
            steps = np.linspace(-62.0, 62.0, 12) if y > -50 else np.linspace(-48.0, 48.0, 10)
            if y > -10:
                steps = steps[np.abs(steps) > 30]
            path = tuple(
                (float(side * x), float(y + rng.integers(-7, 8)), float(z + rng.integers(-9, 10))) for x in steps
            )
            loops.append(Wavy(Tube(path, (9.5,) * len(path)), 1.6, 15.0, seed=int(rng.integers(1000))))
    return loops
