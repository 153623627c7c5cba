"""Arrays as Qt pictures and polygons, without copying point by point."""

from __future__ import annotations

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


def polygon_of(points: Float) -> QPolygonF:
    """Return a line of points, shape (N, 2)."""
    polygon = QPolygonF()
    polygon.fill(QPointF(), len(points))
    memory: Any = polygon.data()
    memory.setsize(len(points) * 16)
    np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)[:] = points
    return polygon
