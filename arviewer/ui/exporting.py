"""Export from the window: ask what, do it in the worker, say what was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QWidget

from arviewer.errors import ArviewerError, UsageError
from arviewer.session.document import Document
from arviewer.session.remaking import stale_names
from arviewer.ui.dialogs.export import ExportDialog, ExportWish
from arviewer.ui.dialogs.exported import ExportedDialog
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.words import _

EXPORT = "arviewer.session.exporting:export_to"


class Exporting:
    """Writes structures of the document."""

    def __init__(
        self, document: Document, job_bar: JobBar, show_failed: Callable[[ArviewerError], None], parent: QWidget
    ) -> None:
        self._document, self._job_bar, self._show_failed, self._parent = document, job_bar, show_failed, parent

    def ask(self) -> None:
        """Ask what to export, and do it; not while a surface is being made anew."""
        stale = stale_names(self._document.scene)
        if stale:
            names = ", ".join(title_of(name) for name in stale)
            self._show_failed(
                UsageError(
                    _("{names} cannot be exported yet.").format(names=names),
                    _("It was changed, and its surface is still being made anew; a file must be what the slices show."),
                    _("Wait a moment until the list no longer says “updating”, and export again."),
                )
            )
        elif self._document.scene.items:
            ExportDialog(self._parent, self._document.scene, Path.cwd(), self._export).open()

    def _export(self, wish: ExportWish) -> None:
        self._job_bar.start(
            _("Export"), EXPORT, list(wish.surfaces), wish.target,
            done=lambda exported: ExportedDialog(self._parent, exported).open(),
            failed=self._show_failed,
            parameters={
                "frame": wish.frame, "format_name": wish.format_name, "accept": list(wish.accept),
                "one_file": wish.one_file,
            },
        )  # fmt: skip
