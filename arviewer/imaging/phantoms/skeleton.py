"""The bones of the synthetic patient: spine, ribs with their cartilages, sternum, shoulder girdle, pelvis."""

from __future__ import annotations

from functools import cache

import numpy as np

from arviewer.imaging.phantoms.csg import Difference, Grown, Intersection, Stretched, Turned, Union, Wavy, turn, union
from arviewer.imaging.phantoms.profile import Drum
from arviewer.imaging.phantoms.shapes import Box, Ellipsoid, Shape, Tube, Vector
from arviewer.imaging.phantoms.trunk import BODY_HALF_DEPTH, BODY_HALF_WIDTH, CAGE, SPINE_Y

CORTEX_MM = 2.2
"""Thickness of the cortical shell of every bone."""

LEVELS: tuple[tuple[str, float, float], ...] = (
    ("L5", 0.0, 31.0),
    ("L4", 31.0, 62.0),
    ("L3", 62.0, 93.0),
    ("L2", 93.0, 123.0),
    ("L1", 123.0, 152.0),
    ("T12", 152.0, 177.5),
    ("T11", 177.5, 201.5),
    ("T10", 201.5, 224.5),
    ("T9", 224.5, 247.0),
    ("T8", 247.0, 269.0),
    ("T7", 269.0, 290.5),
    ("T6", 290.5, 311.0),
    ("T5", 311.0, 331.0),
    ("T4", 331.0, 350.5),
    ("T3", 350.5, 369.5),
    ("T2", 369.5, 387.5),
    ("T1", 387.5, 405.5),
    ("C7", 405.5, 422.0),
)
"""Name, lower and upper end of each vertebral level, disc included; the disc is the upper part."""


def disc_mm(name: str) -> float:
    """Return the height of the disc above a vertebra."""
    return {"L": 8.5, "T": 4.8, "C": 4.5}[name[0]]


def _span(name: str) -> tuple[float, float]:
    """Return the lower and upper end of a vertebral body without its disc."""
    low, high = next((a, b) for label, a, b in LEVELS if label == name)
    return low, high - disc_mm(name)


@cache
def vertebrae() -> dict[str, Shape]:
    """Return each vertebra, body and arch, the canal left open."""
    return {name: _vertebra(name) for name, _, _ in LEVELS}


def _vertebra(name: str) -> Shape:
    low, high = _span(name)
    middle, half_z = (low + high) / 2, (high - low) / 2
    wide, deep = BODY_HALF_WIDTH.at(middle), BODY_HALF_DEPTH.at(middle)
    y = SPINE_Y.at(middle)
    lean = (SPINE_Y.at(high) - SPINE_Y.at(low)) / (high - low)
    body = Drum((0.0, y, middle), wide, deep, half_z, lean)
    solid = union([body, *_arch(name, (y + deep, middle, half_z), wide)], blend_mm=3.0)
    canal = Tube(
        ((0.0, y + deep + 8.5 - 40 * lean, middle - 40), (0.0, y + deep + 8.5 + 40 * lean, middle + 40)), (8.6, 8.6)
    )
    return Wavy(Difference(solid, canal), 0.5, 26.0, seed=21)


def _arch(name: str, back: tuple[float, float, float], wide: float) -> list[Shape]:
    """Return pedicles, laminae, transverse processes and spinous process; `back` is y, z and half height there."""
    y, z, half_z = back
    lumbar = name[0] == "L"
    up, drop = half_z * 0.3, (5.0 if lumbar else half_z * 2 - 8.0)
    spine_mm = 17.0 if lumbar else 11.0
    thick = 4.9 if lumbar else (4.2 if half_z > 8.0 else 3.6)
    parts: list[Shape] = []
    for side in (-1, 1):
        root = (side * min(wide * 0.62, 14.0), y - 5.0, z + up)
        corner = (side * 14.5, y + 13.0, z + up - 1.0)
        ridge = (0.0, y + 21.5, z - 2.0)
        parts.append(Tube((root, corner), (thick, thick)))
        parts.append(Tube((corner, ridge), (thick + 0.5, thick)))
        reach = (side * 41.0, y + 14.0, z + up + 1.0) if lumbar else (side * 29.0, y + 22.0, z + up + 2.0)
        parts.append(Tube((corner, reach), (thick, 4.3)))
        if lumbar:
            parts.append(Tube((corner, (side * 16.0, y + 15.0, z - half_z - 1.0)), (thick + 1.5, 5.0)))
    tip = (0.0, y + 21.5 + spine_mm, z - 2.0 - drop)
    parts.append(Tube(((0.0, y + 20.5, z - 2.0), tip), (thick, thick + 0.4)))
    if lumbar:
        parts.append(Tube(((0.0, y + 24.0, z - 8.0), (0.0, y + 19.0 + spine_mm, z - 10.0 - drop)), (4.3, 4.6)))
    return parts


