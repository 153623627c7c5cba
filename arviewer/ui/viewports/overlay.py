"""What is drawn over a picture: letters, crosshair, scale bar, words; crisp at every pixel ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from arviewer.render.letters import EdgeLetters
from arviewer.ui import theme

MARGIN = 8.0
"""Between words and the edge of a view, in logical pixels."""
GAP = 9.0
"""Half the opening in the middle of the crosshair: what lies at the cursor stays in sight."""
OUTLINE_WIDTH = 1.7
DASHES = (3.0, 2.4)
"""Of the outline of a proposed structure: on and off, in widths of the line."""
HALO = QColor(0, 0, 0, 215)
HALO_WIDTH = 2.6
RIM = 2.0
"""Room around words for their dark rim, in logical pixels."""
STAMPS = 512
"""Words that are kept drawn."""
LETTER_POINTS = 13.0
TEXT_POINTS = 9.5
SCALE_SHARE = 0.28
"""Longest scale bar, as a share of the view's width."""


def words(  # noqa: PLR0913  (place, text and look of one line)
    painter: QPainter,
    x: float,
    baseline: float,
    text: str,
    color: str = theme.TEXT,
    points: float = TEXT_POINTS,
    *,
    bold: bool = False,
) -> float:
    """Write words with a dark rim, readable over bone and over air; return their width."""
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    stamp = _stamp(text, color, points, bold, ratio)
    # On whole device pixels, so that the letters stay crisp.
    place = QPointF(round((x - RIM) * ratio) / ratio, round((baseline - stamp.ascent - RIM) * ratio) / ratio)
    painter.drawImage(place, stamp.image)
    return stamp.width


@dataclass(frozen=True, slots=True, eq=False)
class _Stamp:
    image: QImage
    width: float
    ascent: float


@lru_cache(maxsize=STAMPS)
def _stamp(text: str, color: str, points: float, bold: bool, ratio: float) -> _Stamp:
    """Return words drawn once: stroking their rim costs a hundred times as much as copying them."""
    font = theme.font(points, bold=bold)
    metrics = QFontMetricsF(font)
    width, height = metrics.horizontalAdvance(text), metrics.height()
    image = QImage(
        int((width + 2 * RIM) * ratio + 2),
        int((height + 2 * RIM) * ratio + 2),
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    path = QPainterPath()
    path.addText(QPointF(RIM, RIM + metrics.ascent()), font, text)
    pen = QPen(HALO, HALO_WIDTH, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.strokePath(path, pen)
    painter.fillPath(path, QColor(color))
    painter.end()
    return _Stamp(image, width, metrics.ascent())


def letters(painter: QPainter, area: QRectF, edges: EdgeLetters) -> None:
    """Write which side of the patient each edge is."""
    metrics = QFontMetricsF(theme.font(LETTER_POINTS, bold=True))
    high = metrics.capHeight()
    middle = area.center()
    for text, x, y in (
        (edges.left, area.left() + MARGIN, middle.y() + high / 2),
        (edges.right, area.right() - MARGIN - metrics.horizontalAdvance(edges.right), middle.y() + high / 2),
        (edges.top, middle.x() - metrics.horizontalAdvance(edges.top) / 2, area.top() + MARGIN + high),
        (edges.bottom, middle.x() - metrics.horizontalAdvance(edges.bottom) / 2, area.bottom() - MARGIN),
    ):
        words(painter, x, y, text, points=LETTER_POINTS, bold=True)


def crosshair(painter: QPainter, area: QRectF, at: QPointF, across: str, along: str) -> None:
    """Draw the lines of the other two planes.

    Parameters
    ----------
    across, along : str
        Colors of the horizontal and of the vertical line.
    """
    x, y = round(at.x()), round(at.y())
    for color, bars in (
        (across, ((area.left(), at.x() - GAP), (at.x() + GAP, area.right()))),
        (along, ((area.top(), at.y() - GAP), (at.y() + GAP, area.bottom()))),
    ):
        for shade, thick in ((QColor(0, 0, 0, 120), 3), (QColor(color), 1)):
            for start, stop in bars:
                length = max(stop - start, 0.0)
                line = QRectF(start, y - thick // 2, length, thick)
                painter.fillRect(line if color is across else QRectF(x - thick // 2, start, thick, length), shade)


def outlines(
    painter: QPainter, lines: Sequence[QPolygonF], to_view: QTransform, color: QColor, *, dashed: bool = False
) -> None:
    """Draw where a surface meets the plane; the lines are in mm, their width in logical pixels.

    Parameters
    ----------
    dashed : bool
        Of a structure that nobody has confirmed.
    """
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    painter.save()
    painter.setTransform(to_view, combine=True)
    for pen_color, width in ((QColor(0, 0, 0, 150), OUTLINE_WIDTH + 1.6), (color, OUTLINE_WIDTH)):
        pen = QPen(pen_color, width * ratio, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        pen.setCosmetic(True)  # its width is in device pixels
        if dashed and pen_color is color:
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setDashPattern(DASHES)
        painter.setPen(pen)
        for line in lines:
            painter.drawPolyline(line)
    painter.restore()


def scale_bar(painter: QPainter, area: QRectF, mm_per_pixel: float) -> None:
    """Draw a bar of a round length at the lower right."""
    length_mm = round_length_mm(area.width() * SCALE_SHARE * mm_per_pixel)
    wide = length_mm / mm_per_pixel
    text = length_words(length_mm)
    metrics = QFontMetricsF(theme.font(TEXT_POINTS))
    right, y = area.right() - MARGIN - 2, area.bottom() - MARGIN - 3
    path = QPainterPath(QPointF(right - wide, y - 4))
    for x, level in ((right - wide, y), (right, y), (right, y - 4)):
        path.lineTo(x, level)
    for color, width in ((HALO, 4.0), (QColor(theme.TEXT), 1.6)):
        painter.strokePath(path, QPen(color, width))
    words(painter, right - wide / 2 - metrics.horizontalAdvance(text) / 2, y - 6, text)


def round_length_mm(longest_mm: float) -> float:
    """Return the longest of 1, 2, 5 × 10ⁿ mm that is not longer than `longest_mm`."""
    power = 10.0 ** int(f"{longest_mm:e}".partition("e")[2])
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= longest_mm * (1 + 1e-9))


def length_words(length_mm: float) -> str:
    """Return a length as read on a scale bar; in mm, as in the 3D view."""
    return f"{length_mm:g} mm"
