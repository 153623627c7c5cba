"""From a file beside the images to structures on stage: one job, one step of undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from arviewer.errors import ArviewerError
from arviewer.formats.structures import slim
from arviewer.model.scene import Item, Look
from arviewer.model.segmentation import Segment
from arviewer.model.study import Attachment, Series
from arviewer.model.surface import Surface
from arviewer.render.picture import default_look
from arviewer.session.document import Document
from arviewer.session.edits import AddStructures
from arviewer.session.phases import belongs_to
from arviewer.ui.building import make_ready
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.words import _

BUILD = "arviewer.formats.structures:build_all"


class Importing:
    """Brings the structures of segmentations, structure sets and label maps to the volume on show."""

    def __init__(self, document: Document, job_bar: JobBar, show_failed: Callable[[ArviewerError], None]) -> None:
        self._document = document
        self._job_bar = job_bar
        self._show_failed = show_failed

    def start(self, attachment: Attachment, at_hand: Sequence[Series]) -> None:
        """Read and mesh the structures in the worker, and put all of them on stage; a late result is dropped.

        Parameters
        ----------
        at_hand : sequence of Series
            Everything that was found: references to other images are dangling.
        """
        volume = self._document.scene.volume
        if volume is None:
            return

        def done(built: list[tuple[Segment, Surface]]) -> None:
            if belongs_to(self._document.scene.volume, volume):
                items = [
                    Item(segment, surface, _look(segment, number)) for number, (segment, surface) in enumerate(built)
                ]
                self._document.apply(AddStructures(tuple(items)))

        def prepare(built: list[tuple[Segment, Surface]]) -> None:
            for _segment, surface in built:
                make_ready(surface, volume)

        self._job_bar.start(
            _("Structures"),
            BUILD,
            attachment,
            slim(volume.series),
            done=done,
            failed=self._show_failed,
            prepare=prepare,
            parameters={"present": [one.sop_instance_uid for each in at_hand for one in each.instances]},
        )


def _look(segment: Segment, number: int) -> Look:
    return Look(segment.color) if segment.color is not None else default_look(segment.name, number)
