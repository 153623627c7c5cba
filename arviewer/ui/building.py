"""From a recipe to a structure on stage: one job, one edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arviewer.errors import ArviewerError, Cancelled
from arviewer.imaging.recipes import RECIPES
from arviewer.model.scene import Item, Look
from arviewer.model.segmentation import Segment
from arviewer.model.surface import Surface
from arviewer.session.document import Document
from arviewer.session.edits import AddStructure
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.widgets.job_bar import JobBar

BUILD = "arviewer.imaging.structure:build"

OPACITIES = {"skin": 0.3, "lungs": 0.6}
"""At first, of structures that lie around others; the rest is solid."""


class Building:
    """Builds structures of the volume on show."""

    def __init__(self, document: Document, job_bar: JobBar, show_problem: Callable[[ArviewerError], None]) -> None:
        self._document = document
        self._job_bar = job_bar
        self._show_problem = show_problem

    def start(self, recipe: str, parameters: Mapping[str, object]) -> None:
        """Find a structure in the worker and put it on stage as one edit; a late result is dropped."""
        volume = self._document.scene.volume
        if volume is None:
            return

        def done(result: tuple[Segment, Surface]) -> None:
            if self._document.scene.volume is volume:
                segment, surface = result
                look = Look(RECIPES[recipe].color, OPACITIES.get(recipe, 1.0))
                self._document.apply(AddStructure(Item(segment, surface, look)))

        self._job_bar.start(
            title_of(recipe), BUILD, volume, recipe, done=done, failed=self._failed, parameters=dict(parameters)
        )

    def _failed(self, error: ArviewerError) -> None:
        if not isinstance(error, Cancelled):
            self._show_problem(error)
