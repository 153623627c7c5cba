"""What is doubtful about the images of one volume, as findings that name slices and files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import radians, tan

from arviewer.imaging.dicom.geometry import Arrangement
from arviewer.imaging.dicom.grouping import Part
from arviewer.imaging.dicom.headers import Image
from arviewer.imaging.dicom.obstacles import NO_POSITION
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.words import _, counted

NON_SQUARE_SHARE = 0.05
"""Difference of the two pixel spacings that is a finding: below it no picture drawn with square pixels is visibly
wrong, and many detectors differ by a few per mille."""

MAX_NAMED = 20
"""How many slices off the even grid are named, worst first; `details` counts them all."""

LEAST_NUMBERED = 3
"""Images from which on the run of their numbers says something: two run one way or the other by chance."""

Details = dict[str, str | int | float]


def names(images: Sequence[Image]) -> tuple[str, ...]:
    """Return the names of the files of these images, each once."""
    return tuple(dict.fromkeys(image.instance.name for image in images))


def of_group(images: Sequence[Image], copies: Sequence[Image]) -> tuple[Finding, ...]:
    """Return what is doubtful about all images of one series UID."""
    findings = []
    if copies:
        details: Details = {"count": len(copies)}
        findings.append(Finding(FindingKind.DUPLICATE_INSTANCE, Severity.NOTE, files=names(copies), details=details))
    if not images[0].tags.uid:
        findings.append(Finding(FindingKind.NO_UIDS, Severity.NOTE))
    return tuple(findings)


def of_copies(conflicting: Sequence[Image]) -> tuple[Finding, ...]:
    """Return the finding that copies of images differ from those that are used."""
    if not conflicting:
        return ()
    details: Details = {"count": len(conflicting)}
    return (Finding(FindingKind.CONFLICTING_COPIES, Severity.WARNING, files=names(conflicting), details=details),)


def of_frames(groups: Sequence[Sequence[Image]]) -> tuple[Finding, ...]:
    """Return the finding that a series names several frames of reference, with the files of all but the largest."""
    if len(groups) < 2:
        return ()
    largest = max(groups, key=len)
    others = [image for group in groups if group is not largest for image in group]
    details: Details = {"count": len(groups)}
    return (Finding(FindingKind.MIXED_FRAME_OF_REFERENCE, Severity.WARNING, files=names(others), details=details),)


def of_part(part: Part) -> tuple[Finding, ...]:
    """Return why images were set apart from the main part; nothing for the main part itself."""
    if part.apart is None:
        return ()
    files = names(part.images)
    return (Finding(part.apart, _severity_apart(part.apart), files=files, details=_apart_details(part)),)


def _severity_apart(kind: FindingKind) -> Severity:
    return Severity.NOTE if kind is FindingKind.LOCALIZER else Severity.WARNING


def _apart_details(part: Part) -> Details:
    details: Details = {"count": len(part.images)}
    obstacle = part.images[0].obstacle
    if obstacle:
        why = _("they carry no position") if obstacle == NO_POSITION else obstacle
        apart = counted(_("1 image was set apart"), _("{count} images were set apart"), len(part.images))
        details["why"] = f"{apart}: {why}."
        details["remedy"] = _("Open them one by one.")
    return details


def of_positions(found: Arrangement, ordered: Sequence[Image]) -> tuple[Finding, ...]:
    """Return what the positions say: losses, unevenness, duplicates, tilt, and numbers that run against them.

    Parameters
    ----------
    found : Arrangement
    ordered : sequence of Image
        What `found` counts.
    """
    used = [ordered[n] for n in found.order]
    findings = []
    if found.missing:
        findings.append(_missing(found, used))
    if found.fit is not None and found.fit.max_mm > found.fit.regular_mm:
        findings.append(_uneven(found, used))
    if found.duplicates:
        findings.append(_duplicates(found, ordered))
    if found.fit is not None and found.fit.tilt_deg:
        shift = found.fit.step_mm * tan(radians(found.fit.tilt_deg))
        details: Details = {"angle_deg": found.fit.tilt_deg, "shift_mm": shift, "total_mm": shift * found.places[-1]}
        findings.append(Finding(FindingKind.TILTED, Severity.NOTE, details=details))
    if len(used) == 1 and not found.duplicates:
        findings.append(Finding(FindingKind.SINGLE_SLICE, Severity.WARNING, files=names(used)))
    if _runs_against(used):
        findings.append(Finding(FindingKind.LEFT_HANDED_ORDER, Severity.NOTE))
    return tuple(findings)


def _missing(found: Arrangement, used: Sequence[Image]) -> Finding:
    """Name the lost places and the files on either side of each gap."""
    lost = set(found.missing)
    beside = [used[n] for n, place in enumerate(found.places) if place - 1 in lost or place + 1 in lost]
    details: Details = {"count": len(found.missing)}
    return Finding(FindingKind.MISSING_SLICES, Severity.ERROR, found.missing, names(beside), details)


def _uneven(found: Arrangement, used: Sequence[Image]) -> Finding:
    """Name the slices that lie off the grid, worst first."""
    assert found.fit is not None
    fit, deviation = found.fit, found.deviation_mm
    off = [n for n in sorted(range(len(used)), key=lambda n: -deviation[n]) if deviation[n] > fit.regular_mm]
    details: Details = {
        "max_mm": fit.max_mm,
        "rms_mm": fit.rms_mm,
        "regular_mm": fit.regular_mm,
        "tolerance_mm": fit.uneven_mm,
        "count": len(off),
    }
    severity = Severity.WARNING if found.matrix is not None else Severity.ERROR
    worst = off[:MAX_NAMED]
    slices = tuple(found.places[n] for n in worst) if found.matrix is not None else tuple(worst)
    return Finding(FindingKind.UNEVEN_SPACING, severity, slices, names([used[n] for n in worst]), details)


def _duplicates(found: Arrangement, ordered: Sequence[Image]) -> Finding:
    severity = Severity.WARNING if found.matrix is not None else Severity.ERROR
    details: Details = {"count": len(found.duplicates)}
    files = names([ordered[n] for n in found.duplicates])
    return Finding(FindingKind.DUPLICATE_POSITION, severity, found.duplicate_places, files, details)


def _runs_against(used: Sequence[Image]) -> bool:
    """Whether the instance numbers fall strictly from slice to slice along row × column."""
    numbers = [image.order[1] for image in used]
    return len(numbers) >= LEAST_NUMBERED and all(one > other for one, other in pairwise(numbers))


def of_images(images: Sequence[Image], places: Sequence[int] = ()) -> tuple[Finding, ...]:
    """Return what the headers say that is doubtful, apart from positions.

    Parameters
    ----------
    images : sequence of Image
        Those that are used.
    places : sequence of int
        Place of each in the volume; none where there is no volume.
    """
    findings: list[Finding] = []
    first = images[0]
    if not first.tags.frame_of_reference_uid and not first.obstacle:
        findings.append(Finding(FindingKind.NO_FRAME_OF_REFERENCE, Severity.NOTE))
    if first.stored.format.photometric == "MONOCHROME1":
        findings.append(Finding(FindingKind.INVERTED_DISPLAY, Severity.NOTE))
    if first.spacing is not None and not first.obstacle:
        between_rows, between_columns = first.spacing
        if max(first.spacing) > (1 + NON_SQUARE_SHARE) * min(first.spacing):
            size: Details = {"row_mm": between_rows, "column_mm": between_columns}
            findings.append(Finding(FindingKind.NON_SQUARE_PIXELS, Severity.NOTE, details=size))
    slopes = sorted({image.stored.slope for image in images})
    if len({(image.stored.slope, image.stored.intercept) for image in images}) > 1:
        ends: Details = {"low": slopes[0], "high": slopes[-1]}
        findings.append(Finding(FindingKind.RESCALE_VARIES, Severity.NOTE, details=ends))
    return (*findings, *_lossy(images, places))


def _lossy(images: Sequence[Image], places: Sequence[int]) -> tuple[Finding, ...]:
    """Name the images that were compressed with loss, with the strongest ratio; none named when all were."""
    lossy = [n for n, image in enumerate(images) if image.lossy_ratio is not None]
    if not lossy:
        return ()
    ratios = {str(images[n].lossy_ratio) for n in lossy}
    some = len(lossy) < len(images)
    finding = Finding(
        FindingKind.LOSSY,
        Severity.WARNING,
        slices=tuple(places[n] for n in lossy) if some and places else (),
        files=names([images[n] for n in lossy]) if some else (),
        details={"ratio": max(ratios, key=_strength), "count": len(lossy)},
    )
    return (finding,)


def _strength(ratio: str) -> float:
    try:
        return float(ratio.rpartition(" ")[2])
    except ValueError:
        return 0.0
