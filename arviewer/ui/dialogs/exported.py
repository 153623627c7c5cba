"""What an export wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from arviewer.ui import theme
from arviewer.words import _

FILES_SHOWN = 8


class ExportedDialog(QDialog):
    """Says which files were written and proved.

    Parameters
    ----------
    exported : mapping
        As `arviewer.formats.export.Exported.to_json`.
    """

    def __init__(self, parent: QWidget | None, exported: Mapping[str, Any]) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Exported"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        files = exported["files"]
        head = QLabel(_("Written, read back and compared") if len(files) == 1
                      else _("{count} files written, read back and compared").format(count=len(files)))  # fmt: skip
        head.setFont(theme.font(theme.POINT_SIZE + 1, bold=True))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.setSpacing(8)
        layout.addWidget(head)
        self.lines = [file_words(file) for file in files[:FILES_SHOWN]]
        if len(files) > FILES_SHOWN:
            self.lines.append(_("and {count} more").format(count=len(files) - FILES_SHOWN))
        for line in self.lines:
            label = QLabel(line)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
        buttons.accepted.connect(self.accept)
        layout.addWidget(buttons)
        self.setMinimumWidth(520)


def file_words(file: Mapping[str, Any]) -> str:
    """Return path, content, volume, axes, unit and size of one file."""
    path = Path(file["path"])
    size = path.stat().st_size if path.exists() else 0
    what = _("voxels")
    if "triangles" in file:
        what = _("{triangles:,} triangles, error ≤ {error:.2f} mm").format(
            triangles=file["triangles"], error=file["error_mm"]["max"]
        )
    return str(path) + "\n    " + _("{what}, {ml:.1f} ml, {frame}, {unit}, {size}").format(
        what=what, ml=file["volume_ml"], frame=file["frame"].upper(), unit=file["unit"], size=size_words(size),
    )  # fmt: skip


def size_words(count: int) -> str:
    """Return bytes as people read them."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
