"""The window: banner, series, structures, views; it shows the document and turns hands into edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import (
    QFileDialog,
    QLabel,
    QMainWindow,
    QMessageBox,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from arviewer.errors import ArviewerError, Cancelled
from arviewer.model.findings import FindingKind
from arviewer.model.scene import Scene
from arviewer.model.study import Attachment, Scan
from arviewer.model.volume import Volume
from arviewer.session.document import Document
from arviewer.session.jobs import Jobs
from arviewer.session.view_state import ViewState
from arviewer.ui import window_presets
from arviewer.ui.building import Building
from arviewer.ui.dialogs.error import show_error
from arviewer.ui.dialogs.findings import FindingsDialog
from arviewer.ui.dialogs.shortcuts import ShortcutsDialog
from arviewer.ui.exporting import Exporting
from arviewer.ui.importing import Importing
from arviewer.ui.menus import Menus
from arviewer.ui.opening import Opening
from arviewer.ui.panels.documents import DocumentsPanel
from arviewer.ui.panels.series import SeriesPanel
from arviewer.ui.panels.structures import StructurePanel
from arviewer.ui.phases import Phases
from arviewer.ui.preview import Preview
from arviewer.ui.records import Records
from arviewer.ui.reviewing import Reviewing
from arviewer.ui.viewports.grid import ViewGrid
from arviewer.ui.widgets.banner import PatientBanner
from arviewer.ui.widgets.empty import EmptyState
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.ui.widgets.phase_bar import PhaseBar
from arviewer.version import __version__
from arviewer.words import _

START_SIZE = (1280, 800)
LEFT_WIDTH = 320


class MainWindow(QMainWindow):
    """Everything a person sees of one document.

    Parameters
    ----------
    document, view_state, jobs
        Made by the composition root; the window closes `jobs` when it closes.
    sample : Path or None
        Folder of the sample patient, which the empty window offers.
    """

    document: Document
    view_state: ViewState
    series_panel: SeriesPanel
    documents: DocumentsPanel
    structures: StructurePanel
    grid: ViewGrid
    banner: PatientBanner
    phase_bar: PhaseBar
    records: Records
    exporting: Exporting
    reviewing: Reviewing
    shows_outlines: bool
    shows_crosshair: bool

    def __init__(self, document: Document, view_state: ViewState, jobs: Jobs, sample: Path | None = None) -> None:
        super().__init__()
        self.document = document
        self.view_state = view_state
        self.shows_outlines = True
        self.shows_crosshair = True
        self._closed = False
        self.setAcceptDrops(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("arviewer")
        self.banner = PatientBanner()
        self.series_panel = SeriesPanel()
        self.documents = DocumentsPanel()
        self.structures = StructurePanel(document)
        self.grid = ViewGrid(view_state, self.show_findings)
        self.job_bar = JobBar(jobs)
        self.empty = EmptyState(self.ask_folder, None if sample is None else lambda: self.open_paths([sample]))
        self.phase_bar = PhaseBar()
        self._stack = QStackedWidget()
        self._lay_out()
        self.opening = Opening(document, view_state, self.job_bar, self)
        self.building = Building(document, self.job_bar, self.show_failed)
        self.phases = Phases(document, self.phase_bar, self.job_bar, self.show_failed)
        self.records = Records(self)
        self.exporting = Exporting(document, self.job_bar, self.show_failed, self)
        self.reviewing = Reviewing(self)
        self.menus = Menus(self)
        self.importing = Importing(document, self.job_bar, self.show_failed)
        self.series_panel.open_wanted.connect(self.opening.open_series)
        self.series_panel.structures_wanted.connect(self.open_structures)
        self.structures.form.wanted.connect(self.building.start)
        self.job_bar.changed.connect(self.menus.refresh)
        self.grid.large_changed.connect(self.menus.refresh)
        self.reviewing.changed.connect(self.menus.refresh)
        self.structures.mode_changed.connect(self._make_room)
        self._on_show = Scene()
        self._unwatch = document.watch(lambda _before, after: self._show_scene(after))
        self._preview: Preview | None = None
        self._show_scene(document.scene)

    def _lay_out(self) -> None:
        left = QSplitter(Qt.Orientation.Vertical)
        left.addWidget(self.series_panel)
        left.addWidget(self.documents)
        left.addWidget(self.structures)
        left.setSizes([150, 110, 460])
        left.setChildrenCollapsible(False)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.grid)
        across = QSplitter()
        across.addWidget(left)
        views = QWidget()
        above = QVBoxLayout(views)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(2)
        above.addWidget(self.phase_bar)
        above.addWidget(self._stack, 1)
        across.addWidget(views)
        across.setStretchFactor(1, 1)
        across.setSizes([LEFT_WIDTH, START_SIZE[0] - LEFT_WIDTH])
        across.setChildrenCollapsible(False)
        center = QWidget()
        layout = QVBoxLayout(center)
        layout.setContentsMargins(6, 6, 6, 2)
        layout.setSpacing(6)
        layout.addWidget(self.banner)
        layout.addWidget(across, 1)
        self.setCentralWidget(center)
        status = self.statusBar()
        assert status is not None
        status.setSizeGripEnabled(False)
        status.addWidget(self.job_bar)
        warning = QLabel(_("Research and review of plans. Not for diagnostic use."))
        warning.setObjectName("quiet")
        warning.setContentsMargins(8, 0, 10, 2)
        status.addPermanentWidget(warning)
        self.resize(*START_SIZE)

    # Following the document

    def _show_scene(self, after: Scene) -> None:
        before, self._on_show = self._on_show, after
        series = after.volume.series if after.volume is not None else None
        if after.volume is not before.volume or after.volume is None:
            self.banner.show_series(series)
            self.series_panel.mark_shown(series)
            self.documents.show_patient(series.patient if series is not None else None)
            self._stack.setCurrentWidget(self.grid if series is not None else self.empty)
            title = series.description or series.modality if series is not None else ""
            self.setWindowTitle(f"{title} – arviewer" if title else "arviewer")
        self.grid.show_scene(before, after)
        self.structures.show_scene(before, after)
        self.phases.show_scene(before, after)
        self.reviewing.show_scene(before, after)
        self.menus.refresh()

    def _make_room(self) -> None:
        """Give the tools the whole height: no other series is opened meanwhile."""
        for panel in (self.series_panel, self.documents):
            panel.setVisible(self.structures.mode == "find")

    # Opening

    def open_paths(self, paths: Sequence[Path], structures: Sequence[str] = ()) -> None:
        """Open folders, files or archives; then find structures by the names of their recipes."""

        def find_all(volume: Volume) -> None:
            for name in structures:
                self.building.start(name, {})

        self.opening.open_paths([Path(path) for path in paths], find_all)

    def ask_folder(self) -> None:
        """Let the person choose a folder."""
        self._ask_path(QFileDialog.FileMode.Directory, _("Open a folder of DICOM images"))

    def ask_file(self) -> None:
        """Let the person choose a file or archive."""
        self._ask_path(QFileDialog.FileMode.ExistingFile, _("Open a DICOM file, DICOMDIR or zip archive"))

    def _ask_path(self, mode: QFileDialog.FileMode, title: str) -> None:
        dialog = QFileDialog(self, title)
        dialog.setFileMode(mode)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, mode is QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.open_paths([Path(path)]))
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Welcome folders and files."""
        if event is not None and _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open what was dropped."""
        if event is not None and (paths := _dropped(event)):
            event.acceptProposedAction()
            self.open_paths(paths)

    def show_scan(self, scan: Scan) -> None:
        """List what was found; see `arviewer.ui.opening.Face`."""
        volume = self.document.scene.volume
        self.phases.show_scan(scan.series)
        self.series_panel.show_series(scan.series, volume.series if volume is not None else None, scan.attachments)
        self.documents.show_attachments(scan.attachments)
        self.menus.refresh()

    def open_structures(self, attachment: Attachment) -> None:
        """Bring the structures of a file to the images on show."""
        self.importing.start(attachment, self.series_panel.series)

    def show_choice(self, words: str) -> None:
        """Ask the person to choose a series; see `arviewer.ui.opening.Face`."""
        self.series_panel.ask(words)
        self.empty.show_choice(words)
        if words:
            self.series_panel.tree.setFocus()

    def confirm_discard(self, go_on: Callable[[], None]) -> None:
        """Ask before structures go; see `arviewer.ui.opening.Face`."""
        if not self.document.scene.items:
            go_on()
            return
        box = QMessageBox(
            QMessageBox.Icon.NoIcon, _("arviewer – Open another series"), _("Open another series?"),
            QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel, self,
        )  # fmt: skip
        box.setInformativeText(
            _("The structures of the present series are removed. Export them first if you need them.")
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.accepted.connect(go_on)
        box.open()

    def show_preview(self, volume: Volume | None) -> None:
        """Show slices while they are read; see `arviewer.ui.opening.Face`."""
        if self._preview is not None:
            self._preview.end()
        self._preview = None if volume is None else Preview(volume, self.grid, self)
        self.structures.setEnabled(volume is None)
        self._show_scene(self.document.scene if volume is None else Scene(volume))

    def offer(self, what: str, why: str, button: str, go_on: Callable[[], None]) -> None:
        """Say what cannot be, and offer what can; see `arviewer.ui.opening.Face`."""
        box = QMessageBox(QMessageBox.Icon.NoIcon, _("arviewer – Open a series"), what,
                          QMessageBox.StandardButton.Cancel, self)  # fmt: skip
        box.setInformativeText(why)
        box.addButton(button, QMessageBox.ButtonRole.AcceptRole)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.accepted.connect(go_on)
        box.open()

    @property
    def can_resample(self) -> bool:
        """Whether the volume on show stands askew or uneven, and is not resampled already."""
        volume = self.document.scene.volume
        kinds = {finding.kind for finding in volume.findings} if volume is not None else set()
        return bool(kinds & {FindingKind.TILTED, FindingKind.UNEVEN_SPACING}) and FindingKind.RESAMPLED not in kinds

    def resample(self) -> None:
        """Open the series on show on an even, upright grid."""
        volume = self.document.scene.volume
        if volume is not None:
            self.opening.open_resampled(volume.series)

    # What actions do

    def show_problem(self, error: ArviewerError) -> None:
        """Show what went wrong: what, why, and what can be done."""
        show_error(self, error)

    @property
    def has_findings(self) -> bool:
        """Whether the volume on show is doubtful in some way."""
        volume = self.document.scene.volume
        return volume is not None and bool(volume.findings)

    @property
    def can_cancel(self) -> bool:
        """Whether Esc has something to stop or to leave."""
        return self.job_bar.busy or bool(self.grid.large) or self.reviewing.can_let_go

    def cancel(self) -> None:
        """Take back the stroke that is drawn; else stop the work that runs; put the tool down; show all four views."""
        if self.reviewing.tools.let_go():
            return
        if self.job_bar.busy:
            self.job_bar.cancel()
        elif not self.reviewing.let_go() and self.grid.large:
            self.grid.toggle_large(self.grid.large)

    def fit_views(self) -> None:
        """Show all of the images in every view."""
        for view in self.grid.slices.values():
            view.fit()
        self.grid.view_3d.stand("anterior")

    def toggle_outlines(self) -> None:
        """Draw the outlines on the slices, or not."""
        self.shows_outlines = not self.shows_outlines
        self.grid.show_outlines(self.shows_outlines)
        self.menus.refresh()

    def toggle_crosshair(self) -> None:
        """Draw the crosshair on the slices, or not."""
        self.shows_crosshair = not self.shows_crosshair
        self.grid.show_crosshair(self.shows_crosshair)
        self.menus.refresh()

    def step_preset(self, step: int) -> None:
        """Take the next or the previous window preset."""
        preset = window_presets.after(self.view_state.window, step)
        self.view_state.set_window(preset.center, preset.width)

    def hide_identity(self, hidden: bool) -> None:
        """Hide who the patient is, everywhere in the window, or show it again."""
        self.banner.hide_identity(hidden)
        self.series_panel.hide_identity(hidden)
        self.documents.hide_identity(hidden)

    def show_findings(self) -> None:
        """List what is doubtful about the volume on show."""
        volume = self.document.scene.volume
        if volume is not None and volume.findings:
            title = volume.series.description or volume.series.modality
            FindingsDialog(self, title, volume.findings).open()

    def show_failed(self, error: ArviewerError) -> None:
        """Show why a job failed; one that the person stopped needs no words."""
        if not isinstance(error, Cancelled):
            self.show_problem(error)

    def show_shortcuts(self) -> None:
        """List keys and mouse."""
        ShortcutsDialog(self, self.menus.rows()).open()

    def show_about(self) -> None:
        """Say what this is."""
        box = QMessageBox(QMessageBox.Icon.NoIcon, _("About arviewer"), f"arviewer {__version__}",
                          QMessageBox.StandardButton.Ok, self)  # fmt: skip
        box.setInformativeText(
            _("Surgical planning viewer. For research and the review of plans. Not a medical device, not for "
              "diagnostic use. Free software under the GNU General Public License, version 3 or later.")
        )  # fmt: skip
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def leave(self) -> None:
        """Close the window."""
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Stop every job and let the graphics memory go: the one way a window ends."""
        if not self._closed:
            self._closed = True
            self._unwatch()
            if self._preview is not None:
                self._preview.end()
            self.records.close()
            self.reviewing.close()
            self.grid.close_views()
            self.job_bar.close_jobs()
        super().closeEvent(event)


def _dropped(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data is not None else []
