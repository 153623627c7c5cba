"""What the window shows before anything is open."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from arviewer.ui import theme
from arviewer.words import _


class EmptyState(QWidget):
    """An invitation to drop or open a folder.

    Parameters
    ----------
    on_open, on_sample : callable
        What the buttons do; without `on_sample` there is no such button.
    """

    def __init__(self, on_open: Callable[[], None], on_sample: Callable[[], None] | None) -> None:
        super().__init__()
        self.title = QLabel(_("Drop a DICOM folder here"))
        self.title.setFont(theme.font(theme.POINT_SIZE + 8, bold=True))
        hint = QLabel(_("A folder, a DICOMDIR, a zip archive or a single file. Nothing leaves this computer."))
        hint.setObjectName("quiet")
        self.open_button = QPushButton(_("&Open Folder…"))
        self.open_button.setProperty("primary", True)
        self.open_button.clicked.connect(on_open)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.open_button)
        if on_sample is not None:
            self.sample_button = QPushButton(_("Open the &Sample Patient"))
            self.sample_button.clicked.connect(on_sample)
            row.addWidget(self.sample_button)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.addStretch()
        for label in (self.title, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addSpacing(14)
        layout.addLayout(row)
        layout.addStretch()

    def show_choice(self, words: str) -> None:
        """Say that a series is to be chosen; "" invites again to drop a folder."""
        self.title.setText(words or _("Drop a DICOM folder here"))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the place to drop on."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.LINE), 2, Qt.PenStyle.DashLine))
        painter.setBrush(QColor("#16191d"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 12, 12)
