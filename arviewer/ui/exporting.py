"""Export from the window: ask what, do it in the worker, say what was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
EXPORT_SIMPLIFIED = "arviewer.session.exporting:export_simplified_to"
EXPORT_VOXELS = "arviewer.session.exporting:export_voxels_to"


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
        """Write what was asked for, as it was then: the scene may change meanwhile."""
        volume = self._document.scene.volume
        segments = [replace(item.segment, color=item.look.color) for item in wish.items]
        choices: dict[str, object] = {
            "format_name": wish.format_name, "accept": list(wish.accept), "one_file": wish.one_file,
        }  # fmt: skip
        if wish.as_voxels:
            self._start(EXPORT_VOXELS, choices, volume, segments, wish.target)
        elif wish.simplify_mm is not None:
            choices |= {"frame": wish.frame}
            self._start(EXPORT_SIMPLIFIED, choices, volume, segments, wish.simplify_mm, wish.target)
        else:
            choices |= {"frame": wish.frame}
            self._start(EXPORT, choices, [item.surface for item in wish.items], wish.target)

    def _start(self, function: str, choices: dict[str, object], *arguments: object) -> None:
        self._job_bar.start(
            _("Export"), function, *arguments,
            done=lambda exported: ExportedDialog(self._parent, exported).open(),
            failed=self._show_failed,
            parameters=choices,
        )  # fmt: skip
