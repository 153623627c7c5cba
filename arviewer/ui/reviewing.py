"""From proposed to confirmed: the tools, the places to check, a person's word; clicks that recipes begin at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from arviewer.errors import ArviewerError, Cancelled
from arviewer.model.geometry import Float
from arviewer.model.scene import Item, Scene
from arviewer.model.segmentation import State
from arviewer.model.surface import Surface
from arviewer.session.jobs import Job, Jobs
from arviewer.session.mask_edits import Confirm
from arviewer.session.remaking import Remaking
from arviewer.ui import person
from arviewer.ui.aside import Aside
from arviewer.ui.building import make_ready
from arviewer.ui.dialogs.confirm import ConfirmDialog
from arviewer.ui.main_thread import MainThread
from arviewer.ui.repairing import Repairing
from arviewer.ui.viewports.hands import ClickHand

if TYPE_CHECKING:
    from arviewer.ui.main_window import MainWindow


class PreparedJobs(Jobs):
    """Jobs of which the results are made ready for the views on another thread before the window hears of them."""

    def __init__(self, prepare: Callable[[Any], None], parent: QObject) -> None:
        super().__init__(MainThread())
        self._prepare = prepare
        self._aside = Aside(parent)

    def start(self, title: str, function: str, *args: object, **how: Any) -> Job:
        """Queue a job; see `Jobs.start`."""
        done: Callable[[Any], None] = how.pop("done")

        def made(result: Any) -> None:
            self._aside.run(lambda: self._prepare(result), lambda error: finish(result, error))

        def finish(result: Any, error: ArviewerError | None) -> None:
            problem = Cancelled() if job.cancelled else error
            if problem is None:
                done(result)
            else:
                how["failed"](problem)

        job = super().start(title, function, *args, done=made, **how)
        return job

    def close(self) -> None:
        """Stop all, and wait for what is being made ready."""
        super().close()
        self._aside.close()


class Reviewing(QObject):
    """What happens to a structure after it was found.

    Attributes
    ----------
    tools : Repairing
    remaking : Remaking
        Makes the surfaces of changed structures anew, beside the window.

    Signals
    -------
    changed
        Other things can be done now.
    """

    changed = pyqtSignal()
    tools: Repairing
    remaking: Remaking

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._document, self._structures, self._grid = window.document, window.structures, window.grid
        self._view_state, self._building, self._window = window.view_state, window.building, window
        self._clicks = False
        self._jobs = PreparedJobs(self._prepare, self)
        self.remaking = Remaking(self._document, self._jobs, window.show_failed)
        self.tools = Repairing(
            self._document, self._structures.tools, self._grid, window.job_bar, self.remaking, window.show_failed, self
        )
        self._structures.selection_changed.connect(self._select)
        self._structures.confirm_wanted.connect(self.ask_confirm)
        self._structures.checks.place_wanted.connect(self._view_state.move_cursor)
        self._structures.checks.confirm_wanted.connect(lambda: self.ask_confirm(self._structures.selected))
        self._structures.tools.tool_changed.connect(self._end_clicks)
        self._structures.tools.tool_changed.connect(self.changed)
        self._structures.form.click_wanted.connect(self._await_click)
        self._structures.mode_changed.connect(self._end_clicks)

    def _prepare(self, surface: Surface) -> None:
        volume = self._document.scene.volume
        if volume is not None:
            make_ready(surface, volume)

    def close(self) -> None:
        """Stop what is made beside the window."""
        self.remaking.close()
        self._jobs.close()
        self.tools.close()

    def show_scene(self, before: Scene, after: Scene) -> None:
        """Follow the document."""
        if after.volume is not before.volume:
            self._end_clicks()
        self.tools.show_scene(before, after)
        self._structures.checks.show_item(self._item())

    def _select(self) -> None:
        self.tools.show_target(self._structures.selected)
        self._structures.checks.show_item(self._item())
        self.changed.emit()

    def _item(self) -> Item | None:
        return self._document.scene.items.get(self._structures.selected)

    # Tools and places

    @property
    def can_repair(self) -> bool:
        """Whether tools can work on the current structure."""
        item = self._item()
        return item is not None and item.segment.geometry is None

    @property
    def can_let_go(self) -> bool:
        """Whether a tool is at work, or a click is awaited."""
        return self.tools.at_work or self._clicks

    def take_up(self, tool: str) -> None:
        """Put a tool to work on the current structure; the one at work is put down."""
        panel = self._structures.tools
        self._structures.show_mode("repair")
        panel.choose("" if panel.tool is not None and panel.tool.name == tool else tool)

    def let_go(self) -> bool:
        """Put the tool down, or await no click any more; return whether there was something."""
        had = self.can_let_go
        self._end_clicks()
        self.tools.put_down()
        return had

    def step(self, by: int) -> None:
        """Look at the next place to check, or the one before."""
        self._structures.show_mode("check")
        self._structures.checks.step(by)

    # A person's word

    @property
    def can_confirm(self) -> bool:
        """Whether the current structure is proposed, and its surface shows its voxels."""
        item = self._item()
        return item is not None and not item.is_stale and item.segment.state is State.PROPOSED

    def ask_confirm(self, name: str) -> None:
        """Ask whether a structure is right; one that is confirmed already needs no second word."""
        item = self._document.scene.items.get(name)
        if item is None or item.is_stale or item.segment.state is State.CONFIRMED:
            return
        self._structures.select(name)
        segment = item.segment

        def confirm(by: str) -> None:
            person.remember_name(by)
            now = self._document.scene.items.get(name)
            if now is None or now.segment is not segment:
                return  # changed behind the dialog: it is not what the person saw
            try:
                self._document.apply(Confirm(name, by, person.now()))
            except ArviewerError as error:
                self._window.show_failed(error)

        ConfirmDialog(self._window, item, person.remembered_name(), confirm).open()

    # Recipes that begin at a click

    def _await_click(self, recipe: str, parameters: dict[str, object]) -> None:
        if not recipe:
            self._end_clicks()
            return

        def clicked(point_lps: Float) -> None:
            self._end_clicks()
            self._building.start(recipe, parameters, point_lps)

        self._clicks = True
        self._grid.hold(ClickHand(clicked))
        self.changed.emit()

    def _end_clicks(self) -> None:
        if self._clicks:
            self._clicks = False
            self._structures.form.await_click(False)
            self._grid.hold(self.tools.hand)
            self.changed.emit()
