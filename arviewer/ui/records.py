"""Headers, reports and documents: which one is meant, and the dialog that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QMenu, QWidget

from arviewer.errors import InputRefused
from arviewer.model.study import Attachment, AttachmentKind, Series
from arviewer.session.inspection import instance_at
from arviewer.ui.dialogs.header import HeaderDialog, Place
from arviewer.ui.dialogs.pages import PagesDialog
from arviewer.ui.dialogs.report import ReportDialog
from arviewer.ui.reading import Reading
from arviewer.words import _

if TYPE_CHECKING:
    from arviewer.ui.main_window import MainWindow

T = TypeVar("T")


class Records:
    """Opens the dialogs, and owns the process that reads for them."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.reading = Reading()
        panel, tree = window.documents, window.series_panel.tree
        panel.open_wanted.connect(self.open_document)
        _offer(panel.list, panel.selected, self._show_file)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        _offer(tree, window.series_panel.selected, self._show_series)

    def show_header(self) -> None:
        """Show the header of the slice under the crosshair; without images on show, of the selected series."""
        volume = self._window.document.scene.volume
        series = volume.series if volume is not None else self._window.series_panel.selected()
        if series is not None:
            self._show_series(series)

    def open_document(self, attachment: Attachment) -> None:
        """Show a report as text, or a PDF as pictures of its pages."""
        if self._window.banner.hides_identity:
            self._window.show_problem(
                InputRefused(
                    _("The document is not shown while the identity is hidden."),
                    _("A report or a page may name the patient anywhere."),
                    _("Show the identity again (Ctrl+H)."),
                )
            )
        elif attachment.kind is AttachmentKind.REPORT:
            ReportDialog(self._window, self.reading, attachment).open()
        else:
            PagesDialog(self._window, self.reading, attachment).open()

    def close(self) -> None:
        """End the process; safe to call twice."""
        self.reading.close()

    def _show_series(self, series: Series) -> None:
        places = list(dict.fromkeys(Place(one.path, one.member) for one in series.instances))
        volume = self._window.document.scene.volume
        start = 0
        if volume is not None and (volume.series.uid, volume.series.part) == (series.uid, series.part):
            near = instance_at(series, self._window.view_state.cursor_lps)
            here = Place(near.path, near.member)
            start = places.index(here) if here in places else 0
        self._show(series.description or series.modality, places, start)

    def _show_file(self, attachment: Attachment) -> None:
        hidden = self._window.banner.hides_identity
        title = attachment.modality if hidden else attachment.description or attachment.name
        self._show(title, [Place(attachment.path, attachment.member)], 0)

    def _show(self, title: str, places: list[Place], start: int) -> None:
        hidden = self._window.banner.hides_identity
        HeaderDialog(self._window, self.reading, title, places, start=start, hides_identity=hidden).open()


def _offer(widget: QWidget, selected: Callable[[], T | None], show_header: Callable[[T], None]) -> None:
    """Let a right click (or the menu key) on a list offer the header of what is selected."""

    def show(place: QPoint) -> None:
        one = selected()
        if one is None:
            return
        menu = QMenu(widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        action = menu.addAction(_("&Header…"))
        assert action is not None
        action.triggered.connect(lambda _checked=False: show_header(one))
        menu.popup(widget.mapToGlobal(place))

    widget.customContextMenuRequested.connect(show)
