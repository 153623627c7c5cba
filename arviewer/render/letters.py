"""The letters at the edges of a picture, from the matrix that drew it and never from a name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arviewer.model.geometry import Plane, side_letters
from arviewer.render.camera import Camera, Eye


@dataclass(frozen=True, slots=True)
class EdgeLetters:
    """Where each edge of a picture lies in the patient: one to three of R L A P H F each."""

    left: str
    right: str
    top: str
    bottom: str


def edge_letters(seen: Plane | Camera | Eye) -> EdgeLetters:
    """Name the four edges of a slice or of a 3D picture.

    Parameters
    ----------
    seen : Plane, Camera or Eye
        Whose directions "right" and "down" in patient space count.
    """
    right, down = (seen.right_lps, seen.down_lps) if isinstance(seen, Plane) else (seen.right_lps, -seen.up_unit_lps)
    return letters_of(right, down)


def letters_of(right_lps: npt.ArrayLike, down_lps: npt.ArrayLike) -> EdgeLetters:
    """Name the four edges of a picture whose right and down directions are given, each shape (3,)."""
    right, down = np.asarray(right_lps, dtype=np.float64), np.asarray(down_lps, dtype=np.float64)
    return EdgeLetters(side_letters(-right), side_letters(right), side_letters(-down), side_letters(down))
