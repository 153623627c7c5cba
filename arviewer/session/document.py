"""The one door for every change, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from arviewer.model.geometry import require_same_space
from arviewer.model.masks import AnyMask, BrickMask
from arviewer.model.scene import Scene
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.session.edits import Edit
from arviewer.words import edits as words

Watcher = Callable[[Scene, Scene], None]
"""Called with the scene before and after; redraw what differs (by identity)."""

MAX_HISTORY_BYTES = 4 << 30
"""What undo may hold on to; the oldest steps are dropped beyond it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A point in history: the scene after an edit, and the edit in words."""

    scene: Scene
    words: str
    gesture: str = ""


class Document:
    """What a person works on: a scene and its history. Not for use from several threads.

    Since scenes share all that did not change, undo is stepping back and copies nothing.
    """

    def __init__(self, scene: Scene | None = None, max_history_bytes: int = MAX_HISTORY_BYTES) -> None:
        self._steps = [Step(scene or Scene(), "")]
        self._at = 0
        self._max_history_bytes = max_history_bytes
        self._watchers: list[Watcher] = []

    @property
    def scene(self) -> Scene:
        """The scene as it is now."""
        return self._steps[self._at].scene

    @property
    def undo_words(self) -> str:
        """What undo would take back; "" when there is nothing."""
        return self._steps[self._at].words if self._at > 0 else ""

    @property
    def redo_words(self) -> str:
        """What redo would do again; "" when there is nothing."""
        return self._steps[self._at + 1].words if self._at + 1 < len(self._steps) else ""

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` after every change; returns how to stop it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def open(self, scene: Scene) -> None:
        """Begin anew with a scene; its history is empty."""
        before = self.scene
        self._steps, self._at = [Step(scene, "")], 0
        self._tell(before)

    def apply(self, edit: Edit) -> None:
        """Change the scene; whatever was undone before is dropped.

        Raises
        ------
        ArviewerError
            Whatever the edit raises; then nothing has changed.
        """
        before = self.scene
        step = Step(edit.apply(before), words.sentence(edit.kind, edit.details), edit.gesture)
        del self._steps[self._at + 1 :]
        if edit.gesture and edit.gesture == self._steps[self._at].gesture:
            self._steps[self._at] = step
        else:
            self._steps.append(step)
        self._at = len(self._steps) - 1
        self._forget()
        self._tell(before)

    def exchange_volume(self, volume: Volume) -> None:
        """Show another volume on the same grid, such as the next time point; structures and history stay.

        Which of them is on show is a matter of view, so this is no step of undo.

        Raises
        ------
        GeometryError
            When it lies on another grid: then structures would not lie where they belong.
        """
        before = self.scene
        if before.volume is not None:
            require_same_space(before.volume.geometry.lps_from_ijk.from_space, volume.geometry.lps_from_ijk.from_space)
        self._steps = [replace(step, scene=replace(step.scene, volume=volume)) for step in self._steps]
        self._tell(before)

    def renew_surface(self, name: str, mask: AnyMask, surface: Surface) -> None:
        """Show a surface that was made of a mask, now and wherever history has that very mask.

        What it shows was decided by the edit, so this is no step of undo.
        """
        before = self.scene
        self._steps = [replace(step, scene=_renewed(step.scene, name, mask, surface)) for step in self._steps]
        if self.scene is not before:
            self._tell(before)

    def undo(self) -> None:
        """Step back; does nothing at the beginning."""
        self._go(self._at - 1)

    def redo(self) -> None:
        """Step forward; does nothing at the end."""
        self._go(self._at + 1)

    def _go(self, to: int) -> None:
        if 0 <= to < len(self._steps):
            before = self.scene
            self._at = to
            self._tell(before)

    def _tell(self, before: Scene) -> None:
        for watcher in tuple(self._watchers):
            watcher(before, self.scene)

    def _forget(self) -> None:
        while self._at > 1 and self._held_bytes() > self._max_history_bytes:
            del self._steps[0]
            self._at -= 1

    def _held_bytes(self) -> int:
        """Bytes of all meshes and masks that history holds, each counted once."""
        sizes: dict[int, int] = {}
        for step in self._steps:
            for item in step.scene.items.values():
                for array in (item.surface.points_lps, item.surface.triangles):
                    sizes[id(array)] = array.nbytes
                sizes |= _mask_bytes(item.segment.mask)
        return sum(sizes.values())


def _renewed(scene: Scene, name: str, mask: AnyMask, surface: Surface) -> Scene:
    item = scene.items.get(name)
    if item is None or item.segment.mask is not mask or not item.is_stale:
        return scene
    confirmed = replace(surface, edits=item.segment.edits, confirmation=item.segment.confirmation)
    return scene.with_item(replace(item, surface=confirmed, of_mask=mask))


def _mask_bytes(mask: AnyMask) -> dict[int, int]:
    """Return the bytes of each array a mask holds, by identity; bricks are shared between masks."""
    if isinstance(mask, BrickMask):
        return {id(brick): brick.nbytes for brick in mask.bricks.values()}
    return {id(mask.voxels): mask.voxels.nbytes}
