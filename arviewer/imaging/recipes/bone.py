"""Bone in CT: a threshold, the marrow filled, contrast-filled vessels taken off, the table left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.recipes.body import body_blocks
from arviewer.imaging.recipes.coarse import Coarse, keep_within
from arviewer.imaging.recipes.contrast import MARROW_MM2, Contrast, branches, contrast_in, lumen
from arviewer.imaging.recipes.places import touching
from arviewer.imaging.recipes.recipe import Found
from arviewer.imaging.recipes.scan import face_areas_mm2, mask_box, voxels_in, within
from arviewer.imaging.runs import Mask
from arviewer.model.findings import Finding
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

CORE_BELOW_HU = 50.0
"""Contrast whose mean lies this far under the threshold still reaches over it with its noise."""

BONE_SHARE = 0.05
"""Least share of a piece's voxels that are brighter than any contrast, for the piece to be bone."""

BODY_SHARE = 0.2
"""Least share of a piece that lies within the body, for it to be no part of the table."""

MARROW_HU = 90.0
"""Bright marrow (spongy bone): a hole as bright as this at the border of the scan is filled."""

CORTEX_HU = 450.0
"""So is a hole with walls as bright as this, up to `SHAFT_MM2`: the fatty marrow of a long bone."""

SHAFT_MM2 = 1200.0
"""Area of the widest medullary canal; a skull is wider."""


