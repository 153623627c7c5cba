"""What a hand asked for, in model terms: clicks, strokes, a lasso; the same from mouse, script and controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from arviewer.errors import GeometryError
from arviewer.model.geometry import Float, read_only
from arviewer.model.masks import AnyMask


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """The space between two parallel planes.

    Attributes
    ----------
    origin_lps : ndarray, shape (3,), mm
        A point half-way between them.
    normal_lps : ndarray, shape (3,), unit length
    half_mm : float
        How far each plane is from `origin_lps`.
    """

    origin_lps: Float
    normal_lps: Float
    half_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Lasso:
    """A closed line drawn on a picture; it cuts through everything behind it, or through a slab only.

    Attributes
    ----------
    clip_from_lps : ndarray, shape (4, 4)
        From LPS mm to the picture's plane, homogeneous: x and y after division by w; only points with w > 0 are in
        front of the eye. A slice's last row is (0, 0, 0, 1).
    polygon : ndarray, shape (N, 2), N at least 3
        The line's corners, in x and y of the picture's plane.
    slab : Slab, optional
        None cuts through all.
    """

    clip_from_lps: Float
    polygon: Float
    slab: Slab | None = None

    def __post_init__(self) -> None:
        matrix = np.asarray(self.clip_from_lps, dtype=np.float64)
        polygon = np.asarray(self.polygon, dtype=np.float64)
        if matrix.shape != (4, 4) or polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
            raise GeometryError("A lasso needs a 4 × 4 matrix and a line of three corners or more.")
        if not (np.isfinite(matrix).all() and np.isfinite(polygon).all()):
            raise GeometryError("A lasso's numbers must be finite.")
        object.__setattr__(self, "clip_from_lps", read_only(matrix))
        object.__setattr__(self, "polygon", read_only(polygon))


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """What a person showed a tool; each tool says which part of it it needs.

    Attributes
    ----------
    points_lps : ndarray, shape (N, 3), mm
        Clicks, or the path of a stroke, in order.
    normal_lps : ndarray, shape (3,), optional
        Of the slice that a stroke was drawn on: the brush is a disc there; without it, a ball.
    lasso : Lasso, optional
    others : mapping of name to mask
        Other structures that take part, on the same grid.
    """

    points_lps: Float = field(default_factory=lambda: np.zeros((0, 3)))
    normal_lps: Float | None = None
    lasso: Lasso | None = None
    others: Mapping[str, AnyMask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        points = np.asarray(self.points_lps, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
            raise GeometryError("Points are (N, 3) finite numbers in LPS mm.")
        object.__setattr__(self, "points_lps", read_only(points))
