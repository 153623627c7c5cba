"""The 3D picture: an array that an off-screen view drew, and the hands that turn it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from arviewer.errors import ArviewerError, MachineLacks
from arviewer.model.scene import Look, Scene
from arviewer.model.surface import Surface
from arviewer.render.camera import Camera
from arviewer.ui import theme
from arviewer.ui.viewports import overlay
from arviewer.ui.viewports.hands import ViewHand
from arviewer.ui.viewports.picture_3d import Picture3D
from arviewer.ui.viewports.slice_view import WHEEL_NOTCH, ZOOM_PER_NOTCH
from arviewer.ui.viewports.spots import PictureSpot
from arviewer.words import _

DEGREES_PER_PIXEL = 0.4
DEGREES_PER_KEY = 10.0
KEY_PAN_PIXELS = 20.0
DRAG_ZOOM_PER_PIXEL = 1.006
REST_MS = 180
"""After the last movement, until the full picture is drawn."""


class View3D(QWidget):
    """Shows the structures of the scene.

    Attributes
    ----------
    problem : ArviewerError or None
        Why nothing can be drawn in 3D on this computer.

    Signals
    -------
    maximize_wanted
        A double click.
    """

    maximize_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.problem: ArviewerError | None = None
        self._picture = Picture3D()
        self._scene = Scene()
        self._camera: Camera | None = None
        self._standard = "anterior"
        self._image: QImage | None = None
        self._moving = False
        self._grip: tuple[Qt.MouseButton, bool, QPointF] | None = None
        self._hand: ViewHand | None = None
        self._pulled: PictureSpot | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._come_to_rest)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(160, 120))
        self.setAccessibleName(_("3D view"))

    @property
    def camera(self) -> Camera | None:
        """Where the reader stands; None before anything was opened."""
        return self._camera

    def close_view(self) -> None:
        """Let the graphics memory go; nothing is drawn any more. Safe to call twice."""
        self._rest.stop()
        self._picture.close()

    def show_scene(self, before: Scene, after: Scene) -> None:
        """Follow the document; the camera stays unless the reader has not moved it."""
        self._scene = after
        if after.volume is not before.volume:
            self._camera, self._standard = None, "anterior"
        self._picture.show(after)
        if self._standard:
            self.stand(self._standard)
        self._redraw()

    def hold(self, hand: ViewHand | None) -> None:
        """Give the left button to a tool, or back to turning; Alt gives it back meanwhile."""
        self._hand, self._pulled = hand, None
        self.update()

    def show_sketch(self, sketch: Surface | None, look: Look | None = None, instead_of: str = "") -> None:
        """Show a rough surface that is no structure: what a tool would make, of a structure or of none."""
        self._picture.show_sketch(sketch, look or Look(), instead_of)
        self._redraw()

    def stand(self, name: str) -> None:
        """Look at everything visible from a side of the patient: "anterior", "posterior", "left"..."""
        bounds = self._picture.bounds_lps()
        if bounds is None:
            return
        self._standard = name
        self._camera = Camera.standard(name, bounds, self.width() / max(self.height(), 1))
        self._redraw()

    def turn(self, dx_deg: float, dy_deg: float) -> None:
        """Turn the side toward the reader right and down."""
        self._move(lambda camera: camera.orbit(dx_deg, dy_deg))

    def _move(self, change: Callable[[Camera], Camera]) -> None:
        if self._camera is None:
            return
        self._camera = change(self._camera)
        self._standard = ""
        self._moving = True
        self._rest.start()
        self._redraw()

    def _come_to_rest(self) -> None:
        self._moving = False
        self._redraw()

    def _redraw(self) -> None:
        self._image = None
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the newest picture, with its name and a hint where there is nothing yet."""
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(self.rect(), QColor(0, 0, 0))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._scene.volume is not None:
            image = self._drawn()
            if image is not None:
                painter.drawImage(area, image)
            overlay.words(painter, overlay.MARGIN, overlay.MARGIN + 11, _("3D"), theme.PLANE_COLORS["3d"], bold=True)
            self._paint_hint(painter, area)
            if self._hand is not None and self._pulled is not None:
                self._hand.paint(painter, self._pulled, held=True)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
            painter.setPen(QPen(QColor(theme.ACCENT), 2))
            painter.drawRect(area.adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_hint(self, painter: QPainter, area: QRectF) -> None:
        text = ""
        if self.problem is not None:
            text = str(self.problem)
        elif not self._scene.items:
            text = _("No structures yet.\nFind bone, skin, lungs or vessels in the panel on the left.")
        painter.setFont(theme.font(theme.POINT_SIZE))
        painter.setPen(QColor(theme.TEXT))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(area.adjusted(40, 30, -40, -30), int(flags), text)

    def _drawn(self) -> QImage | None:
        """Return the picture of the scene as it stands now; None where this computer cannot draw."""
        if self._image is None and self._camera is not None and self.problem is None:
            try:
                self._image = self._picture.image(
                    self._camera, (self.width(), self.height()), self.devicePixelRatioF(), moving=self._moving
                )
            except MachineLacks as error:
                self.problem = error
        return self._image

    # Hands

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Left: turn, or what the tool at work does. Middle, or Shift and left: move. Right: zoom."""
        assert event is not None
        left = event.button() == Qt.MouseButton.LeftButton
        if left and self._hand is not None and not event.modifiers() & Qt.KeyboardModifier.AltModifier:
            spot = self._spot(event.position())
            if spot is not None and self._hand.press(spot, event.modifiers()):
                self._pulled = spot
                return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._grip = (event.button(), shift, event.position())

    def _spot(self, place: QPointF) -> PictureSpot | None:
        return None if self._camera is None else PictureSpot(place, self._camera, (self.width(), self.height()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go on with what the pressed button began."""
        assert event is not None
        if self._pulled is not None and self._hand is not None:
            self._pulled = self._spot(event.position()) or self._pulled
            self._hand.move(self._pulled)
            self.update()
            return
        if self._grip is None or not event.buttons() & self._grip[0]:
            return
        button, shift, last = self._grip
        self._grip = (button, shift, event.position())
        moved = event.position() - last
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and shift):
            self._move(lambda camera: camera.pan(moved.x(), moved.y(), (self.width(), self.height())))
        elif button == Qt.MouseButton.LeftButton:
            self.turn(moved.x() * DEGREES_PER_PIXEL, moved.y() * DEGREES_PER_PIXEL)
        elif button == Qt.MouseButton.RightButton:
            self._move(lambda camera: camera.zoom(DRAG_ZOOM_PER_PIXEL ** -moved.y()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go."""
        assert event is not None
        self._grip = None
        pulled, self._pulled = self._pulled, None
        if pulled is not None and self._hand is not None:
            self._hand.release(self._spot(event.position()) or pulled)
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Fill the window with this view, or go back."""
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton and self._hand is None:
            self._grip = None
            self.maximize_wanted.emit()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom; not while a line is drawn: it belongs to the picture as it is."""
        assert event is not None
        if self._pulled is not None:
            return
        factor = ZOOM_PER_NOTCH ** (event.angleDelta().y() / WHEEL_NOTCH)
        self._move(lambda camera: camera.zoom(factor))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Arrows turn, Shift and arrows move, + and - zoom, 0 shows everything."""
        assert event is not None
        keys = Qt.Key
        ways = {keys.Key_Left: (-1, 0), keys.Key_Right: (1, 0), keys.Key_Up: (0, -1), keys.Key_Down: (0, 1)}
        zooms = {keys.Key_Plus: ZOOM_PER_NOTCH, keys.Key_Equal: ZOOM_PER_NOTCH, keys.Key_Minus: 1 / ZOOM_PER_NOTCH}
        key = event.key()
        if key in ways:
            x, y = ways[keys(key)]
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                size = self.width(), self.height()
                self._move(lambda camera: camera.pan(x * KEY_PAN_PIXELS, y * KEY_PAN_PIXELS, size))
            else:
                self.turn(x * DEGREES_PER_KEY, y * DEGREES_PER_KEY)
        elif key in zooms:
            self._move(lambda camera: camera.zoom(zooms[keys(key)]))
        elif key == keys.Key_0:
            self.stand(self._standard or "anterior")
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Draw anew; keep everything in sight until the reader has moved."""
        if self._standard:
            self.stand(self._standard)
        self._redraw()
