"""The tool at work: from what a hand does in the views to what it means for the current structure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PyQt6.QtCore import QObject, QTimer

from arviewer.errors import ArviewerError, NothingFound, UsageError
from arviewer.imaging.tools import TARGET, Need, apply
from arviewer.model.geometry import Float, Plane
from arviewer.model.intent import Hand, Lasso, Slab
from arviewer.model.masks import AnyMask, BrickMask
from arviewer.model.scene import Item, Look, Scene
from arviewer.model.segmentation import MaskEdit
from arviewer.render.coarse import between
from arviewer.session.document import Document
from arviewer.session.remaking import Remaking
from arviewer.ui.panels.recipe_form import title_of
from arviewer.ui.panels.tools import ToolsPanel, Wish
from arviewer.ui.tool_work import NOTHING, ToolWork
from arviewer.ui.viewports.grid import ViewGrid
from arviewer.ui.viewports.hands import BrushHand, ClickHand, LassoHand, ViewHand
from arviewer.ui.viewports.slice_frame import step_mm
from arviewer.ui.viewports.slice_layers import BAND_COLOR, Shade
from arviewer.ui.widgets.job_bar import JobBar
from arviewer.words import _

SIZE_STEP = 1.15
"""How much larger one step makes the brush."""
SKETCH_MS = 120
"""After the last change of a threshold, until it is sketched in 3D."""
SKETCH_LOOK = Look(BAND_COLOR)
NEW_COLOR = (0.2, 0.9, 0.45)
"""Of a structure that is being painted and has no look yet."""
OPPOSITE = {"paint": "erase", "erase": "paint"}


@dataclass(slots=True)
class _Stroke:
    """A stroke of the brush that is being drawn: seen in the views, and not yet an edit.

    `name` and `of` are the structure and its mask; "" and None of a new one.
    """

    name: str
    tool: str
    values: dict[str, float]
    of: AnyMask | None
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
        self._remaking = remaking
        self._work = ToolWork(document, job_bar, show_failed, self._refresh)
        self._target = ""
        self._stroke: _Stroke | None = None
        self._bricks: tuple[AnyMask, BrickMask] | None = None
        self.hand: ViewHand | None = None
        self._brush = BrushHand(self._begin, self._add, self._end, self.resize_brush)
        self._sketching = QTimer(self)
        self._sketching.setSingleShot(True)
        self._sketching.setInterval(SKETCH_MS)
        self._sketching.timeout.connect(self._sketch)
        panel.tool_changed.connect(self._take_up)
        panel.changed.connect(self._show)
        panel.apply_wanted.connect(lambda: self._run(Hand()))
        panel.lay_wanted.connect(lambda: self._work.lay_onto_images(self._target))
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
        stroke = self._stroke
        if stroke is not None and stroke.of is not None:
            item = after.items.get(stroke.name)
            if item is None or item.segment.mask is not stroke.of:
                self.let_go()
        if after.volume is not before.volume:
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
        item = self._item()
        own_grid = item is not None and item.segment.geometry is not None
        self._panel.allow(self._why_not(), new=self._document.scene.volume is not None, lay=own_grid)
        self._panel.show_scene(self._document.scene, self._target)
        self._show()

    def _why_not(self) -> str:
        item = self._item()
        if self._document.scene.volume is None or item is None:
            return _("Choose a structure in the list, or find one: the tools work on it.")
        if item.segment.geometry is not None:
            return _("{name} lies on a grid of its own, as its file brought it. Lay it onto the grid of the images "
                     "to work on it.").format(name=title_of(item.name))  # fmt: skip
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
        if wish is None or self._work.running:
            return False
        tool = OPPOSITE.get(wish.tool.name, wish.tool.name) if opposite else wish.tool.name
        item, before = self._item(), self._before(wish)
        of = None if wish.makes_new or item is None else item.segment.mask
        self._stroke = _Stroke(self._target if of is not None else "", tool, wish.values, of, before, before)
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
            if stroke.of is not None:
                masks = {stroke.name: stroke.mask}
                self._work.apply(stroke.name, stroke.before, (masks, stroke.edit, (), ()), wish)
            elif stroke.mask.bricks:
                self._work.make_new(stroke.mask, stroke.edit)
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
        wish = self._panel.wish()
        if wish is not None:
            self._work.run(wish, self._target, hand)
