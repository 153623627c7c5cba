"""A structured report as plain text."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from arviewer.errors import ArviewerError
from arviewer.model.documents import Report
from arviewer.model.study import Attachment
from arviewer.ui import theme
from arviewer.ui.reading import Reading
from arviewer.words import _

SIZE = (720, 640)


class ReportDialog(QDialog):
    """Shows what a report says, what it says of itself, and what of it could not be read."""

    def __init__(self, parent: QWidget | None, reading: Reading, attachment: Attachment) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Report"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._report: Report | None = None
        self.title, self.facts, self.remarks = QLabel(), QLabel(), QLabel()
        for label in (self.title, self.facts, self.remarks):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.title.setFont(theme.font(theme.POINT_SIZE + 1, bold=True))
        self.title.setText(_("Reading…"))
        self.facts.setObjectName("quiet")
        self.remarks.setStyleSheet(f"color: {theme.WARNING};")
        self.remarks.hide()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName(_("Report"))
        self.copy_button = QPushButton(_("&Copy Text"))
        self.copy_button.clicked.connect(self.copy)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.copy_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        for part in (self.title, self.facts, self.remarks, self.text, buttons):
            layout.addWidget(part)
        self.resize(*SIZE)
        self.finished.connect(lambda _result: reading.forget())
        reading.report(attachment, self._show, self._fail)

    def copy(self) -> None:
        """Put the whole report on the clipboard."""
        clipboard = QGuiApplication.clipboard()
        assert clipboard is not None
        if self._report is not None:
            clipboard.setText(self._report.text)

    def _show(self, report: Report) -> None:
        self._report = report
        self.title.setText(report.title)
        self.facts.setText("\n".join(f"{caption}: {text}" for caption, text in report.facts))
        self.remarks.setText("\n".join(f"▲ {remark}" for remark in report.remarks))
        self.remarks.setVisible(bool(report.remarks))
        self.text.setPlainText("\n".join(line.text for line in report.lines))

    def _fail(self, error: ArviewerError) -> None:
        self.title.setText(error.what)
        self.facts.setText(error.why)
        self.text.setPlainText(error.remedy)
