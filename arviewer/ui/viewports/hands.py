"""What the left button does in the views while a tool is at work: a brush, a click, a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from arviewer.model.geometry import Float, Plane
from arviewer.model.intent import Lasso
from arviewer.ui import theme

Keys = Qt.KeyboardModifier
ERASE_KEYS = Keys.ControlModifier | Keys.ShiftModifier
"""Held while a brush is put down, they turn painting into erasing and back."""
STEP_PIXELS = 2.0
"""Corners of a lasso nearer to each other than this are one."""
RIM = QColor(0, 0, 0, 190)


class Spot(Protocol):
    """A place under the pointer in a view, and the picture it lies on."""

    @property
    def place(self) -> QPointF:
        """In logical pixels of the view."""

    @property
    def point_lps(self) -> Float | None:
        """The place in the patient; None in a 3D view, where it is a line of sight."""

    @property
    def plane(self) -> Plane | None:
        """Of the slice; None in a 3D view."""

    @property
    def mm_per_pixel(self) -> float:
        """Of a logical pixel."""

    def lasso(self, line: list[QPointF]) -> Lasso:
        """Return a line drawn on this view, through all that lies behind it."""


class ViewHand(Protocol):
    """What takes the left button from the crosshair."""

    cursor: Qt.CursorShape

    def press(self, spot: Spot, keys: Keys) -> bool:
        """Take the button that went down; return whether this hand does."""

    def move(self, spot: Spot) -> None:
        """Follow the pointer while the button is down."""

    def release(self, spot: Spot) -> None:
        """Finish: the button went up."""

    def wheel(self, notches: int) -> bool:
        """Take a turn of the wheel with Shift; return whether this hand does."""

    def let_go(self) -> bool:
        """Stop what the button began, as if it had not been pressed; return whether there was something."""

    def paint(self, painter: QPainter, spot: Spot, *, held: bool) -> None:
        """Draw what the hand holds over the view that the pointer is in; `held` where the button went down."""


class ClickHand:
    """Takes a click in a slice.

    Parameters
    ----------
    clicked : callable
        Takes the point, shape (3,), LPS mm.
    """

    cursor = Qt.CursorShape.PointingHandCursor

    def __init__(self, clicked: Callable[[Float], None]) -> None:
        self._clicked = clicked

    def press(self, spot: Spot, keys: Keys) -> bool:
        """Take the point."""
        if spot.point_lps is None:
            return False
        self._clicked(spot.point_lps)
        return True

    def move(self, spot: Spot) -> None:
        """Nothing: a click is one point."""

    def release(self, spot: Spot) -> None:
        """Nothing."""

    def wheel(self, notches: int) -> bool:
        """Leave the wheel alone."""
        return False

    def let_go(self) -> bool:
        """There is nothing to stop."""
        return False

    def paint(self, painter: QPainter, spot: Spot, *, held: bool) -> None:
        """Nothing but the pointer."""


class BrushHand:
    """Draws a stroke with a ball or a disc of a size in mm.

    Parameters
    ----------
    begin : callable
        Called when the brush goes down, with whether it erases instead of painting or the other way round; returns
        whether there is something to paint.
    add : callable
        Takes the way since the last call, shape (N, 3), LPS mm, and the normal of the slice.
    end : callable
        Takes whether the stroke is kept.
    resize : callable
        Takes how many steps larger the brush is wanted.
    """

    cursor = Qt.CursorShape.BlankCursor

    def __init__(
        self,
        begin: Callable[[bool], bool],
        add: Callable[[Float, Float], None],
        end: Callable[[bool], None],
        resize: Callable[[int], None],
    ) -> None:
        self.radius_mm = 5.0
        self._begin, self._add, self._end, self._resize = begin, add, end, resize
        self._last: Float | None = None

    def press(self, spot: Spot, keys: Keys) -> bool:
        """Put the brush down."""
        point, plane = spot.point_lps, spot.plane
        if point is None or plane is None:
            return False
        if self._begin(bool(keys & ERASE_KEYS)):
            self._last = point
            self._add(point[None], plane.normal_lps)
        return True

    def move(self, spot: Spot) -> None:
        """Draw on."""
        point, plane = spot.point_lps, spot.plane
        if self._last is not None and point is not None and plane is not None:
            way, self._last = np.stack((self._last, point)), point
            self._add(way, plane.normal_lps)

    def release(self, spot: Spot) -> None:
        """Lift the brush: the stroke is done."""
        if self._last is not None:
            self._last = None
            self._end(True)

    def wheel(self, notches: int) -> bool:
        """Make the brush larger or smaller."""
        self._resize(notches)
        return True

    def let_go(self) -> bool:
        """Lift the brush as if it had not been put down."""
        if self._last is None:
            return False
        self._last = None
        self._end(False)
        return True

    def paint(self, painter: QPainter, spot: Spot, *, held: bool) -> None:
        """Draw the rim of the brush at its true size, and its middle."""
        if spot.plane is None:
            return
        radius = self.radius_mm / spot.mm_per_pixel
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((RIM, 3.0), (QColor(theme.TEXT), 1.2)):
            painter.setPen(QPen(color, width))
            painter.drawEllipse(spot.place, radius, radius)
            painter.drawPoint(spot.place)


class LassoHand:
    """Draws a closed line, in a slice or on the 3D picture.

    Parameters
    ----------
    drawn : callable
        Takes the lasso, through all, and the plane of the slice, None on the 3D picture.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, drawn: Callable[[Lasso, Plane | None], None]) -> None:
        self._drawn = drawn
        self._line: list[QPointF] = []

    def press(self, spot: Spot, keys: Keys) -> bool:
        """Begin a line."""
        self._line = [spot.place]
        return True

    def move(self, spot: Spot) -> None:
        """Draw on."""
        if self._line and (spot.place - self._line[-1]).manhattanLength() >= STEP_PIXELS:
            self._line.append(spot.place)

    def release(self, spot: Spot) -> None:
        """Close the line; a mere click is none."""
        line, self._line = self._line, []
        if len(line) >= 3:
            self._drawn(spot.lasso(line), spot.plane)

    def wheel(self, notches: int) -> bool:
        """Leave the wheel alone."""
        return False

    def let_go(self) -> bool:
        """Forget the line."""
        had, self._line = bool(self._line), []
        return had

    def paint(self, painter: QPainter, spot: Spot, *, held: bool) -> None:
        """Draw the line so far, and the straight way back that would close it."""
        if not held or len(self._line) < 2:
            return
        polygon = QPolygonF(self._line)
        painter.setBrush(QColor(108, 182, 255, 40))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(polygon)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((RIM, 3.6), (QColor(theme.ACCENT), 1.8)):
            painter.setPen(QPen(color, width))
            painter.drawPolyline(polygon)
        painter.setPen(QPen(QColor(theme.ACCENT), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(self._line[-1], self._line[0])
