"""From a recipe to a structure on stage: one job, one edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arviewer.errors import ArviewerError
from arviewer.model.geometry import Float, standard_plane
from arviewer.model.scene import Item
from arviewer.model.segmentation import Segment
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.render.coarse import light
from arviewer.render.outlines import outline
from arviewer.render.picture import default_look
from arviewer.render.props.surface import mesh_of
from arviewer.render.shapes import bounds_of
from arviewer.session.document import Document
from arviewer.session.edits import AddStructures
from arviewer.session.phases import belongs_to
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.widgets.job_bar import JobBar

BUILD = "arviewer.imaging.structure:build"


def make_ready(surface: Surface, volume: Volume) -> None:
    """Make what the views need of a surface, so that the window need not wait for it; from any thread."""
    mesh_of(surface)
    bounds_of(surface)
    mesh_of(light(surface))
    outline(surface, standard_plane("axial", volume.geometry.center_lps, volume.geometry.frame_of_reference_uid))


class Building:
    """Builds structures of the volume on show."""

    def __init__(self, document: Document, job_bar: JobBar, show_failed: Callable[[ArviewerError], None]) -> None:
        self._document = document
        self._job_bar = job_bar
        self._show_failed = show_failed

    def start(self, recipe: str, parameters: Mapping[str, object], at_lps: Float | None = None) -> None:
        """Find a structure in the worker and put it on stage as one edit; a late result is dropped.

        Parameters
        ----------
        at_lps : ndarray, shape (3,), mm, optional
            Where the person clicked, for a recipe that begins there.
        """
        volume = self._document.scene.volume
        if volume is None:
            return

        def done(result: tuple[Segment, Surface]) -> None:
            if belongs_to(self._document.scene.volume, volume):
                segment, surface = result
                self._document.apply(AddStructures((Item(segment, surface, default_look(recipe)),)))

        def prepare(result: tuple[Segment, Surface]) -> None:
            make_ready(result[1], volume)

        self._job_bar.start(
            title_of(recipe),
            BUILD,
            volume,
            recipe,
            done=done,
            failed=self._show_failed,
            prepare=prepare,
            parameters={**parameters, **({} if at_lps is None else {"at_lps": at_lps.tolist()})},
        )
