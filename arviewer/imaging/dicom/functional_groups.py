"""Enhanced multi-frame objects: what each frame says of itself; PS3.3 C.7.6.16."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from arviewer.imaging.dicom.headers import Image, NoImages
from arviewer.imaging.dicom.obstacles import MAX_SLOPE, obstacle_of_space
from arviewer.imaging.dicom.pixel_format import unit_of, window_of
from arviewer.imaging.dicom.tags import LOCALIZERS
from arviewer.model.study import StoredPixels
from arviewer.words import _

if TYPE_CHECKING:
    from pydicom import Dataset


def frames(image: Image, data: bytes) -> list[Image]:
    """Return one image per frame of an enhanced object.

    Parameters
    ----------
    image : Image
        What the header says of all frames.
    data : bytes
        The file up to its pixels, inflated.

    Raises
    ------
    NoImages
        When the functional groups cannot be read or are not one per frame.
    """
    from pydicom import dcmread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
            groups = list(dataset.PerFrameFunctionalGroupsSequence)
            shared = next(iter(dataset.get("SharedFunctionalGroupsSequence") or []), None)
            complete = len(groups) == image.stored.frames
            holders = [_Groups((group, shared)) for group in groups] if complete else []
            found = [_frame(image, n, holder) for n, holder in enumerate(holders)]
        except Exception as error:  # whatever a parser raises on hostile bytes
            raise NoImages(_("its functional groups are damaged ({why})").format(why=type(error).__name__)) from error
    if not complete:
        raise NoImages(
            _("Number of Frames (0028,0008) is {count}, its functional groups are {groups}").format(
                count=image.stored.frames, groups=len(groups)
            )
        )
    return found


def _frame(image: Image, number: int, groups: _Groups) -> Image:
    position = groups.numbers("PlanePositionSequence", "ImagePositionPatient")
    orientation = groups.numbers("PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = groups.numbers("PixelMeasuresSequence", "PixelSpacing")
    stored = _rescaled(image.stored, groups)
    obstacle = obstacle_of_space(position or None, orientation or None, spacing or None)
    if not obstacle and (stored.slope == 0 or abs(stored.slope) > MAX_SLOPE or abs(stored.intercept) > MAX_SLOPE):
        obstacle = _("Pixel Value Transformation (0028,9145) makes no values")
    centers = groups.numbers("FrameVOILUTSequence", "WindowCenter")
    widths = groups.numbers("FrameVOILUTSequence", "WindowWidth")
    declared = groups.text("PixelValueTransformationSequence", "RescaleType")
    frame_type = groups.text(_FRAME_TYPES, "FrameType") or groups.unassigned("ImageType")
    return replace(
        image,
        instance=replace(
            image.instance,
            frame=number,
            position_lps=np.array(position) if len(position) == 3 else None,
            stored=stored,
        ),
        orientation=orientation if len(orientation) == 6 else None,
        spacing=spacing if len(spacing) == 2 else None,
        marks=_marks(groups, frame_type),
        order=(_time(groups), _number(groups, number)),
        localizer=image.localizer or bool(LOCALIZERS & set(frame_type.upper().split("\\"))),
        unit=unit_of(image.tags.modality, declared) if declared else image.unit,
        window=window_of(centers[0], widths[0]) if centers and widths else None,
        obstacle=obstacle,
    )


_FRAME_TYPES = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence")


def _marks(groups: _Groups, frame_type: str) -> tuple[str, ...]:
    """Return what tells volumes at the same positions apart, in the order of `tags.PARTING_TAGS`.

    A legacy converted object keeps what has no place of its own in the functional groups among the unassigned
    attributes, under the names of the single images it was made of (PS3.3 C.7.6.16.2.25).
    """
    offset = groups.text("TemporalPositionSequence", "TemporalPositionTimeOffset")
    temporal = groups.text("FrameContentSequence", "TemporalPositionIndex") or offset
    delay = groups.text("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime")
    return (
        temporal or groups.unassigned("TemporalPositionIdentifier"),
        groups.unassigned("EchoNumbers"),
        groups.text("MREchoSequence", "EffectiveEchoTime") or groups.unassigned("EchoTime"),
        groups.text("MRDiffusionSequence", "DiffusionBValue") or groups.unassigned("DiffusionBValue"),
        groups.text("FrameContentSequence", "StackID"),
        groups.text("FrameContentSequence", "FrameAcquisitionNumber") or groups.unassigned("AcquisitionNumber"),
        delay or groups.unassigned("TriggerTime"),
        frame_type,
    )


def _time(groups: _Groups) -> str:
    return (
        groups.text("FrameContentSequence", "FrameAcquisitionDateTime")
        or groups.text("FrameContentSequence", "FrameReferenceDateTime")
        or groups.unassigned("AcquisitionTime")
        or groups.unassigned("ContentTime")
    )


def _number(groups: _Groups, frame: int) -> int:
    """Return the instance number of the single image that a frame was made of, else the number of the frame."""
    text = groups.text("ConversionSourceAttributesSequence", "InstanceNumber") or groups.unassigned("InstanceNumber")
    return int(text) if text.lstrip("-").isdecimal() else frame


def _rescaled(stored: StoredPixels, groups: _Groups) -> StoredPixels:
    slope = groups.numbers("PixelValueTransformationSequence", "RescaleSlope")
    intercept = groups.numbers("PixelValueTransformationSequence", "RescaleIntercept")
    if not slope or not intercept:
        return stored
    return replace(stored, slope=slope[0], intercept=intercept[0])


class _Groups:
    """The functional groups of one frame: its own, then those that all frames share."""

    def __init__(self, holders: tuple[Dataset | None, ...]) -> None:
        self._holders = [holder for holder in holders if holder is not None]

    def value(self, sequence: str, keyword: str) -> Any:
        """Return a value from the frame's own group, else from the shared one, else None."""
        for holder in self._holders:
            items = holder.get(sequence)
            if items:
                return items[0].get(keyword)
        return None

    def numbers(self, sequence: str, keyword: str) -> tuple[float, ...]:
        """Return numbers; empty when one of them is none."""
        value = self.value(sequence, keyword)
        if value is None or value == "":
            return ()
        values = (value,) if isinstance(value, (int, float, str)) else tuple(value)
        numbers = tuple(float(one) for one in values)
        return numbers if np.isfinite(numbers).all() else ()

    def text(self, sequences: str | tuple[str, ...], keyword: str) -> str:
        """Return the text of the first of the sequences that has it; "" when none has."""
        for sequence in (sequences,) if isinstance(sequences, str) else sequences:
            text = _text(self.value(sequence, keyword))
            if text:
                return text
        return ""

    def unassigned(self, keyword: str) -> str:
        """Return the text of an attribute that a conversion kept without understanding it."""
        sequences = "UnassignedPerFrameConvertedAttributesSequence", "UnassignedSharedConvertedAttributesSequence"
        return self.text(sequences, keyword)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, (str, int, float)) else "\\".join(map(str, value))
