"""Arrays as Qt pictures and polygons, without copying point by point."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QImage, QPolygonF

from arviewer.model.geometry import Float

FORMATS = {1: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBX8888}
"""By number of channels."""


def image_of(pixels: npt.NDArray[np.uint8], pixel_ratio: float = 1.0) -> QImage:
    """Return a picture that owns its pixels.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W) gray, (H, W, 3) red, green, blue, or (H, W, 4) with opaque alpha
    pixel_ratio : float
        Device pixels to a logical one.
    """
    height, width = pixels.shape[:2]
    format_ = FORMATS[pixels.shape[2] if pixels.ndim == 3 else 1]
    lines = np.ascontiguousarray(pixels)
    # The copy unties the picture from the array, whose memory the renderer uses again.
    memory: Any = lines.data
    image: QImage = QImage(memory, width, height, lines.strides[0], format_).copy()
    image.setDevicePixelRatio(pixel_ratio)
    return image


VEIL_ALPHA, RIM_ALPHA = 0.33, 0.9
"""Of the inside of a veil, through which the gray values are read, and of its outermost pixels."""


MIN_SATURATION, MIN_VALUE = 0.85, 0.8


def veil_of(pixels: npt.NDArray[np.bool_], color: tuple[float, float, float], pixel_ratio: float = 1.0) -> QImage:
    """Return a picture with a transparent color where pixels, shape (H, W), are set, and a clear rim round them."""
    color = vivid(color)
    inner = pixels.copy()
    inner[1:] &= pixels[:-1]
    inner[:-1] &= pixels[1:]
    inner[:, 1:] &= pixels[:, :-1]
    inner[:, :-1] &= pixels[:, 1:]
    colors = np.array([0, _premultiplied(color, RIM_ALPHA), _premultiplied(color, VEIL_ALPHA)], dtype=np.uint32)
    argb = colors[pixels.view(np.uint8) + inner.view(np.uint8)]
    height, width = pixels.shape
    memory: Any = argb.data
    image: QImage = QImage(memory, width, height, argb.strides[0], QImage.Format.Format_ARGB32_Premultiplied).copy()
    image.setDevicePixelRatio(pixel_ratio)
    return image


def vivid(color: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return a color of the same hue that is told from gray: the ivory of bone would be lost on bone."""
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    return colorsys.hsv_to_rgb(hue, max(saturation, MIN_SATURATION), max(value, MIN_VALUE))


def _premultiplied(color: tuple[float, float, float], alpha: float) -> int:
    red, green, blue = (round(part * alpha * 255) for part in color)
    return round(alpha * 255) << 24 | red << 16 | green << 8 | blue


def polygon_of(points: Float) -> QPolygonF:
    """Return a line of points, shape (N, 2)."""
    polygon = QPolygonF()
    polygon.fill(QPointF(), len(points))
    memory: Any = polygon.data()
    memory.setsize(len(points) * 16)
    np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)[:] = points
    return polygon
