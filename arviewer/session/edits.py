"""Every way a person can change the scene, each a value: a kind and typed parameters.

The same edits come from the window, the command line and a headset. The words for the undo menu are made from
the kind by ``arviewer.words.edits``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from arviewer.model.scene import Item, Look, Scene


class Edit(Protocol):
    """A change of the scene."""

    kind: ClassVar[str]

    @property
    def details(self) -> Mapping[str, str]:
        """What the sentence about this edit names."""

    @property
    def gesture(self) -> str:
        """Edits in a row with the same gesture (a slider being dragged) are one step of undo; "" for none."""

    def apply(self, scene: Scene) -> Scene:
        """Return the changed scene; the given one stays as it is."""


@dataclass(frozen=True, slots=True)
class AddStructure:
    """Put a structure on stage, or renew the one of that name."""

    kind: ClassVar[str] = "add-structure"
    item: Item
    gesture: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """The structure's name."""
        return {"name": self.item.name}

    def apply(self, scene: Scene) -> Scene:
        """Return the scene with the structure; a renewed one keeps its look."""
        if self.item.name not in scene.items:
            return scene.with_item(self.item)
        kept = scene.item(self.item.name).look
        return scene.with_item(Item(self.item.segment, self.item.surface, kept))


@dataclass(frozen=True, slots=True)
class RemoveStructure:
    """Take a structure off the stage."""

    kind: ClassVar[str] = "remove-structure"
    name: str
    gesture: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """The structure's name."""
        return {"name": self.name}

    def apply(self, scene: Scene) -> Scene:
        """Return the scene without the structure."""
        return scene.without_item(self.name)


@dataclass(frozen=True, slots=True)
class ChangeLook:
    """Show a structure in another color or opacity, or hide it.

    Attributes
    ----------
    aspect : {"color", "opacity", "visibility"}
        What a person would say has changed.
    """

    kind: ClassVar[str] = "change-look"
    name: str
    look: Look
    aspect: str
    gesture: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """The structure's name and what changed."""
        aspect = self.aspect
        if aspect == "visibility":
            aspect = "show" if self.look.visible else "hide"
        return {"name": self.name, "aspect": aspect}

    def apply(self, scene: Scene) -> Scene:
        """Return the scene with the look; no mesh changes."""
        return scene.with_look(self.name, self.look)
