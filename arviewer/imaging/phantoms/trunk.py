"""The trunk of the synthetic patient: skin, fat, muscle wall, cavity, and where the spine runs in it.

All numbers are mm in the patient's own frame: x to the left, y to posterior, z to the head; z = 0 is the lower
end of the fifth lumbar vertebra.
"""

from __future__ import annotations

from functools import cache

from arviewer.imaging.phantoms.csg import Difference, Grown, Intersection, Rind, Wavy, union
from arviewer.imaging.phantoms.profile import Curve, Stack
from arviewer.imaging.phantoms.shapes import Box, Ellipsoid, Shape, Tube, Vector

LOW_Z, HIGH_Z = -100.0, 470.0
"""The trunk goes on beyond the scan at both ends."""

SPINE_Y = Curve(
    (
        *((-60, 62), (-25, 52), (0, 40), (31, 31), (62, 27), (93, 27), (124, 30), (152, 34)),
        *((200, 41), (235, 46), (270, 49), (330, 45), (370, 36), (400, 28), (440, 22)),
    )
)
"""y of the middle of the vertebral bodies."""
BODY_HALF_WIDTH = Curve(((0, 25), (60, 23.5), (152, 21), (177, 19.5), (270, 16), (345, 14), (405, 15)))
BODY_HALF_DEPTH = Curve(((0, 17), (60, 16.8), (152, 16), (177, 15.5), (270, 14.5), (345, 11.8), (405, 9.5)))
"""Half-sizes of the vertebral bodies."""

CAGE = Stack(
    (
        (470, 46, -2, 48),
        (405, 54, -10, 57),
        (385, 76, -31, 68),
        (360, 97, -52, 77),
        (330, 112, -66, 84),
        (290, 123, -77, 87),
        (250, 130, -84, 87),
        (210, 133, -88, 83),
        (170, 132, -88, 77),
        (130, 127, -86, 71),
        (100, 123, -84, 67),
        (60, 123, -80, 63),
        (0, 126, -76, 64),
        (-100, 128, -74, 66),
    ),
    LOW_Z,
    HIGH_Z,
    0.45,
)
"""The surface in which the middles of the ribs lie; below them, the inner side of the abdominal wall."""


@cache
def body() -> Shape:
    """Return everything inside the skin."""
    sections = (
        (470, 122, -36, 76),
        (420, 150, -50, 90),
        (390, 158, -62, 102),
        (350, 160, -82, 110),
        (300, 159, -99, 110),
        (250, 158, -106, 109),
        (200, 156, -108, 105),
        (150, 151, -106, 100),
        (110, 149, -105, 98),
        (70, 152, -106, 101),
        (30, 158, -106, 107),
        (-45, 161, -100, 114),
        (-100, 161, -98, 116),
    )
    breasts = [Ellipsoid((side * 68.0, -92.0, 283.0), (46.0, 27.0, 44.0)) for side in (-1, 1)]
    stack = Stack(sections, LOW_Z, HIGH_Z, 0.42)
    return Wavy(union([stack, *breasts], blend_mm=20.0), 2.0, 140.0, seed=11)


def breast_glands() -> list[Shape]:
    """Return the glandular tissue of both breasts."""
    return [Wavy(Ellipsoid((side * 68.0, -100.0, 282.0), (26.0, 11.0, 24.0)), 4.0, 38.0, seed=12) for side in (-1, 1)]


@cache
def muscle() -> Shape:
    """Return everything inside the outer muscles: subcutaneous fat lies outside it."""
    sections = (
        (470, 88, -26, 66),
        (420, 104, -34, 73),
        (390, 122, -45, 84),
        (350, 131, -67, 94),
        (300, 138, -86, 99),
        (250, 144, -94, 99),
        (200, 145, -97, 95),
        (150, 139, -94, 89),
        (100, 133, -91, 87),
        (50, 134, -88, 89),
        (0, 140, -85, 95),
        (-100, 146, -82, 100),
    )
    shoulders = [Ellipsoid((side * 100.0, 64.0, 352.0), (42.0, 32.0, 74.0)) for side in (-1, 1)]
    pectorals = [
        Tube(
            ((side * 30.0, -72.0, 290.0), (side * 62.0, -70.0, 325.0), (side * 112.0, -30.0, 372.0)), (9.0, 13.0, 16.0)
        )
        for side in (-1, 1)
    ]
    whole = union([Stack(sections, LOW_Z, HIGH_Z, 0.42), *shoulders, *pectorals], blend_mm=14.0)
    return Intersection((Wavy(whole, 2.0, 75.0, seed=13), Grown(body(), -6.0)))


