"""Edits of a structure's voxels, and a person's word for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from arviewer.errors import UsageError
from arviewer.model.findings import Finding
from arviewer.model.masks import AnyMask
from arviewer.model.scene import Item, Scene
from arviewer.model.segmentation import Confirmation, MaskEdit, Segment
from arviewer.words import _


def require_editable(segment: Segment) -> None:
    """Raise `UsageError` for a structure whose voxels are not those of the images."""
    if segment.geometry is not None:
        raise UsageError(
            _("{name} cannot be changed as it is.").format(name=segment.name),
            _("The file brought it on a grid of its own, not on that of the images."),
            _("Copy it onto the grid of the images first."),
        )


@dataclass(frozen=True, slots=True, eq=False)
class EditMasks:
    """Change the voxels of structures: the one that was worked on and those it took voxels from, as one step.

    Each is proposed again, and remembers the edit; their surfaces stay until they are made anew. One that has no
    voxels left goes off the stage.

    Attributes
    ----------
    name : str
        The structure that was worked on.
    title : str
        What a person calls the tool.
    masks : mapping of name to mask
        Of every structure that changed.
    edit : MaskEdit
    threshold : float or None
        The value that now bounds from below the structure that was worked on; None when it keeps its own.
    created : tuple of Item
        New structures that the tool made.
    findings : tuple of Finding
        What it was unsure of in the structure that was worked on; they take the place of those of their kind.
    """

    kind: ClassVar[str] = "edit-masks"
    name: str
    title: str
    masks: Mapping[str, AnyMask]
    edit: MaskEdit
    created: tuple[Item, ...] = ()
    findings: tuple[Finding, ...] = ()
    threshold: float | None = None
    gesture: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """The structure's name and the tool."""
        return {"name": self.name, "title": self.title}

    def apply(self, scene: Scene) -> Scene:
        """Return the scene with the other masks."""
        for name, mask in self.masks.items():
            item = scene.item(name)
            require_editable(item.segment)
            if mask.nbytes == 0:
                scene = scene.without_item(name)
                continue
            segment = self._edited(item.segment, mask)
            surface = replace(item.surface, edits=segment.edits, confirmation=None)
            scene = scene.with_item(replace(item, segment=segment, surface=surface))
        for item in self.created:
            if item.name in scene.items:
                raise UsageError(_("There is a structure {name!r} already.").format(name=item.name))
            scene = scene.with_item(item)
        return scene

    def _edited(self, segment: Segment, mask: AnyMask) -> Segment:
        """Return the segment with the mask; the steps of one gesture (a brush being drawn) are one edit."""
        if segment.name == self.name and self.threshold is not None:
            segment = replace(segment, threshold=self.threshold, inside_is_above=True)
        if segment.name == self.name and self.findings:
            kinds = {finding.kind for finding in self.findings}
            others = tuple(finding for finding in segment.findings if finding.kind not in kinds)
            segment = replace(segment, findings=others + self.findings)
        if self.gesture and segment.edits and segment.edits[-1] == self.edit:
            return replace(segment, mask=mask, confirmation=None)
        return segment.edited(mask, self.edit)


@dataclass(frozen=True, slots=True)
class Confirm:
    """A named person stands behind a structure as it is now.

    Attributes
    ----------
    by : str
        Their name.
    at : str
        When: ISO 8601 with the offset from UTC.
    """

    kind: ClassVar[str] = "confirm"
    name: str
    by: str
    at: str
    gesture: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """The structure's name."""
        return {"name": self.name}

    def apply(self, scene: Scene) -> Scene:
        """Return the scene with the structure confirmed, voxel by voxel.

        Raises
        ------
        UsageError
            When nobody is named, or the surface does not show these voxels yet.
        """
        if not self.by.strip():
            raise UsageError(_("Who confirms it?"), _("A structure is confirmed by a named person."))
        item = scene.item(self.name)
        if item.is_stale:
            raise UsageError(
                _("{name} has been changed, and its surface not yet made anew.").format(name=self.name),
                _("What is confirmed must be what is shown."),
                _("Wait until the surface is up to date."),
            )
        confirmation = Confirmation(self.by.strip(), self.at, item.surface.mask_sha256 or item.segment.mask.sha256())
        segment = replace(item.segment, confirmation=confirmation)
        surface = replace(item.surface, confirmation=confirmation)
        return scene.with_item(replace(item, segment=segment, surface=surface))


@dataclass(frozen=True, slots=True, eq=False)
class LayOntoImages:
    """Give a structure that a file brought on a grid of its own the grid of the images, so that it can be changed.

    Attributes
    ----------
    mask : MaskBox or BrickMask
        Its voxels there.
    edit : MaskEdit
    """

    kind: ClassVar[str] = "lay-onto-images"
    name: str
    mask: AnyMask
    edit: MaskEdit
    gesture: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """The structure's name."""
        return {"name": self.name}

    def apply(self, scene: Scene) -> Scene:
        """Return the scene with the structure on the grid of the images; its surface is to be made anew."""
        item = scene.item(self.name)
        moved = replace(item.segment.edited(self.mask, self.edit), geometry=None, threshold=None)
        surface = replace(item.surface, edits=moved.edits, confirmation=None)
        return scene.with_item(replace(item, segment=moved, surface=surface))
