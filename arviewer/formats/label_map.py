"""Numbers in voxels to structures: which files are label maps, and what their numbers mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import InputRefused
from arviewer.formats.grid_file import GridFile
from arviewer.formats.refusing import Unusable
from arviewer.formats.structure import Described, Grid, Piece, segmentations_of, unique_names
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.model.segmentation import CodedTerm, ParameterValue, Segmentation
from arviewer.model.study import Attachment, Contents, Series
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

SAMPLE_BYTES = 16 << 20
"""Voxels that are looked at to tell labels from images: some 30 slices."""

FLAT_SHARE = 0.8
"""Share of neighbors in a row, both not 0, that are equal in a label map; images of 8 bits stay below a third."""

MAX_LABELS = 2000
"""Different numbers of a label map; the finest atlases have some hundred."""

SAME_GRID_VOXELS = 0.05
"""Distance in voxels within which two grids are the same, as rounding of headers leaves it."""

LOOK_AT = 1 << 24
"""Voxels handled at a time."""


def why_labels(file: GridFile) -> str:
    """Return why a file's numbers are labels of structures; "" when they are values of an image.

    Decided by the header where it says so, else by the stored type and the first voxels: labels are whole numbers
    that are equal over wide stretches.

    Raises
    ------
    Unusable
        When the voxels cannot be read.
    """
    if file.says_labels:
        return file.says_labels
    if file.labels:
        return _("it names its labels")
    if file.dtype.kind == "f" or (file.slope, file.intercept) != (1.0, 0.0) or file.count != 1:
        return ""
    values = file.sample(SAMPLE_BYTES)
    if len(values) == 0 or int(values.min()) < 0:
        return ""
    both = (values[1:] != 0) & (values[:-1] != 0)
    pairs = int(np.count_nonzero(both))
    if pairs and np.count_nonzero(both & (values[1:] == values[:-1])) < FLAT_SHARE * pairs:
        return ""
    return _("its voxels are whole numbers, equal over wide stretches")


def read_label_map(
    file: GridFile, attachment: Attachment, images: Series, progress: Progress = silent
) -> list[Segmentation]:
    """Return the structures of a label map, in the frame of reference of the images whose grid it fits.

    Raises
    ------
    InputRefused
        When its grid does not fit the images.
    Unusable
        When it holds no labels.
    """
    if images.geometry is None:
        raise InputRefused(_("The images have no geometry to lay anything over."))
    geometry = file.geometry(images.frame_of_reference_uid)
    finding = _fits(attachment.name, geometry, images.geometry)
    found: list[tuple[Described, Piece]] = []
    names: list[str] = []
    for layer, voxels in enumerate(file.volumes()):
        for value, piece in _pieces(_whole(file, voxels), progress):
            label = file.labels.get((layer, value))
            name = _name(file, layer, value)
            term = (label.term if label else None) or CodedTerm("", "", name)
            parameters: dict[str, ParameterValue] = {"segment_number": value, "layer": layer}
            names.append(name)
            found.append((Described(name, term, label.color if label else None, parameters), piece))
    if not found:
        raise Unusable(_("it holds no label but 0"))
    named = [
        (Described(name, one.term, one.color, one.parameters), piece)
        for name, (one, piece) in zip(unique_names(names), found, strict=True)
    ]
    grid = Grid(geometry, (*file.findings, finding))
    return segmentations_of(grid, named, attachment, Contents())


def _whole(file: GridFile, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the labels of one layer as whole numbers that are not negative."""
    if file.dtype.kind == "f" or (file.slope, file.intercept) != (1.0, 0.0):
        values = np.asarray(voxels, np.float64) * file.slope + file.intercept
        if not np.isfinite(values).all() or (values != np.rint(values)).any() or np.abs(values).max() > 1 << 31:
            raise Unusable(_("its values are no whole numbers: it is no label map"))
        voxels = values.astype(np.int64)
    if voxels.min() < 0:
        raise Unusable(_("it holds negative values: it is no label map"))
    return voxels


