"""How two eyes' pictures become one: side by side, one above the other, or in colors for paper glasses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""Shape (H, W, 3), row 0 at the top."""

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Share of red, green and blue in brightness (ITU-R BT.709)."""


def side_by_side(left: Picture, right: Picture) -> Picture:
    """Return the left eye's picture at the left of the right eye's."""
    return np.hstack((left, right))


def top_bottom(left: Picture, right: Picture) -> Picture:
    """Return the left eye's picture above the right eye's."""
    return np.vstack((left, right))


def anaglyph(left: Picture, right: Picture) -> Picture:
    """Return a picture for red-cyan glasses, red before the left eye.

    The left eye's brightness goes into red, so that a red structure is not dark to the other eye; green and blue
    are the right eye's (a "half-color" anaglyph).
    """
    mixed = right.copy()
    mixed[..., 0] = np.rint(left @ np.asarray(LUMINANCE))
    return mixed


COMPOSERS: dict[str, tuple[tuple[int, int], Callable[[Picture, Picture], Picture]]] = {
    # How many eye pictures stand side by side and one above the other, and how they are joined.
    "side-by-side": ((2, 1), side_by_side),
    "top-bottom": ((1, 2), top_bottom),
    "anaglyph": ((1, 1), anaglyph),
}
"""Every kind of stereo picture by its name."""


def fill_to(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture of (width, height), its last column or row repeated or left off: odd sizes do not halve."""
    width, height = size
    picture = picture[:height, :width]
    missing = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
    return np.pad(picture, missing, mode="edge")
