"""A scan in words, for a person at a terminal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from arviewer.model.study import Scan, Series
from arviewer.words import _
from arviewer.words.findings import message, remedy

MAX_REASONS = 5
"""How many different reasons for skipped files are listed; the JSON lists every file."""


def summary(scan: Scan, path: Path) -> str:
    """Return what `path` holds: series, geometry, verdict, findings, skipped files. No identity is in it."""
    lines = [_("{count} series in {path}").format(count=len(scan.series), path=path)]
    for finding in scan.findings:
        lines.append(f"! {message(finding.kind, finding.details)}")
        lines.append(f"  {remedy(finding.kind, finding.details)}")
    for series in scan.series:
        lines += ["", *_series(series)]
    if scan.attachments:
        lines += ["", _("beside the images:")]
        lines += [f"  {one.kind.value}: {one.description or one.name} ({one.name})" for one in scan.attachments]
    reasons = Counter(skipped.why for skipped in scan.skipped)
    if reasons:
        lines += ["", _("{count} files were skipped:").format(count=len(scan.skipped))]
        lines += [f"  {count} × {why}" for why, count in reasons.most_common(MAX_REASONS)]
    return "\n".join(lines)


def _series(series: Series) -> list[str]:
    number = "-" if series.number is None else series.number
    lines = [
        f"{number}  {series.modality}  {series.description or _('(no description)')}",
        f"   {_('verdict')}: {series.verdict.value}; {_('{count} images').format(count=len(series.instances))}",
    ]
    if series.geometry is not None:
        k, j, i = series.geometry.shape_kji
        x, y, z = series.geometry.spacing_mm
        lines.append(f"   {i} × {j} × {k} voxels of {x:.4g} × {y:.4g} × {z:.4g} mm")
    lines.append(f"   {series.uid}" + (f":{series.part[0]}" if series.part[1] > 1 else ""))
    for finding in series.findings:
        lines.append(f"   ! {finding.kind.value}: {message(finding.kind, finding.details)}")
        lines.append(f"     {remedy(finding.kind, finding.details)}")
    return lines
