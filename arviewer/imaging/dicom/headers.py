"""From a file to the images in it: who, where in space, how stored; one entry per frame of a multi-frame file."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import numpy as np

from arviewer.imaging.dicom.attachments import attachment_of
from arviewer.imaging.dicom.elements import (
    DEFLATED,
    MAX_INFLATED_HEADER,
    Header,
    UnreadableHeader,
    inflate,
    meta_information,
    parse,
)
from arviewer.imaging.dicom.geometry import MAX_POSITION_MM
from arviewer.imaging.dicom.obstacles import obstacle_of_pixels, obstacle_of_space
from arviewer.imaging.dicom.pixel_format import lossy_ratio, pixel_format, unit_of, window_of
from arviewer.imaging.dicom.repeats import Repeats
from arviewer.imaging.dicom.source import READ_ERRORS, Source
from arviewer.imaging.dicom.tags import (
    B_VALUE,
    COMMON_TAGS,
    LOCALIZERS,
    MODALITY_LUT,
    NO_IMAGES,
    PARTING_TAGS,
    POSITION,
    WANTED,
)
from arviewer.imaging.dicom.values import Values, patient_of
from arviewer.model.geometry import Float
from arviewer.model.study import Attachment, Instance, Patient, StoredPixels
from arviewer.words import _

FIRST_READ = 16 << 10
"""Bytes read of each file at first; nine of ten headers are shorter."""

MAX_HEADER = 1 << 30
"""Bytes of a file that are searched for its pixel data; of a member of an archive, `MAX_INFLATED_HEADER`."""

MAX_FRAMES = 100_000
"""Frames of one file; the largest real ones have a few thousand."""

MAX_COMMONS = 256
"""Sets of common values a scan keeps; a folder is seldom in the order of its series, and has some ten of them."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Common:
    """What follows from all elements but `SLICE_TAGS`: the same for most images of a series.

    Attributes
    ----------
    orientation, spacing : tuple of float or None
        As the header has them, whatever their number.
    obstacle_of_pixels : str
    obstacle_of_space : str
        For an image with a sensible position.
    """

    tags: SeriesTags
    stored: StoredPixels
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    marks: tuple[str, ...]
    localizer: bool
    study_date: str
    study_description: str
    unit: str
    window: tuple[float, float] | None
    lossy_ratio: str | None
    obstacle_of_pixels: str
    obstacle_of_space: str


@dataclass(slots=True)
class Known:
    """What the headers read so far have in common with those to come; for one scan, in one thread.

    It makes a scan several times faster and changes no answer: only what follows from equal bytes is used again.
    """

    repeats: dict[str, Repeats] = field(default_factory=dict)
    commons: dict[Hashable, _Common] = field(default_factory=dict)


def images_of(source: Source, known: Known | None = None) -> list[Image]:
    """Return the images in one file: one, or one per frame.

    Parameters
    ----------
    source : Source
    known : Known, optional
        Of the scan this is part of.

    Raises
    ------
    NoImages
        When it is no DICOM file, holds no pixels, or its header cannot be read.
    """
    known = Known() if known is None else known
    try:
        header, data, stamp = _header(source, known)
    except UnreadableHeader as error:
        raise NoImages(str(error)) from error
    except READ_ERRORS as error:
        raise NoImages(_("it cannot be read ({why})").format(why=_os_reason(error))) from error
    values = Values(header)
    image = _image(values, source, stamp, _common_of(values, source, known))
    if values.has(MODALITY_LUT) and not image.obstacle:
        image = _with_lut(image, values.header, _before_pixels(source, values.header, data))
    if values.has(0x52009230) and not image.obstacle:
        from arviewer.imaging.dicom import functional_groups

        return functional_groups.frames(image, _before_pixels(source, values.header, data))
    return [image]


def _before_pixels(source: Source, header: Header, data: bytes | None) -> bytes:
    """Return the file up to its pixels; of a deflated one, the data set up to there, inflated."""
    try:
        if header.transfer_syntax != DEFLATED:
            return source.read(header.pixel_offset) if data is None else data[: header.pixel_offset]
        packed = source.read(MAX_INFLATED_HEADER) if data is None else data
        return inflate(packed[meta_information(packed)[1] :], min(header.pixel_offset, MAX_INFLATED_HEADER))
    except UnreadableHeader as error:
        raise NoImages(str(error)) from error
    except READ_ERRORS as error:
        raise NoImages(_("it cannot be read ({why})").format(why=_os_reason(error))) from error


def _with_lut(image: Image, header: Header, data: bytes) -> Image:
    from arviewer.imaging.dicom.modality_lut import BadLut, modality_lut

    try:
        lut, unit = modality_lut(data, signed=image.stored.format.signed, big_endian=header.big_endian)
    except BadLut as reason:
        return replace(image, obstacle=str(reason))
    stored = replace(image.stored, lut=lut, slope=1.0, intercept=0.0)
    return replace(image, instance=replace(image.instance, stored=stored), unit=unit_of(image.tags.modality, unit))


def _os_reason(error: BaseException) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error) or type(error).__name__


