"""What is drawn over pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor, QImage, QPainter

from arviewer.ui.viewports import overlay
from arviewer.ui.viewports.slice_layers import thinned


@pytest.mark.parametrize(
    ("longest_mm", "length_mm"), [(9.99, 5.0), (10.0, 10.0), (0.37, 0.2), (199.0, 100.0), (200.0, 200.0), (1.0, 1.0)]
)
def test_scale_bars_are_round(longest_mm: float, length_mm: float) -> None:
    """The bar is the longest 1, 2 or 5 × 10ⁿ mm that fits."""
    assert overlay.round_length_mm(longest_mm) == pytest.approx(length_mm)


@pytest.mark.parametrize("mm_per_pixel", [0.13, 0.5, 0.77, 2.4])
def test_the_scale_bar_is_as_long_as_it_says(dressed, mm_per_pixel: float) -> None:
    """Its length in pixels, measured in the picture, times the scale is the length it names."""
    image = QImage(600, 300, QImage.Format.Format_RGB888)
    image.fill(QColor(0, 0, 0))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    overlay.scale_bar(painter, QRectF(0, 0, 600, 300), mm_per_pixel)
    painter.end()

    y = 300 - overlay.MARGIN - 3
    lit = [x for x in range(600) if QColor(image.pixel(x, int(y))).value() > 90]

    named = overlay.round_length_mm(600 * overlay.SCALE_SHARE * mm_per_pixel)
    assert (lit[-1] - lit[0]) * mm_per_pixel == pytest.approx(named, abs=2.5 * mm_per_pixel)


def test_thinning_moves_no_point_far() -> None:
    """A thinned circle is closed, much shorter in points, and no original point is further off than two steps."""
    angle = np.linspace(0, 2 * np.pi, 20_001)
    circle = np.column_stack((np.cos(angle), np.sin(angle))) * 40

    line = thinned(circle, 0.5)

    assert len(line) < 800
    assert line[0] == pytest.approx(line[-1])
    nearest = np.linalg.norm(circle[::50, None] - line[None], axis=2).min(axis=1)
    assert nearest.max() < 1.0
