"""The volumes of a 4D series: which one is on show, and the way to the others."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from arviewer.model.study import Series
from arviewer.session.summary import phase_words
from arviewer.words import _

SETTLE_MS = 120
"""How long the slider must rest before a volume is opened: dragging across ten of them opens the last."""


class PhaseBar(QWidget):
    """A slider over the volumes of one series; hidden where there is only one.

    Signals
    -------
    wanted(Series)
        The person went to another volume.
    """

    wanted = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._volumes: tuple[Series, ...] = ()
        self._shown = 0
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setPageStep(1)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setTickInterval(1)
        self.slider.setAccessibleName(_("Volume of the series"))
        self.slider.setToolTip(_("Go through the volumes of this series ([ and ])"))
        self.words = QLabel()
        self.earlier = self._button("◀", _("The volume before this one ([)"), -1)
        self.later = self._button("▶", _("The volume after this one (])"), 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.addWidget(self.words)
        layout.addWidget(self.earlier)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.later)
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLE_MS)
        self._settled.timeout.connect(self._ask)
        self.slider.valueChanged.connect(self._moved)
        self.hide()

    @property
    def count(self) -> int:
        """How many volumes there are to go through."""
        return len(self._volumes)

    def show_volumes(self, volumes: Sequence[Series], shown: Series | None) -> None:
        """Offer the volumes of a series, in order; `shown` is the one on show."""
        self._volumes = tuple(volumes) if len(volumes) > 1 else ()
        self._shown = next((n for n, each in enumerate(self._volumes) if each is shown), 0)
        self._settled.stop()
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(self._volumes) - 1))
        self.slider.setValue(self._shown)
        self.slider.blockSignals(False)
        self._say()
        self.setVisible(bool(self._volumes))

    def step(self, by: int) -> None:
        """Go on by some volumes; stops at the ends."""
        self.slider.setValue(self.slider.value() + by)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Turn through the volumes."""
        if event is not None:
            self.step(-1 if event.angleDelta().y() > 0 else 1)
            event.accept()

    def _button(self, text: str, tip: str, by: int) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(lambda: self.step(by))
        return button

    def _moved(self) -> None:
        self._say()
        self._settled.start()

    def _say(self) -> None:
        place = self.slider.value()
        if self._volumes:
            self.words.setText(phase_words(self._volumes[place].phase))
        self.earlier.setEnabled(place > 0)
        self.later.setEnabled(place < len(self._volumes) - 1)

    def _ask(self) -> None:
        if self._volumes:
            self.wanted.emit(self._volumes[self.slider.value()])
