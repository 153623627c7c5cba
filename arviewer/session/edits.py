"""Every way a person can change the scene, each a value: a kind and typed parameters.

The same edits come from the window, the command line and a headset. The words for the undo menu are made from
the kind by ``arviewer.words.edits``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
class AddStructures:
    """Put structures on stage: one that a recipe found, or all that a file brings.

    One of the same origin (the recipe, or the place in the file) is renewed and keeps its look. One whose name a
    structure of another origin has is called "NAME (2)", so that nothing on stage is lost.
    """

    kind: ClassVar[str] = "add-structures"
    items: tuple[Item, ...]
    gesture: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """How many there are; of one alone, its name."""
        if len(self.items) == 1:
            return {"name": self.items[0].name, "aspect": "one"}
        return {"count": str(len(self.items)), "aspect": "many"}

    def apply(self, scene: Scene) -> Scene:
        """Return the scene with all of them."""
        for item in self.items:
            named = _named(item, _free_name(item, scene))
            before = scene.items.get(named.name)
            scene = scene.with_item(named if before is None else replace(named, look=before.look))
        return scene


def _free_name(item: Item, scene: Scene) -> str:
    """Return the name of the structure, or the first with a number behind it that no other one has."""
    name, count = item.name, 1
    while name in scene.items and _origin(scene.items[name]) != _origin(item):
        count += 1
        name = f"{item.name} ({count})"
    return name


def _origin(item: Item) -> tuple[object, ...]:
    made_by = item.segment.made_by
    keys = ("source_sha256", "segment_number", "layer")
    return (made_by.recipe, *(made_by.parameters.get(key) for key in keys))


def _named(item: Item, name: str) -> Item:
    if name == item.name:
        return item
    return Item(replace(item.segment, name=name), replace(item.surface, name=name), item.look)


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
