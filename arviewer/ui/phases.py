"""Going through the volumes of a 4D series: the place, the window and the structures stay, the voxels change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from arviewer.errors import ArviewerError
from arviewer.model.findings import FindingKind
from arviewer.model.scene import Scene
from arviewer.model.study import Series
from arviewer.model.volume import Volume
from arviewer.session.document import Document
from arviewer.session.jobs import Job
from arviewer.session.phases import KeptVolumes, volumes_beside
from arviewer.session.summary import phase_words
from arviewer.ui.opening import LOAD, of_series
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.ui.widgets.phase_bar import PhaseBar
from arviewer.words import _


class Phases:
    """Follows the document, and exchanges its volume when the person goes to another one of the series."""

    def __init__(
        self, document: Document, bar: PhaseBar, job_bar: JobBar, on_failed: Callable[[ArviewerError], None]
    ) -> None:
        self._document, self._bar, self._job_bar, self._on_failed = document, bar, job_bar, on_failed
        self._found: tuple[Series, ...] = ()
        self._kept = KeptVolumes()
        self._job: Job | None = None
        bar.wanted.connect(self._open)

    def show_scan(self, found: Sequence[Series]) -> None:
        """Remember what the folder holds."""
        self._found = tuple(found)
        self._kept.clear()

    def show_scene(self, before: Scene, after: Scene) -> None:
        """Follow the document."""
        if after.volume is before.volume:
            return
        volume = after.volume
        beside = () if volume is None or is_resampled(volume) else volumes_beside(volume.series, self._found)
        if volume is not None and len(beside) > 1:
            self._kept.keep(volume)
        else:
            self._kept.clear()
        self._bar.show_volumes(beside, None if volume is None else volume.series)

    def _open(self, series: Series) -> None:
        """Show a volume of the series; what was still being opened is not wanted any more."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        on_show = self._document.scene.volume
        if on_show is not None and on_show.series is series:
            return
        kept = self._kept.find(series)
        if kept is not None:
            self._document.exchange_volume(kept)
            return

        def failed(error: ArviewerError) -> None:
            if self._job is job:
                self._failed()
            self._on_failed(error)

        job = self._job = self._job_bar.start(
            phase_words(series.phase) or _("Opening"), LOAD, series,
            done=lambda volume: self._show(of_series(volume, series)), failed=failed,
            parameters={"coarser": self._step()},
        )  # fmt: skip

    def _show(self, volume: Volume) -> None:
        self._job = None
        self._document.exchange_volume(volume)

    def _failed(self) -> None:
        """Go back to the volume that is on show."""
        self._job = None
        volume = self._document.scene.volume
        if volume is not None:
            self._bar.show_volumes(volumes_beside(volume.series, self._found), volume.series)

    def _step(self) -> int:
        """Return how coarse the volume on show was loaded: the others must fit its grid."""
        volume = self._document.scene.volume
        return 1 if volume is None else step_of(volume)


def is_resampled(volume: Volume) -> bool:
    """Whether a volume lies on a grid of its own: the others of its series, as they are, do not fit it."""
    return any(finding.kind is FindingKind.RESAMPLED for finding in volume.findings)


def step_of(volume: Volume) -> int:
    """Return of which n-th voxels a volume consists; 1 for all."""
    steps = (finding.details["step"] for finding in volume.findings if finding.kind is FindingKind.COARSER)
    return int(next(steps, 1))
