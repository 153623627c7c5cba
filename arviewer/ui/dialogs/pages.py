"""The pages of a document as pictures."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, QSize, Qt
from PyQt6.QtGui import QImage, QKeySequence, QPixmap, QShortcut, QWheelEvent
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from arviewer.errors import ArviewerError
from arviewer.model.documents import DocumentPage
from arviewer.model.study import Attachment
from arviewer.ui import theme
from arviewer.ui.reading import Reading
from arviewer.ui.viewports.pictures import image_of
from arviewer.words import _

SIZE = (820, 820)
ZOOM_STEP = 1.25
ZOOM_RANGE = (0.1, 4.0)
MAX_FIT = 1.6
"""Zoom up to which a narrow page is fitted to the width; beyond it letters only blur."""
MARGIN = 24
"""Pixels beside a page that fits, for the scroll bar."""


class PagesDialog(QDialog):
    """Shows a document page by page.

    Attributes
    ----------
    zoom : float
        Screen pixels to one of the page; the page is fitted to the width until it is changed.
    """

    def __init__(self, parent: QWidget | None, reading: Reading, attachment: Attachment) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Document"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._reading, self._attachment = reading, attachment
        self._image: QImage | None = None
        self._fits = True
        self.zoom = 1.0
        self.title = QLabel(attachment.description or attachment.name)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setFont(theme.font(theme.POINT_SIZE + 1, bold=True))
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.page = QLabel()
        self.page.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.area = QScrollArea()
        self.area.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.area.setWidget(self.page)
        viewport = self.area.viewport()
        assert viewport is not None
        viewport.installEventFilter(self)
        self._viewport = viewport
        self.number = QSpinBox()
        self.number.setRange(1, 1)
        self.number.setPrefix(_("Page "))
        self.number.setAccessibleName(_("Page"))
        self.number.setKeyboardTracking(False)
        self.number.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.back, self.on = QPushButton("◀"), QPushButton("▶")
        self._lay_out()
        self.number.valueChanged.connect(self._read)
        self.finished.connect(lambda _result: reading.forget())
        self._read(1)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        smaller, larger, fit = QPushButton("−"), QPushButton("+"), QPushButton(_("&Fit Width"))
        for button, tip, run in (
            (self.back, _("Previous page (Page Up)"), lambda: self.number.stepDown()),
            (self.on, _("Next page (Page Down)"), lambda: self.number.stepUp()),
            (smaller, _("Smaller (Ctrl+−)"), lambda: self.zoom_by(1 / ZOOM_STEP)),
            (larger, _("Larger (Ctrl++)"), lambda: self.zoom_by(ZOOM_STEP)),
            (fit, _("Fit the page to the width (Ctrl+0)"), self.fit),
        ):
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, run=run: run())
        for key, go in (
            ("PgUp", lambda: self.number.stepDown()), ("PgDown", lambda: self.number.stepUp()),
            ("Ctrl++", lambda: self.zoom_by(ZOOM_STEP)), ("Ctrl+-", lambda: self.zoom_by(1 / ZOOM_STEP)),
            ("Ctrl+0", self.fit),
        ):  # fmt: skip
            QShortcut(QKeySequence(key), self, go)
        for widget in (self.back, self.number, self.on):
            row.addWidget(widget)
        row.addStretch(1)
        for widget in (smaller, larger, fit):
            row.addWidget(widget)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.addWidget(self.title)
        layout.addWidget(self.problem)
        layout.addLayout(row)
        layout.addWidget(self.area, 1)
        layout.addWidget(buttons)
        room = self.parentWidget()
        self.resize(SIZE[0], min(SIZE[1], room.height() - MARGIN) if room is not None else SIZE[1])
        self._show_steps()

    def zoom_by(self, factor: float) -> None:
        """Show the page larger or smaller."""
        self._fits = False
        low, high = ZOOM_RANGE
        self.zoom = min(max(self.zoom * factor, low), high)
        self._draw()

    def fit(self) -> None:
        """Let the page fill the width, now and while the dialog changes its size."""
        self._fits = True
        self._draw()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Zoom with Ctrl and the wheel; keep a fitted page fitted."""
        if event is not None and event.type() == QEvent.Type.Resize and self._fits:
            self._draw()
        if isinstance(event, QWheelEvent) and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM_STEP if event.angleDelta().y() > 0 else 1 / ZOOM_STEP)
            return True
        return False

    def _read(self, number: int) -> None:
        self._show_steps()
        self._reading.page(self._attachment, number, self._show, self._fail)

    def _show(self, page: DocumentPage) -> None:
        self.problem.hide()
        self.number.blockSignals(True)
        self.number.setRange(1, page.count)
        self.number.blockSignals(False)
        self.number.setSuffix(_(" of {count}").format(count=page.count))
        self._image = image_of(page.pixels)
        self._draw()
        bar = self.area.verticalScrollBar()
        assert bar is not None
        bar.setValue(0)
        self._show_steps()

    def _fail(self, error: ArviewerError) -> None:
        self._image = None
        self.page.setPixmap(QPixmap())
        self.page.resize(0, 0)
        self.problem.setText(str(error))
        self.problem.show()

    def _show_steps(self) -> None:
        self.back.setEnabled(self.number.value() > self.number.minimum())
        self.on.setEnabled(self.number.value() < self.number.maximum())

    def _draw(self) -> None:
        if self._image is None:
            return
        if self._fits:
            self.zoom = min(max(self._viewport.width() - MARGIN, 50) / self._image.width(), MAX_FIT)
        ratio = self.devicePixelRatioF()
        size = QSize(round(self._image.width() * self.zoom), round(self._image.height() * self.zoom))
        size = size.expandedTo(QSize(1, 1))
        smooth = Qt.TransformationMode.SmoothTransformation
        drawn = self._image.scaled(size * ratio, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
        drawn.setDevicePixelRatio(ratio)
        self.page.setPixmap(QPixmap.fromImage(drawn))
        self.page.resize(size)
