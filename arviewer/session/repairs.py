"""A tool at work on a structure of the scene: what the worker runs, and the edit that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from arviewer.imaging.meshing import surface
from arviewer.imaging.regrid import on_grid_of
from arviewer.imaging.tools import TARGET, TOOLS, apply
from arviewer.imaging.tools.tool import LOWEST
from arviewer.model.findings import Finding
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, MaskBox, sharing
from arviewer.model.scene import Item, Scene
from arviewer.model.segmentation import MaskEdit, ParameterValue, Segment, Segmentation
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.session.mask_edits import EditMasks, require_editable
from arviewer.version import __version__
from arviewer.workers.progress import Progress, part, silent

Repaired = tuple[Mapping[str, AnyMask], MaskEdit, tuple[Finding, ...], Sequence[tuple[Segment, Surface]]]
"""The masks that changed, by the name of their structure; the record; what was unsure; the structures that are new."""


def repair(
    volume: Volume,
    segment: Segment,
    tool: str,
    parameters: Mapping[str, ParameterValue],
    hand: Hand,
    progress: Progress = silent,
) -> Repaired:
    """Run a tool on a structure; the surfaces of new structures are made at once.

    Raises
    ------
    UsageError, NothingFound
        As of `arviewer.imaging.tools.apply`; for a structure on a grid of its own.
    """
    require_editable(segment)
    applied = apply(volume, segment.mask, tool, parameters, hand, part(progress, 0.0, 0.6))
    masks = {name or segment.name: mask for name, mask in applied.masks.items() if name in (TARGET, *hand.others)}
    new = {name: mask for name, mask in applied.masks.items() if name not in (TARGET, *hand.others)}
    created = []
    for n, (name, mask) in enumerate(new.items()):
        share = part(progress, 0.6 + 0.4 * n / len(new), 0.6 + 0.4 * (n + 1) / len(new))
        part_of_it = replace(segment.edited(mask, applied.edit), name=f"{segment.name} {name}")
        created.append((part_of_it, surface(Segmentation(volume, (part_of_it,)), part_of_it.name, progress=share)))
    return masks, applied.edit, applied.findings_of(segment.name), created


def lay_onto_images(volume: Volume, segment: Segment, progress: Progress = silent) -> tuple[MaskBox, MaskEdit]:
    """Return a structure's voxels on the grid of the images, and the record with both volumes."""
    mask = on_grid_of(volume, segment, progress)
    assert segment.geometry is not None
    before = float(segment.mask.box().voxels.sum()) * segment.geometry.voxel_volume_mm3
    after = float(mask.voxels.sum()) * volume.geometry.voxel_volume_mm3
    record = {"volume_before_ml": before / 1000.0, "volume_after_ml": after / 1000.0}
    return mask, MaskEdit("lay-onto-images", record, __version__)


def edit_of(scene: Scene, name: str, repaired: Repaired, gesture: str = "") -> EditMasks:
    """Return what a tool made as an edit of the scene; bricks that did not change are shared with it."""
    masks, edit, findings, created = repaired
    look = scene.item(name).look
    return EditMasks(
        name,
        TOOLS[edit.tool].title,
        {own: sharing(scene.item(own).segment.mask, mask) for own, mask in masks.items()},
        edit,
        tuple(Item(segment, made, look) for segment, made in created),
        findings,
        threshold_of(edit),
        gesture,
    )


def threshold_of(edit: MaskEdit) -> float | None:
    """Return the value at which a structure now begins: that of the threshold tool, where it took the whole volume."""
    low = float(edit.parameters.get("low", LOWEST))
    whole = edit.tool == "threshold" and not edit.parameters.get("within")
    return low if whole and low > LOWEST else None
