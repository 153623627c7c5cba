"""Small pictures with a clear background: words and bars in bright pixels with a dark halo, legible on anything."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import vtkmodules.vtkRenderingFreeType  # noqa: F401 - registers the text renderer
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import (
    vtkPolyDataMapper2D,
    vtkTextProperty,
    vtkTextRenderer,
    vtkTexture,
    vtkTexturedActor2D,
)

BRIGHT = (244, 247, 250)
HALO = (8, 10, 13)
HALO_OPACITY = 0.85

POINTS_PER_INCH = 72
"""At which one point of font size is one pixel."""

Coverage = npt.NDArray[np.float64]
"""Share of each pixel that is ink, 0 to 1, shape (h, w); row 0 is at the bottom, as VTK has it."""

Stamp = npt.NDArray[np.uint8]
"""Shape (h, w, 4), red, green, blue and (not premultiplied) opacity; row 0 at the bottom."""


@functools.lru_cache(maxsize=256)
def text_coverage(text: str, font_px: int) -> Coverage:
    """Return the ink of a line of bold sans-serif text, cropped to it."""
    style = vtkTextProperty()
    style.SetFontFamilyToArial()
    style.BoldOn()
    style.SetFontSize(font_px)
    style.SetColor(1.0, 1.0, 1.0)
    image = vtkImageData()
    vtkTextRenderer.GetInstance().RenderString(style, text, image, [0, 0], POINTS_PER_INCH)
    width, height, _ = image.GetDimensions()
    pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)
    ink = pixels[..., -1] / 255.0
    rows, columns = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
    if len(rows) == 0:
        return np.zeros((1, 1))
    return np.asarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def haloed(ink: Coverage, radius_px: int) -> Stamp:
    """Return ink in bright pixels, widened by a dark rim of `radius_px`."""
    ink = np.pad(ink, radius_px)
    rim = ink
    steps = range(-radius_px, radius_px + 1)
    for dy, dx in ((y, x) for y in steps for x in steps if x * x + y * y <= radius_px * radius_px):
        rim = np.maximum(rim, np.roll(ink, (dy, dx), axis=(0, 1)))
    dark = (1 - ink) * rim * HALO_OPACITY
    opacity = ink + dark
    color = ink[..., None] * BRIGHT + dark[..., None] * np.asarray(HALO)
    color = color / np.maximum(opacity, 1e-6)[..., None]
    return np.dstack((color, opacity * 255)).round().astype(np.uint8)


@functools.lru_cache(maxsize=256)
def text_stamp(text: str, font_px: int) -> Stamp:
    """Return a line of text with its halo."""
    return haloed(text_coverage(text, font_px), halo_px(font_px))


@functools.lru_cache(maxsize=64)
def bar_stamp(length_px: int, label: str, font_px: int) -> Stamp:
    """Return a scale bar: a line with end ticks, exactly `length_px` from tick to tick, its label above."""
    words = text_coverage(label, font_px)
    stroke = max(1, round(font_px / 9))
    tick = max(3, round(font_px * 0.45))
    gap = max(2, round(font_px * 0.3))
    bar = np.zeros((tick, length_px + stroke))
    bar[:stroke] = 1.0
    bar[:, :stroke] = 1.0
    bar[:, -stroke:] = 1.0
    width = max(bar.shape[1], words.shape[1])
    ink = np.zeros((tick + gap + words.shape[0], width))
    _paste(ink, bar, 0)
    _paste(ink, words, tick + gap)
    return haloed(ink, halo_px(font_px))


def _paste(ink: Coverage, part: Coverage, row: int) -> None:
    start = (ink.shape[1] - part.shape[1]) // 2
    ink[row : row + part.shape[0], start : start + part.shape[1]] = part


def halo_px(font_px: int) -> int:
    """Return how wide the rim of a text is, in pixels."""
    return max(1, round(font_px / 10))


def texture_of(pixels: Stamp) -> vtkTexture:
    """Return an image, shape (h, w, 3 or 4), row 0 at the bottom, as a texture of exactly those colors."""
    height, width, channels = pixels.shape
    image = vtkImageData()
    image.SetDimensions(width, height, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels.reshape(-1, channels), deep=True))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.SetColorModeToDirectScalars()
    texture.EdgeClampOn()
    return texture


def quad(corners: npt.ArrayLike) -> vtkPolyData:
    """Return a rectangle, corners (4, 3) counter-clockwise from the texture's bottom left."""
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.asarray(corners, dtype=np.float32), deep=True))
    cells = vtkCellArray()
    cells.SetData(4, numpy_to_vtk(np.arange(4, dtype=np.int32), deep=True))
    mesh = vtkPolyData()
    mesh.SetPoints(points)
    mesh.SetPolys(cells)
    corners_uv: Any = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    mesh.GetPointData().SetTCoords(numpy_to_vtk(corners_uv, deep=True))
    return mesh


class StampProp:
    """A stamp at a place of the picture."""

    def __init__(self) -> None:
        self.actor = vtkTexturedActor2D()
        self.actor.SetVisibility(False)
        self._stamp: Stamp | None = None

    def put(self, stamp: Stamp, left_px: int, bottom_px: int) -> None:
        """Show a stamp with its bottom left pixel at a pixel counted from the picture's bottom left."""
        if stamp is not self._stamp:
            height, width, _ = stamp.shape
            mapper = vtkPolyDataMapper2D()
            mapper.SetInputData(quad([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]]))
            self.actor.SetMapper(mapper)
            self.actor.SetTexture(texture_of(stamp))
            self._stamp = stamp
        self.actor.SetPosition(left_px, bottom_px)
        self.actor.SetVisibility(True)

    def hide(self) -> None:
        """Leave the picture."""
        self.actor.SetVisibility(False)
