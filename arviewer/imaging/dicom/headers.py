"""From a file to the images in it: who, where in space, how stored; one entry per frame of a multi-frame file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from arviewer.imaging.dicom.attachments import attachment_of, patient_of
from arviewer.imaging.dicom.elements import Header, UnreadableHeader, parse
from arviewer.imaging.dicom.obstacles import obstacle_of_pixels, obstacle_of_space
from arviewer.imaging.dicom.pixel_format import lossy_ratio, pixel_format, unit_of, window_of
from arviewer.imaging.dicom.source import READ_ERRORS, Source
from arviewer.imaging.dicom.values import Values
from arviewer.model.geometry import Float
from arviewer.model.study import Attachment, Instance, Patient, StoredPixels
from arviewer.words import _

FIRST_READ = 16 << 10
"""Bytes read of each file at first; nine of ten headers are shorter."""

MAX_HEADER_FILE = 1 << 30
"""Files whose header cannot be found within the first reads are read whole up to this size only."""

MAX_FRAMES = 100_000
"""Frames of one file; the largest real ones have a few thousand."""

NO_IMAGES = {
    "SEG": _("it is a segmentation, not images"),
    "RTDOSE": _("it is a radiotherapy dose, not images"),
    "RTSTRUCT": _("it is a radiotherapy structure set, not images"),
    "RTPLAN": _("it is a radiotherapy plan, not images"),
    "SR": _("it is a report, not images"),
    "PR": _("it is a presentation state, not images"),
    "KO": _("it is a selection of images, not images"),
    "REG": _("it is a registration, not images"),
    "DOC": _("it is a document, not images"),
    "M3D": _("it is a surface model, not images"),
}
"""Modalities (0008,0060) whose objects are no images, and what they are."""

_WANTED = """
    00080005 00080008 00080016 00080018 00080020 00080022 00080032 00080033 00080060 00081030 0008103E
    00100010 00100020 00100021 00100030 00100040
    00180081 00180086 00181060 00189087
    0020000D 0020000E 00200011 00200012 00200013 00200032 00200037 00200052 00200100 00209056
    00280002 00280004 00280008 00280010 00280011 00280030 00280100 00280101 00280102 00280103 00280120
    00281050 00281051 00281052 00281053 00281054 00282110 00282112 00283000
    00420010 00541001 00700080 30060002 52009229 52009230
"""

WANTED = frozenset(int(tag, 16) for tag in _WANTED.split())
"""The tags that import reads."""

MODALITY_LUT = 0x00283000

B_VALUE = 0x00189087
"""*Diffusion b-value*, a binary number."""

PARTING_TAGS = (0x00200100, 0x00180086, 0x00180081, B_VALUE, 0x00209056, 0x00200012, 0x00181060, 0x00080008)
"""What may tell volumes at the same positions apart, surest first: temporal position, echo, echo time, b-value,
stack, acquisition, trigger time, image type."""

LOCALIZERS = frozenset(("LOCALIZER", "SCOUT", "TOPOGRAM"))


@dataclass(frozen=True, slots=True)
class SeriesTags:
    """What all images of a series share; images that differ in any of it are never merged."""

    patient: Patient
    study_uid: str
    uid: str
    frame_of_reference_uid: str
    modality: str
    number: int | None
    description: str


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One frame, as its header describes it.

    Attributes
    ----------
    instance : Instance
    tags : SeriesTags
    orientation : tuple of float, length 6, or None
    spacing : tuple of float, length 2, mm, or None
        Between rows, between columns.
    marks : tuple of str
        The values of `PARTING_TAGS`.
    order : tuple
        Acquisition time and instance number: which of two images at one position came first.
    obstacle : str
        Why it cannot be a slice of a volume; "" when it can.
    """

    instance: Instance
    tags: SeriesTags
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    marks: tuple[str, ...]
    order: tuple[str, int]
    localizer: bool
    study_date: str = ""
    study_description: str = ""
    unit: str = ""
    window: tuple[float, float] | None = None
    lossy_ratio: str | None = None
    obstacle: str = ""

    @property
    def position(self) -> Float | None:
        """*Image Position (Patient)*, mm."""
        return self.instance.position_lps

    @property
    def stored(self) -> StoredPixels:
        """Where the pixels lie."""
        assert self.instance.stored is not None
        return self.instance.stored


class NoImages(Exception):
    """A file that holds no images; the message says why, in words for the reader.

    Attributes
    ----------
    attachment : Attachment or None
        What it is instead, when it is of use.
    """

    def __init__(self, why: str, attachment: Attachment | None = None) -> None:
        super().__init__(why)
        self.attachment = attachment


