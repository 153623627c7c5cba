"""Which file a person means, and what stands in it: for ``arviewer info --dump`` and ``--report``."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from arviewer.errors import InputRefused, UsageError
from arviewer.imaging.dicom.directory import is_directory_file
from arviewer.imaging.dicom.dump import as_lines
from arviewer.imaging.dicom.source import READ_ERRORS
from arviewer.imaging.dicom.untrusted import UntrustedReader
from arviewer.model.documents import HeaderDump, Report
from arviewer.model.geometry import Float
from arviewer.model.study import Attachment, AttachmentKind, Instance, Scan, Series
from arviewer.session.choice import choose, listed
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

Place = tuple[Path, str]
"""A file, and the member where it is an archive."""
LookInto = Callable[[Path], Scan]


def inspect(
    path: Path, instance: str | None, series: str | None, look: LookInto, report: bool, progress: Progress = silent
) -> tuple[dict[str, Any], str]:
    """Return what a report says, or else a header, as plain values for JSON and as text; see `dumped`."""
    if report:
        file, read = reported(path, instance, look, progress)
        return describe_report(file, read), read.text
    dump = dumped(path, instance, series, look, progress)
    return describe_dump(dump), "\n".join(as_lines(dump))


def dumped(
    path: Path, instance: str | None, series: str | None, look: LookInto, progress: Progress = silent
) -> HeaderDump:
    """Return the header of the file that is meant.

    Parameters
    ----------
    path : Path
        A DICOM file, whatever it holds; or a folder, DICOMDIR or zip archive.
    instance : str or None
        Name of the file in it, or SOP Instance UID.
    series : str or None
        As for `arviewer.session.choice.choose`: without `instance`, its first image is meant.
    look : callable
        Scans a path; called only where the names of the files do not tell.

    Returns
    -------
    HeaderDump

    Raises
    ------
    UsageError
        When it is not clear which file is meant; the remedy lists them.
    InputRefused
        When it cannot be read.
    """
    place = _named(path, instance) or _found(look(path), path, instance, series)
    with UntrustedReader() as reader:
        return reader.header(*place, progress=progress)


def reported(path: Path, instance: str | None, look: LookInto, progress: Progress = silent) -> tuple[str, Report]:
    """Return the name and the text of the structured report that is meant; see `dumped`."""
    reports = {(one.path, one.member): one for one in look(path).attachments if one.kind is AttachmentKind.REPORT}
    if not reports:
        raise InputRefused(
            _("There is no report in {name}.").format(name=path.name or path),
            _("It holds no DICOM structured report (SR)."),
            _("`arviewer info` tells what is there."),
        )
    names = {place: (one.name, one.sop_instance_uid) for place, one in reports.items()}
    attachment = reports[_meant(names, path, instance)]
    with UntrustedReader() as reader:
        return attachment.name, reader.report(attachment, progress)


def instance_at(series: Series, point_lps: Float) -> Instance:
    """Return the image nearest to a point, shape (3,), LPS mm: the slice under the crosshair.

    Places count on the grid of the whole series, whatever part of it, or resampled form of it, is on show.
    """
    if series.geometry is not None:
        matrix = series.geometry.lps_from_ijk.matrix
        k = np.linalg.solve(matrix[:3, :3], point_lps - matrix[:3, 3])[2]
        away = [abs(place - k) for place in series.places]
    else:
        steps = series.pixel_steps_lps
        normal = np.cross(steps[:, 0], steps[:, 1]) if steps is not None else np.zeros(3)
        placed = [np.zeros(3) if one.position_lps is None else one.position_lps for one in series.instances]
        away = [abs(float((point_lps - position) @ normal)) for position in placed]
    return series.instances[int(np.argmin(away))]


def describe_dump(dump: HeaderDump) -> dict[str, Any]:
    """Return a header as plain values for JSON: "file", "complete", "rows"."""
    rows = [
        {
            "depth": row.depth, "tag": row.tag, "keyword": row.keyword, "vr": row.vr, "vm": row.count,
            "length": row.length, "value": row.value,
        }
        for row in dump.rows
    ]  # fmt: skip
    return {"file": dump.file, "complete": dump.complete, "rows": rows}


def describe_report(file: str, report: Report) -> dict[str, Any]:
    """Return a report as plain values for JSON: "file", "title", "facts", "remarks", "lines"."""
    lines = [
        {
            "depth": line.depth, "relationship": line.relationship, "kind": line.kind, "name": line.name,
            "value": line.value,
        }
        for line in report.lines
    ]  # fmt: skip
    facts = [{"name": caption, "value": text} for caption, text in report.facts]
    return {"file": file, "title": report.title, "facts": facts, "remarks": list(report.remarks), "lines": lines}


def _named(path: Path, instance: str | None) -> Place | None:
    """Return the file that names alone tell, so that what no scan would list can be seen too."""
    try:
        if path.is_dir():
            return (path / instance, "") if instance and (path / instance).is_file() else None
        if not path.is_file() or is_directory_file(path):
            return (path.parent / instance, "") if instance and (path.parent / instance).is_file() else None
        if not zipfile.is_zipfile(path):
            return path, ""
        with zipfile.ZipFile(path) as archive:
            return (path, instance) if instance in archive.namelist() else None
    except (*READ_ERRORS, ValueError):
        return None


def _found(scan: Scan, path: Path, instance: str | None, series: str | None) -> Place:
    """Return the file that is meant among those of a scan."""
    if instance is None and scan.series:
        chosen = scan.series[0] if len(scan.series) == 1 and series is None else choose(scan, series)
        return chosen.instances[0].path, chosen.instances[0].member
    images = [one for each in scan.series for one in each.instances]
    found: Sequence[Instance | Attachment] = [*images, *scan.attachments]
    return _meant({(one.path, one.member): (one.name, one.sop_instance_uid) for one in found}, path, instance)


def _meant(known: Mapping[Place, tuple[str, str]], path: Path, instance: str | None) -> Place:
    """Return the one place that is meant by a name, a path or a UID; `known` has name and UID of each place."""
    asked = None if instance is None else ((path / instance, ""), (path, instance))
    meant = [
        place
        for place, (name, uid) in known.items()
        if asked is None or instance in (name, uid, Path(name).name) or place in asked
    ]
    exact = [place for place in meant if asked is not None and place in asked]
    if len(exact or meant) == 1:
        return (exact or meant)[0]
    lines = listed([f"  {name}  {uid}" for name, uid in (known[place] for place in meant or known)])
    if not meant:
        raise UsageError(
            _("There is no instance {wanted!r} here.").format(wanted=instance),
            _("No file has this name, and no image, segmentation or document this SOP Instance UID."),
            _("There are:") + "\n" + lines,
        )
    raise UsageError(
        _("It is not clear which file is meant."), "", _("Choose one with --instance, by its UID:") + "\n" + lines
    )
