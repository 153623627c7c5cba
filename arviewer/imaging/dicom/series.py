"""From groups of images to series: geometry, verdict, and every doubt as a finding."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from arviewer.imaging.dicom import grouping
from arviewer.imaging.dicom.geometry import Arrangement, arrange, regular_tolerance
from arviewer.imaging.dicom.grouping import Part
from arviewer.imaging.dicom.headers import Image
from arviewer.imaging.dicom.obstacles import NO_POSITION
from arviewer.model.findings import Finding, FindingKind, Severity, Verdict
from arviewer.model.geometry import Affine, Ijk, Lps
from arviewer.model.study import Series, Skipped
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _

NON_SQUARE_SHARE = 0.05
"""Difference of the two pixel spacings that is a finding: below it no picture drawn with square pixels is visibly
wrong, and many detectors differ by a few per mille."""

MAX_PARTS = 8
"""Parts above which a series without a main part is listed as one mixed series, not as that many single images."""

Built = tuple[list[Series], list[Skipped]]


def series_of(images: Sequence[Image]) -> Built:
    """Return the series these images make, volumes and the largest first, and the images left out with the reason."""
    series: list[Series] = []
    skipped: list[Skipped] = []
    for group in grouping.by_key(images, grouping.series_key):
        kept, copies = grouping.without_copies(group)
        skipped += [
            Skipped(copy.instance.name, _("it is a copy of {name}").format(name=first.instance.name))
            for copy, first in copies
        ]
        findings = _group_findings(kept, [copy for copy, _first in copies])
        for one in grouping.by_frame_of_reference(kept):
            built, left_out = _series_of_group(one, findings)
            series += built
            skipped += left_out
    series.sort(key=lambda one: (one.geometry is None, -len(one.instances), one.number or 0, one.uid))
    return series, skipped


def _group_findings(images: Sequence[Image], copies: Sequence[Image]) -> tuple[Finding, ...]:
    findings = []
    if copies:
        findings.append(
            Finding(
                FindingKind.DUPLICATE_INSTANCE,
                Severity.NOTE,
                files=_names(copies),
                details={"count": len(copies)},
            )
        )
    if not images[0].tags.uid:
        findings.append(Finding(FindingKind.NO_UIDS, Severity.NOTE))
    return tuple(findings)


def _series_of_group(images: Sequence[Image], findings: tuple[Finding, ...]) -> Built:
    all_parts = grouping.parts(images)
    if len(all_parts) > MAX_PARTS and 2 * len(all_parts[0].images) < len(images):
        mixed = Finding(FindingKind.MIXED_ORIENTATION, Severity.ERROR, details={"count": len(images)})
        ordered = sorted(images, key=lambda image: image.order)
        return [_series(ordered, None, Verdict.MIXED, (mixed, *findings), (1, 1))], []
    apart = tuple(
        Finding(part.apart, _severity_apart(part.apart), files=_names(part.images), details=_apart_details(part))
        for part in all_parts
        if part.apart is not None
    )
    volumes = [(part, volume, len(split)) for part in all_parts for split in [_volumes(part)] for volume in split]
    series, skipped = [], []
    for number, (part, volume, split) in enumerate(volumes):
        own = apart if part.apart is None else tuple(one for one in apart if one.files == _names(part.images))
        if split > 1:
            own += (Finding(FindingKind.MULTIPLE_VOLUMES, Severity.WARNING, details={"count": split}),)
        one, left_out = _series_of_volume(volume, own + findings, (number + 1, len(volumes)))
        series.append(one)
        skipped += left_out
    return series, skipped


def _severity_apart(kind: FindingKind) -> Severity:
    return Severity.NOTE if kind is FindingKind.LOCALIZER else Severity.WARNING


def _apart_details(part: Part) -> dict[str, str | int | float]:
    obstacle = part.images[0].obstacle
    if obstacle == NO_POSITION:
        obstacle = _("they carry no position")
    why = _("{count} images were set apart: {why}.").format(count=len(part.images), why=obstacle)
    return {"count": len(part.images), "why": why, "remedy": _("Open them one by one.")}


def _volumes(part: Part) -> list[list[Image]]:
    if part.images[0].obstacle:
        return [list(part.images)]
    volumes = grouping.volumes(part.images)
    if len(volumes) > 1 or _arrangement(volumes[0]).matrix is not None:
        return volumes
    # Two acquisitions whose slices lie between each other: uneven together, each a volume alone.
    marked = grouping.by_marks(part.images)
    if marked and all(_arrangement(one).verdict in (Verdict.REGULAR, Verdict.TILTED) for one in marked):
        return marked
    return volumes


def _arrangement(images: Sequence[Image]) -> Arrangement:
    first = images[0]
    assert first.orientation is not None
    assert first.spacing is not None
    positions = np.array([image.position for image in images], dtype=np.float64)
    return arrange(positions, first.orientation, (first.spacing[0], first.spacing[1]))


def _series_of_volume(
    images: Sequence[Image], findings: tuple[Finding, ...], part: tuple[int, int]
) -> tuple[Series, list[Skipped]]:
    ordered = sorted(images, key=lambda image: image.order[::-1])
    findings += _image_findings(ordered)
    obstacle = images[0].obstacle
    if obstacle == NO_POSITION:
        verdict, finding = Verdict.NO_GEOMETRY, Finding(FindingKind.NO_GEOMETRY, Severity.ERROR)
        return _series(ordered, None, verdict, (finding, *findings), part), []
    if obstacle:
        finding = Finding(
            FindingKind.UNSUPPORTED,
            Severity.ERROR,
            files=_names(ordered),
            details={
                "why": _("The images are no slices of a volume: {why}.").format(why=obstacle),
                "remedy": _("Ask for the original images of the series."),
            },
        )
        return _series(ordered, None, Verdict.REFUSED, (finding, *findings), part), []
    arrangement = _arrangement(ordered)
    used = [ordered[n] for n in arrangement.order]
    left_out = [
        Skipped(ordered[n].instance.name, _("it lies at the position of another image of its series"))
        for n in arrangement.duplicates
    ]
    findings = _geometry_findings(arrangement, ordered, used) + findings
    return _series(used, arrangement, arrangement.verdict, findings, part), left_out


def _series(
    images: Sequence[Image],
    arrangement: Arrangement | None,
    verdict: Verdict,
    findings: tuple[Finding, ...],
    part: tuple[int, int],
) -> Series:
    first = images[0]
    geometry = None if arrangement is None else _geometry(images, arrangement, part)
    return Series(
        uid=first.tags.uid,
        study_uid=first.tags.study_uid,
        frame_of_reference_uid=first.tags.frame_of_reference_uid,
        patient=first.tags.patient,
        number=first.tags.number,
        modality=first.tags.modality,
        description=first.tags.description,
        study_date=first.study_date,
        study_description=first.study_description,
        instances=tuple(image.instance for image in images),
        places=() if geometry is None or arrangement is None else arrangement.places,
        geometry=geometry,
        verdict=verdict,
        findings=findings,
        window=images[len(images) // 2].window,
        unit=first.unit,
        part=part,
        inverted=first.stored.format.photometric == "MONOCHROME1",
    )


def _geometry(images: Sequence[Image], arrangement: Arrangement, part: tuple[int, int]) -> VolumeGeometry | None:
    if arrangement.matrix is None:
        return None
    form = images[0].stored.format
    shape = (arrangement.count, form.rows, form.columns)
    space = images[0].tags.frame_of_reference_uid or _made_up_frame(images, part)
    grid = hashlib.sha256(repr((space, shape, arrangement.matrix.tolist())).encode()).hexdigest()[:16]
    lps_from_ijk: Affine[Lps, Ijk] = Affine(arrangement.matrix, to_space=space, from_space=f"grid:{grid}")
    return VolumeGeometry(shape, lps_from_ijk)


def _made_up_frame(images: Sequence[Image], part: tuple[int, int]) -> str:
    """Return a frame of reference that this volume shares with nothing else, as a UID (PS3.5 B.2)."""
    first = images[0].instance
    seed = repr((images[0].tags.study_uid, images[0].tags.uid, part, str(first.path), first.member))
    return f"2.25.{int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], 'big')}"


def _names(images: Sequence[Image]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(image.instance.name for image in images))


def _geometry_findings(found: Arrangement, ordered: Sequence[Image], used: Sequence[Image]) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    if found.missing:
        findings.append(_missing(found, used))
    step = _step_mm(found)
    if found.max_mm > regular_tolerance(step):
        severity = Severity.WARNING if found.matrix is not None else Severity.ERROR
        numbers: dict[str, str | int | float] = {
            "max_mm": found.max_mm,
            "rms_mm": found.rms_mm,
            "tolerance_mm": found.tolerance_mm,
        }
        findings.append(Finding(FindingKind.UNEVEN_SPACING, severity, details=numbers))
    if found.duplicates:
        findings.append(
            Finding(
                FindingKind.DUPLICATE_POSITION,
                Severity.WARNING if found.matrix is not None else Severity.ERROR,
                files=_names([ordered[n] for n in found.duplicates]),
                details={"count": len(found.duplicates)},
            )
        )
    if found.tilt_deg:
        findings.append(Finding(FindingKind.TILTED, Severity.NOTE, details={"angle_deg": found.tilt_deg}))
    if len(used) == 1 and not found.duplicates:
        findings.append(Finding(FindingKind.SINGLE_SLICE, Severity.WARNING))
    return tuple(findings)


def _step_mm(found: Arrangement) -> float:
    """Return the step the tolerances of this arrangement belong to."""
    if found.matrix is not None:
        return float(np.linalg.norm(found.matrix[:3, 2]))
    return 0.0


def _missing(found: Arrangement, used: Sequence[Image]) -> Finding:
    """Name the lost places and the files on either side of each gap."""
    lost = set(found.missing)
    beside = [used[n] for n, place in enumerate(found.places) if place - 1 in lost or place + 1 in lost]
    return Finding(
        FindingKind.MISSING_SLICES,
        Severity.ERROR,
        slices=found.missing,
        files=_names(beside),
        details={"count": len(found.missing)},
    )


def _image_findings(images: Sequence[Image]) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    first = images[0]
    if not first.tags.frame_of_reference_uid and not first.obstacle:
        findings.append(Finding(FindingKind.NO_FRAME_OF_REFERENCE, Severity.NOTE))
    if first.stored.format.photometric == "MONOCHROME1":
        findings.append(Finding(FindingKind.INVERTED_DISPLAY, Severity.NOTE))
    if first.spacing is not None and not first.obstacle:
        between_rows, between_columns = first.spacing
        if max(first.spacing) > (1 + NON_SQUARE_SHARE) * min(first.spacing):
            size: dict[str, str | int | float] = {"row_mm": between_rows, "column_mm": between_columns}
            findings.append(Finding(FindingKind.NON_SQUARE_PIXELS, Severity.NOTE, details=size))
    if len({(image.stored.slope, image.stored.intercept) for image in images}) > 1:
        findings.append(Finding(FindingKind.RESCALE_VARIES, Severity.NOTE))
    lossy = [image for image in images if image.lossy_ratio is not None]
    if lossy:
        findings.append(
            Finding(
                FindingKind.LOSSY,
                Severity.WARNING,
                files=_names(lossy) if len(lossy) < len(images) else (),
                details={"ratio": lossy[0].lossy_ratio or "unknown"},
            )
        )
    return tuple(findings)
