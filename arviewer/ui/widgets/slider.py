"""A slider that goes where it is clicked."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QSlider, QStyle, QWidget


class JumpSlider(QSlider):
    """Horizontal; a press anywhere takes the handle there, and a drag goes on from it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of the handle where the pointer is."""
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Follow the pointer."""
        assert event is not None
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go of the handle."""
        self.setSliderDown(False)

    def _follow(self, event: QMouseEvent) -> None:
        style = self.style()
        assert style is not None
        handle = style.pixelMetric(QStyle.PixelMetric.PM_SliderLength, None, self)
        place = round(event.position().x() - handle / 2)
        self.setValue(style.sliderValueFromPosition(self.minimum(), self.maximum(), place, self.width() - handle))
