"""From a segment to its surface: field, iso-surface, bounded smoothing, stated error."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.meshing.contour import Triangles, contour, windowed_sinc
from arviewer.imaging.meshing.field import Field, field_of, slabs_of
from arviewer.imaging.meshing.quality import (
    area_on_planes,
    area_vectors,
    displacement_error,
    is_closed,
    on_planes,
    share_of_area,
)
from arviewer.imaging.meshing.seams import after_seam, seam_vertices
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.model.segmentation import Segmentation
from arviewer.model.surface import Surface, SurfaceError
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

ITERATIONS = 20
"""Of the windowed-sinc filter."""

PASS_BAND = 0.03
"""Of the same; on known shapes with noise it left half the error of the raw iso-surface."""


@dataclass(frozen=True, slots=True, eq=False)
class _Raw:
    """An unsmoothed iso-surface in mm with what is known of its vertices."""

    points: Float
    triangles: Triangles
    caps: npt.NDArray[np.uint8]
    from_mask: npt.NDArray[np.bool_]


def surface(segmentation: Segmentation, name: str, max_error_mm: float = 0.25, progress: Progress = silent) -> Surface:
    """Make the surface of a structure in LPS mm.

    It is the iso-surface of the grey values where a threshold made the boundary, and of the smoothed mask where
    filling or separation made it; then smoothed, with every vertex held within `max_error_mm` of its raw place.
    Where the structure leaves the scan, or meets a lost slice, it is capped on the outer face of the last voxel.

    Parameters
    ----------
    name : str
        Of the segment.
    max_error_mm : float
        Bound of the smoothing in mm; 0 leaves the raw iso-surface.

    Returns
    -------
    Surface
        Outward normals; `Surface.closed` says whether every edge has two triangles.

    Raises
    ------
    UsageError
        When there is no such segment, or the bound is negative or not a number.
    NothingFound
        When the segment is empty.
    """
    if not max_error_mm >= 0:
        raise UsageError(_("The largest error must be 0 mm or more."), _("It is {}.").format(max_error_mm))
    segment, volume = segmentation[name], segmentation.volume
    raw = _raw(segmentation, name, part(progress, 0.0, 0.5))
    progress(0.5, _("Smoothing the surface"))
    grey_share = 1.0 - share_of_area(raw.points, raw.triangles, raw.from_mask)
    points, error = _smoothed(raw, max_error_mm)
    progress(0.85, _("Checking the surface"))
    capped = area_on_planes(points, raw.triangles, raw.caps)
    closed = is_closed(raw.triangles)
    result = Surface(
        name=name,
        points_lps=points,
        triangles=raw.triangles,
        term=segment.term,
        made_by=segment.made_by,
        frame_of_reference_uid=volume.geometry.frame_of_reference_uid,
        error_mm=error,
        closed=closed,
        grey_share=grey_share,
        capped_mm2=capped,
        mask_sha256=segment.mask.sha256(),
        edits=segment.edits,
        confirmation=segment.confirmation,
        findings=_findings(volume.findings + segment.findings, name, capped),
    )
    progress(1.0)
    return result


def _raw(segmentation: Segmentation, name: str, progress: Progress) -> _Raw:
    """Return the iso-surface in mm, one slab of valid slices after the other."""
    segment, volume = segmentation[name], segmentation.volume
    segment = replace(segment, mask=segment.mask.box())
    slabs = [
        (block, slab, m > 0)
        for block in _valid_blocks(volume.slice_valid, segment.mask.box().slices[0])
        for m, slab in enumerate(slabs_of(volume, segment, block))
    ]
    raw = _Raw(np.zeros((0, 3)), np.zeros((0, 3), np.int32), np.zeros(0, np.uint8), np.zeros(0, np.bool_))
    before = shared = 0
    for n, (block, slab, goes_on) in enumerate(slabs):
        progress(n / len(slabs), _("Extracting the surface"))
        field = field_of(volume, segment, block, slab)
        points, triangles = after_seam(field, *contour(field), before, shared if goes_on else 0)
        _append(raw, _piece(field, points, triangles, volume.geometry))
        before += len(points)
        shared = seam_vertices(field, -1)
    del field
    if before == 0:
        raise NothingFound(
            _("There is no surface to make."),
            _("The structure {!r} has no voxels.").format(name),
            _("Segment it again."),
        )
    return raw


def _append(raw: _Raw, piece: _Raw) -> None:
    """Lengthen the arrays of `raw`, in place: a list of pieces would need twice the memory when it is joined."""
    for whole, part_of_it in (
        (raw.points, piece.points),
        (raw.triangles, piece.triangles),
        (raw.caps, piece.caps),
        (raw.from_mask, piece.from_mask),
    ):
        done = len(whole)
        whole.resize((done + len(part_of_it), *whole.shape[1:]), refcheck=False)
        whole[done:] = part_of_it


def _piece(field: Field, points_ijk: Float, triangles: Triangles, geometry: VolumeGeometry) -> _Raw:
    """Return one slab's points in LPS mm, its triangles, cap bits, and who follows the mask."""
    caps = on_planes(points_ijk, field.cap_planes)
    from_mask = _follows_mask(field, points_ijk) & (caps == 0)
    matrix = geometry.lps_from_ijk.matrix
    points = np.einsum("nb,ab->na", points_ijk, matrix[:3, :3])  # as in Affine: BLAS would wait for its threads
    points += matrix[:3, 3]
    return _Raw(points, triangles, caps, from_mask)