@cache
def discs() -> Shape:
    """Return the discs between the vertebral bodies."""
    parts = []
    for name, _, high in LEVELS:
        z, half_z = high - disc_mm(name) / 2, disc_mm(name) / 2 + 1.5
        size = (BODY_HALF_WIDTH.at(z) - 0.5, BODY_HALF_DEPTH.at(z) - 0.5)
        parts.append(Drum((0.0, SPINE_Y.at(z), z), size[0], size[1], half_z, 0.0, -0.5))
    y = SPINE_Y.at(-3.5)
    parts.append(Drum((0.0, y, -3.5), 24.0, 16.0, 5.0, -0.4, -0.5))
    return union(parts)


@cache
def canal() -> Shape:
    """Return the content of the spinal canal."""
    heights = np.linspace(-60.0, 450.0, 40)
    points = tuple((0.0, SPINE_Y.at(z) + BODY_HALF_DEPTH.at(z) + 8.5, float(z)) for z in heights)
    return Tube(points, (7.6,) * len(points))


RIB_STRETCH = 1.3
RIB_DROPS = (25.0, 40.0, 55.0, 65.0, 75.0, 85.0, 92.0, 95.0, 92.0, 84.0, 60.0, 36.0)
RIB_ENDS_DEG = (146.0, 150.0, 149.0, 147.0, 145.0, 142.0, 138.0, 132.0, 126.0, 118.0, 96.0, 64.0)
"""How far each rib falls from its head to its end, and where around the cage it ends."""


def rib_point(number: int, degrees: float, side: int) -> Vector:
    """Return the middle of a rib so many degrees around from the back."""
    low, high = _span(f"T{number}")
    end = RIB_ENDS_DEG[number - 1]
    fallen = (1 - np.cos(np.radians(degrees))) / (1 - np.cos(np.radians(end)))
    return CAGE.point(low + 0.62 * (high - low) - RIB_DROPS[number - 1] * float(fallen), degrees, side)


def _rib(number: int, side: int) -> Shape:
    head = rib_point(number, 20.0, side)
    y, half = SPINE_Y.at(head[2]), BODY_HALF_WIDTH.at(head[2])
    start = (side * (half + 7.0), y + 5.0, head[2] + 1.5)
    bend = (side * (half + 17.0), y + 19.0, head[2] + 1.0)
    first = 30.0 if number > 2 else 42.0
    degrees = np.arange(first, RIB_ENDS_DEG[number - 1] + 0.1, 6.0)
    points = (start, bend, *(rib_point(number, float(angle), side) for angle in degrees))
    radii = (4.6, 4.4, *np.linspace(4.5, 4.7, len(degrees)).tolist())
    # Ribs are taller than thick: the path is squeezed first, so that stretching puts it back.
    squeezed = tuple((x, y, head[2] + (z - head[2]) / RIB_STRETCH) for x, y, z in points)
    return Stretched(Tube(squeezed, radii), (1.0, 1.0, RIB_STRETCH), head)


@cache
def ribs() -> dict[str, Shape]:
    """Return the twelve pairs, named "left rib 7" and so on; the left seventh carries a healed fracture."""
    named = {}
    for side, word in ((-1, "right"), (1, "left")):
        for number in range(1, 13):
            named[f"{word} rib {number}"] = _rib(number, side)
    named["left rib 7"] = union([named["left rib 7"], callus()], blend_mm=3.0)
    return named


def callus() -> Ellipsoid:
    """Return the callus of the healed fracture, at the side of the left seventh rib."""
    return Ellipsoid(rib_point(7, 84.0, 1), (7.5, 13.0, 8.5))


def fracture_pin() -> Ellipsoid:
    """Return the dense metal pin inside the callus."""
    return Ellipsoid(callus().center, (3.5, 7.0, 4.5))


STERNUM_Z = (362.0, 332.0, 312.0, 294.0, 276.0, 261.0, 250.0)
"""Where the cartilages of the first seven ribs meet the sternum."""


@cache
def cartilages() -> Shape:
    """Return the costal cartilages, uncalcified."""
    parts = []
    for side in (-1, 1):
        meet: Vector = (0.0, 0.0, 0.0)
        for number in range(1, 11):
            end = rib_point(number, RIB_ENDS_DEG[number - 1], side)
            if number <= 7:
                z = STERNUM_Z[number - 1]
                meet = CAGE.point(z, 170.0 if number > 1 else 166.0, side)
                degrees = (RIB_ENDS_DEG[number - 1] + 170.0) / 2
                between = CAGE.point(end[2] + (z - end[2]) * 0.35, degrees, side)
            else:
                meet = rib_point(number - 1, RIB_ENDS_DEG[number - 2] + 6.0, side)
                between = CAGE.point((end[2] + meet[2]) / 2 - 3.0, RIB_ENDS_DEG[number - 1] + 5.0, side)
            parts.append(Tube((end, between, meet), (5.2, 5.2, 5.0)))
    return union(parts)


