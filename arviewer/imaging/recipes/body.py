"""The patient without the table: the ground that other recipes stand on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.morphology import convex_hull_image

from arviewer.imaging.recipes.coarse import AIR_HU, Coarse, coarse
from arviewer.imaging.runs import Mask
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, silent

EDGE_MM = 3.0
"""Edge of the blocks: fine enough to part a mattress from a back."""

TISSUE_HU = -300.0
"""Between fat (−100) and the foam of tables and mattresses (−800 to −950)."""

THIN_MM = 6.0
"""Half the thickness up to which a thing is no body: table shells, head holders, tubes."""

LIMB_SHARE = 0.01
"""Pieces smaller than this share of the largest (an arm has 4 %) are no part of the patient."""

BORDER_SHARE = 0.4
"""Least share of a hollow's border that is surely body, for the hollow to be a lung."""

HULL_SHARE = 0.97
"""Least share of a gap at the edge of the field of view that lies within the convex hull, to be inside the body."""

OPEN_AIR_HU = -960.0
"""A gap darker than this on average is air outside, such as between arm and chest."""

BODY_SHARE = 0.5
"""Least share of all that is dense for the thick part to be the patient: a dry skull is all thin."""


def body_blocks(volume: Volume, progress: Progress = silent) -> tuple[Coarse, Mask]:
    """Return the volume in blocks, and the blocks that are the patient, filled.

    What is thick and as dense as tissue, grown back over what it was thick with. Padding next to it counts as more of
    the same: a patient is wider than the field of view.
    """
    blocks = coarse(volume, EDGE_MM, progress)
    dense = blocks.mean > TISSUE_HU
    beyond = _beyond_view(volume, blocks)
    thick = blocks.shrunk(dense | beyond, THIN_MM) & dense
    labels, count = ndimage.label(thick)
    if count:
        size = np.bincount(labels.reshape(-1))
        size[0] = 0
        thick = (size >= LIMB_SHARE * size.max())[labels]
    body = dense & blocks.grown(thick, THIN_MM + EDGE_MM)
    body |= _walls(blocks, dense, body)
    body |= dense & blocks.grown(hull_across(body), 2 * THIN_MM) & _at_edge(blocks, beyond)
    if body.sum() < BODY_SHARE * dense.sum():
        return blocks, _most_enclosing(dense)
    body = filled_across(body, blocks, beyond)
    body[1:-1] |= body[:-2] & body[2:]  # a layer of blocks whose wall was too thin at the edge of view
    return blocks, body


def _walls(blocks: Coarse, dense: Mask, body: Mask) -> Mask:
    """Return what is dense round the hollows that lie in the body: chest walls too thin to be thick themselves.

    A lung borders for the most part on what is surely body; the foam in a table's shell does not.
    """
    labels, count = ndimage.label(_holes_filled(dense) & ~dense)
    border, border_on_body = np.zeros(count + 1), np.zeros(count + 1)
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        for hollow, beside in ((tuple(low), tuple(high)), (tuple(high), tuple(low))):
            touches = dense[beside] & (labels[hollow] > 0)
            border += np.bincount(labels[hollow][touches], minlength=count + 1)
            border_on_body += np.bincount(labels[hollow][touches & body[beside]], minlength=count + 1)
    inside = (border_on_body > BORDER_SHARE * border)[labels] & (labels > 0)
    return dense & blocks.grown(inside, 2 * THIN_MM + EDGE_MM)


def _holes_filled(mask: Mask) -> Mask:
    """Return the mask with the holes of each slice filled."""
    return np.stack([ndimage.binary_fill_holes(plane) for plane in mask])


def _beyond_view(volume: Volume, blocks: Coarse) -> Mask:
    """Return the blocks that hold padding only."""
    if volume.padding_value is None:
        return np.zeros(blocks.mean.shape, dtype=np.bool_)
    return np.asarray(blocks.top <= max(float(volume.padding_value), AIR_HU))


def _at_edge(blocks: Coarse, beyond: Mask) -> Mask:
    """Return the blocks near the edge of the field of view in the slice: a chest wall cut by it is thin there."""
    near = blocks.grown(beyond, 2 * THIN_MM)
    _k, j, i = blocks.reach(2 * THIN_MM)
    near[:, :j] = near[:, -j:] = True
    near[:, :, :i] = near[:, :, -i:] = True
    return near


def hull_across(mask: Mask) -> Mask:
    """Return the convex hull of each slice of a mask."""
    return np.stack([convex_hull_image(plane) if plane.any() else plane for plane in mask])


def _most_enclosing(dense: Mask) -> Mask:
    """Return the piece that, filled slice by slice, is the largest."""
    filled = _holes_filled(dense)
    labels, count = ndimage.label(filled)
    if count == 0:
        return filled
    size = np.bincount(labels.reshape(-1))
    size[0] = 0
    return np.asarray(labels == int(size.argmax()))


def filled_across(mask: Mask, blocks: Coarse, beyond: Mask) -> Mask:
    """Return a mask filled slice by slice: a chest that leaves the scan has no closed outside.

    Holes are filled; so is a lung that the edge of the field of view opens: what lies within the convex hull of the
    slice and is no outside air. `beyond` is what lies outside the field of view.
    """
    rim = ndimage.maximum_filter(beyond, size=(1, 3, 3))  # blocks cut by that edge are paler than what they show
    return np.stack([_filled(*planes) for planes in zip(mask, blocks.mean, rim, strict=True)])


def _filled(plane: Mask, grey: npt.NDArray[np.float32], rim: Mask) -> Mask:
    filled = np.asarray(ndimage.binary_fill_holes(plane), dtype=np.bool_)
    if not plane.any():
        return filled
    hull = convex_hull_image(plane)
    labels, count = ndimage.label(~filled & ~rim)
    for number in range(1, count + 1):
        gap = labels == number
        if hull[gap].mean() >= HULL_SHARE and grey[gap].mean() > OPEN_AIR_HU:
            filled |= gap
    return np.asarray(ndimage.binary_fill_holes(filled), dtype=np.bool_)