def _pieces(labels: npt.NDArray[Any], progress: Progress) -> list[tuple[int, Piece]]:
    """Return each label but 0 and its voxels, in ascending order."""
    from scipy import ndimage

    values = _distinct(labels)
    boxes: dict[int, tuple[slice, slice, slice]] = {}
    if values and values[-1] <= np.iinfo(np.uint16).max:
        found = ndimage.find_objects(labels.astype(labels.dtype.newbyteorder("="), copy=False))
        boxes = {value: _box(found[value - 1]) for value in values}
    pieces = []
    for n, value in enumerate(values):
        progress(n / len(values), _("Reading labels"))
        box = boxes.get(value, (slice(0, None),) * 3)
        piece = Piece((box[0].start, box[1].start, box[2].start), labels[box] == value)
        pieces.append((value, piece))
    return pieces


def _box(found: tuple[slice, ...]) -> tuple[slice, slice, slice]:
    return found[0], found[1], found[2]


def names_in(file: GridFile) -> tuple[str, ...]:
    """Return the names of the structures in a label map, in ascending order of layer and number.

    Raises
    ------
    Unusable
        When its voxels cannot be read, or are no labels.
    """
    layers = enumerate(file.volumes())
    found = [(layer, value) for layer, voxels in layers for value in _distinct(_whole(file, voxels))]
    return tuple(unique_names([_name(file, layer, value) for layer, value in found]))


def _name(file: GridFile, layer: int, value: int) -> str:
    label = file.labels.get((layer, value))
    return label.name if label and label.name else _("Label {n}").format(n=value)


def _distinct(labels: npt.NDArray[Any]) -> list[int]:
    seen: set[int] = set()
    step = max(1, LOOK_AT // max(1, labels[0].size))
    for k in range(0, len(labels), step):
        slab = labels[k : k + step]
        changes = np.flatnonzero(np.diff(slab.reshape(-1)))
        seen |= {int(v) for v in np.unique(slab.reshape(-1)[changes])} | {int(slab.reshape(-1)[-1])}
        if len(seen) > MAX_LABELS:
            raise Unusable(_("it holds more than {n} different values: it is no label map").format(n=MAX_LABELS))
    return sorted(seen - {0})


def _fits(name: str, own: VolumeGeometry, images: VolumeGeometry) -> Finding:
    """Return the finding that a file without a frame of reference was laid over images.

    Raises
    ------
    InputRefused
        When it lies beside them.
    """
    if _is_same_lattice(own, images):
        why, severity = _("its voxels lie on theirs"), Severity.NOTE
    elif _overlap(own, images):
        why, severity = _("it lies in the same region, though on another grid"), Severity.WARNING
    else:
        raise InputRefused(
            _("{name} does not lie where the images are.").format(name=name),
            _("It reaches from {own}, the images from {theirs} (LPS, mm).").format(
                own=_reach(own), theirs=_reach(images)
            ),
            _("Open the images that it was made from."),
        )
    return Finding(FindingKind.FRAME_ASSUMED, severity, details={"name": name, "why": why})


def _is_same_lattice(own: VolumeGeometry, images: VolumeGeometry) -> bool:
    """Whether voxel centres coincide, whatever the order and direction of the axes."""
    to_images = np.linalg.inv(images.lps_from_ijk.matrix) @ own.lps_from_ijk.matrix
    turn, shift = to_images[:3, :3], to_images[:3, 3]
    whole = np.rint(turn)
    if np.abs(np.abs(whole).sum(axis=0) - 1).any() or np.abs(np.abs(whole).sum(axis=1) - 1).any():
        return False
    reach = np.abs(turn - whole) @ np.asarray(own.shape_kji[::-1], dtype=np.float64)
    return bool(reach.max() < SAME_GRID_VOXELS and np.abs(shift - np.rint(shift)).max() < SAME_GRID_VOXELS)


def _overlap(own: VolumeGeometry, images: VolumeGeometry) -> bool:
    (low, high), (other_low, other_high) = _bounds(own), _bounds(images)
    return bool((np.maximum(low, other_low) < np.minimum(high, other_high)).all())


def _bounds(geometry: VolumeGeometry) -> tuple[Float, Float]:
    corners = geometry.corners_lps()
    return corners.min(axis=0), corners.max(axis=0)


def _reach(geometry: VolumeGeometry) -> str:
    low, high = _bounds(geometry)
    return " to ".join("(" + ", ".join(f"{value:.0f}" for value in end) + ")" for end in (low, high))
