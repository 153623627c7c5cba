"""One slice: the picture, what lies on it, and the hands of the reader."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from arviewer.model.geometry import Float, Plane
from arviewer.model.scene import Scene
from arviewer.model.volume import Volume
from arviewer.render.camera import vector
from arviewer.render.letters import edge_letters
from arviewer.session.view_state import ViewState
from arviewer.ui import theme
from arviewer.ui.viewports import overlay
from arviewer.ui.viewports.hands import ViewHand
from arviewer.ui.viewports.slice_frame import SliceFrame, held_inside, position_words, step_mm, value_at
from arviewer.ui.viewports.slice_layers import Look, Shade, SliceLayers
from arviewer.ui.viewports.spots import SliceSpot
from arviewer.words import _

WHEEL_NOTCH = 120
"""Wheel angle of one notch (QWheelEvent); finer devices add up to it."""
ZOOM_PER_NOTCH = 1.15
PAGE_STEPS = 10
NARROW = 440
"""Logical pixels of width below which the words at the lower left stand above the letter, not beside it."""
WINDOW_PER_PIXEL = 1 / 300
"""Share of the width that one pixel of a drag changes, so that any unit is as easy to set."""

TITLES = {"axial": _("Axial"), "coronal": _("Coronal"), "sagittal": _("Sagittal")}
CROSSED_BY = {"axial": ("coronal", "sagittal"), "coronal": ("axial", "sagittal"), "sagittal": ("axial", "coronal")}
"""Which plane the horizontal and the vertical line of the crosshair stand for."""


class SliceView(QWidget):
    """Shows one plane of the volume through the cursor.

    Signals
    -------
    maximize_wanted
        A double click.
    """

    maximize_wanted = pyqtSignal()

    def __init__(self, name: str, view_state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame = SliceFrame(name)
        self.shows_outlines = True
        self.shows_crosshair = True
        self._state = view_state
        self._scene = Scene()
        self._layers = SliceLayers()
        self._pointer: QPointF | None = None
        self._grip: tuple[Qt.MouseButton, QPointF] | None = None
        self._notches = 0.0
        self._fitted = True
        self._hand: ViewHand | None = None
        self._held = False
        self._shade: Shade | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(160, 120))
        self.setAccessibleName(_("{plane} slices").format(plane=TITLES[name]))
        self.setCursor(Qt.CursorShape.CrossCursor)

    # What it shows

    def show_scene(self, before: Scene, after: Scene) -> None:
        """Follow the document."""
        self._scene = after
        if after.volume is not before.volume:
            self._layers.clear()
            if (
                before.volume is None
                or after.volume is None
                or not before.volume.geometry.same_grid(after.volume.geometry)
            ):
                self.fit()
        self.update()

    def renew(self) -> None:
        """Draw anew: the voxels have changed."""
        self._layers.clear()
        self.update()

    def fit(self) -> None:
        """Show all of the volume."""
        self._fitted = True
        if self.volume is not None:
            self.frame = self.frame.fitted(self.volume.geometry, self.extent)
        self.update()

    def hold(self, hand: ViewHand | None) -> None:
        """Give the left button to a tool, or back to the crosshair; Alt gives it to the crosshair meanwhile."""
        self._hand, self._held = hand, False
        self.setCursor(Qt.CursorShape.CrossCursor if hand is None else hand.cursor)
        self.update()

    def show_shade(self, shade: Shade | None) -> None:
        """Show voxels as a veil over the slice."""
        self._shade = shade
        self.update()

    @property
    def volume(self) -> Volume | None:
        """The volume on show."""
        return self._scene.volume

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height in logical pixels."""
        return self.width(), self.height()

    # Painting

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw picture, outlines, crosshair, letters, words."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0))
        area = QRectF(self.rect())
        if self.volume is not None:
            look = Look(
                self.frame, vector(self._state.cursor_lps), self._state.window, self.extent, self.devicePixelRatioF()
            )
            image = self._layers.image(self._scene, self.volume, look, self._shade, outlined=self.shows_outlines)
            painter.drawImage(0, 0, image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self.shows_crosshair:
                at = QPointF(*self.frame.xy_of(self._state.cursor_lps, self.extent))
                across, along = (theme.PLANE_COLORS[name] for name in CROSSED_BY[self.frame.name])
                overlay.crosshair(painter, area, at, across, along)
            overlay.letters(painter, area, edge_letters(self._plane(self.volume)))
            overlay.scale_bar(painter, area, self.frame.mm_per_pixel)
            self._paint_words(painter, area, self.volume)
            if self._hand is not None and self._pointer is not None:
                self._hand.paint(painter, self._spot(self._pointer, self.volume), held=self._held)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
            painter.setPen(QPen(QColor(theme.ACCENT), 2))
            painter.drawRect(area.adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_words(self, painter: QPainter, area: QRectF, volume: Volume) -> None:
        margin, line = overlay.MARGIN, 15.0
        color = theme.PLANE_COLORS[self.frame.name]
        wide = overlay.words(painter, margin, margin + 11, TITLES[self.frame.name], color, bold=True)
        overlay.words(painter, margin + wide + 8, margin + 11, self.frame.position(self._state.cursor_lps))
        center, width = self._state.window
        overlay.words(painter, margin, margin + 11 + line, f"C {center:.0f}  W {width:.0f}", theme.QUIET)
        point = self._state.cursor_lps if self._pointer is None else self._point(self._pointer)
        value = value_at(volume, point)
        said = _("no data") if value is None else f"{value:.4g} {volume.unit}".rstrip()
        bottom = area.bottom() - margin - (line + 4 if area.width() < NARROW else 0)
        overlay.words(painter, margin, bottom - line, said)
        overlay.words(painter, margin, bottom, position_words(point), theme.QUIET)

    # Space

    @property
    def _normal(self) -> Float:
        return self.frame.axes_lps()[2]

    def _plane(self, volume: Volume) -> Plane:
        return self.frame.plane(self._state.cursor_lps, volume.geometry.frame_of_reference_uid)

    def _point(self, place: QPointF) -> Float:
        return self.frame.lps_at(place.x(), place.y(), self.extent, self._state.cursor_lps)

    def _spot(self, place: QPointF, volume: Volume) -> SliceSpot:
        space = volume.geometry.frame_of_reference_uid
        return SliceSpot(place, self.frame, self.extent, self._state.cursor_lps, space)

    def scroll(self, steps: int) -> None:  # type: ignore[override]
        """Move the cursor by slices, away from the reader when positive; it stays in the volume."""
        if self.volume is None or steps == 0:
            return
        geometry = self.volume.geometry
        target = self._state.cursor_lps + self._normal * (steps * step_mm(geometry, self._normal))
        held = held_inside(geometry, target)
        # Only along the normal: at the border of an oblique volume the other coordinates stay.
        along = float((held - self._state.cursor_lps) @ self._normal)
        if along * steps > 0:
            self._state.move_cursor(self._state.cursor_lps + self._normal * along)

    def _nudge(self, right: int, down: int) -> None:
        """Move the cursor in the plane by voxels."""
        if self.volume is None:
            return
        across, along, _normal = self.frame.axes_lps()
        geometry = self.volume.geometry
        move = across * (right * step_mm(geometry, across)) + along * (down * step_mm(geometry, along))
        self._state.move_cursor(held_inside(geometry, self._state.cursor_lps + move))

    # Hands

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Left: put the cursor here, or what the tool at work does. Right: window. Middle: move the picture."""
        assert event is not None
        if self._taken(event):
            return
        self._grip = (event.button(), event.position())
        if event.button() == Qt.MouseButton.LeftButton:
            self._put_cursor(event.position())

    def _taken(self, event: QMouseEvent) -> bool:
        """Whether the tool at work takes the press of a button."""
        hand, volume, keys = self._hand, self.volume, event.modifiers()
        if hand is None or volume is None or event.button() != Qt.MouseButton.LeftButton:
            return False
        if keys & Qt.KeyboardModifier.AltModifier:
            return False
        self._pointer = event.position()
        self._held = hand.press(self._spot(event.position(), volume), keys)
        self.update()
        return self._held

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go on with what the pressed button began."""
        assert event is not None
        self._pointer = event.position()
        if self._held and self._hand is not None and self.volume is not None:
            self._hand.move(self._spot(event.position(), self.volume))
        elif self._grip is not None and event.buttons() & self._grip[0]:
            button, last = self._grip
            self._grip = (button, event.position())
            self._drag(button, event.position() - last, event.position())
        self.update()

    def _drag(self, button: Qt.MouseButton, moved: QPointF, place: QPointF) -> None:
        if button == Qt.MouseButton.LeftButton:
            self._put_cursor(place)
        elif button == Qt.MouseButton.RightButton:
            center, width = self._state.window
            step = max(width, 50.0) * WINDOW_PER_PIXEL
            self._state.set_window(center - moved.y() * step, width + moved.x() * step)
        elif button == Qt.MouseButton.MiddleButton:
            self.frame = self.frame.panned(moved.x(), moved.y())
            self._fitted = False

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go."""
        assert event is not None
        self._grip = None
        if self._held and event.button() == Qt.MouseButton.LeftButton:
            self._held = False
            if self._hand is not None and self.volume is not None:
                self._hand.release(self._spot(event.position(), self.volume))
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Fill the window with this view, or go back; to a tool at work it is one more press."""
        assert event is not None
        if not self._taken(event) and event.button() == Qt.MouseButton.LeftButton:
            self._grip = None
            self.maximize_wanted.emit()

    def _put_cursor(self, place: QPointF) -> None:
        if self.volume is not None:
            inside = QPointF(min(max(place.x(), 0.0), self.width()), min(max(place.y(), 0.0), self.height()))
            self._state.move_cursor(self._point(inside))

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll by slices; with Ctrl, zoom; with Shift, what the tool at work does."""
        assert event is not None
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self._notches += event.angleDelta().y() / WHEEL_NOTCH
        whole = int(self._notches)
        self._notches -= whole
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            place = event.position()
            self.zoom(ZOOM_PER_NOTCH**whole, place)
        elif not (shift and self._hand is not None and self._hand.wheel(whole)) and not self._held:
            self.scroll(whole)
        self.update()
        event.accept()

    def zoom(self, factor: float, place: QPointF | None = None) -> None:
        """Magnify about a place of the view, or about its middle."""
        place = place or QPointF(self.width() / 2, self.height() / 2)
        self.frame = self.frame.zoomed(factor, place.x(), place.y(), self.extent)
        self._fitted = False
        self.update()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Arrows and page keys scroll; Shift and arrows move the cursor in the plane; + and - zoom; 0 fits."""
        assert event is not None
        keys = Qt.Key
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        scrolls: Mapping[int, int] = {
            keys.Key_Up: 1,
            keys.Key_Right: 1,
            keys.Key_Down: -1,
            keys.Key_Left: -1,
            keys.Key_PageUp: PAGE_STEPS,
            keys.Key_PageDown: -PAGE_STEPS,
        }
        nudges = {keys.Key_Up: (0, -1), keys.Key_Down: (0, 1), keys.Key_Left: (-1, 0), keys.Key_Right: (1, 0)}
        zooms = {keys.Key_Plus: ZOOM_PER_NOTCH, keys.Key_Equal: ZOOM_PER_NOTCH, keys.Key_Minus: 1 / ZOOM_PER_NOTCH}
        key = event.key()
        if shift and key in nudges:
            self._nudge(*nudges[keys(key)])
        elif key in scrolls:
            self.scroll(scrolls[key])
        elif key in zooms:
            self.zoom(zooms[keys(key)])
        elif key == keys.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the volume fitted until the reader has chosen a part of it."""
        if self._fitted:
            self.fit()

    def enterEvent(self, event: QEnterEvent | None) -> None:
        """Show the value under the pointer."""
        if event is not None:
            self._pointer = event.position()
        self.update()

    def leaveEvent(self, event: QEvent | None) -> None:
        """Show the value at the cursor."""
        self._pointer = None
        self.update()
