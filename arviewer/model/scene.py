"""What is on stage: structures with their looks. An edit returns a new scene that shares what it did not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from arviewer.errors import UsageError
from arviewer.model.masks import AnyMask
from arviewer.model.segmentation import Segment
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume

Color = tuple[float, float, float]
"""Red, green, blue, each 0 to 1."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a structure is drawn: `opacity` 0 (unseen) to 1 (solid)."""

    color: Color = (0.9, 0.9, 0.9)
    opacity: float = 1.0
    visible: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One structure on stage: its voxels, its surface, its look.

    Attributes
    ----------
    of_mask : MaskBox or BrickMask, optional
        The very mask that the surface was made of; the segment's own unless said otherwise.
    """

    segment: Segment
    surface: Surface
    look: Look
    of_mask: AnyMask | None = None

    def __post_init__(self) -> None:
        if self.of_mask is None:
            object.__setattr__(self, "of_mask", self.segment.mask)

    @property
    def is_stale(self) -> bool:
        """Whether the voxels were changed since the surface was made."""
        return self.of_mask is not self.segment.mask

    @property
    def name(self) -> str:
        """The structure's name, unique in a scene."""
        return self.surface.name


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything a person sees and edits.

    Attributes
    ----------
    volume : Volume or None
        The images the structures lie in; all share its frame of reference.
    items : mapping of name to Item
        In the order they were added.
    """

    volume: Volume | None = None
    items: Mapping[str, Item] = field(default_factory=lambda: MappingProxyType({}))

    def with_item(self, item: Item) -> Scene:
        """Return a scene with `item` added, or in the place of the one of that name."""
        return replace(self, items=MappingProxyType({**self.items, item.name: item}))

    def without_item(self, name: str) -> Scene:
        """Return a scene without that item; raise `UsageError` when there is none."""
        self.item(name)
        return replace(self, items=MappingProxyType({k: v for k, v in self.items.items() if k != name}))

    def with_look(self, name: str, look: Look) -> Scene:
        """Return a scene in which one item looks different; its segment and surface are the same objects."""
        return self.with_item(replace(self.item(name), look=look))

    def item(self, name: str) -> Item:
        """Return an item by name; raise `UsageError` when there is none."""
        try:
            return self.items[name]
        except KeyError:
            raise UsageError(f"There is no structure {name!r} here.") from None
