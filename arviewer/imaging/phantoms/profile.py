"""Bodies described by their cross-sections: a trunk, a cage, a vertebral body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arviewer.imaging.phantoms.shapes import Array, Float, Shape, Vector, ball_box, single


@dataclass(frozen=True)
class Curve:
    """A smooth quantity along z, given by knots: linear between them, its corners rounded over 30 mm.

    Attributes
    ----------
    knots : tuple of (z, value)
        In rising or falling z, mm.
    """

    knots: tuple[tuple[float, float], ...]

    LOW_MM = -120
    HIGH_MM = 500

    @cached_property
    def table(self) -> Array:
        """The quantity at every mm from `LOW_MM` to `HIGH_MM`."""
        z, values = np.array(sorted(self.knots)).T
        dense = np.interp(np.arange(self.LOW_MM, self.HIGH_MM + 1), z, values)
        for _ in range(2):
            padded = np.concatenate([np.repeat(dense[:1], 8), dense, np.repeat(dense[-1:], 7)])
            sums = np.concatenate([[0.0], np.cumsum(padded)])
            dense = (sums[16:] - sums[:-16])[: len(dense)] / 16
        return single(dense)

    def __call__(self, z: Array) -> Array:
        """Return the quantity at each z; the ends go on at their last value."""
        table = self.table
        place = np.clip(z - np.float32(self.LOW_MM), 0, len(table) - 2)
        index = place.astype(np.int32)
        share = place - index
        return single(table[index] * (1 - share) + table[index + 1] * share)

    def at(self, z: float) -> float:
        """Return the quantity at one z."""
        return float(self(np.array([z], dtype=np.float32))[0])


Section = tuple[float, float, float, float]
"""z, half width, y of the front, y of the back (mm)."""


@dataclass(frozen=True)
class Stack(Shape):
    """A body of rounded cross-sections around the plane x = 0, between two heights.

    Attributes
    ----------
    sections : tuple of Section
        Knots along z.
    low_z, high_z : float, mm
        Flat ends.
    squareness : float
        0 for ellipses, 1 for fourth-power superellipses.
    """

    sections: tuple[Section, ...]
    low_z: float
    high_z: float
    squareness: float = 0.5

    @cached_property
    def _curves(self) -> tuple[Curve, Curve, Curve]:
        z, half, front, back = zip(*self.sections, strict=True)
        middle = [(f * 0.45 + b * 0.55) for f, b in zip(front, back, strict=True)]
        depth = [(m - f) for f, m in zip(front, middle, strict=True)]
        return tuple(Curve(tuple(zip(z, values, strict=True))) for values in (half, middle, depth))  # type: ignore[return-value]

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        half, front, back = (np.array(column) for column in list(zip(*self.sections, strict=True))[1:])
        return np.array([[-half.max(), front.min() - 1, self.low_z], [half.max(), back.max() + 1, self.high_z]])

    BACK_TO_FRONT = 0.45 / 0.55
    """Depth behind the middle over depth in front of it; the middle lies 45 % from the back."""

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`; first-order exact at the surface."""
        half, middle, depth = (curve(z) for curve in self._curves)
        v = y - middle
        depth = np.where(v > 0, depth * np.float32(self.BACK_TO_FRONT), depth)
        u, v = x / half, v / depth
        level, slope_u, slope_v = self._level(u, v)
        slope = np.sqrt((slope_u / half) ** 2 + (slope_v / depth) ** 2) + np.float32(1e-6)
        side = np.maximum((level - 1) / slope, -np.minimum(half, depth))
        ends = np.maximum(np.float32(self.low_z) - z, z - np.float32(self.high_z))
        return single(np.maximum(side, ends))

    def _level(self, u: Array, v: Array) -> tuple[Array, Array, Array]:
        """Return the level (1 on the surface) and its derivatives along u and v."""
        square, tiny = np.float32(self.squareness), np.float32(1e-6)
        round_level = np.sqrt(u * u + v * v) + tiny
        box_level = np.sqrt(np.sqrt(u * u * u * u + v * v * v * v)) + tiny
        a, b = u / box_level, v / box_level
        slope_u = (1 - square) * u / round_level + square * a * a * a
        slope_v = (1 - square) * v / round_level + square * b * b * b
        return (1 - square) * round_level + square * box_level, slope_u, slope_v

    def point(self, z: float, degrees: float, side: int) -> Vector:
        """Return the surface point at height z, so many degrees from the back (0) by the side to the front (180).

        Parameters
        ----------
        side : {1, -1}
            1 for the left of the patient, -1 for the right.
        """
        half, middle, depth = (curve.at(z) for curve in self._curves)
        u, v = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        level = float(self._level(single([u]), single([v]))[0][0])
        deep = depth * (self.BACK_TO_FRONT if v > 0 else 1.0)
        return side * half * float(u) / level, middle + deep * float(v) / level, z


@dataclass(frozen=True)
class Drum(Shape):
    """A vertebral body: an elliptic cylinder along z with a waist, rounded rims and a leaning axis.

    Attributes
    ----------
    center : Vector
    half_x, half_y, half_z : float, mm
    lean : float
        How far y moves per mm of z.
    waist_mm : float
        How much narrower it is at half height.
    """

    center: Vector
    half_x: float
    half_y: float
    half_z: float
    lean: float = 0.0
    waist_mm: float = 1.5
    rim_mm: float = 2.5

    @property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        return ball_box(self.center, (self.half_x, self.half_y + abs(self.lean) * self.half_z, self.half_z))

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`; first-order exact at the surface."""
        w = z - np.float32(self.center[2])
        rise = w / np.float32(self.half_z)
        waist = np.float32(self.waist_mm) * np.maximum(1 - rise * rise, 0)
        half_x, half_y = np.float32(self.half_x) - waist, np.float32(self.half_y) - waist
        u = (x - np.float32(self.center[0])) / half_x
        v = (y - np.float32(self.center[1]) - w * np.float32(self.lean)) / half_y
        level = np.sqrt(u * u + v * v) + np.float32(1e-6)
        slope = np.sqrt((u / half_x) ** 2 + (v / half_y) ** 2) / level + np.float32(1e-6)
        rim = np.float32(self.rim_mm)
        side = np.maximum((level - 1) / slope, -np.minimum(half_x, half_y)) + rim
        ends = np.abs(w) - np.float32(self.half_z) + rim
        corner = np.sqrt(np.maximum(side, 0) ** 2 + np.maximum(ends, 0) ** 2)
        return single(np.minimum(np.maximum(side, ends), 0) + corner - rim)