def images_of(source: Source) -> list[Image]:
    """Return the images in one file: one, or one per frame.

    Raises
    ------
    NoImages
        When it is no DICOM file, holds no pixels, or its header cannot be read.
    """
    try:
        size, changed = source.stamp()
        header, data = _header(source, size)
    except UnreadableHeader as error:
        raise NoImages(str(error)) from error
    except READ_ERRORS as error:
        raise NoImages(_("it cannot be read ({why})").format(why=_os_reason(error))) from error
    values = Values(header)
    _require_images(values, source)
    image = _image(values, source, size, changed)
    if values.has(MODALITY_LUT) and not image.obstacle:
        image = _with_lut(image, values.header, data if data is not None else source.read(values.header.pixel_offset))
    if values.has(0x52009230) and not image.obstacle:
        from arviewer.imaging.dicom import functional_groups

        return functional_groups.frames(image, data if data is not None else source.read())
    return [image]


def _with_lut(image: Image, header: Header, data: bytes) -> Image:
    from arviewer.imaging.dicom.modality_lut import BadLut, modality_lut

    try:
        lut, unit = modality_lut(
            data[: header.pixel_offset], signed=image.stored.format.signed, big_endian=header.big_endian
        )
    except BadLut as reason:
        return replace(image, obstacle=str(reason))
    stored = replace(image.stored, lut=lut, slope=1.0, intercept=0.0)
    return replace(image, instance=replace(image.instance, stored=stored), unit=unit_of(image.tags.modality, unit))


def _os_reason(error: BaseException) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error) or type(error).__name__


def _header(source: Source, size: int) -> tuple[Header, bytes | None]:
    """Read as little of the file as its header needs; returns the bytes too when all were read."""
    step = FIRST_READ
    while True:
        data = source.read(step)
        if data[128:132] != b"DICM" and data[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08", b"\x00\x02"):
            raise UnreadableHeader(_("it is empty") if not size else _("it is not a DICOM file"))
        whole = len(data) >= size or len(data) < step
        header = parse(data, WANTED, whole=whole)
        if header is not None:
            return header, data if whole else None
        if size > MAX_HEADER_FILE:
            raise UnreadableHeader(_("its header is not found in the first gigabyte"))
        step = step * 8 if step < FIRST_READ * 8 else size


def _require_images(values: Values, source: Source) -> None:
    modality = values.code(0x00080060)
    attachment = attachment_of(values.header, source)
    if modality in NO_IMAGES or attachment is not None:
        raise NoImages(NO_IMAGES.get(modality, _("it holds no images")), attachment)
    if not values.header.pixel_tag:
        raise NoImages(_("it holds no pixels"))


def _image(values: Values, source: Source, size: int, changed: int) -> Image:
    form = pixel_format(values)
    slope, intercept = values.number(0x00281053), values.number(0x00281052)
    stored = StoredPixels(
        format=form,
        transfer_syntax=values.header.transfer_syntax,
        offset=values.header.pixel_offset,
        length=values.header.pixel_length,
        frames=max(1, values.integer(0x00280008) or 1),
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        padding=None if form.is_float else values.short(0x00280120, signed=form.signed),
        file_bytes=size,
        changed_ns=changed,
        in_words=values.header.pixel_vr == b"OW",
    )
    position, orientation, spacing = (
        values.numbers(tag) if values.raw(tag) else None for tag in (0x00200032, 0x00200037, 0x00280030)
    )
    instance = Instance(
        path=source.path,
        member=source.member,
        sop_instance_uid=values.code(0x00080018),
        position_lps=np.array(position) if position and len(position) == 3 else None,
        stored=stored,
    )
    return Image(
        instance=instance,
        tags=_series_tags(values),
        orientation=orientation if orientation and len(orientation) == 6 else None,
        spacing=spacing if spacing and len(spacing) == 2 else None,
        marks=_marks(values),
        order=(values.code(0x00080032) or values.code(0x00080033), values.integer(0x00200013) or 0),
        localizer=bool(LOCALIZERS & set(values.code(0x00080008).upper().split("\\"))),
        study_date=values.code(0x00080020),
        study_description=values.text(0x00081030),
        unit=unit_of(values.code(0x00080060), values.code(0x00281054) or values.code(0x00541001)),
        window=window_of(values.number(0x00281050), values.number(0x00281051)),
        lossy_ratio=lossy_ratio(values),
        obstacle=obstacle_of_pixels(values, stored, MAX_FRAMES)
        or ("" if values.has(0x52009230) else obstacle_of_space(position, orientation, spacing)),
    )


def _series_tags(values: Values) -> SeriesTags:
    return SeriesTags(
        patient=patient_of(values),
        study_uid=values.code(0x0020000D),
        uid=values.code(0x0020000E),
        frame_of_reference_uid=values.code(0x00200052),
        modality=values.code(0x00080060),
        number=values.integer(0x00200011),
        description=values.text(0x0008103E),
    )


def _marks(values: Values) -> tuple[str, ...]:
    texts = {tag: values.code(tag) for tag in PARTING_TAGS}
    b_value = values.double(B_VALUE)
    texts[B_VALUE] = "" if b_value is None else f"{b_value:g}"
    return tuple(texts[tag] for tag in PARTING_TAGS)