def _header(source: Source, known: Known) -> tuple[Header, bytes | None, tuple[int, int]]:
    """Read as little of the file as its header needs.

    Returns
    -------
    header : Header
    data : bytes or None
        The whole file, where it was read.
    stamp : (size, time of change)
    """
    step = FIRST_READ
    data, size, changed = source.begin(step)
    while True:
        if data[128:132] != b"DICM" and data[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08", b"\x00\x02"):
            raise UnreadableHeader(_("it is empty") if not size else _("it is not a DICOM file"))
        whole = len(data) >= size or len(data) < step
        header = parse(data, WANTED, whole=whole, repeats=known.repeats)
        if header is not None:
            return header, data if whole else None, (size, changed)
        furthest = min(size, MAX_HEADER if source.archive is None else MAX_INFLATED_HEADER)
        if step >= furthest:
            raise UnreadableHeader(_("no pixels are found in its first {size} MiB").format(size=furthest >> 20))
        step = min(8 * step, furthest)
        data = source.read(step)


def _require_images(values: Values, source: Source) -> None:
    modality = values.code(0x00080060)
    attachment = attachment_of(values.header, source)
    if modality in NO_IMAGES or attachment is not None:
        raise NoImages(NO_IMAGES.get(modality, _("it holds no images")), attachment)
    if not values.header.pixel_tag:
        raise NoImages(_("it holds no pixels"))


def _common_of(values: Values, source: Source, known: Known) -> _Common:
    """Return what the image has in common with others, worked out only where it is not known.

    Raises
    ------
    NoImages
        When it is no image.
    """
    header = values.header
    key = (
        header.transfer_syntax,
        header.big_endian,
        header.pixel_tag,
        header.pixel_vr,
        *map(header.values.get, COMMON_TAGS),
    )
    common = known.commons.get(key)
    if common is None:
        _require_images(values, source)
        if len(known.commons) >= MAX_COMMONS:
            known.commons.clear()
        common = known.commons[key] = _common(values)
    return common


def _common(values: Values) -> _Common:
    form = pixel_format(values)
    slope, intercept = values.number(0x00281053), values.number(0x00281052)
    stored = StoredPixels(
        format=form,
        transfer_syntax=values.header.transfer_syntax,
        offset=0,
        length=0,
        frames=max(1, values.integer(0x00280008) or 1),
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        padding=None if form.is_float else values.short(0x00280120, signed=form.signed),
        in_words=values.header.pixel_vr == b"OW",
    )
    orientation, spacing = (values.numbers(tag) if values.raw(tag) else None for tag in (0x00200037, 0x00280030))
    return _Common(
        tags=_series_tags(values),
        stored=stored,
        orientation=orientation,
        spacing=spacing,
        marks=_marks(values),
        localizer=bool(LOCALIZERS & set(values.code(0x00080008).upper().split("\\"))),
        study_date=values.code(0x00080020),
        study_description=values.text(0x00081030),
        unit=unit_of(values.code(0x00080060), values.code(0x00281054) or values.code(0x00541001)),
        window=window_of(values.number(0x00281050), values.number(0x00281051)),
        lossy_ratio=lossy_ratio(values),
        obstacle_of_pixels=obstacle_of_pixels(values, stored, MAX_FRAMES),
        obstacle_of_space=obstacle_of_space((0.0, 0.0, 0.0), orientation, spacing),
    )


def _image(values: Values, source: Source, stamp: tuple[int, int], common: _Common) -> Image:
    header, alike = values.header, common.stored
    stored = StoredPixels(
        format=alike.format,
        transfer_syntax=alike.transfer_syntax,
        offset=header.pixel_offset,
        length=header.pixel_length,
        frames=alike.frames,
        slope=alike.slope,
        intercept=alike.intercept,
        padding=alike.padding,
        file_bytes=stamp[0],
        changed_ns=stamp[1],
        in_words=alike.in_words,
    )
    position = values.numbers(POSITION) if values.raw(POSITION) else None
    instance = Instance(
        path=source.path,
        member=source.member,
        sop_instance_uid=values.code(0x00080018),
        position_lps=np.array(position) if position and len(position) == 3 else None,
        stored=stored,
    )
    orientation, spacing = common.orientation, common.spacing
    return Image(
        instance=instance,
        tags=common.tags,
        orientation=orientation if orientation and len(orientation) == 6 else None,
        spacing=spacing if spacing and len(spacing) == 2 else None,
        marks=common.marks,
        order=(_moment(values), values.integer(0x00200013) or 0),
        localizer=common.localizer,
        study_date=common.study_date,
        study_description=common.study_description,
        unit=common.unit,
        window=common.window,
        lossy_ratio=common.lossy_ratio,
        obstacle=common.obstacle_of_pixels or ("" if values.has(0x52009230) else _obstacle_of_space(position, common)),
    )


def _moment(values: Values) -> str:
    """Return when an image was acquired, else when it was made: date and time, for a series may last over midnight."""
    day, time = values.code(0x00080022), values.code(0x00080032)
    if not time:
        day, time = values.code(0x00080023), values.code(0x00080033)
    return day + time if time and len(day) == 8 and day.isdecimal() else time


def _obstacle_of_space(position: tuple[float, ...] | None, common: _Common) -> str:
    if position is not None and len(position) == 3 and max(map(abs, position)) <= MAX_POSITION_MM:
        return common.obstacle_of_space
    return obstacle_of_space(position, common.orientation, common.spacing)


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
