"""Shapes as signed distances: negative inside, in mm, with a box around each.

A distance may be approximate away from the surface as long as its zero is exact and it changes by at most about
1.5 mm per mm: `arviewer.imaging.phantoms.raster` relies on that to skip what is far from every surface.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arviewer.errors import UsageError

Array = npt.NDArray[np.float32]
Float = npt.NDArray[np.float64]
Vector = tuple[float, float, float]

FAR_MM = 1e4
"""Distance to nothing at all: what an empty union answers."""


class Shape(ABC):
    """A solid in patient space.

    Subclasses answer `distance` for points given as three arrays of one shape, and `bounds`.
    """

    @abstractmethod
    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """Return the signed distance of points to the surface, mm, negative inside.

        Parameters
        ----------
        x, y, z : ndarray of float32, shape (N,), mm
            Coordinates (LPS).
        """

    @property
    @abstractmethod
    def bounds(self) -> Float:
        """Lowest and highest corner of a box around the shape, shape (2, 3), mm."""

    def restricted(self, low: Float, high: Float) -> Shape:  # noqa: ARG002 - parts of one piece ignore the box
        """Return a shape that is the same inside a box; parts that do not reach it may be left out.

        Parameters
        ----------
        low, high : ndarray, shape (3,), mm
            Corners of the box.
        """
        return self

    def contains(self, points_lps: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell which of the points, shape (N, 3), mm, lie inside."""
        x, y, z = np.atleast_2d(np.asarray(points_lps, dtype=np.float32)).T
        return np.asarray(self.distance(x, y, z) < 0)


def single(values: npt.ArrayLike) -> Array:
    """Return values in single precision, which is what all distances are computed in."""
    return np.asarray(values, dtype=np.float32)


def ball_box(center: Vector, reach: Vector) -> Float:
    """Return the box of half-sizes `reach` around `center`, shape (2, 3)."""
    middle, half = np.array(center), np.array(reach)
    return np.stack([middle - half, middle + half])


@dataclass(frozen=True)
class Ellipsoid(Shape):
    """An ellipsoid with axes along x, y, z; a sphere when all radii are equal (mm)."""

    center: Vector
    radii: Vector

    @property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        return ball_box(self.center, self.radii)

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`; exact for a sphere, first-order exact at the surface otherwise."""
        u, v, w = ((axis - np.float32(c)) / np.float32(r) for axis, c, r in self._axes(x, y, z))
        level = np.sqrt(u * u + v * v + w * w)
        u, v, w = u / np.float32(self.radii[0]), v / np.float32(self.radii[1]), w / np.float32(self.radii[2])
        slope = np.sqrt(u * u + v * v + w * w)
        far = np.float32(min(self.radii))
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = level * (level - 1) / slope
        return np.where(slope > 0, np.maximum(distance, -far), -far)

    def _axes(self, x: Array, y: Array, z: Array) -> zip[tuple[Array, float, float]]:
        return zip((x, y, z), self.center, self.radii, strict=True)

    @property
    def volume_mm3(self) -> float:
        """Volume in closed form."""
        return float(4 / 3 * np.pi * np.prod(self.radii))


@dataclass(frozen=True)
class Box(Shape):
    """A box with sides along x, y, z and half-sizes in mm, its edges rounded by `rounding_mm`."""

    center: Vector
    half: Vector
    rounding_mm: float = 0.0

    @property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        return ball_box(self.center, self.half)

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`; exact."""
        rounding = np.float32(self.rounding_mm)
        outside = np.zeros_like(x)
        inside = np.full_like(x, -np.float32(FAR_MM))
        for axis, center, half in zip((x, y, z), self.center, self.half, strict=True):
            over = np.abs(axis - np.float32(center)) - (np.float32(half) - rounding)
            outside += np.maximum(over, 0) ** 2
            np.maximum(inside, over, out=inside)
        return np.sqrt(outside) + np.minimum(inside, 0) - rounding


@dataclass(frozen=True)
class Torus(Shape):
    """A torus in the plane z = center z: ring radius to the middle of the tube, tube radius (mm)."""

    center: Vector
    ring_mm: float
    tube_mm: float

    @property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        return ball_box(self.center, (self.ring_mm + self.tube_mm, self.ring_mm + self.tube_mm, self.tube_mm))

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`; exact."""
        u, v, w = x - np.float32(self.center[0]), y - np.float32(self.center[1]), z - np.float32(self.center[2])
        ring = np.sqrt(u * u + v * v) - np.float32(self.ring_mm)
        return single(np.sqrt(ring * ring + w * w) - np.float32(self.tube_mm))

    @property
    def volume_mm3(self) -> float:
        """Volume in closed form."""
        return float(2 * np.pi**2 * self.ring_mm * self.tube_mm**2)


@dataclass(frozen=True)
class Tube(Shape):
    """A round tube along a polyline, its radius changing linearly between the points; rounded ends.

    Attributes
    ----------
    points : tuple of (x, y, z), mm
        At least two.
    radii_mm : tuple of float
        One for each point.
    """

    points: tuple[Vector, ...]
    radii_mm: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.points) != len(self.radii_mm) or len(self.points) < 2:
            raise UsageError("A tube needs two points or more and one radius for each.", f"{len(self.points)} points.")

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        points, radii = np.array(self.points), np.array(self.radii_mm)[:, None]
        return np.stack([(points - radii).min(axis=0), (points + radii).max(axis=0)])

    def restricted(self, low: Float, high: Float) -> Shape:
        """See `Shape.restricted`: keeps the run of pieces that reach the box."""
        points, radii = np.array(self.points), np.array(self.radii_mm)[:, None]
        lows = np.minimum((points - radii)[:-1], (points - radii)[1:])
        highs = np.maximum((points + radii)[:-1], (points + radii)[1:])
        near = np.flatnonzero(((lows <= high) & (highs >= low)).all(axis=1))
        if not len(near):
            return Tube(self.points[:2], self.radii_mm[:2])
        run = slice(int(near[0]), int(near[-1]) + 2)
        return Tube(self.points[run], self.radii_mm[run])

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`; exact where the radius is constant."""
        best = np.full_like(x, np.float32(FAR_MM))
        ends = zip(self.points[:-1], self.points[1:], self.radii_mm[:-1], self.radii_mm[1:], strict=True)
        for start, stop, first_mm, last_mm in ends:
            np.minimum(best, _to_piece((x, y, z), start, stop, (first_mm, last_mm)), out=best)
        return best


def _to_piece(at: tuple[Array, Array, Array], start: Vector, stop: Vector, radii_mm: tuple[float, float]) -> Array:
    """Return the distance to one straight piece of a tube."""
    along = [b - a for a, b in zip(start, stop, strict=True)]
    square = sum(component * component for component in along)
    relative = [axis - np.float32(a) for axis, a in zip(at, start, strict=True)]
    share = np.zeros_like(at[0])
    if square > 0:
        for component, step in zip(relative, along, strict=True):
            share += component * np.float32(step / square)
        np.clip(share, 0, 1, out=share)
    away = np.zeros_like(share)
    for component, step in zip(relative, along, strict=True):
        off = component - share * np.float32(step)
        away += off * off
    return single(np.sqrt(away) - (np.float32(radii_mm[0]) + share * np.float32(radii_mm[1] - radii_mm[0])))


def capsule(start: Vector, stop: Vector, radius_mm: float) -> Tube:
    """Return a cylinder with half-balls on both ends; its volume is π r² (length + 4 r / 3)."""
    return Tube((start, stop), (radius_mm, radius_mm))
