"""From groups of images to series: geometry, verdict, and every doubt as a finding."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import replace

from arviewer.imaging.dicom import doubts, grouping
from arviewer.imaging.dicom.copies import conflicting
from arviewer.imaging.dicom.geometry import Arrangement, pixel_steps
from arviewer.imaging.dicom.grouping import Part
from arviewer.imaging.dicom.headers import Image
from arviewer.imaging.dicom.obstacles import NO_POSITION
from arviewer.imaging.dicom.phases import phases_of, sort_key
from arviewer.imaging.dicom.volumes import arrangement
from arviewer.imaging.dicom.volumes import volumes as volumes_of
from arviewer.model.findings import Finding, FindingKind, Severity, Verdict
from arviewer.model.geometry import Float
from arviewer.model.study import Instance, Phase, Series, Skipped
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _

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
        frames = grouping.by_frame_of_reference(kept)
        findings = doubts.of_frames(frames) + doubts.of_group(kept, [copy for copy, _first in copies])
        findings += doubts.of_copies(conflicting(copies))
        for one in frames:
            built, left_out = _series_of_group(one, findings)
            series += built
            skipped += left_out
    series.sort(key=lambda one: (one.geometry is None, -len(one.instances), one.number or 0, one.uid))
    return series, skipped


def _series_of_group(images: Sequence[Image], findings: tuple[Finding, ...]) -> Built:
    all_parts = grouping.parts(images)
    if len(all_parts) > MAX_PARTS and 2 * len(all_parts[0].images) < len(images):
        mixed = Finding(
            FindingKind.MIXED_ORIENTATION, Severity.ERROR, files=doubts.names(images), details={"count": len(images)}
        )
        ordered = sorted(images, key=lambda image: image.order)
        return [_series(ordered, None, Verdict.MIXED, (mixed, *findings), (1, 1))], []
    apart = [doubts.of_part(part) for part in all_parts]
    volumes = [(part, own, *one) for part, own in zip(all_parts, apart, strict=True) for one in _volumes(part)]
    series, skipped = [], []
    for number, (part, why, volume, phase) in enumerate(volumes):
        own = why if part.apart is not None else tuple(itertools.chain.from_iterable(apart))
        if phase is not None:
            count = sum(other is part for other, *_rest in volumes)
            own += (Finding(FindingKind.MULTIPLE_VOLUMES, Severity.WARNING, details={"count": count}),)
        one, left_out = _series_of_volume(volume, own + findings, (number + 1, len(volumes)))
        series.append(replace(one, phase=phase))
        skipped += left_out
    return series, skipped


def _volumes(part: Part) -> list[tuple[list[Image], Phase | None]]:
    """Return the volumes of a part, in the order of their phases."""
    if part.images[0].obstacle:
        return [(list(part.images), None)]
    groups = volumes_of(part.images)
    return sorted(zip(groups, phases_of(groups), strict=True), key=lambda one: sort_key(one[1]))


def _series_of_volume(
    images: Sequence[Image], findings: tuple[Finding, ...], part: tuple[int, int]
) -> tuple[Series, list[Skipped]]:
    ordered = sorted(images, key=lambda image: image.order[::-1])
    obstacle = images[0].obstacle
    if obstacle:
        verdict, finding = _refusal(obstacle, doubts.names(ordered))
        return _series(ordered, None, verdict, (finding, *findings, *doubts.of_images(ordered)), part), []
    found = arrangement(ordered)
    used = [ordered[n] for n in found.order]
    left_out = [
        Skipped(ordered[n].instance.name, _("it lies at the position of another image of its series"))
        for n in found.duplicates
    ]
    places = found.places if found.matrix is not None else range(len(used))
    findings = doubts.of_positions(found, ordered) + findings + doubts.of_images(used, places)
    return _series(used, found, found.verdict, findings, part), left_out


def _refusal(obstacle: str, files: tuple[str, ...]) -> tuple[Verdict, Finding]:
    if obstacle == NO_POSITION:
        return Verdict.NO_GEOMETRY, Finding(FindingKind.NO_GEOMETRY, Severity.ERROR, files=files)
    details: dict[str, str | int | float] = {
        "why": _("The images are no slices of a volume: {why}.").format(why=obstacle),
        "remedy": _("Ask for the original images of the series."),
    }
    return Verdict.REFUSED, Finding(FindingKind.UNSUPPORTED, Severity.ERROR, files=files, details=details)


def _series(
    images: Sequence[Image],
    found: Arrangement | None,
    verdict: Verdict,
    findings: tuple[Finding, ...],
    part: tuple[int, int],
) -> Series:
    first = images[0]
    geometry = None if found is None else _geometry(images, found, part)
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
        places=() if geometry is None or found is None else found.places,
        geometry=geometry,
        verdict=verdict,
        findings=findings,
        window=images[len(images) // 2].window,
        unit=first.unit,
        part=part,
        inverted=first.stored.format.photometric == "MONOCHROME1",
        fit=None if found is None else found.fit,
        pixel_steps_lps=None if found is None else _pixel_steps(first),
    )


def _pixel_steps(image: Image) -> Float:
    assert image.orientation is not None
    assert image.spacing is not None
    return pixel_steps(image.orientation, (image.spacing[0], image.spacing[1]))


def _geometry(images: Sequence[Image], found: Arrangement, part: tuple[int, int]) -> VolumeGeometry | None:
    if found.matrix is None:
        return None
    form = images[0].stored.format
    shape = (found.count, form.rows, form.columns)
    space = images[0].tags.frame_of_reference_uid or made_up_frame(
        images[0].tags.study_uid, images[0].tags.uid, part, images[0].instance
    )
    return VolumeGeometry.of_grid(shape, found.matrix, space)


def made_up_frame(study_uid: str, uid: str, part: tuple[int, int], first: Instance) -> str:
    """Return a frame of reference that a volume shares with nothing else, as a UID (PS3.5 B.2).

    Parameters
    ----------
    study_uid, uid : str
        Of the series.
    part : (int, int)
        Which of how many volumes of it.
    first : Instance
        Its first image.
    """
    seed = repr((study_uid, uid, part, str(first.path), first.member))
    return f"2.25.{int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], 'big')}"
