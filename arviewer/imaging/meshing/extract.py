"""From a segment to its surface: field, iso-surface, bounded smoothing, stated error."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.meshing.contour import Triangles, contour
from arviewer.imaging.meshing.field import Field, field_of, slabs_of
from arviewer.imaging.meshing.measure import smoothing_error
from arviewer.imaging.meshing.quality import (
    area_on_planes,
    bad_edges,
    on_planes,
    parts_of,
    share_of_area,
)
from arviewer.imaging.meshing.seams import after_seam, seam_vertices
from arviewer.imaging.meshing.simplify import CEILING, Held, Measured, Merged, fewer
from arviewer.imaging.meshing.smoothing import smoothed
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Affine, Float, Ijk, Lps
from arviewer.model.segmentation import Segmentation
from arviewer.model.surface import Parts, Surface, SurfaceError
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

MAX_ERROR_MM = 0.25
"""Largest distance between a surface and the raw iso-surface when nobody says otherwise."""

SMOOTHING_SHARE = 0.6
"""Of the largest error, what smoothing may use when triangles are to be spared too."""


@dataclass(slots=True, eq=False)
class _Raw:
    """An unsmoothed iso-surface in mm with what is known of its vertices; those of an open rim are marked."""

    points: Float
    triangles: Triangles
    caps: npt.NDArray[np.uint8]
    from_mask: npt.NDArray[np.bool_]
    grey_share: float = 1.0
    rim: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    """What became of a raw iso-surface, its vertices numbered as there."""

    points: Float
    triangles: Triangles
    error_mm: SurfaceError


def surface(
    segmentation: Segmentation,
    name: str,
    max_error_mm: float = MAX_ERROR_MM,
    progress: Progress = silent,
    simplify: bool = False,
    capped: bool = True,
) -> Surface:
    """Make the surface of a structure in LPS mm.

    It is the iso-surface of the grey values where a threshold made the boundary, and of the smoothed mask where
    filling or separation made it; then smoothed and on request simplified, nowhere further than `max_error_mm` from
    the raw iso-surface, which is measured afterwards.
    Where the structure leaves the scan, or meets a lost slice, it is capped on the outer face of the last voxel.

    Parameters
    ----------
    name : str
        Of the segment.
    max_error_mm : float
        Largest distance from the raw iso-surface in mm, either way; 0 leaves the raw iso-surface.
    simplify : bool
        Whether to use as few triangles as the largest error allows.
    capped : bool
        Whether the surface is closed where the structure leaves the scan; otherwise it is left open there.

    Returns
    -------
    Surface
        Outward normals; `Surface.closed` says whether every edge has two triangles.

    Raises
    ------
    UsageError
        When there is no such segment, or the bound is negative or not a number.
    NothingFound
        When the segment is empty, or nothing of it is within the scan.
    """
    if not max_error_mm >= 0:
        raise UsageError(_("The largest error must be 0 mm or more."), _("It is {}.").format(max_error_mm))
    simplify = simplify and max_error_mm > 0
    raw = _raw(segmentation, name, part(progress, 0.0, 0.3 if simplify else 0.5), capped)
    if max_error_mm == 0:
        return _made(segmentation, name, raw, _Mesh(raw.points, raw.triangles, SurfaceError(0.0, 0.0, 0.0)))
    progress(0.3 if simplify else 0.5, _("Smoothing the surface"))
    share = SMOOTHING_SHARE if simplify else 1.0
    points = smoothed(raw.points, raw.triangles, raw.caps == 0, share * max_error_mm)
    progress(0.4 if simplify else 0.75, _("Measuring the error"))
    if simplify:
        lower = part(progress, 0.4, 0.7)
        merged = fewer(points, raw.triangles, Held(raw.caps, raw.rim), CEILING * max_error_mm, 0, lower)
        measured = Measured(raw.points, points, raw.triangles, _ijk_from_lps(segmentation), merged)
        measured.bound(max_error_mm, part(progress, 0.7, 0.95))
        mesh = _Mesh(measured.mesh.points, measured.triangles, measured.error_mm)
    else:
        mesh = _Mesh(points, raw.triangles, smoothing_error(raw.points, raw.triangles, points))
    progress(0.95, _("Checking the surface"))
    made = _made(segmentation, name, raw, mesh)
    progress(1.0)
    return made


def levels(
    segmentation: Segmentation, name: str, max_triangles: Sequence[int], progress: Progress = silent
) -> tuple[Surface, ...]:
    """Make a surface for each budget of triangles, for views that can draw no more.

    Each is smoothed as by `surface`, reduced to its budget whatever the error, and measured against the raw
    iso-surface; a finding says where the error is more than the default allows. Only topology stops a reduction:
    pieces and handles stay.

    Parameters
    ----------
    max_triangles : sequence of int
        One budget for each surface, 4 or more.

    Raises
    ------
    UsageError, NothingFound
        As of `surface`; the former also when a budget is too small.
    """
    if min(max_triangles, default=0) < 4:
        raise UsageError(_("A surface needs 4 triangles or more."))
    raw = _raw(segmentation, name, part(progress, 0.0, 0.2), capped=True)
    progress(0.2, _("Smoothing the surface"))
    points = smoothed(raw.points, raw.triangles, raw.caps == 0, MAX_ERROR_MM)
    whole = merged = Merged(np.arange(len(points), dtype=np.int32), points)
    made: dict[int, Surface] = {}
    budgets = sorted(set(max_triangles), reverse=True)
    for n, budget in enumerate(budgets):
        share = part(progress, 0.2 + 0.8 * n / len(budgets), 0.2 + 0.8 * (n + 1) / len(budgets))
        if budget < len(raw.triangles):
            triangles = merged.triangles(raw.triangles)
            step = fewer(merged.points, triangles, Held(raw.caps, raw.rim), np.inf, budget, part(share, 0.0, 0.5))
            merged = Merged(step.into[merged.into], step.points)
        share(0.5, _("Measuring the error"))
        if merged is whole:
            mesh = _Mesh(points, raw.triangles, smoothing_error(raw.points, raw.triangles, points))
        else:
            measured = Measured(raw.points, points, raw.triangles, _ijk_from_lps(segmentation), merged)
            mesh = _Mesh(merged.points, measured.triangles, measured.error_mm)
        made[budget] = _made(segmentation, name, raw, mesh)
    progress(1.0)
    return tuple(made[budget] for budget in max_triangles)


def _ijk_from_lps(segmentation: Segmentation) -> Affine[Ijk, Lps]:
    return segmentation.volume.geometry.lps_from_ijk.inverse()


def _made(segmentation: Segmentation, name: str, raw: _Raw, mesh: _Mesh) -> Surface:
    """Return the surface with all that is known of it."""
    segment, volume = segmentation[name], segmentation.volume
    capped = area_on_planes(mesh.points, mesh.triangles, raw.caps)
    rim = bad_edges(mesh.triangles)
    parts = before = parts_of(mesh.triangles, rim)
    points, triangles = mesh.points, mesh.triangles
    if triangles is not raw.triangles:
        before = parts_of(raw.triangles)
        points, triangles = _compact(points, triangles)
    findings = _findings(volume.findings + segment.findings, name, capped, open_at_border=bool(raw.rim.any()))
    return Surface(
        name=name,
        points_lps=points,
        triangles=triangles,
        term=segment.term,
        made_by=segment.made_by,
        frame_of_reference_uid=volume.geometry.frame_of_reference_uid,
        error_mm=mesh.error_mm,
        closed=len(triangles) > 0 and len(rim) == 0,
        grey_share=raw.grey_share,
        capped_mm2=capped,
        parts=parts,
        parts_before=before,
        mask_sha256=segment.mask.sha256(),
        edits=segment.edits,
        confirmation=segment.confirmation,
        findings=findings + _losses(name, mesh.error_mm, len(triangles), parts, before),
    )


def _compact(points: Float, triangles: Triangles) -> tuple[Float, Triangles]:
    """Return only the points that triangles use."""
    used = np.zeros(len(points), np.bool_)
    used[triangles.reshape(-1)] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    return points[used], number.astype(np.int32)[triangles]


def _losses(name: str, error: SurfaceError, triangles: int, parts: Parts, before: Parts) -> tuple[Finding, ...]:
    """Return what a person must know of a mesh that has lost something."""
    found = []
    if parts.pieces < before.pieces or parts.handles < before.handles:
        details: dict[str, str | int | float] = {"name": name, "pieces": parts.pieces, "handles": parts.handles}
        details |= {"pieces_before": before.pieces, "handles_before": before.handles}
        found.append(Finding(FindingKind.PARTS_LOST, Severity.WARNING, details=details))
    if triangles and error.max > MAX_ERROR_MM + 1e-6:
        details = {"name": name, "triangles": triangles, "max_mm": error.max, "mean_mm": error.mean}
        found.append(Finding(FindingKind.COARSE_MESH, Severity.WARNING, details=details))
    return tuple(found)


def _raw(segmentation: Segmentation, name: str, progress: Progress, capped: bool) -> _Raw:
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
    raw.grey_share = 1.0 - share_of_area(raw.points, raw.triangles, raw.from_mask)
    raw.rim = np.zeros(len(raw.points), np.bool_)
    return raw if capped else _opened(raw)


def _opened(raw: _Raw) -> _Raw:
    """Return the surface without its caps."""
    bits = raw.caps[raw.triangles]
    triangles = raw.triangles[(bits[:, 0] & bits[:, 1] & bits[:, 2]) == 0]
    used = np.zeros(len(raw.points), np.bool_)
    used[triangles.reshape(-1)] = True
    points, triangles = _compact(raw.points, triangles)
    rim = np.zeros(len(points), np.bool_)
    rim[bad_edges(triangles).reshape(-1)] = True
    return _Raw(points, triangles, raw.caps[used], raw.from_mask[used], raw.grey_share, rim)


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


def _findings(findings: tuple[Finding, ...], name: str, capped_mm2: float, open_at_border: bool) -> tuple[Finding, ...]:
    """Return the findings with the measured area of the caps in place of the estimate by voxels."""
    if open_at_border:
        return findings
    others = tuple(f for f in findings if f.kind is not FindingKind.LEAVES_SCAN or f.details.get("name") != name)
    if capped_mm2 <= 0:
        return others
    previous = [f for f in findings if f not in others]
    details: dict[str, str | int | float] = {"name": name, "area_mm2": capped_mm2}
    if previous:
        return (*others, replace(previous[0], details=details))
    return (*others, Finding(FindingKind.LEAVES_SCAN, Severity.NOTE, details=details))
