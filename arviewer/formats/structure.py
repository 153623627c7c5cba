"""What all readers of structures make: voxels gathered into boxes, and segmentations on the structures' own grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.formats.refusing import Unusable
from arviewer.model.findings import Finding
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import (
    IMPORTED,
    CodedTerm,
    ParameterValue,
    Provenance,
    Segment,
    Segmentation,
)
from arviewer.model.study import Attachment, Contents, Instance, Series
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.version import __version__
from arviewer.words import _
from arviewer.workers import memory

PERCENT = 100.0
"""Full coverage: fractions are kept as percent, so that a hundredth of the field's unit is no step that is seen."""

MAX_VOXELS = 1 << 31
"""Voxels of a structure's box: no scan has more."""

Crop = tuple[int, int, int, npt.NDArray[Any]]
"""Plane, row, column, and the pixels from there on."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The voxels of one structure.

    Attributes
    ----------
    start_kji : tuple of int
        Index of the first voxel in the grid.
    voxels : ndarray of bool or float32
        Inside or not; or coverage in percent.
    level : float or None
        Percent at which the boundary lies; None for bool.
    """

    start_kji: tuple[int, int, int]
    voxels: npt.NDArray[Any]
    level: float | None = None

    @classmethod
    def joined(cls, crops: Sequence[Crop]) -> Piece:
        """Return one box that holds all pieces of planes; crops of one plane must not overlap."""
        low = np.array([(k, j, i) for k, j, i, _pixels in crops]).min(axis=0)
        high = np.array([(k + 1, j + len(a), i + len(a[0])) for k, j, i, a in crops]).max(axis=0)
        shape = tuple(int(n) for n in high - low)
        if np.prod(shape, dtype=np.float64) > MAX_VOXELS:
            raise Unusable(_("a structure of it fills {shape} voxels").format(shape=" × ".join(map(str, shape))))
        box = np.zeros(shape, crops[0][3].dtype)
        for k, j, i, pixels in crops:
            rows, columns = pixels.shape
            box[k - low[0], j - low[1] : j - low[1] + rows, i - low[2] : i - low[2] + columns] = pixels
        return cls((int(low[0]), int(low[1]), int(low[2])), box)

    def at_level(self, level: float) -> Piece | None:
        """Return coverage with the percent at which its boundary lies; None when nothing reaches it."""
        return Piece(self.start_kji, self.voxels, level) if (self.voxels >= level).any() else None


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """What a file says about one structure."""

    name: str
    term: CodedTerm
    color: tuple[float, float, float] | None
    parameters: Mapping[str, ParameterValue]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The grid of structures, and what is doubtful about it."""

    geometry: VolumeGeometry
    findings: Sequence[Finding] = ()


def segmentations_of(
    grid: Grid, found: Sequence[tuple[Described, Piece]], attachment: Attachment, contents: Contents
) -> list[Segmentation]:
    """Return one segmentation for each structure; those without coverage share the volume they refer to."""
    series = _series(grid.geometry, attachment)
    shared: Volume | None = None
    made = []
    for described, piece in found:
        if piece.level is not None:
            made.append(_of_coverage(grid, described, piece, series, contents))
            continue
        if shared is None:
            # Zeroed pages that nobody touches take no memory, here or in another process.
            shared = _volume(memory.empty(grid.geometry.shape_kji, np.int16), grid.geometry, grid.findings, series, "")
        mask = MaskBox(piece.start_kji, piece.voxels.astype(np.bool_, copy=False))
        made.append(Segmentation(shared, (_segment(described, mask, None, series, contents, grid.geometry),)))
    return made


def _of_coverage(grid: Grid, described: Described, piece: Piece, series: Series, contents: Contents) -> Segmentation:
    """Return a structure whose volume is its own coverage, cropped to it and one voxel more."""
    assert piece.level is not None
    shape = grid.geometry.shape_kji
    low = [max(0, start - 1) for start in piece.start_kji]
    high = [min(n, start + size + 1) for n, start, size in zip(shape, piece.start_kji, piece.voxels.shape, strict=True)]
    values = np.zeros([stop - start for start, stop in zip(low, high, strict=True)], np.float32)
    place = tuple(
        slice(start - first, start - first + size)
        for start, first, size in zip(piece.start_kji, low, piece.voxels.shape, strict=True)
    )
    values[place] = piece.voxels
    mask = MaskBox((place[0].start, place[1].start, place[2].start), piece.voxels >= piece.level)
    volume = _volume(values, _cropped(grid.geometry, low, values.shape), grid.findings, series, "%")
    segment = _segment(described, mask, piece.level, series, contents, volume.geometry)
    return Segmentation(volume, (segment,))


def _cropped(geometry: VolumeGeometry, start_kji: Sequence[int], shape: tuple[int, ...]) -> VolumeGeometry:
    matrix = geometry.lps_from_ijk.matrix.copy()
    matrix[:3, 3] += matrix[:3, :3] @ np.asarray(start_kji[::-1], dtype=np.float64)
    return VolumeGeometry.of_grid((shape[0], shape[1], shape[2]), matrix, geometry.frame_of_reference_uid)


def _volume(
    voxels: npt.NDArray[Any], geometry: VolumeGeometry, findings: Sequence[Finding], series: Series, unit: str
) -> Volume:
    return Volume(
        voxels=voxels,
        geometry=geometry,
        series=series,
        unit=unit,
        slice_valid=np.ones(geometry.shape_kji[0], np.bool_),
        findings=tuple(findings),
    )


def _segment(
    described: Described,
    mask: MaskBox,
    threshold: float | None,
    series: Series,
    contents: Contents,
    geometry: VolumeGeometry,
) -> Segment:
    source: dict[str, ParameterValue] = {"sop_instance_uid": series.instances[0].sop_instance_uid}
    source |= {"tool": contents.tool, **described.parameters}
    if threshold is not None:
        source["level"] = threshold / PERCENT
    uids = (series.uid, *contents.series_uids)
    return Segment(
        name=described.name,
        term=described.term,
        mask=mask,
        made_by=Provenance(IMPORTED, source, __version__, tuple(uid for uid in uids if uid)),
        threshold=threshold,
        findings=described.findings,
        color=described.color,
        geometry=geometry,
    )


def _series(geometry: VolumeGeometry, attachment: Attachment) -> Series:
    """Return the object itself as the series that its grid was read from."""
    return Series(
        uid=attachment.series_uid,
        study_uid=attachment.study_uid,
        frame_of_reference_uid=geometry.frame_of_reference_uid,
        patient=attachment.patient,
        number=attachment.number,
        modality=attachment.modality,
        description=attachment.description,
        instances=(Instance(attachment.path, attachment.sop_instance_uid, member=attachment.member),),
        geometry=geometry,
    )


MAX_NAME = 64
"""Characters of a structure's name that are kept: the longest a *Segment Label* may have."""


def unique_names(names: list[str]) -> list[str]:
    """Return the names, each once: a second "Node" becomes "Node (2)"; nameless ones get their number."""
    found: list[str] = []
    for number, raw in enumerate(names, 1):
        name = raw[:MAX_NAME].strip() or _("Structure {number}").format(number=number)
        candidate, count = name, 1
        while candidate in found:
            count += 1
            candidate = f"{name} ({count})"
        found.append(candidate)
    return found
