"""What is doubtful about the data, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from arviewer.model.findings import Finding, Severity
from arviewer.ui import theme
from arviewer.words import _
from arviewer.words.findings import message, remedy

SEVERITIES = {
    Severity.NOTE: (_("Note"), theme.QUIET),
    Severity.WARNING: (_("Warning"), theme.WARNING),
    Severity.ERROR: (_("Error"), theme.DANGER),
}
SLICES_SHOWN = 12


class FindingsDialog(QDialog):
    """Lists findings with message, slices and remedy."""

    def __init__(self, parent: QWidget | None, title: str, findings: Sequence[Finding]) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Findings"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        head = QLabel(title)
        head.setTextFormat(Qt.TextFormat.PlainText)
        head.setFont(theme.font(theme.POINT_SIZE + 1, bold=True))
        inner = QWidget()
        cards = QVBoxLayout(inner)
        cards.setContentsMargins(0, 0, 0, 0)
        for finding in findings:
            cards.addWidget(finding_card(finding))
        cards.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.addWidget(head)
        layout.addWidget(scroll)
        layout.addWidget(buttons)
        self.resize(560, min(150 + 110 * len(findings), 560))


def finding_card(finding: Finding) -> QFrame:
    """Return one finding as a card."""
    card = QFrame()
    card.setObjectName("card")
    layout = QVBoxLayout(card)
    layout.setSpacing(3)
    word, color = SEVERITIES[finding.severity]
    severity = QLabel(f"▲ {word}" if finding.severity is not Severity.NOTE else f"● {word}")
    severity.setStyleSheet(f"color: {color};")
    layout.addWidget(severity)
    texts = [message(finding.kind, finding.details), _slices(finding), remedy(finding.kind, finding.details)]
    for text, quiet in zip(texts, (False, True, True), strict=True):
        if text:
            label = QLabel(text)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setObjectName("quiet" if quiet else "")
            layout.addWidget(label)
    return card


def _slices(finding: Finding) -> str:
    if not finding.slices:
        return ""
    shown = ", ".join(str(k + 1) for k in finding.slices[:SLICES_SHOWN])
    more = len(finding.slices) - SLICES_SHOWN
    if more > 0:
        shown += " " + _("and {count} more").format(count=more)
    return _("Slices: {slices}").format(slices=shown)
