"""Where the letters, the cube and the scale bar go in a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vtkmodules.vtkRenderingCore import vtkRenderer

from arviewer.render.camera import Eye
from arviewer.render.letters import edge_letters
from arviewer.render.marks.cube import OrientationCube
from arviewer.render.marks.stamps import Stamp, StampProp, bar_stamp, text_stamp
from arviewer.words import _

LETTER_SHARE = 0.042
"""Font size of the edge letters as a share of the picture's shorter side."""

LETTER_LIMITS_PX = (12, 34)
"""Smallest and largest font size at a pixel ratio of 1."""

CUBE_SHARE = 0.125
CUBE_LIMITS_PX = (64, 120)

BAR_SHARE = 0.22
"""Longest scale bar as a share of the picture's width."""

ROOMY_PX = 300
"""Shorter side below which there is no room for cube and bar; the letters always stay."""


class Marks:
    """Letters, cube and bar of one picture."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self.cube = OrientationCube()
        self._edges = [StampProp() for _edge in range(4)]
        self._bar = StampProp()
        self._proposed = StampProp()
        for stamp in (*self._edges, self._bar, self._proposed):
            renderer.AddViewProp(stamp.actor)

    def update(self, eye: Eye, size: tuple[int, int], pixel_ratio: float = 1.0, proposed: Sequence[str] = ()) -> None:
        """Say what an eye's picture of `size` (width, height) device pixels shows.

        Parameters
        ----------
        pixel_ratio : float
            Device pixels per logical pixel, so that words keep their size on dense screens.
        proposed : sequence of str
            Names of the structures on show that no person has confirmed.
        """
        roomy = min(size) >= ROOMY_PX * pixel_ratio
        font = letter_font_px(size, pixel_ratio)
        margin = max(2, font // 2)
        self._put_letters(eye, size, font, margin)
        self._put_proposed(proposed, size, font, pixel_ratio)
        self.cube.show(roomy)
        self._bar.hide()
        if roomy:
            side = round(np.clip(min(size) * CUBE_SHARE / pixel_ratio, *CUBE_LIMITS_PX) * pixel_ratio)
            self.cube.place((0, 0, side), size)
            self.cube.turn(eye)
            self._put_bar(eye, size, max(10, round(font * 0.62)), margin)

    def _put_letters(self, eye: Eye, size: tuple[int, int], font: int, margin: int) -> None:
        width, height = size
        letters = edge_letters(eye)
        for prop, text, (x, y) in zip(
            self._edges,
            (letters.left, letters.right, letters.top, letters.bottom),
            ((0.0, 0.5), (1.0, 0.5), (0.5, 1.0), (0.5, 0.0)),
            strict=True,
        ):
            stamp = text_stamp(text, font)
            high, wide, _channels = stamp.shape
            left = margin + x * (width - wide - 2 * margin)
            bottom = margin + y * (height - high - 2 * margin)
            prop.put(stamp, round(left), round(bottom))

    def _put_proposed(self, names: Sequence[str], size: tuple[int, int], font: int, ratio: float) -> None:
        """Say what is not confirmed, below the upper left corner, in as many words as there is room for."""
        self._proposed.hide()
        margin = max(2, font // 2)
        said = (_("PROPOSED, not confirmed: {names}").format(names=", ".join(names)), _("PROPOSED, not confirmed"),
                _("PROPOSED"))  # fmt: skip
        small = max(6, min(font, max(round(11 * ratio), round(font * 0.6))))
        for text in said if names else ():
            stamp = text_stamp(text, small)
            high, wide, _channels = stamp.shape
            if wide <= size[0] - 2 * margin or text == said[-1]:
                self._proposed.put(stamp, margin, size[1] - margin - round(font * 1.7) - high)
                return

    def _put_bar(self, eye: Eye, size: tuple[int, int], font: int, margin: int) -> None:
        mm_per_pixel = eye.mm_per_pixel(size)
        length_mm = round_length_mm(size[0] * BAR_SHARE * mm_per_pixel)
        label = _("{length} mm") if eye.parallel else _("{length} mm at center")
        stamp: Stamp = bar_stamp(round(length_mm / mm_per_pixel), label.format(length=f"{length_mm:g}"), font)
        self._bar.put(stamp, size[0] - stamp.shape[1] - margin, margin)


def letter_font_px(size: tuple[int, int], pixel_ratio: float = 1.0) -> int:
    """Return the font size of the edge letters; in tiny pictures a sixth of the height."""
    low, high = LETTER_LIMITS_PX
    font = np.clip(min(size) * LETTER_SHARE / pixel_ratio, low, high) * pixel_ratio
    return max(4, round(float(min(font, min(size) / 6))))


def round_length_mm(longest_mm: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50, ... mm (or their tenths) that is not longer."""
    decade = 10.0 ** np.floor(np.log10(longest_mm))
    return float(max(step * decade for step in (1, 2, 5) if step * decade <= longest_mm * (1 + 1e-9)))
