"""One structure in the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PyQt6.QtCore import QEvent, QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QMouseEvent, QPixmap, QResizeEvent
from PyQt6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from arviewer.model.findings import Severity
from arviewer.model.scene import Item, Look
from arviewer.model.segmentation import State
from arviewer.ui import theme
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.panels.surface_words import error_words, origin_words, pieces_words, short_error_words, state_words
from arviewer.ui.widgets.slider import JumpSlider
from arviewer.words import _
from arviewer.words.findings import message

PERCENT = 100
SWATCH = 18
NAME_WIDTH = 60
BOX_WIDTH = 26
"""Logical pixels of the box before a name, and the gap."""

ChangeLook = Callable[[str, Look, str, str], None]
"""Takes the structure's name, its new look, what changed, and the gesture."""


class StructureRow(QFrame):
    """Name, volume, error, findings, and the controls of the look.

    Signals
    -------
    focused
        Something in it was clicked or reached by keyboard.
    confirm_wanted
        A person wants to say whether it is right.
    """

    focused = pyqtSignal()
    confirm_wanted = pyqtSignal()

    def __init__(self, item: Item, change: ChangeLook, remove: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("row")
        self._item = item
        self._change = change
        self._gesture = 0
        name = title_of(item.name)
        self.visible_box = QCheckBox(name)
        self.visible_box.setMinimumWidth(NAME_WIDTH)
        self.visible_box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.visible_box.setAccessibleName(name)
        self.visible_box.setToolTip(_("Show or hide {name} (Space)").format(name=name))
        self.visible_box.clicked.connect(lambda on: self._wear("visibility", visible=on))
        self.volume = QLabel()
        self.delete_button = QPushButton("✕")
        self.delete_button.setToolTip(_("Delete {name} (Del); undo brings it back").format(name=name))
        self.delete_button.setAccessibleName(_("Delete {name}").format(name=name))
        self.delete_button.clicked.connect(lambda: remove(self._item.name))
        self.color_button = QPushButton()
        self.color_button.setIconSize(QSize(SWATCH, SWATCH))
        self.color_button.setToolTip(_("Color of {name}").format(name=name))
        self.color_button.setAccessibleName(_("Color of {name}").format(name=name))
        self.color_button.clicked.connect(self._ask_color)
        for button in (self.delete_button, self.color_button):
            button.setFixedSize(28, 26)
            button.setStyleSheet("padding: 0;")
        self.opacity = JumpSlider()
        self.opacity.setRange(5, PERCENT)
        self.opacity.setPageStep(10)
        self.opacity.setMinimumWidth(40)
        self.opacity.setAccessibleName(_("Opacity of {name}").format(name=name))
        self.opacity.sliderPressed.connect(self._new_gesture)
        self.opacity.valueChanged.connect(self._fade)
        self.state_button = QPushButton()
        self.state_button.setStyleSheet("padding: 3px 8px;")
        self.state_button.clicked.connect(lambda: self.confirm_wanted.emit())
        self.notes = QLabel()
        self.notes.setObjectName("quiet")
        self.notes.setFont(theme.font(theme.POINT_SIZE - 1.5))
        self._lay_out()
        self.show_item(item)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.visible_box, 1)
        top.addWidget(self.volume)
        top.addWidget(self.delete_button)
        below = QHBoxLayout()
        below.addWidget(self.color_button)
        below.addWidget(self.opacity, 1)
        below.addWidget(self.state_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 6, 5)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addLayout(below)
        layout.addWidget(self.notes)
        for part in (self.visible_box, self.delete_button, self.color_button, self.opacity, self.state_button):
            part.installEventFilter(self)
        self.mark_current(False)

    def show_item(self, item: Item) -> None:
        """Follow the document."""
        self._item = item
        look = item.look
        self.visible_box.setChecked(look.visible)
        self.volume.setText(_("updating…") if item.is_stale else f"{item.surface.volume_ml:.1f} ml")
        self._show_state(item)
        self.color_button.setIcon(_swatch(look))
        self.opacity.blockSignals(True)
        self.opacity.setValue(round(look.opacity * PERCENT))
        self.opacity.blockSignals(False)
        self.opacity.setToolTip(_("Opacity {percent} %").format(percent=round(look.opacity * PERCENT)))
        self.notes.setText(_notes(item))
        self.notes.setToolTip(_notes_tooltip(item))

    def _show_state(self, item: Item) -> None:
        name = title_of(item.name)
        proposed = item.segment.state is State.PROPOSED
        color, edge = (theme.WARNING, "dashed") if proposed else (theme.GOOD, "solid")
        self.state_button.setText(_("◌ proposed") if proposed else _("✔ confirmed"))
        self.state_button.setStyleSheet(
            f"QPushButton {{ padding: 2px 7px; color: {color}; border: 1px {edge} {color}; }}"
            f" QPushButton:focus {{ border: 1px solid {theme.TEXT}; }}"
        )
        self.state_button.setEnabled(not item.is_stale)
        self.state_button.setAccessibleName(_("State of {name}").format(name=name))
        ask = _("Click to confirm it (C)") if proposed else ""
        self.state_button.setToolTip("\n".join(filter(None, (state_words(item.surface), ask))))

    def mark_current(self, current: bool) -> None:
        """Show whether this is the structure that Space and Delete mean."""
        edge = theme.ACCENT if current else "transparent"
        self.setStyleSheet(f"QFrame#row {{ background: {theme.RAISED}; border-left: 3px solid {edge}; }}")

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Cut a long name with dots; the tooltip has all of it."""
        super().resizeEvent(event)
        room = self.visible_box.width() - BOX_WIDTH
        name = title_of(self._item.name)
        self.visible_box.setText(self.visible_box.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Notice that something in the row was reached."""
        if event is not None and event.type() == QEvent.Type.FocusIn:
            self._new_gesture()
            self.focused.emit()
        return False

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Make this the current structure."""
        self.focused.emit()

    def _new_gesture(self) -> None:
        self._gesture += 1

    def _fade(self, percent: int) -> None:
        gesture = f"opacity:{self._item.name}:{id(self)}:{self._gesture}"
        look = replace(self._item.look, opacity=percent / PERCENT)
        self._change(self._item.name, look, "opacity", gesture)

    def _wear(self, aspect: str, *, visible: bool) -> None:
        self._change(self._item.name, replace(self._item.look, visible=visible), aspect, "")

    def _ask_color(self) -> None:
        dialog = QColorDialog(QColor.fromRgbF(*self._item.look.color), self.window())
        dialog.setWindowTitle(_("Color of {name}").format(name=title_of(self._item.name)))
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self.paint_in)
        dialog.open()

    def paint_in(self, color: QColor) -> None:
        """Give the structure a color."""
        look = replace(self._item.look, color=(color.redF(), color.greenF(), color.blueF()))
        self._change(self._item.name, look, "color", "")


def _swatch(look: Look) -> QIcon:
    pixmap = QPixmap(SWATCH * 2, SWATCH * 2)
    pixmap.fill(QColor.fromRgbF(*look.color))
    return QIcon(pixmap)


def _notes(item: Item) -> str:
    surface = item.surface
    parts = [short_error_words(surface)]
    if not surface.closed:
        parts.append(_("not closed"))
    if surface.findings:
        grave = any(finding.severity is not Severity.NOTE for finding in surface.findings)
        count = len(surface.findings)
        parts.append(f"▲ {count}" if grave else f"● {count}")
    return " · ".join(parts)


def _notes_tooltip(item: Item) -> str:
    surface = item.surface
    lines = [
        error_words(surface),
        _("{count:,} triangles; {share:.0%} of the surface follows the grey values").format(
            count=len(surface.triangles), share=surface.grey_share
        ),
        pieces_words(surface),
        origin_words(surface),
        state_words(surface),
    ]
    return "\n".join([*filter(None, lines), *(message(finding.kind, finding.details) for finding in surface.findings)])
