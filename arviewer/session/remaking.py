"""Stale surfaces made anew beside the window, one after the other, without being asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from arviewer.errors import ArviewerError, Cancelled
from arviewer.model.masks import AnyMask
from arviewer.model.scene import Item, Scene
from arviewer.model.segmentation import Segment, Segmentation
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.session.document import Document
from arviewer.session.jobs import Job, Jobs

SURFACE = "arviewer.imaging.meshing:surface"


class Remaking:
    """Watches a document and makes the surfaces of changed structures.

    Parameters
    ----------
    jobs : Jobs
        Of its own: a tool that the person asks for does not wait for a surface.
    failed : callable
        Told why a surface could not be made; the structure stays stale.
    """

    def __init__(self, document: Document, jobs: Jobs, failed: Callable[[ArviewerError], None]) -> None:
        self._document = document
        self._jobs = jobs
        self._failed = failed
        self._held = False
        self._job: Job | None = None
        self._of: AnyMask | None = None
        self._hopeless: list[AnyMask] = []
        self._unwatch = document.watch(lambda _before, _after: self._look())

    @property
    def busy(self) -> bool:
        """Whether a surface is being made."""
        return self._job is not None

    def hold(self) -> None:
        """Wait: a brush is down, and every surface would be stale before it is made."""
        self._held = True

    def release(self) -> None:
        """Go on."""
        self._held = False
        self._look()

    def close(self) -> None:
        """Stop; the jobs are the caller's to close."""
        self._unwatch()
        if self._job is not None:
            self._job.cancel()

    def _look(self) -> None:
        """Stop a surface that nobody needs any more; begin one that is needed."""
        stale = {item.name: item for item in self._document.scene.items.values() if item.is_stale}
        if self._job is not None:
            if all(item.segment.mask is not self._of for item in stale.values()):
                self._job.cancel()
            return
        volume = self._document.scene.volume
        waiting = [item for item in stale.values() if not any(item.segment.mask is mask for mask in self._hopeless)]
        if waiting and volume is not None and not self._held:
            self._start(volume, waiting[0])

    def _start(self, volume: Volume, item: Item) -> None:
        name, mask = item.name, item.segment.mask

        def done(surface: Surface) -> None:
            self._job = None
            if self._document.scene.volume is volume:
                self._document.renew_surface(name, mask, surface)
            self._look()

        def failed(error: ArviewerError) -> None:
            self._job = None
            if not isinstance(error, Cancelled):
                self._hopeless.append(mask)
                self._failed(error)
            self._look()

        self._of = mask
        segmentation = Segmentation(volume, (fitting(item.segment, volume),))
        self._job = self._jobs.start(name, SURFACE, segmentation, name, done=done, failed=failed)


def fitting(segment: Segment, volume: Volume) -> Segment:
    """Return the segment for a surface in a volume: of other images than its own, the grey values say nothing."""
    is_own = segment.made_by.series_uids[:1] == (volume.series.uid,)
    return segment if is_own else replace(segment, threshold=None)


def stale_names(scene: Scene) -> tuple[str, ...]:
    """Return the structures whose surface is not yet that of their voxels."""
    return tuple(item.name for item in scene.items.values() if item.is_stale)