def muscle_planes() -> list[Shape]:
    """Return thin sheets of fat between the layers of the wall (waist and chest)."""
    flanks = [
        Intersection((_sheet(Grown(CAGE, 7.5)), Box((side * 105.0, -12.0, 55.0), (42.0, 48.0, 78.0))))
        for side in (-1, 1)
    ]
    chest = [
        Intersection((_sheet(Grown(CAGE, 8.0)), Box((side * 92.0, 30.0, 275.0), (50.0, 38.0, 70.0))))
        for side in (-1, 1)
    ]
    axillae = [
        Wavy(
            Tube(
                ((side * 118.0, -2.0, 305.0), (side * 116.0, 4.0, 345.0), (side * 96.0, -8.0, 384.0)), (9.0, 15.0, 10.0)
            ),
            5.0,
            30.0,
            seed=18,
        )
        for side in (-1, 1)
    ]
    blades = [
        Intersection((_sheet(Grown(CAGE, 19.0)), Box((side * 100.0, 62.0, 350.0), (56.0, 46.0, 62.0))))
        for side in (-1, 1)
    ]
    linea = Box((0.0, -88.0, 40.0), (1.6, 12.0, 140.0), 1.0)
    return [*flanks, *chest, *axillae, *blades, linea]


def _sheet(surface: Shape) -> Shape:
    """Return the 1.6 mm thick skin of a shape, wavy."""
    return Rind(Wavy(surface, 1.0, 60.0, seed=14), 0.8)


@cache
def cavity() -> Shape:
    """Return what the muscle wall encloses: chest and abdomen with the fat between their organs."""
    return Wavy(Grown(CAGE, -7.5), 1.0, 80.0, seed=15)


def along_spine(side: int, lateral_mm: float, behind_mm: float, span: tuple[float, float]) -> tuple[Vector, ...]:
    """Return points that follow the spine at a lateral offset, so far behind the back of the bodies."""
    low, high = span
    steps = 16
    heights = [low + (high - low) * n / steps for n in range(steps + 1)]
    return tuple((side * lateral_mm, SPINE_Y.at(z) + BODY_HALF_DEPTH.at(z) + behind_mm, z) for z in heights)


@cache
def back_muscles() -> Shape:
    """Return the erector spinae of both sides."""
    parts = []
    for side in (-1, 1):
        parts.append(Tube(along_spine(side, 24.0, 21.0, (-80.0, 450.0)), (20.0,) * 9 + (17.0,) * 4 + (14.0,) * 4))
        parts.append(Tube(along_spine(side, 46.0, 18.0, (-60.0, 330.0)), (15.0,) * 10 + (9.0,) * 7))
    return Intersection((Wavy(union(parts, blend_mm=3.0), 1.2, 40.0, seed=16), Grown(body(), -7.0)))


@cache
def loin_muscles() -> Shape:
    """Return psoas, quadratus lumborum and iliacus of both sides."""
    parts: list[Shape] = []
    for side in (-1, 1):
        psoas = (
            (side * 27.0, 34.0, 150.0),
            (side * 33.0, 30.0, 110.0),
            (side * 39.0, 29.0, 70.0),
            (side * 46.0, 28.0, 30.0),
            (side * 56.0, 16.0, -20.0),
            (side * 66.0, 0.0, -90.0),
        )
        parts.append(Tube(psoas, (5.0, 10.0, 14.0, 18.0, 20.0, 20.0)))
        loin = ((side * 56.0, 52.0, 145.0), (side * 64.0, 56.0, 90.0), (side * 74.0, 58.0, 25.0))
        parts.append(Tube(loin, (7.0, 10.0, 12.0)))
        iliac = ((side * 84.0, 42.0, 10.0), (side * 100.0, 18.0, -10.0), (side * 98.0, 10.0, -80.0))
        parts.append(Tube(iliac, (6.0, 11.0, 17.0)))
    return Wavy(union(parts), 1.2, 45.0, seed=17)


def table() -> list[tuple[str, Shape, float]]:
    """Return the parts of the table under the patient: name, shape and HU."""
    mattress = Difference(Box((0.0, 124.0, 180.0), (152.0, 15.0, 400.0), 4.0), body(), gap_mm=3.0)
    plate = Box((0.0, 150.0, 180.0), (160.0, 10.0, 400.0), 6.0)
    return [("mattress", mattress, -945.0), ("table shell", plate, 60.0), ("table core", Grown(plate, -2.5), -900.0)]
