"""The mark of doubtful data, in every view."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtWidgets import QPushButton, QWidget

from arviewer.model.findings import FindingKind, Severity
from arviewer.model.volume import Volume
from arviewer.ui import theme
from arviewer.words import _, counted
from arviewer.words.findings import message

MARGIN = 8
UNMARKED = frozenset((FindingKind.LEFT_HANDED_ORDER,))
"""Findings that nothing in a view depends on, and that most scans from head to feet have: F2 lists them."""


class FindingsBadge(QPushButton):
    """Sits in the upper right corner of a view while its volume has findings; a click lists them."""

    def __init__(self, view: QWidget, on_click: Callable[[], None]) -> None:
        super().__init__(view)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # by keyboard: F2
        self.clicked.connect(on_click)
        view.installEventFilter(self)
        self.hide()

    def show_volume(self, volume: Volume | None) -> None:
        """Count the findings of a volume."""
        findings = [one for one in volume.findings if one.kind not in UNMARKED] if volume is not None else []
        self.setVisible(bool(findings))
        if not findings:
            return
        grave = any(finding.severity is not Severity.NOTE for finding in findings)
        count = len(findings)
        text = counted(_("1 finding"), _("{count} findings"), count)
        self.setText(f"▲ {text}" if grave else f"● {text}")
        color = theme.WARNING if grave else theme.QUIET
        self.setStyleSheet(
            f"QPushButton {{ color: {color}; background: rgba(20, 22, 26, 220); border: 1px solid {color};"
            f" padding: 2px 7px; border-radius: 4px; }} QPushButton:focus {{ border: 2px solid {theme.TEXT}; }}"
        )
        self.setToolTip("\n".join(message(finding.kind, finding.details) for finding in findings))
        self.adjustSize()
        self._settle()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stay in the corner when the view changes its size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._settle()
        return False

    def _settle(self) -> None:
        parent = self.parentWidget()
        if parent is not None:
            self.move(parent.width() - self.width() - MARGIN, MARGIN)
