"""From a folder to a volume on show: scan, choose, load; each in the worker, each to be cancelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from arviewer.errors import ArviewerError, Cancelled, InputRefused, TooLarge, UsageError
from arviewer.imaging.dicom.loading import fitting_step
from arviewer.imaging.dicom.straightening import can_be_resampled
from arviewer.model.findings import Severity
from arviewer.model.geometry import Float
from arviewer.model.scene import Scene
from arviewer.model.study import Scan, Series
from arviewer.model.volume import Volume
from arviewer.session.choice import choose
from arviewer.session.document import Document
from arviewer.session.view_state import ViewState
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.words import _
from arviewer.words.findings import message

SCAN = "arviewer.formats.reading:scan"
LOAD = "arviewer.formats.reading:load"
RESAMPLE = "arviewer.imaging.dicom:load_resampled"


class Face(Protocol):
    """What opening tells and asks the person."""

    def show_scan(self, scan: Scan) -> None:
        """List what was found."""

    def show_choice(self, words: str) -> None:
        """Ask the person to choose a series from the list; "" takes the question back."""

    def confirm_discard(self, go_on: Callable[[], None]) -> None:
        """Ask whether the structures on stage may go, and call `go_on` if so; at once when there are none."""

    def show_problem(self, error: ArviewerError) -> None:
        """Show what went wrong."""

    def show_preview(self, volume: Volume | None) -> None:
        """Show slices while they are read; None ends that and shows the document again."""

    def offer(self, what: str, why: str, button: str, go_on: Callable[[], None]) -> None:
        """Say what cannot be, and offer by a button what can."""


class Opening:
    """Opens folders and series."""

    def __init__(self, document: Document, view_state: ViewState, job_bar: JobBar, face: Face) -> None:
        self._document = document
        self._view_state = view_state
        self._job_bar = job_bar
        self._face = face
        self._after: Callable[[Volume], None] | None = None
        self._before_preview: tuple[Float, tuple[float, float]] | None = None

    def open_paths(self, paths: Sequence[Path], after: Callable[[Volume], None] | None = None) -> None:
        """Scan folders, files and archives, list their series, and open the one that is meant.

        Parameters
        ----------
        after : callable, optional
            Called with the volume once it is on show.
        """
        self._job_bar.cancel_all()
        self._after = after
        self._scan(list(paths), [])

    def open_series(self, series: Series) -> None:
        """Load a series and show it in the place of the present one, after asking if structures would go."""
        if series.geometry is None and can_be_resampled(series):
            why = " ".join(message(one.kind, one.details) for one in series.findings if one.severity is Severity.ERROR)
            self._face.offer(
                _("The series is too uneven to be a volume as it is."),
                why + " " + _("Its slices can be interpolated onto an even grid; a finding then says so."),
                _("Resample and Open"),
                lambda: self.open_resampled(series),
            )
            return
        self._face.confirm_discard(lambda: self._load(series))

    def open_resampled(self, series: Series) -> None:
        """Open a tilted or uneven series on an even, upright grid."""
        self._face.confirm_discard(lambda: self._resample(series))

    def _resample(self, series: Series) -> None:
        self._face.show_choice("")
        self._job_bar.cancel_all()
        self._job_bar.start(
            _("Resampling"), RESAMPLE, series,
            done=lambda volume: self._show(of_series(volume, series)), failed=self._failed,
        )  # fmt: skip

    def _scan(self, paths: list[Path], found: list[Scan]) -> None:
        if not paths:
            self._choose(_joined(found))
            return
        first, *others = paths
        self._job_bar.start(
            _("Looking into {name}").format(name=first.name or str(first)),
            SCAN,
            first,
            done=lambda scan: self._scan(others, [*found, scan]),
            failed=self._failed,
        )

    def _choose(self, scan: Scan) -> None:
        self._face.show_scan(scan)
        self._face.show_choice("")
        try:
            series = choose(scan)
        except UsageError:
            patients = len({each.patient.key for each in scan.series})
            words = _("There are {count} series: choose one.").format(count=len(scan.series))
            if patients > 1:
                words = _("There are {count} patients: choose a series.").format(count=patients)
            self._face.show_choice(words)
        except InputRefused as error:
            uneven = [series for series in scan.series if can_be_resampled(series)]
            if len(uneven) == 1:
                self.open_series(uneven[0])
                return
            remedy = _("The list of series tells what is wrong with each; open another folder.")
            self._face.show_problem(InputRefused(error.what, error.why, remedy))
        else:
            self.open_series(series)

    def _load(self, series: Series, coarser: int = 1) -> None:
        self._face.show_choice("")
        self._job_bar.cancel_all()  # what is being made of the present series would be dropped

        def failed(error: ArviewerError) -> None:
            self._end_preview(back=True)
            if isinstance(error, TooLarge) and coarser == 1 and (step := fitting_step(series)) > 1:
                fits = _("One voxel in {step} along each axis fits; details are lost.").format(step=step)
                go_on = lambda: self._load(series, step)  # noqa: E731
                self._face.offer(error.what, f"{error.why} {fits}", _("Open Coarser"), go_on)
            else:
                self._failed(error)

        self._job_bar.start(
            _("Opening"), LOAD, series,
            done=lambda volume: self._show(of_series(volume, series)), failed=failed,
            on_preview=lambda volume: self._preview(of_series(volume, series)), parameters={"coarser": coarser},
        )  # fmt: skip

    def _preview(self, volume: Volume) -> None:
        """Show the first slices; the person may look round while the others come."""
        self._before_preview = self._view_state.cursor_lps, self._view_state.window
        self._view_state.look_at(volume)
        self._face.show_preview(volume)

    def _end_preview(self, *, back: bool) -> None:
        """Take the preview away; go `back` to where the person looked before, when nothing comes of it."""
        before, self._before_preview = self._before_preview, None
        if before is None:
            return
        self._face.show_preview(None)
        if back:
            self._view_state.move_cursor(before[0])
            self._view_state.set_window(*before[1])

    def _show(self, volume: Volume) -> None:
        previewed = self._before_preview is not None
        self._end_preview(back=False)
        if not previewed:
            self._view_state.look_at(volume)
        self._document.open(Scene(volume))
        after, self._after = self._after, None
        if after is not None:
            after(volume)

    def _failed(self, error: ArviewerError) -> None:
        self._after = None
        if not isinstance(error, Cancelled):
            self._face.show_problem(error)


def of_series(volume: Volume, series: Series) -> Volume:
    """Return a volume with the very series it was asked for: what comes from a worker bears a copy of it."""
    return replace(volume, series=series)


def _joined(scans: Sequence[Scan]) -> Scan:
    return Scan(
        tuple(series for scan in scans for series in scan.series),
        tuple(skipped for scan in scans for skipped in scan.skipped),
        tuple(finding for scan in scans for finding in scan.findings),
        tuple(attachment for scan in scans for attachment in scan.attachments),
    )