def bone(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find bone; see the table for the parameters.

    A threshold that the caller names is taken as it is: what is as bright, in pieces large enough, with cavities
    filled. Otherwise the table is left out, contrast is taken off, and marrow at the border of the scan is filled.
    """
    return _bone(volume, values, given, progress, filled=True)


def cortical(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    """Find bone as `bone` does, with its cavities left open; see the table for the parameters."""
    return _bone(volume, values, given, progress, filled=False)


def _bone(
    volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress, filled: bool
) -> Found:
    low = values["low_hu"]
    plain = bool({"low_hu", "high_hu"} & given) and "separate_vessels" not in given
    separate = not plain and values["separate_vessels"] >= 0.5
    progress(0.0, _("Finding bone"))
    mask = within(volume, low, values["high_hu"])
    least = voxels_in(volume, values["min_island_ml"])
    findings: tuple[Finding, ...] = ()
    if not plain:
        drop_table(mask, body_blocks(volume, part(progress, 0.05, 0.2)))
    if separate:
        contrast = contrast_in(volume, low - CORE_BELOW_HU, progress=part(progress, 0.2, 0.35))
        if contrast is not None:
            vessel = _take_off_contrast(volume, mask, contrast, part(progress, 0.35, 0.6))
            findings = touching(volume, vessel, mask, "bone", "vessels")
    if filled:
        mask = _whole(volume, mask, least, not plain, part(progress, 0.6, 0.8))
        if not plain:
            _fill_open_marrow(volume, mask, part(progress, 0.8, 0.95))
    else:
        mask &= within(volume, low, values["high_hu"])  # taking off vessels had closed what they touched
        runs.remove_small_from(mask, least, part(progress, 0.6, 0.95))
    if not mask.any():
        raise NothingFound(
            _("No bone was found."),
            _("No piece of {:g} ml or more is brighter than {:g} HU.").format(values["min_island_ml"], low),
            _("Lower the threshold, or choose a series that shows bone."),
        )
    return Found(mask_box(mask), low, findings=findings, used={"separate_vessels": float(separate)})


def bone_beside(
    volume: Volume, low_hu: float, contrast: Contrast, within_body: tuple[Coarse, Mask], progress: Progress
) -> Mask:
    """Return the bone of a volume whose contrast and body are known, for vessels to be parted from."""
    mask = within(volume, low_hu)
    drop_table(mask, within_body)
    _take_off_contrast(volume, mask, contrast, part(progress, 0.0, 0.6))
    _whole(volume, mask, 1, True, part(progress, 0.6, 0.8))
    _fill_open_marrow(volume, mask, part(progress, 0.8, 1.0))
    return mask


def drop_table(mask: Mask, within_body: tuple[Coarse, Mask]) -> None:
    """Clear, in place, the pieces that lie outside the body.

    Whole pieces: the body is known in blocks only, which would shave a bone that no flesh covers.
    """
    blocks, body = within_body
    inside = mask.copy()
    keep_within(inside, body, blocks.factors)
    found = runs.runs_of(mask)
    count, labels = runs.label_runs(found)
    parts = runs.runs_of(inside)
    owner = np.searchsorted(found.starts, parts.starts, side="right") - 1
    voxels_inside = np.bincount(labels[owner], weights=parts.lengths, minlength=count)
    is_outside = voxels_inside < BODY_SHARE * runs.sizes(found, labels, count)
    runs.paint(mask, found.select(is_outside[labels]), value=False)


def _whole(volume: Volume, mask: Mask, least_voxels: int, seal: bool, progress: Progress) -> Mask:
    """Return the mask, changed in place, without dust and with its cavities filled."""
    found = runs.remove_small_from(mask, least_voxels, part(progress, 0.0, 0.5))
    if seal:
        _seal_ends(volume, mask)
        found = runs.runs_of(mask, part(progress, 0.5, 0.8))
    runs.paint(mask, runs.holes_between(found))
    progress(1.0)
    return mask


def _take_off_contrast(volume: Volume, mask: Mask, contrast: Contrast, progress: Progress) -> Mask:
    """Clear, in place, the voxels of contrast-filled lumen; return them."""
    vessel = lumen(volume, contrast, mask, part(progress, 0.0, 0.5))
    vessel |= branches(volume, contrast, mask, vessel, part(progress, 0.5, 0.8))
    holes = runs.holes_of(mask)  # while the vessel still closes the cortex that it touches
    mask &= ~vessel
    runs.paint(mask, holes)
    _drop_contrast_pieces(volume, mask, contrast, part(progress, 0.8, 1.0))
    return vessel


def _drop_contrast_pieces(volume: Volume, mask: Mask, contrast: Contrast, progress: Progress) -> None:
    """Clear, in place, pieces nowhere brighter than contrast: branches, and vessels too thin for a core."""
    found = runs.runs_of(mask, progress)
    count, labels = runs.label_runs(found)
    ceiling = float(contrast.ceiling_hu[1:].max())
    bright = runs.runs_of(mask & (volume.voxels > ceiling))
    owner = np.searchsorted(found.starts, bright.starts, side="right") - 1
    bright_voxels = np.bincount(labels[owner], weights=bright.lengths, minlength=count)
    is_contrast = bright_voxels < BONE_SHARE * runs.sizes(found, labels, count)
    runs.paint(mask, found.select(is_contrast[labels]), value=False)


def _seal_ends(volume: Volume, mask: Mask) -> None:
    """Fill, in place, marrow on the planes where the scan ends or a lost slice follows: it is open only there."""
    valid = np.concatenate(([False], volume.slice_valid, [False]))
    grey, pixel_mm2 = volume.voxels, face_areas_mm2(volume)
    for k in np.flatnonzero(volume.slice_valid & ~(valid[:-2] & valid[2:])):
        _fill_marrow(grey[k], mask[k], pixel_mm2[0])
    for end in (0, -1):
        _fill_marrow(grey[:, end], mask[:, end], pixel_mm2[1])
        _fill_marrow(grey[:, :, end], mask[:, :, end], pixel_mm2[2])


def _fill_open_marrow(volume: Volume, mask: Mask, progress: Progress) -> None:
    """Fill, in place, what bone encloses in a plane along the grid though not in space, when it is as bright as marrow.

    A cortex has gaps where it is thinner than a voxel. The spinal canal is darker.
    """
    for axis, face_mm2 in enumerate(face_areas_mm2(volume)):
        progress(axis / 3)
        turned = np.ascontiguousarray(np.moveaxis(mask, axis, 0))
        holes = runs.holes_of(turned, across=True)
        count, labels = runs.label_runs(holes, across=True)
        is_small = (runs.sizes(holes, labels, count) * face_mm2 <= MARROW_MM2)[labels]
        holes, labels = holes.select(is_small), labels[is_small]
        grey = np.moveaxis(volume.voxels, axis, 0)[runs.mask_of(holes)]
        of_voxel = np.repeat(labels, holes.lengths)
        is_bright = np.bincount(of_voxel, grey, count) >= MARROW_HU * np.bincount(of_voxel, minlength=count)
        runs.paint(turned, holes.select(is_bright[labels]))
        mask |= np.moveaxis(turned, 0, axis)
    runs.paint(mask, runs.holes_of(mask))  # what is left of a marrow that was filled round it
    mask[~volume.slice_valid] = False


def _fill_marrow(grey: npt.NDArray[Any], plane: Mask, pixel_mm2: float) -> None:
    """Fill, in place, the holes of a plane of the mask that are marrow."""
    labels, _count = ndimage.label(ndimage.binary_fill_holes(plane) & ~plane)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        wide = tuple(slice(max(0, s.start - 3), s.stop + 3) for s in box)
        hole = labels[wide] == number
        wall = ndimage.binary_dilation(hole, iterations=3) & plane[wide]
        is_shaft = hole.sum() * pixel_mm2 <= SHAFT_MM2 and grey[wide][wall].mean() >= CORTEX_HU
        if grey[wide][hole].mean() >= MARROW_HU or is_shaft:
            plane[wide] |= hole
