"""What is made of a surface's points and triangles, kept as long as they are: surfaces that share them share it.

An edit or a confirmation makes a new surface of the same arrays; a million triangles are not prepared anew for that.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from arviewer.model.geometry import Float
from arviewer.model.surface import Surface

T = TypeVar("T")


class OfShape(Generic[T]):
    """Makes something of a surface's shape once.

    Parameters
    ----------
    make : callable
        Takes a surface, of which it may use points and triangles alone.
    """

    def __init__(self, make: Callable[[Surface], T]) -> None:
        self._make = make
        self._made: dict[tuple[int, int], T] = {}

    def __call__(self, surface: Surface) -> T:
        """Return what is made of the surface's shape."""
        key = id(surface.points_lps), id(surface.triangles)
        if key not in self._made:
            self._made[key] = self._make(surface)
            for array in (surface.points_lps, surface.triangles):
                weakref.finalize(array, self._made.pop, key, None)
        return self._made[key]


def same_shape(one: Surface, other: Surface) -> bool:
    """Return whether two surfaces share their points and triangles."""
    return one.points_lps is other.points_lps and one.triangles is other.triangles


bounds_of: OfShape[tuple[Float, Float]] = OfShape(lambda surface: surface.bounds_lps)
"""The lowest and the highest corner of a surface, each shape (3,), mm; found once."""
