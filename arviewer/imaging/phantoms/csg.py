"""Shapes made of shapes: union, intersection, difference, growing, moving, waviness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arviewer.imaging.phantoms.shapes import FAR_MM, Array, Float, Shape, Vector, single


@dataclass(frozen=True)
class Union(Shape):
    """All of several shapes. With `blend_mm` the seams between them are filled smoothly (polynomial minimum)."""

    parts: tuple[Shape, ...]
    blend_mm: float = 0.0

    @cached_property
    def _boxes(self) -> Float:
        return np.array([part.bounds for part in self.parts])

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        if not self.parts:
            return np.array([[FAR_MM] * 3, [FAR_MM] * 3])
        boxes = self._boxes
        return np.stack([boxes[:, 0].min(axis=0) - self.blend_mm / 4, boxes[:, 1].max(axis=0) + self.blend_mm / 4])

    def restricted(self, low: Float, high: Float) -> Shape:
        """See `Shape.restricted`: leaves out the parts that do not reach the box."""
        reach = self.blend_mm
        if not self.parts:
            return self
        meets = (self._boxes[:, 0] <= high + reach) & (self._boxes[:, 1] >= low - reach)
        near = np.flatnonzero(meets.all(axis=1))
        parts = tuple(self.parts[n].restricted(low - reach, high + reach) for n in near)
        return parts[0] if len(parts) == 1 else Union(parts, self.blend_mm)

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        best = np.full_like(x, np.float32(FAR_MM))
        for part in self.parts:
            other = part.distance(x, y, z)
            lower = np.minimum(best, other)
            if self.blend_mm > 0:
                # Quadratic polynomial smooth minimum: within `blend_mm` of equality the seam is filled.
                near = np.maximum(np.float32(self.blend_mm) - np.abs(best - other), 0)
                lower -= near * near / np.float32(4 * self.blend_mm)
            best = lower
        return best


def union(parts: Iterable[Shape], blend_mm: float = 0.0) -> Union:
    """Return all of the shapes as one."""
    return Union(tuple(parts), blend_mm)


@dataclass(frozen=True)
class Intersection(Shape):
    """What several shapes share."""

    parts: tuple[Shape, ...]

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        boxes = np.array([part.bounds for part in self.parts])
        low = boxes[:, 0].max(axis=0)
        return np.stack([low, np.maximum(boxes[:, 1].min(axis=0), low)])

    def restricted(self, low: Float, high: Float) -> Shape:
        """See `Shape.restricted`."""
        return Intersection(tuple(part.restricted(low, high) for part in self.parts))

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        most = self.parts[0].distance(x, y, z)
        for part in self.parts[1:]:
            most = np.maximum(most, part.distance(x, y, z))
        return most


@dataclass(frozen=True)
class Difference(Shape):
    """A shape less another, and less everything nearer than `gap_mm` to that other."""

    whole: Shape
    without: Shape
    gap_mm: float = 0.0

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        return self.whole.bounds

    def restricted(self, low: Float, high: Float) -> Shape:
        """See `Shape.restricted`."""
        gap = max(self.gap_mm, 0.0)
        box, whole = self.without.bounds, self.whole.restricted(low, high)
        if (box[0] > high + gap).any() or (box[1] < low - gap).any():
            return whole
        return Difference(whole, self.without.restricted(low - gap, high + gap), self.gap_mm)

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        return single(
            np.maximum(self.whole.distance(x, y, z), np.float32(self.gap_mm) - self.without.distance(x, y, z))
        )


@dataclass(frozen=True)
class Grown(Shape):
    """A shape with its surface moved outward by `by_mm` (inward when negative)."""

    inner: Shape
    by_mm: float

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        low, high = self.inner.bounds
        return np.stack([low - self.by_mm, np.maximum(high + self.by_mm, low - self.by_mm)])

    def restricted(self, low: Float, high: Float) -> Shape:
        """See `Shape.restricted`."""
        reach = max(self.by_mm, 0.0)
        return Grown(self.inner.restricted(low - reach, high + reach), self.by_mm)

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        return self.inner.distance(x, y, z) - np.float32(self.by_mm)


@dataclass(frozen=True)
class Rind(Shape):
    """What lies within `half_mm` of a surface, on both sides of it."""

    inner: Shape
    half_mm: float

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        low, high = self.inner.bounds
        return np.stack([low - self.half_mm, high + self.half_mm])

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        return single(np.abs(self.inner.distance(x, y, z)) - np.float32(self.half_mm))


@dataclass(frozen=True)
class Stretched(Shape):
    """A shape pulled by `factors` (each ≥ 1) along x, y, z about `about`; distances are underestimated there."""

    inner: Shape
    factors: Vector
    about: Vector = (0.0, 0.0, 0.0)

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        about = np.array(self.about)
        return np.asarray((self.inner.bounds - about) * np.array(self.factors) + about, dtype=np.float64)

    def restricted(self, low: Float, high: Float) -> Shape:
        """See `Shape.restricted`."""
        about, factors = np.array(self.about), np.array(self.factors)
        inner = self.inner.restricted((low - about) / factors + about, (high - about) / factors + about)
        return Stretched(inner, self.factors, self.about)

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        axes = zip((x, y, z), self.about, self.factors, strict=True)
        return self.inner.distance(*((axis - np.float32(c)) / np.float32(f) + np.float32(c) for axis, c, f in axes))


@dataclass(frozen=True, eq=False)
class Turned(Shape):
    """A shape turned about its point `about` by a rotation matrix (rows are the turned axes of the inner shape)."""

    inner: Shape
    rotation: Float
    about: Vector

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        low, high = self.inner.bounds - np.array(self.about)
        reach = np.abs(self.rotation) @ ((high - low) / 2)
        middle = self.rotation @ ((high + low) / 2) + np.array(self.about)
        return np.stack([middle - reach, middle + reach])

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        r = self.rotation.astype(np.float32)
        u, v, w = (axis - np.float32(c) for axis, c in zip((x, y, z), self.about, strict=True))
        inner = (r[0, n] * u + r[1, n] * v + r[2, n] * w + np.float32(self.about[n]) for n in range(3))
        return self.inner.distance(*inner)


def turn(axis: str, degrees: float) -> Float:
    """Return the rotation by an angle about the x, y or z axis (right-hand rule), shape (3, 3)."""
    n = "xyz".index(axis)
    a, b = (n + 1) % 3, (n + 2) % 3
    matrix = np.eye(3)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix[a, a], matrix[a, b], matrix[b, a], matrix[b, b] = cosine, -sine, sine, cosine
    return matrix


def wave(phase: Array) -> Array:
    """Return a smooth wave of period 1 and range ±1, made of parabolas.

    Bit-exact on every machine, where a vectorised sine is not.
    """
    t = phase - np.floor(phase)
    half = t - np.float32(0.5)
    return single(8 * half * (2 * np.abs(half) - 1))


def waviness(x: Array, y: Array, z: Array, wavelength_mm: float, seed: int) -> Array:
    """Return smooth bumps in −1 … 1 that look irregular: the sum of waves in random directions."""
    rng = np.random.default_rng(seed)
    total = np.zeros_like(x)
    for scale in (1.3, 1.0, 0.8, 0.62, 0.47):
        direction = rng.integers(-100, 101, size=3) / 100.0
        direction = direction / np.sqrt(float((direction * direction).sum()) + 1e-9)
        step = [np.float32(value) for value in direction / (wavelength_mm * scale)]
        start = np.float32(rng.integers(0, 1000) / 1000)
        total += np.float32(0.4 * (0.4 + 0.6 * scale)) * wave(x * step[0] + y * step[1] + z * step[2] + start)
    return single(np.clip(total, -1, 1))


@dataclass(frozen=True)
class Wavy(Shape):
    """A shape whose surface swells and shrinks smoothly by up to `amplitude_mm`.

    Keep the amplitude below about a tenth of the wavelength, or the distance changes too fast.
    """

    inner: Shape
    amplitude_mm: float
    wavelength_mm: float
    seed: int

    @cached_property
    def bounds(self) -> Float:
        """See `Shape.bounds`."""
        low, high = self.inner.bounds
        return np.stack([low - self.amplitude_mm, high + self.amplitude_mm])

    def restricted(self, low: Float, high: Float) -> Shape:
        """See `Shape.restricted`."""
        reach = self.amplitude_mm
        return Wavy(self.inner.restricted(low - reach, high + reach), reach, self.wavelength_mm, self.seed)

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """See `Shape.distance`."""
        bumps = waviness(x, y, z, self.wavelength_mm, self.seed)
        return self.inner.distance(x, y, z) - np.float32(self.amplitude_mm) * bumps
