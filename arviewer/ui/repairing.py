"""The tool at work: from what a hand does in the views to one edit of the document."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from PyQt6.QtCore import QObject, QTimer

from arviewer.errors import ArviewerError, Cancelled, NothingFound, UsageError
from arviewer.imaging.tools import TARGET, TOOLS, Need, apply
from arviewer.imaging.tools.overlap import Overlap, resolve
from arviewer.model.geometry import Float, Plane
from arviewer.model.intent import Hand, Lasso, Slab
from arviewer.model.masks import AnyMask, BrickMask, sharing
from arviewer.model.scene import Item, Look, Scene
from arviewer.model.segmentation import CodedTerm, MaskEdit, Provenance, Segment, Segmentation
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.render.coarse import between
from arviewer.render.picture import default_look
from arviewer.session.document import Document
from arviewer.session.edits import AddStructures
from arviewer.session.phases import belongs_to
from arviewer.session.remaking import SURFACE, Remaking
from arviewer.session.repairs import Repaired, edit_of
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.panels.tools import ToolsPanel, Wish
from arviewer.ui.viewports.grid import ViewGrid
from arviewer.ui.viewports.hands import BrushHand, ClickHand, LassoHand, ViewHand
from arviewer.ui.viewports.slice_frame import step_mm
from arviewer.ui.viewports.slice_layers import BAND_COLOR, Shade
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.version import __version__
from arviewer.words import _

REPAIR = "arviewer.session.repairs:repair"
SIZE_STEP = 1.15
"""How much larger one step makes the brush."""
SKETCH_MS = 120
"""After the last change of a threshold, until it is sketched in 3D."""
SKETCH_LOOK = Look(BAND_COLOR)
NEW_COLOR = (0.2, 0.9, 0.45)
"""Of a structure that is being painted and has no look yet."""
NOTHING = BrickMask(MappingProxyType({}))
TERM = CodedTerm("91723000", "SCT", "Anatomical structure")
"""Of a structure of which no recipe says what it is."""
OPPOSITE = {"paint": "erase", "erase": "paint"}


@dataclass(slots=True)
class _Stroke:
    """A stroke of the brush that is being drawn: seen in the views, and not yet an edit."""

    name: str
    tool: str
    values: dict[str, float]
    before: BrickMask
    mask: BrickMask
    edit: MaskEdit | None = None


class Repairing(QObject):
    """Lets the tools work on the current structure.

    Attributes
    ----------
    hand : ViewHand or None
        What has the left button of the views.
    """

    def __init__(  # noqa: PLR0913  (what it brings together)
        self,
        document: Document,
        panel: ToolsPanel,
        grid: ViewGrid,
        job_bar: JobBar,
        remaking: Remaking,
        show_failed: Callable[[ArviewerError], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._document, self._panel, self._grid, self._job_bar = document, panel, grid, job_bar
        self._remaking, self._show_failed = remaking, show_failed
        self._target = ""
        self._stroke: _Stroke | None = None
        self._bricks: tuple[AnyMask, BrickMask] | None = None
        self._running = False
        self.hand: ViewHand | None = None
        self._brush = BrushHand(self._begin, self._add, self._end, self.resize_brush)
        self._sketching = QTimer(self)
        self._sketching.setSingleShot(True)
        self._sketching.setInterval(SKETCH_MS)
        self._sketching.timeout.connect(self._sketch)
        panel.tool_changed.connect(self._take_up)
        panel.changed.connect(self._show)
        panel.apply_wanted.connect(lambda: self._run(Hand()))
        self._refresh()

    # What it works on

    def show_target(self, name: str) -> None:
        """Work on another structure; "" for none."""
        if name != self._target:
            self.let_go()
            self._target = name
        self._refresh()

    def show_scene(self, before: Scene, after: Scene) -> None:
        """Follow the document; a stroke on a structure that has changed meanwhile is taken back."""
        if after.volume is not before.volume or (self._stroke is not None and self._item() is None):
            self.let_go()
        self._refresh()

    @property
    def at_work(self) -> bool:
        """Whether a tool is at work."""
        return self._panel.tool is not None

    @property
    def has_brush(self) -> bool:
        """Whether it is one that draws."""
        return self._panel.tool is not None and Need.STROKE in self._panel.tool.needs

    def let_go(self) -> bool:
        """Take back what the button began; return whether there was something."""
        return self.hand is not None and self.hand.let_go()

    def put_down(self) -> None:
        """Put the tool down: the left button is the crosshair's again."""
        self.let_go()
        self._panel.choose("")

    def resize_brush(self, steps: int) -> None:
        """Make the brush larger by steps, or smaller."""
        self._panel.step("radius_mm", SIZE_STEP**steps)

    def close(self) -> None:
        """Let the views go."""
        self._sketching.stop()

    def _item(self) -> Item | None:
        return self._document.scene.items.get(self._target)

    def _refresh(self) -> None:
        self._panel.allow(self._why_not(), new=self._document.scene.volume is not None)
        self._panel.show_scene(self._document.scene, self._target)
        self._show()

    def _why_not(self) -> str:
        item = self._item()
        if self._document.scene.volume is None or item is None:
            return _("Choose a structure in the list, or find one: the tools work on it.")
        if item.segment.geometry is not None:
            return _("{name} lies on a grid of its own, as its file brought it; the tools work on the grid of the "
                     "images.").format(name=item.name)  # fmt: skip
        return ""

    # What is seen

    def _take_up(self) -> None:
        self.let_go()
        needs = self._panel.tool.needs if self._panel.tool is not None else Need.NOTHING
        if Need.STROKE in needs:
            self.hand = self._brush
        elif Need.LASSO in needs:
            self.hand = LassoHand(self._cut)
        elif Need.CLICK in needs:
            self.hand = ClickHand(lambda point: self._run(Hand(point[None])))
        else:
            self.hand = None
        self._grid.hold(self.hand)
        self._show()

    def _show(self) -> None:
        """Show what the tool at work has to do with: the voxels under a brush, those in a range."""
        wish, item = self._panel.wish(), self._item()
        if wish is None:
            self._grid.show_shade(None)
            self._show_sketch(None)
            return
        color, name = (item.look.color, item.name) if item is not None and not wish.makes_new else (NEW_COLOR, "")
        if Need.STROKE in wish.tool.needs:
            self._brush.radius_mm = wish.values["radius_mm"]
            mask = self._stroke.mask if self._stroke is not None else self._before(wish)
            self._grid.show_shade(Shade(color, name, mask))
        else:
            self._grid.show_shade(None if wish.band is None else Shade(color, name, band=wish.band))
        self._show_sketch(wish.band)

    def _before(self, wish: Wish) -> BrickMask:
        """Return the voxels that the tool begins with: none for a new structure."""
        item = self._item()
        return NOTHING if wish.makes_new or item is None else self._in_bricks(item.segment.mask)

    def _show_sketch(self, band: tuple[float, float] | None) -> None:
        if band is None:
            self._sketching.stop()
            self._grid.view_3d.show_sketch(None)
        else:
            self._sketching.start()

    def _sketch(self) -> None:
        wish, volume = self._panel.wish(), self._document.scene.volume
        if wish is not None and wish.band is not None and volume is not None:
            instead_of = "" if wish.makes_new else self._target
            self._grid.view_3d.show_sketch(between(volume, *wish.band), SKETCH_LOOK, instead_of)

    def _in_bricks(self, mask: AnyMask) -> BrickMask:
        if self._bricks is None or self._bricks[0] is not mask:
            self._bricks = mask, BrickMask.of(mask)
        return self._bricks[1]

    # The brush

    def _begin(self, opposite: bool) -> bool:
        wish = self._panel.wish()
        if wish is None or self._running:
            return False
        tool = OPPOSITE.get(wish.tool.name, wish.tool.name) if opposite else wish.tool.name
        before = self._before(wish)
        self._stroke = _Stroke("" if wish.makes_new else self._target, tool, wish.values, before, before)
        self._remaking.hold()
        return True

    def _add(self, way_lps: Float, normal_lps: Float) -> None:
        stroke, wish, volume = self._stroke, self._panel.wish(), self._document.scene.volume
        if stroke is None or wish is None or volume is None:
            return
        hand = Hand(way_lps, None if wish.ball else normal_lps)
        try:
            applied = apply(volume, stroke.mask, stroke.tool, stroke.values, hand)
        except (UsageError, NothingFound):
            return  # beyond the images, or the last voxel: the stroke goes on
        stroke.mask, stroke.edit = BrickMask.of(applied.masks[TARGET]), applied.edit
        self._show()

    def _end(self, kept: bool) -> None:
        stroke, self._stroke = self._stroke, None
        wish = self._panel.wish()
        if kept and stroke is not None and stroke.edit is not None and wish is not None:
            if stroke.name:
                masks = {stroke.name: stroke.mask}
                self._apply(stroke.name, stroke.before, (masks, stroke.edit, (), ()), wish)
            else:
                self._make_new(stroke.mask, stroke.edit)
        self._remaking.release()
        self._show()

    # The other tools

    def _cut(self, lasso: Lasso, plane: Plane | None) -> None:
        wish, volume = self._panel.wish(), self._document.scene.volume
        if wish is None or volume is None:
            return
        if plane is not None and not wish.through_all:
            half_mm = step_mm(volume.geometry, plane.normal_lps) / 2
            lasso = replace(lasso, slab=Slab(np.array(plane.origin_lps), np.array(plane.normal_lps), half_mm))
        self._run(Hand(lasso=lasso))

    def _run(self, hand: Hand) -> None:
        """Let the worker do what the tool at work does."""
        wish, item, volume = self._panel.wish(), self._item(), self._document.scene.volume
        if wish is None or volume is None or self._running:
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
                self._apply(segment.name, segment.mask, repaired, wish)

        title = f"{wish.tool.title}: {title_of(segment.name)}"
        self._job(title, done, REPAIR, volume, segment, wish.tool.name, wish.values, hand)

    def _run_new(self, wish: Wish, volume: Volume, hand: Hand) -> None:
        """Let the worker make a new structure with the tool at work."""
        segment = new_segment(self._document.scene, volume, NOTHING, MaskEdit(wish.tool.name))

        def done(repaired: Repaired) -> None:
            masks, edit, _findings, _created = repaired
            self._make_new(masks[segment.name], edit)

        self._job(wish.tool.title, done, REPAIR, volume, segment, wish.tool.name, wish.values, hand)

    def _make_new(self, mask: AnyMask, edit: MaskEdit) -> None:
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

    def _job(self, title: str, then: Callable[[Any], None], function: str, *args: object) -> None:
        """Do something in the worker; meanwhile no tool does anything."""

        def done(result: object) -> None:
            self._running = False
            then(result)
            self._refresh()

        def failed(error: ArviewerError) -> None:
            self._running = False
            if not isinstance(error, Cancelled):
                self._show_failed(error)

        self._running = True
        self._job_bar.start(title, function, *args, done=done, failed=failed)

    def _apply(self, name: str, before: AnyMask, repaired: Repaired, wish: Wish) -> None:
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
    name = next(name for n in itertools.count(1) if (name := _("structure {n}").format(n=n)) not in scene.items)
    made_by = Provenance(edit.tool, edit.parameters, __version__, (volume.series.uid,), volume.series.instances)
    return Segment(name, TERM, mask, made_by)


def _same(before: AnyMask, after: AnyMask) -> bool:
    """Return whether two masks have the same voxels; they share the bricks that did not change."""
    old, new = BrickMask.of(before), BrickMask.of(after)
    return len(old.bricks) == len(new.bricks) and all(
        np.array_equal(brick, old.bricks.get(place, ())) for place, brick in new.bricks.items()
    )
