"""Which images belong together: by patient and series first, then by frame of reference, matrix and orientation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from arviewer.imaging.dicom.geometry import SAME_DIRECTION, directions
from arviewer.imaging.dicom.headers import Image
from arviewer.imaging.dicom.pixels import require_plausible
from arviewer.imaging.dicom.syntaxes import DamagedFrame
from arviewer.model.findings import FindingKind

LOCALIZER_IMAGES = 3
"""At most so many images lie across a stack when they are its localizers."""

LOCALIZER_COSINE = 0.5
"""Images whose normal is more than 60° from that of the stack lie across it."""

SCATTERED_SHARE = 0.5
"""Frames of reference per image of one series beyond which they are not the patient's but the writer's mistake."""

SCATTERED_LEAST = 4
"""Frames of reference that a series must name for that: two or three images may well lie in as many frames."""

SPACING_DIGITS = 4
"""Decimals of mm of the pixel spacing that must agree within one volume; 0.0001 mm × 512 pixels is 0.05 mm."""


@dataclass(frozen=True, slots=True)
class Part:
    """Images of one series that share orientation, matrix, spacing and pixel format.

    Attributes
    ----------
    images : tuple of Image
    apart : FindingKind or None
        Why they were parted from the main part; None for the main part itself.
    """

    images: tuple[Image, ...]
    apart: FindingKind | None = None


def by_key(images: Sequence[Image], key: Callable[[Image], Hashable]) -> list[list[Image]]:
    """Return the images in groups of equal key, in the order the keys first appear."""
    groups: dict[Hashable, list[Image]] = defaultdict(list)
    for image in images:
        groups[key(image)].append(image)
    return list(groups.values())


def patient_key(image: Image) -> Hashable:
    """Return what tells patients apart: id with issuer, birth date and name together, for any alone repeats."""
    return image.tags.patient.key


def series_key(image: Image) -> Hashable:
    """Return what all images of a series share; without UIDs the folder and what the files say of themselves."""
    tags = image.tags
    key = (patient_key(image), tags.study_uid, tags.uid, tags.modality)
    if tags.uid:
        return key
    folder = image.instance.member.rpartition("/")[0] or str(image.instance.path.parent)
    return (*key, folder, tags.number, tags.description)


def by_frame_of_reference(images: Sequence[Image]) -> list[list[Image]]:
    """Part the images of one series by frame of reference.

    Where nearly every image names its own (LIDC-IDRI does, from its de-identification), the names mean nothing: the
    images stay together and have no frame of reference.
    """
    groups = by_key(images, lambda image: image.tags.frame_of_reference_uid)
    if len(groups) < SCATTERED_LEAST or len(groups) <= SCATTERED_SHARE * len(images):
        return groups
    return [[replace(image, tags=replace(image.tags, frame_of_reference_uid="")) for image in images]]


def without_copies(images: Sequence[Image]) -> tuple[list[Image], list[tuple[Image, Image]]]:
    """Return each SOP instance once, the best of its copies, and pairs (copy, the one that is used); in their order."""
    best: dict[Hashable, Image] = {}
    for image in images:
        rival = best.setdefault(_identity(image), image)
        if _merit(image) > _merit(rival):
            best[_identity(image)] = image
    kept = [image for image in images if best[_identity(image)] is image]
    copies = [(image, used) for image in images if (used := best[_identity(image)]) is not image]
    return kept, copies


def _identity(image: Image) -> Hashable:
    """Return what copies of one image share; an image without a UID is a copy of none."""
    instance = image.instance
    place = None if image.position is None else tuple(image.position)
    return (instance.sop_instance_uid, instance.frame, place) if instance.sop_instance_uid else id(image)


def _merit(image: Image) -> tuple[bool, int]:
    """Return how good a copy is: a useless one is the last choice, and one that was cut is shorter."""
    return not _ruin(image), image.stored.file_bytes


def _ruin(image: Image) -> bool:
    """Whether a copy is known to be useless: cut short, or no slice at all."""
    try:
        require_plausible(image.stored)
    except DamagedFrame:
        return True
    return bool(image.obstacle)


def parts(images: Sequence[Image]) -> list[Part]:
    """Part the images of one series by what cannot be one volume, the largest part first."""
    groups: list[list[Image]] = []
    for group in by_key(images, lambda image: (image.localizer, image.obstacle, _matrix(image), _pixels(image))):
        groups += _by_orientation(group)
    groups.sort(key=lambda group: (bool(group[0].obstacle), group[0].localizer, -len(group)))
    main = groups[0]
    return [Part(tuple(main)), *(Part(tuple(group), _reason(main, group)) for group in groups[1:])]


def _matrix(image: Image) -> Hashable:
    form = image.stored.format
    spacing = None if image.spacing is None else tuple(round(step, SPACING_DIGITS) for step in image.spacing)
    return form.rows, form.columns, spacing


def _pixels(image: Image) -> Hashable:
    """Return what the pixels of one volume share.

    Bits Stored, High Bit, padding, rescale and compression are not in it: each image is read with its own, and the
    measured values mean the same. The unit is, for slices in Bq/ml and in counts make no volume.
    """
    form = image.stored.format
    return form.photometric, form.samples, form.bits_allocated, form.signed, form.is_float, image.unit


def _by_orientation(images: Sequence[Image]) -> list[list[Image]]:
    """Group images whose direction cosines agree within `SAME_DIRECTION` with the first of the group."""
    groups: list[list[Image]] = []
    for image in images:
        for group in groups:
            one, other = group[0].orientation, image.orientation
            if one is other or (
                one is not None
                and other is not None
                and max(abs(a - b) for a, b in zip(one, other, strict=True)) <= SAME_DIRECTION
            ):
                group.append(image)
                break
        else:
            groups.append([image])
    return groups


def _reason(main: Sequence[Image], part: Sequence[Image]) -> FindingKind:
    """Return why `part` is not in the volume of `main`."""
    one, other = main[0], part[0]
    if other.obstacle and other.obstacle != one.obstacle:
        return FindingKind.UNSUPPORTED
    if other.localizer:
        return FindingKind.LOCALIZER
    if one.orientation is None or other.orientation is None or one.obstacle or other.obstacle:
        return FindingKind.MIXED_MATRIX
    across = abs(float(directions(one.orientation)[2] @ directions(other.orientation)[2]))
    if across < LOCALIZER_COSINE and len(part) <= LOCALIZER_IMAGES < len(main):
        return FindingKind.LOCALIZER
    turned = max(abs(a - b) for a, b in zip(one.orientation, other.orientation, strict=True)) > SAME_DIRECTION
    if turned:
        return FindingKind.MIXED_ORIENTATION
    return FindingKind.MIXED_MATRIX if _matrix(one) != _matrix(other) else FindingKind.MIXED_PIXEL_FORMAT
