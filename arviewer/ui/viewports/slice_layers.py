"""A slice and the outlines on it as one picture, drawn anew only when something in it changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QImage, QPainter, QPolygonF, QTransform

from arviewer.model.geometry import Float, Plane
from arviewer.model.masks import BrickMask
from arviewer.model.scene import Color, Item, Scene
from arviewer.model.segmentation import State
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.render.masks import MaskPicture, values_in_plane
from arviewer.render.outlines import outline
from arviewer.render.slices import SliceView, slice_picture
from arviewer.render.stage import STALE_COLOR
from arviewer.ui.viewports import overlay
from arviewer.ui.viewports.pictures import image_of, polygon_of, veil_of
from arviewer.ui.viewports.slice_frame import SliceFrame

THINNING_PIXELS = 0.5
"""Points of an outline nearer to each other than this are drawn as one: the eye cannot tell, and it is faster."""


BAND_COLOR: Color = (0.25, 0.85, 1.0)
"""Of the voxels that a threshold would take: no structure has it at first."""

Pen = tuple[Color, bool]
"""Color of an outline, and whether it is dashed: proposed, or no longer that of the voxels."""

Lines = list[tuple[Pen, list[Float]]]
Span = tuple[int, int]


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

    @property
    def view(self) -> SliceView:
        """Which part of the plane the picture shows."""
        return self.frame.view(np.array(self.cursor_lps), self.size_px, self.pixel_ratio)

    def plane(self, volume: Volume) -> Plane:
        """Return the plane in the volume's frame of reference."""
        return self.frame.plane(np.array(self.cursor_lps), volume.geometry.frame_of_reference_uid)


@dataclass(frozen=True, slots=True, eq=False)
class Shade:
    """Voxels that lie as a veil over the slices: a structure while it is worked on, or what a threshold would take.

    Attributes
    ----------
    color : tuple of float
    name : str
        The structure; its outline, of the surface, is left out.
    mask : BrickMask, optional
    band : (low, high), optional
        Both included, in the volume's unit; shown in `BAND_COLOR`.
    """

    color: Color
    name: str = ""
    mask: BrickMask | None = None
    band: tuple[float, float] | None = None


