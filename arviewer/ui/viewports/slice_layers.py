"""A slice and the outlines on it as one picture, drawn anew only when something in it changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PyQt6.QtGui import QColor, QImage, QPainter, QPolygonF, QTransform

from arviewer.model.geometry import Float, Plane
from arviewer.model.scene import Color, Item, Scene
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.render.outlines import outline
from arviewer.render.slices import slice_picture
from arviewer.ui.viewports import overlay
from arviewer.ui.viewports.pictures import image_of, polygon_of
from arviewer.ui.viewports.slice_frame import SliceFrame

THINNING_PIXELS = 0.5
"""Points of an outline nearer to each other than this are drawn as one: the eye cannot tell, and it is faster."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a slice view looks at.

    Attributes
    ----------
    frame : SliceFrame
    cursor_lps : tuple of float
    window : (center, width)
    size : (width, height)
        Logical pixels.
    pixel_ratio : float
    """

    frame: SliceFrame
    cursor_lps: tuple[float, float, float]
    window: tuple[float, float]
    size: tuple[int, int]
    pixel_ratio: float

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        width, height = self.size
        return int(width * self.pixel_ratio + 0.5), int(height * self.pixel_ratio + 0.5)

    @property
    def depth_mm(self) -> float:
        """Which slice of all parallel ones it is."""
        return float(np.array(self.cursor_lps) @ self.frame.axes_lps()[2])

    def plane(self, volume: Volume) -> Plane:
        """Return the plane in the volume's frame of reference."""
        return self.frame.plane(np.array(self.cursor_lps), volume.geometry.frame_of_reference_uid)


class SliceLayers:
    """Keeps the picture of a slice, the lines on it, and both together."""

    def __init__(self) -> None:
        self._gray: tuple[object, QImage] | None = None
        self._whole: tuple[object, QImage] | None = None
        self._lines: dict[tuple[int, float], tuple[Surface, list[Float]]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._gray, self._whole = None, None
        self._lines.clear()

    def image(self, scene: Scene, volume: Volume, look: Look, *, outlined: bool) -> QImage:
        """Return the slice, with the outlines of all visible structures when `outlined`."""
        shown = [item for item in scene.items.values() if item.look.visible] if outlined else []
        key = (self._gray_key(volume, look), tuple((id(item.surface), item.look.color) for item in shown))
        if self._whole is None or self._whole[0] != key:
            self._whole = key, self._drawn(volume, look, shown)
        return self._whole[1]

    def _gray_key(self, volume: Volume, look: Look) -> object:
        return id(volume), look.frame, look.depth_mm, look.window, look.size_px

    def _drawn(self, volume: Volume, look: Look, shown: Iterable[Item]) -> QImage:
        key = self._gray_key(volume, look)
        if self._gray is None or self._gray[0] != key:
            view = look.frame.view(np.array(look.cursor_lps), look.size_px, look.pixel_ratio)
            picture = slice_picture(volume, look.plane(volume), view, look.window)
            self._gray = key, image_of(picture.pixels, look.pixel_ratio)
        lines = [(item.look.color, line) for item, line in self._cut_all(volume, look, shown)]
        return _painted(self._gray[1], look, lines) if lines else self._gray[1]

    def _cut_all(self, volume: Volume, look: Look, shown: Iterable[Item]) -> list[tuple[Item, list[Float]]]:
        kept: dict[tuple[int, float], tuple[Surface, list[Float]]] = {}
        found = []
        for item in shown:
            key = id(item.surface), look.depth_mm
            kept[key] = self._lines.get(key) or (item.surface, _cut(item.surface, volume, look))
            found.append((item, kept[key][1]))
        self._lines = kept
        return found


def _cut(surface: Surface, volume: Volume, look: Look) -> list[Float]:
    """Return where a surface meets the slice: mm from the patient's origin, right and down."""
    right, down, _normal = look.frame.axes_lps()
    cursor = np.array(look.cursor_lps)
    origin = np.array([cursor @ right, cursor @ down])
    return [line + origin for line in outline(surface, look.plane(volume))]


def _painted(gray: QImage, look: Look, lines: list[tuple[Color, list[Float]]]) -> QImage:
    image = gray.convertToFormat(QImage.Format.Format_RGB32)
    to_view = QTransform.fromTranslate(look.size[0] / 2, look.size[1] / 2)
    to_view.scale(1 / look.frame.mm_per_pixel, 1 / look.frame.mm_per_pixel)
    to_view.translate(-look.frame.center_mm[0], -look.frame.center_mm[1])
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    step = look.frame.mm_per_pixel / look.pixel_ratio * THINNING_PIXELS
    for color, polylines in lines:
        polygons: list[QPolygonF] = [polygon_of(thinned(line, step)) for line in polylines]
        overlay.outlines(painter, polygons, to_view, QColor.fromRgbF(*color))
    painter.end()
    return image


def thinned(line: Float, step_mm: float) -> Float:
    """Return a line, shape (N, 2), without points that fall into the same square of `step_mm` as the one before.

    The first and the last point stay, so that a closed line stays closed; no point moves.
    """
    cells = np.floor(line / step_mm)
    kept = np.ones(len(line), dtype=bool)
    kept[1:-1] = (cells[1:-1] != cells[:-2]).any(axis=1)
    return np.asarray(line[kept])
