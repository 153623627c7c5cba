"""What a tool does in the worker, and the one edit that comes of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from arviewer.errors import ArviewerError, Cancelled, UsageError
from arviewer.imaging.tools import TOOLS, Need, Overlap, resolve
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, BrickMask, MaskBox, sharing
from arviewer.model.scene import Item, Scene
from arviewer.model.segmentation import CodedTerm, MaskEdit, Provenance, Segment, Segmentation
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.render.picture import default_look
from arviewer.session.document import Document
from arviewer.session.edits import AddStructures
from arviewer.session.mask_edits import LayOntoImages
from arviewer.session.phases import belongs_to
from arviewer.session.remaking import SURFACE
from arviewer.session.repairs import Repaired, edit_of, threshold_of
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.panels.tools import Wish
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.version import __version__
from arviewer.words import _

REPAIR = "arviewer.session.repairs:repair"
LAY = "arviewer.session.repairs:lay_onto_images"
NOTHING = BrickMask(MappingProxyType({}))
"""The voxels that a new structure begins with."""
TERM = CodedTerm("91723000", "SCT", "Anatomical structure")
"""Of a structure of which no recipe says what it is."""


class ToolWork:
    """Runs one tool at a time.

    Parameters
    ----------
    ended : callable
        Called when a tool has done its work, or failed.

    Attributes
    ----------
    running : bool
    """

    def __init__(
        self,
        document: Document,
        job_bar: JobBar,
        show_failed: Callable[[ArviewerError], None],
        ended: Callable[[], None],
    ) -> None:
        self._document, self._job_bar, self._show_failed, self._ended = document, job_bar, show_failed, ended
        self.running = False

    def run(self, wish: Wish, target: str, hand: Hand) -> None:
        """Let the worker do what a tool does to a structure; a late result is dropped."""
        item, volume = self._document.scene.items.get(target), self._document.scene.volume
        if volume is None or self.running:
            return
        if wish.makes_new or item is None:
            self._run_new(wish, volume, hand)
            return
        if Need.OTHERS in wish.tool.needs and wish.other:
            hand = replace(hand, others={wish.other: self._document.scene.item(wish.other).segment.mask})
        segment = item.segment

        def done(repaired: Repaired) -> None:
            now = self._document.scene.items.get(segment.name)
            if belongs_to(self._document.scene.volume, volume) and now is not None and now.segment.mask is segment.mask:
                self.apply(segment.name, segment.mask, repaired, wish)

        title = f"{wish.tool.title}: {title_of(segment.name)}"
        self._job(title, done, REPAIR, volume, segment, wish.tool.name, wish.values, hand)

    def _run_new(self, wish: Wish, volume: Volume, hand: Hand) -> None:
        """Let the worker make a new structure with the tool at work."""
        segment = new_segment(self._document.scene, volume, NOTHING, MaskEdit(wish.tool.name))

        def done(repaired: Repaired) -> None:
            masks, edit, _findings, _created = repaired
            self.make_new(masks[segment.name], edit)

        self._job(wish.tool.title, done, REPAIR, volume, segment, wish.tool.name, wish.values, hand)

    def make_new(self, mask: AnyMask, edit: MaskEdit) -> None:
        """Put a new structure on stage when the worker has made its surface."""
        volume = self._document.scene.volume
        if volume is None:
            return
        segment = new_segment(self._document.scene, volume, mask, edit)

        def done(made: Surface) -> None:
            if belongs_to(self._document.scene.volume, volume):
                look = default_look(segment.name, len(self._document.scene.items))
                self._document.apply(AddStructures((Item(segment, made, look),)))

        self._job(_("Surface of {name}").format(name=segment.name), done, SURFACE,
                  Segmentation(volume, (segment,)), segment.name)  # fmt: skip

    def lay_onto_images(self, name: str) -> None:
        """Give a structure the grid of the images, so that tools can work on it."""
        item, volume = self._document.scene.items.get(name), self._document.scene.volume
        if item is None or volume is None or self.running:
            return
        segment = item.segment

        def done(laid: tuple[MaskBox, MaskEdit]) -> None:
            now = self._document.scene.items.get(name)
            if now is not None and now.segment.mask is segment.mask:
                self._document.apply(LayOntoImages(name, *laid))

        self._job(_("Lay onto the images: {name}").format(name=name), done, LAY, volume, segment)

    def _job(self, title: str, then: Callable[[Any], None], function: str, *args: object) -> None:
        """Do something in the worker; meanwhile no tool does anything."""

        def done(result: object) -> None:
            self.running = False
            then(result)
            self._ended()

        def failed(error: ArviewerError) -> None:
            self.running = False
            if not isinstance(error, Cancelled):
                self._show_failed(error)

        self.running = True
        self._job_bar.start(title, function, *args, done=done, failed=failed)

    def apply(self, name: str, before: AnyMask, repaired: Repaired, wish: Wish) -> None:
        """Make one edit of what a tool made, and of what it means for the other structures."""
        masks, edit, findings, created = repaired
        scene = self._document.scene
        if wish.overlap is not Overlap.ALLOW and Need.OTHERS not in TOOLS[edit.tool].needs and name in masks:
            others = {other: item.segment.mask for other, item in scene.items.items()
                      if other != name and item.segment.geometry is None}  # fmt: skip
            settled = resolve(before, sharing(before, masks[name]), others, wish.overlap)
            masks = {**masks, **{own or name: mask for own, mask in settled.items()}}
        try:
            made = edit_of(scene, name, (masks, edit, findings, created))
            if not created and all(_same(scene.item(own).segment.mask, mask) for own, mask in made.masks.items()):
                raise UsageError(
                    _("{title} changes nothing here.").format(title=TOOLS[edit.tool].title),
                    "",
                    _("Choose larger values, or show it another place."),
                )
            self._document.apply(made)
        except ArviewerError as error:
            self._show_failed(error)


def new_segment(scene: Scene, volume: Volume, mask: AnyMask, edit: MaskEdit) -> Segment:
    """Return a new structure, made by a tool, under a name that is free."""
    name = next(name for n in itertools.count(1) if (name := _("Structure {n}").format(n=n)) not in scene.items)
    made_by = Provenance(edit.tool, edit.parameters, __version__, (volume.series.uid,), volume.series.instances)
    return Segment(name, TERM, mask, made_by, threshold=threshold_of(edit))


def _same(before: AnyMask, after: AnyMask) -> bool:
    """Return whether two masks have the same voxels; they share the bricks that did not change."""
    old, new = BrickMask.of(before), BrickMask.of(after)
    return len(old.bricks) == len(new.bricks) and all(
        np.array_equal(brick, old.bricks.get(place, ())) for place, brick in new.bricks.items()
    )
