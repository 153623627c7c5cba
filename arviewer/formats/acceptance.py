"""What may leave: structures that are whole, of a human size, in one space, and whose doubts were accepted by name."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from arviewer.errors import GeometryError, InputRefused, UsageError
from arviewer.formats.measurement import Measured, measure
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.model.scene import Item
from arviewer.model.surface import Surface
from arviewer.words import _
from arviewer.words.findings import message
from arviewer.workers.progress import Progress, silent

MIN_SIZE_MM = 1.0
"""Largest extent below which a structure is taken for one in meters or for noise."""
MAX_SIZE_MM = 2000.0
"""Largest extent above which a structure is taken for one in micrometers; no body is longer on a table."""
MAX_COORDINATE_MM = 8192.0
"""Distance from the origin up to which float32 keeps 0.001 mm (see `arviewer.formats.stl`)."""


def require_known_kinds(accept: Collection[str]) -> tuple[str, ...]:
    """Return the accepted kinds, sorted; raise `UsageError` when one is not a kind of finding."""
    if isinstance(accept, str):
        accept = (accept,)
    known = [str(kind) for kind in FindingKind]
    for kind in accept:
        if kind not in known:
            raise UsageError(
                _("There is no kind of finding {kind!r} to accept.").format(kind=str(kind)),
                "",
                _("There are: {names}.").format(names=", ".join(known)),
            )
    return tuple(sorted({str(kind) for kind in accept}))


def require_one_space(surfaces: Sequence[Surface]) -> None:
    """Raise `GeometryError` unless surfaces share one frame of reference, as those of one file must.

    Without a frame of reference, only surfaces of the same series lie in the same space.
    """
    first = surfaces[0]
    for other in surfaces[1:]:
        same = first.frame_of_reference_uid == other.frame_of_reference_uid
        if not first.frame_of_reference_uid:
            same = same and first.made_by.series_uids == other.made_by.series_uids
        if not same:
            raise GeometryError(
                _("Structures of different frames of reference cannot share a file."),
                _("{first} lies in {space!r}, {other} in {other_space!r}.").format(
                    first=first.name,
                    space=first.frame_of_reference_uid,
                    other=other.name,
                    other_space=other.frame_of_reference_uid,
                ),
                _("Export each to its own file, or register one to the other first."),
            )


def require_exportable(surface: Surface, accepted: Collection[str], progress: Progress = silent) -> Measured:
    """Return what a surface measures; raise unless it may be exported.

    Raises
    ------
    InputRefused
        An error among its findings that was not accepted; no triangles; a size that means a wrong unit; a place
        too far from the origin; an error that is not known.
    GeometryError
        A coordinate that is not finite, a triangle that names no point, a closed surface that is inside out.
    """
    require_accepted(surface.name, surface.findings, accepted)
    _require_whole(surface)
    measured = measure(surface, progress)
    require_human_size(surface.name, measured.low, measured.high)
    if surface.closed and not measured.volume_mm3 > 0:
        raise GeometryError(
            _("{name} is inside out.").format(name=surface.name),
            _("Its signed volume is {volume:.4g} mm³.").format(volume=measured.volume_mm3),
            _("Make the surface again; its triangles must run counter-clockwise seen from outside."),
        )
    return measured


def needs_acceptance(finding: Finding) -> bool:
    """Return whether a finding keeps a surface from leaving until a person accepts it by name."""
    return finding.severity is Severity.ERROR or finding.kind is FindingKind.MISSING_SLICES


def require_current(item: Item) -> None:
    """Raise `InputRefused` unless a structure's surface shows its voxels as they are now."""
    if item.surface.mask_sha256 != item.segment.mask.sha256():
        raise InputRefused(
            _("{name} was not exported: its surface is out of date.").format(name=item.name),
            _("The voxels were changed since the surface was made."),
            _("Wait until the surface is made anew, and export again."),
        )


def require_accepted(name: str, findings: Iterable[Finding], accepted: Collection[str]) -> None:
    """Raise `InputRefused` when an error among the findings of a structure was not accepted by name."""
    blocking = [finding for finding in findings if needs_acceptance(finding) and str(finding.kind) not in accepted]
    if blocking:
        kinds = dict.fromkeys(str(finding.kind) for finding in blocking)
        raise InputRefused(
            _("{name} was not exported: its data are in doubt.").format(name=name),
            " ".join(message(finding.kind, finding.details) for finding in blocking),
            _("If you accept this by name, export again with {options}.").format(
                options=" ".join(f"--accept {kind}" for kind in kinds)
            ),
        )


def _require_whole(surface: Surface) -> None:
    if len(surface.triangles) == 0:
        raise InputRefused(_("{name} has no surface to export.").format(name=surface.name))
    if not np.isfinite(surface.points_lps).all():
        raise GeometryError(_("{name} has coordinates that are not finite.").format(name=surface.name))
    if surface.triangles.min() < 0 or surface.triangles.max() >= len(surface.points_lps):
        raise GeometryError(_("{name} has triangles without points.").format(name=surface.name))
    error = surface.error_mm
    if not all(math.isfinite(value) and value >= 0 for value in (error.mean, error.p95, error.max)):
        raise InputRefused(_("The error of {name} is not known.").format(name=surface.name), str(error))


def require_human_size(name: str, low_lps: Float, high_lps: Float) -> None:
    """Raise `InputRefused` unless a box in mm is as large as a structure can be, and where one can lie."""
    size_mm = float((high_lps - low_lps).max())
    if not MIN_SIZE_MM <= size_mm <= MAX_SIZE_MM:
        raise InputRefused(
            _("{name} has no size that a structure in millimetres can have.").format(name=name),
            _("It is {size:.6g} mm long; between {low:g} and {high:g} mm are exported.").format(
                size=size_mm, low=MIN_SIZE_MM, high=MAX_SIZE_MM
            ),
            _("Check the unit of the source: pixel spacing and positions must be in millimetres."),
        )
    far_mm = float(np.abs((low_lps, high_lps)).max())
    if far_mm > MAX_COORDINATE_MM:
        raise InputRefused(
            _("{name} lies too far from the origin.").format(name=name),
            _("{far:.6g} mm; up to {limit:g} mm, files keep 0.001 mm.").format(far=far_mm, limit=MAX_COORDINATE_MM),
            _("Check Image Position (Patient) of the source."),
        )