class SliceLayers:
    """Keeps the picture of a slice, what lies on it, and all together."""

    def __init__(self) -> None:
        self._gray: tuple[object, QImage] | None = None
        self._voxels = MaskPicture()
        self._veiled: BrickMask | None = None
        self._whole: tuple[object, QImage] | None = None
        self._lines: dict[tuple[int, float], tuple[Surface, list[Float]]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._gray, self._whole = None, None
        self._lines.clear()

    def image(self, scene: Scene, volume: Volume, look: Look, shade: Shade | None = None, *, outlined: bool) -> QImage:
        """Return the slice, with a veil, and with the outlines of all visible structures when `outlined`."""
        veiled = shade.name if shade is not None else None
        shown = [item for item in scene.items.values() if item.look.visible and item.name != veiled]
        shown = shown if outlined else []
        veil = None if shade is None else (shade.color, shade.name, shade.band, shade.mask is None)
        key = (self._gray_key(volume, look), veil, tuple((id(item.surface), _pen(item)) for item in shown))
        if self._whole is None or self._whole[0] != key:
            self._whole = key, self._drawn(volume, look, shown, shade)
        elif shade is not None and shade.mask is not None and self._veiled is not shade.mask:
            self._redraw(self._whole[1], volume, look, shown, shade)
        self._veiled = None if shade is None else shade.mask
        return self._whole[1]

    def _gray_key(self, volume: Volume, look: Look) -> object:
        return id(volume), look.frame, look.depth_mm, look.window, look.size_px

    def _drawn(self, volume: Volume, look: Look, shown: Iterable[Item], shade: Shade | None) -> QImage:
        key = self._gray_key(volume, look)
        if self._gray is None or self._gray[0] != key:
            picture = slice_picture(volume, look.plane(volume), look.view, look.window)
            self._gray = key, image_of(picture.pixels, look.pixel_ratio)
        lines = self._cut_all(volume, look, shown)
        if shade is None and not lines:
            return self._gray[1]
        image = self._gray[1].convertToFormat(QImage.Format.Format_RGB32)
        if shade is not None and shade.mask is not None:
            self._voxels.show(shade.mask, volume.geometry, look.plane(volume), look.view)
        width, height = look.size_px
        self._lay(image, volume, look, lines, shade, ((0, height), (0, width)))
        return image

    def _redraw(self, image: QImage, volume: Volume, look: Look, shown: Iterable[Item], shade: Shade) -> None:
        """Draw the part of a picture anew in which the voxels under the veil have changed."""
        assert shade.mask is not None
        part = self._voxels.show(shade.mask, volume.geometry, look.plane(volume), look.view)
        if part is not None:
            (top, bottom), (left, right) = part
            width, height = look.size_px
            # The rim of a veil is one pixel wide: those beside the part may change.
            part = (max(top - 1, 0), min(bottom + 1, height)), (max(left - 1, 0), min(right + 1, width))
            self._lay(image, volume, look, self._cut_all(volume, look, shown), shade, part)

    def _lay(
        self, image: QImage, volume: Volume, look: Look, lines: Lines, shade: Shade | None, part: tuple[Span, Span]
    ) -> None:
        """Lay veil and lines on the slice in a part of the picture, which is taken from the slice alone."""
        assert self._gray is not None
        (top, bottom), (left, right) = part
        place = QRectF(left, top, right - left, bottom - top)
        ratio = look.pixel_ratio
        on_view = QRectF(left / ratio, top / ratio, place.width() / ratio, place.height() / ratio)
        painter = QPainter(image)
        painter.setClipRect(on_view)
        painter.drawImage(on_view, self._gray[1], place)
        if shade is not None and shade.mask is not None:
            pixels, inner = self._voxels.pixels, np.s_[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
            corner = QPointF(max(left - 1, 0) / ratio, max(top - 1, 0) / ratio)
            painter.drawImage(corner, veil_of(pixels[inner], shade.color, ratio))
        if shade is not None and shade.band is not None:
            pixels = values_in_plane(volume, look.plane(volume), look.view, *shade.band)
            painter.drawImage(0, 0, veil_of(pixels, BAND_COLOR, ratio))
        _draw_lines(painter, look, lines)
        painter.end()

    def _cut_all(self, volume: Volume, look: Look, shown: Iterable[Item]) -> Lines:
        kept: dict[tuple[int, float], tuple[Surface, list[Float]]] = {}
        found = []
        for item in shown:
            key = id(item.surface), look.depth_mm
            kept[key] = self._lines.get(key) or (item.surface, _cut(item.surface, volume, look))
            found.append((_pen(item), kept[key][1]))
        self._lines = kept
        return found


def _cut(surface: Surface, volume: Volume, look: Look) -> list[Float]:
    """Return where a surface meets the slice: mm from the patient's origin, right and down."""
    right, down, _normal = look.frame.axes_lps()
    cursor = np.array(look.cursor_lps)
    origin = np.array([cursor @ right, cursor @ down])
    return [line + origin for line in outline(surface, look.plane(volume))]


def _pen(item: Item) -> Pen:
    if item.is_stale:
        return STALE_COLOR, True
    return item.look.color, item.segment.state is State.PROPOSED


def _draw_lines(painter: QPainter, look: Look, lines: Lines) -> None:
    to_view = QTransform.fromTranslate(look.size[0] / 2, look.size[1] / 2)
    to_view.scale(1 / look.frame.mm_per_pixel, 1 / look.frame.mm_per_pixel)
    to_view.translate(-look.frame.center_mm[0], -look.frame.center_mm[1])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    step = look.frame.mm_per_pixel / look.pixel_ratio * THINNING_PIXELS
    for (color, dashed), polylines in lines:
        polygons: list[QPolygonF] = [polygon_of(thinned(line, step)) for line in polylines]
        overlay.outlines(painter, polygons, to_view, QColor.fromRgbF(*color), dashed=dashed)


def thinned(line: Float, step_mm: float) -> Float:
    """Return a line, shape (N, 2), without points that fall into the same square of `step_mm` as the one before.

    The first and the last point stay, so that a closed line stays closed; no point moves.
    """
    cells = np.floor(line / step_mm)
    kept = np.ones(len(line), dtype=bool)
    kept[1:-1] = (cells[1:-1] != cells[:-2]).any(axis=1)
    return np.asarray(line[kept])
