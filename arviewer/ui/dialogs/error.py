"""What went wrong: what, why, and what can be done; never a traceback."""

from __future__ import annotations

import platform
import traceback

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from arviewer.errors import ArviewerError, Bug
from arviewer.ui import theme
from arviewer.version import __version__
from arviewer.words import _

WIDTH = 520


class ErrorDialog(QDialog):
    """Shows one error, which stays at hand as `error`.

    Parameters
    ----------
    error : ArviewerError
    details : BaseException or None
        Of an unforeseen error: what "Copy Report" puts on the clipboard.
    """

    def __init__(self, parent: QWidget | None, error: ArviewerError, details: BaseException | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Problem"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.error = error
        self.what = _paragraph(error.what, bold=True)
        # The trace of a bug goes into the report; the dialog shows the line that says what happened.
        self.why = _paragraph(last_line(error.why) if isinstance(error, Bug) else error.why)
        self.remedy = _paragraph(error.remedy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(10)
        layout.addWidget(self.what)
        for label, caption in ((self.why, _("Why")), (self.remedy, _("What you can do"))):
            if label.text():
                head = QLabel(caption)
                head.setObjectName("quiet")
                layout.addSpacing(4)
                layout.addWidget(head)
                layout.addWidget(label)
        layout.addSpacing(8)
        if details is None and isinstance(error, Bug):
            details = error
        layout.addWidget(self._buttons(details))
        self.setMinimumWidth(WIDTH)

    def _buttons(self, details: BaseException | None) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
        buttons.accepted.connect(self.accept)
        ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        assert ok is not None
        ok.setDefault(True)
        if details is not None:
            copy = QPushButton(_("&Copy Report"))
            report = _report(details)
            copy.clicked.connect(lambda: _to_clipboard(report))
            buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        return buttons


def show_error(parent: QWidget | None, error: ArviewerError, details: BaseException | None = None) -> ErrorDialog:
    """Show an error over `parent` and return at once."""
    dialog = ErrorDialog(parent, error, details)
    dialog.open()
    return dialog


def unforeseen(error: BaseException) -> ArviewerError:
    """Return the words for an exception that nobody handled."""
    if isinstance(error, ArviewerError) and not isinstance(error, Bug):
        return error
    return Bug(
        _("Something went wrong inside the program."),
        str(error) if isinstance(error, Bug) else f"{type(error).__name__}: {error}",
        _(
            "Your images are unchanged, and you can go on. Please report it: copy the report and send it to the "
            "project's issue tracker (see README). It names no patient unless the text above does."
        ),
    )


def last_line(text: str) -> str:
    """Return the last line of a text that says anything."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _report(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    return f"arviewer {__version__}, Python {platform.python_version()}, {platform.platform()}\n{''.join(lines)}"


def _to_clipboard(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    clipboard.setText(text)


def _paragraph(text: str, *, bold: bool = False) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if bold:
        label.setFont(theme.font(theme.POINT_SIZE + 1, bold=True))
    return label