def sternum() -> Shape:
    """Return manubrium and body of the sternum, a thin joint between them."""
    upper = [CAGE.point(z, 180.0, 1) for z in (364.0, 344.0)]
    lower = [CAGE.point(z, 180.0, 1) for z in (328.0, 290.0, 252.0, 226.0)]
    manubrium = Tube(tuple(upper), (6.2, 5.6))
    body = Tube(tuple(lower), (4.8, 4.9, 5.4, 4.2))
    return Wavy(union([Stretched(manubrium, (3.6, 1.0, 1.0)), Stretched(body, (3.0, 1.0, 1.0))]), 0.6, 35.0, seed=22)


def girdle() -> dict[str, Shape]:
    """Return both clavicles and scapulae."""
    named: dict[str, Shape] = {}
    for side, word in ((-1, "right"), (1, "left")):
        bow = (
            (side * 34.0, -54.0, 372.0),
            (side * 66.0, -46.0, 383.0),
            (side * 98.0, -24.0, 393.0),
            (side * 122.0, 0.0, 398.0),
        )
        named[f"{word} clavicle"] = Wavy(Tube(bow, (7.0, 5.6, 5.6, 6.4)), 0.5, 30.0, seed=23)
        center = (side * 103.5, 72.0, 343.0)
        blade = Turned(Ellipsoid(center, (4.4, 25.0, 50.0)), turn("z", side * 42.0), center)
        ridge = Tube(
            ((side * 76.0, 84.0, 366.0), (side * 110.0, 70.0, 384.0), (side * 130.0, 40.0, 394.0)), (4.4, 5.0, 6.0)
        )
        socket = Tube(((side * 121.0, 58.0, 368.0), (side * 128.0, 46.0, 384.0)), (5.5, 8.5))
        named[f"{word} scapula"] = union([blade, ridge, socket], blend_mm=6.0)
    return named


def pelvis() -> dict[str, Shape]:
    """Return the upper sacrum and both iliac wings, all leaving the scan at its lower end."""
    sacral = Drum((0.0, 54.0, -30.0), 27.0, 17.0, 22.0, -0.45, 0.5)
    wings = [Ellipsoid((side * 34.0, 60.0, -38.0), (22.0, 16.0, 26.0)) for side in (-1, 1)]
    crest = Tube(((0.0, 76.0, -20.0), (0.0, 92.0, -34.0), (0.0, 99.0, -60.0)), (5.0, 5.5, 6.0))
    holes = [Tube(((0.0, 76.0, 20.0), (0.0, 84.0, -60.0)), (8.6, 8.0))]
    sacrum = Difference(union([sacral, *wings, crest], blend_mm=6.0), union(holes))
    named: dict[str, Shape] = {"sacrum": Intersection((sacrum, Box((0.0, 60.0, -108.0), (80.0, 80.0, 100.0))))}
    for side, word in ((-1, "right"), (1, "left")):
        sheets = [_iliac_sheet(side, n) for n in range(21)]
        named[f"{word} ilium"] = Wavy(union(sheets, blend_mm=5.0), 0.8, 40.0, seed=24)
    return named


def _iliac_sheet(side: int, n: int) -> Tube:
    """Return one of the stacked strips that make an iliac wing; the highest are short, so that the crest is an arch."""
    z = -78.0 + 5.0 * n
    spread = np.sqrt(max(1.0 - (max(z, -30.0) + 30.0) ** 2 / 54.0**2, 0.02))
    path = []
    for step in np.linspace(-1.0, 1.0, 6):
        around = np.radians(74.0 + 38.0 * step * spread)
        flare = 0.16 * (z + 40.0)
        x, y = 116.0 * np.sin(around) + flare * np.sin(around), 10.0 + 70.0 * np.cos(around)
        path.append((side * float(x), float(y), z))
    return Tube(tuple(path), (6.3,) * 6)


@cache
def bones() -> dict[str, Shape]:
    """Return every bone by its name, solid, marrow included."""
    return {**vertebrae(), **ribs(), "sternum": sternum(), **girdle(), **pelvis()}


@cache
def all_bones() -> Union:
    """Return all bones as one shape."""
    return union(bones().values())


@cache
def marrow() -> Union:
    """Return the trabecular inside of all bones."""
    return union(Grown(bone, -CORTEX_MM) for bone in bones().values())
