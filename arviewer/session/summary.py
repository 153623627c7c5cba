"""A scan in words, for a person at a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arviewer.errors import InputRefused
from arviewer.formats.structures import Listed
from arviewer.model.findings import Finding
from arviewer.model.study import GridFit, Phase, Scan, Series
from arviewer.words import _, counted, phases
from arviewer.words.findings import message, remedy

MAX_NAMES = 12
"""How many names of structures a line lists; the JSON lists all."""

MAX_NAMED = 4
"""How many slices and files are named beside a finding."""

MAX_REASONS = 5
"""How many different reasons for skipped files are listed; the JSON lists every file."""


def summary(scan: Scan, path: Path, contents: Sequence[Listed] = ()) -> str:
    """Return what `path` holds: series, geometry, verdict, findings, skipped files. No identity is in it.

    Parameters
    ----------
    contents : sequence, optional
        What the attachments hold, as of `arviewer.formats.structures.listing`.
    """
    lines = [_("{count} series in {path}").format(count=len(scan.series), path=path)]
    for finding in scan.findings:
        lines.append(f"! {message(finding.kind, finding.details)}")
        lines.append(f"  {remedy(finding.kind, finding.details)}")
    for series in scan.series:
        lines += ["", *_series(series)]
    if scan.attachments:
        lines += ["", _("beside the images:")]
        for number, one in enumerate(scan.attachments):
            lines.append(f"  {one.kind.value}: {one.description or one.name} ({one.name})")
            lines += _contents(contents[number] if number < len(contents) else None, scan)
    reasons = Counter(skipped.why for skipped in scan.skipped)
    if reasons:
        lines += ["", counted(_("1 file was skipped:"), _("{count} files were skipped:"), len(scan.skipped))]
        lines += [f"  {count} × {why}" for why, count in reasons.most_common(MAX_REASONS)]
    return "\n".join(lines)


def _contents(listed: Listed, scan: Scan) -> list[str]:
    """Return what an attachment holds and refers to."""
    if listed is None:
        return []
    if isinstance(listed, InputRefused):
        return [f"     ! {listed.why}"]
    contents, findings = listed
    names = ", ".join(contents.structures[:MAX_NAMES])
    more = len(contents.structures) - MAX_NAMES
    held = counted(_("1 structure"), _("{count} structures"), len(contents.structures))
    lines = [f"     {held}: {names}"]
    if more > 0:
        lines[0] += _(" and {count} more").format(count=more)
    frames = set(contents.frame_of_reference_uids)
    referred = [one for one in scan.series if one.uid and one.uid in contents.series_uids]
    told = _("     drawn on series {number} {uid}")
    lines += [told.format(number=one.number, uid=one.uid) for one in referred]
    others = [one for one in scan.series if one not in referred and one.part[0] == 1]
    told = _("     in the frame of reference of series {number} {uid}")
    lines += [told.format(number=one.number, uid=one.uid) for one in others if one.frame_of_reference_uid in frames]
    for finding in findings:
        lines.append(f"     ! {finding.kind.value}: {message(finding.kind, finding.details)}")
        lines.append(f"       {remedy(finding.kind, finding.details)}")
    return lines


def _series(series: Series) -> list[str]:
    number = "-" if series.number is None else series.number
    described = (series.description or _("(no description)")) + phase_words(series.phase, "  ·  ")
    images = counted(_("1 image"), _("{count} images"), len(series.instances))
    lines = [
        f"{number}  {series.modality}  {described}",
        f"   {_('verdict')}: {series.verdict.value}; {images}",
    ]
    if series.geometry is not None:
        k, j, i = series.geometry.shape_kji
        x, y, z = series.geometry.spacing_mm
        lines.append(f"   {i} × {j} × {k} voxels of {x:.4g} × {y:.4g} × {z:.4g} mm")
    if series.fit is not None:
        lines.append(f"   {_grid_words(series.fit)}")
    lines.append(f"   {series.uid}" + (f":{series.part[0]}" if series.part[1] > 1 else ""))
    for finding in series.findings:
        lines.append(f"   ! {finding.kind.value}: {message(finding.kind, finding.details)}{_where(finding)}")
        lines.append(f"     {remedy(finding.kind, finding.details)}")
    return lines


def _where(finding: Finding) -> str:
    """Return the slices and files a finding names; the JSON has all of them."""
    places = []
    for title, found in ((_("slices"), finding.slices), (_("files"), finding.files)):
        if found:
            more = f" +{len(found) - MAX_NAMED}" if len(found) > MAX_NAMED else ""
            places.append(f"{title} {', '.join(map(str, found[:MAX_NAMED]))}{more}")
    return f" [{'; '.join(places)}]" if places else ""


def _grid_words(fit: GridFit) -> str:
    return _(
        "positions within {max_mm:.3f} mm of an even grid (RMS {rms_mm:.3f}, regular up to {regular_mm:.3f})"
    ).format(max_mm=fit.max_mm, rms_mm=fit.rms_mm, regular_mm=fit.regular_mm)


def phase_words(phase: Phase | None, before: str = "") -> str:
    """Return what one of several volumes of a series is, such as "time 2 of 3, 85 s"; "" for the only one."""
    words = []
    while phase is not None:
        words.append(phases.sentence(phase.kind, phase.value, phase.number, phase.count))
        phase = phase.further
    return before + ", ".join(words) if words else ""


def series_line(series: Series) -> str:
    """Return which series was taken."""
    return _("Series {number}: {description}").format(number=series.number, description=series.description)


def voxels_line(file: dict[str, Any]) -> str:
    """Return what was written into a file of voxels, given as in its JSON."""
    return _("{path}: {names}; {voxels:,} voxels, {volume:.1f} ml, {frame}, {state}").format(
        path=file["path"],
        names=", ".join(file["structures"]),
        voxels=file["voxels"],
        volume=file["volume_ml"],
        frame=file["frame"].upper(),
        state=file["state"],
    )


def file_line(file: dict[str, Any]) -> str:
    """Return what an export wrote into a file, given as in its JSON."""
    return _(
        "{path}: {triangles:,} triangles, {volume:.1f} ml, {unit}, {frame}; at most {error:.2f} mm from the voxels"
    ).format(
        path=file["path"],
        triangles=file["triangles"],
        volume=file["volume_ml"],
        unit=file["unit"],
        frame=file["frame"].upper(),
        error=file["error_mm"]["max"],
    )