def _valid_blocks(valid: npt.NDArray[np.bool_], box: slice) -> list[tuple[int, int]]:
    """Return the stretches of valid slices within the box, as (first, one after the last)."""
    found, first = [], box.start
    for is_valid, group in itertools.groupby(valid[box]):
        length = len(list(group))
        if is_valid:
            found.append((first, first + length))
        first += length
    return found


def _follows_mask(field: Field, points_ijk: Float) -> npt.NDArray[np.bool_]:
    """Return the vertices with an end of their grid edge that follows the smoothed mask."""
    if len(field.from_mask) == 0:
        return np.zeros(len(points_ijk), dtype=np.bool_)
    marked = np.zeros(field.values.size, dtype=np.bool_)
    marked[field.from_mask] = True
    local = points_ijk - np.asarray(field.start_kji[::-1])
    low = np.floor(local + 1e-6).astype(np.int64)
    high = np.minimum(np.ceil(local - 1e-6).astype(np.int64), np.asarray(field.values.shape[::-1]) - 1)
    _k, rows, columns = field.values.shape

    def flat(ijk: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.asarray((ijk[:, 2] * rows + ijk[:, 1]) * columns + ijk[:, 0])

    return marked[flat(low)] | marked[flat(high)]


def _smoothed(raw: _Raw, max_error_mm: float) -> tuple[Float, SurfaceError]:
    """Return the points, each within `max_error_mm` of where it was, and how far they moved."""
    if max_error_mm == 0:
        return raw.points, SurfaceError(0.0, 0.0, 0.0)
    # First, while nothing else is held: the filter takes more than all that follows.
    moves = windowed_sinc(raw.points, raw.triangles, ITERATIONS, PASS_BAND)
    vectors = area_vectors(raw.points, raw.triangles)
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    shares = length / 3.0
    vectors /= np.where(length > 0, length, 1.0)[:, None]
    moved = _bounded(np.einsum("ij,ij->i", moves, vectors), raw.caps == 0, shares, max_error_mm)
    del moves, length
    vectors *= moved[:, None]
    vectors += raw.points
    return vectors, displacement_error(np.abs(moved), shares)


def _bounded(moved: Float, free: npt.NDArray[np.bool_], shares: Float, max_error_mm: float) -> Float:
    """Return how far each vertex moves along its normal, shape (N,), mm; at most `max_error_mm`, caps not at all.

    The filter's slide along the surface is dropped: it changes no shape, but would count as error. What the filter
    takes from the volume is given back evenly.
    """
    moved = np.clip(moved * free, -max_error_mm, max_error_mm)
    area = float(shares[free].sum())
    if area > 0:
        moved = np.clip(moved - float(moved @ shares) / area, -max_error_mm, max_error_mm) * free
    return np.asarray(moved, dtype=np.float64)


def _findings(findings: tuple[Finding, ...], name: str, capped_mm2: float) -> tuple[Finding, ...]:
    """Return the findings with the measured area of the caps in place of the estimate by voxels."""
    others = tuple(f for f in findings if f.kind is not FindingKind.LEAVES_SCAN or f.details.get("name") != name)
    if capped_mm2 <= 0:
        return others
    previous = [f for f in findings if f not in others]
    details: dict[str, str | int | float] = {"name": name, "area_mm2": capped_mm2}
    if previous:
        return (*others, replace(previous[0], details=details))
    return (*others, Finding(FindingKind.LEAVES_SCAN, Severity.NOTE, details=details))
