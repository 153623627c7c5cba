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
        The whole file.

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
            per_frame = list(dataset.PerFrameFunctionalGroupsSequence)
            shared = next(iter(dataset.get("SharedFunctionalGroupsSequence") or []), None)
            if len(per_frame) != image.stored.frames:
                raise NoImages(
                    _("Number of Frames (0028,0008) is {count}, its functional groups are {groups}").format(
                        count=image.stored.frames, groups=len(per_frame)
                    )
                )
            return [_frame(image, n, group, shared) for n, group in enumerate(per_frame)]
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, OSError) as error:
            raise NoImages(_("its functional groups are damaged ({why})").format(why=type(error).__name__)) from error


def _frame(image: Image, number: int, group: Dataset, shared: Dataset | None) -> Image:
    position = _numbers(group, shared, "PlanePositionSequence", "ImagePositionPatient")
    orientation = _numbers(group, shared, "PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = _numbers(group, shared, "PixelMeasuresSequence", "PixelSpacing")
    stored = _rescaled(image.stored, group, shared)
    obstacle = obstacle_of_space(position or None, orientation or None, spacing or None)
    if not obstacle and (stored.slope == 0 or abs(stored.slope) > MAX_SLOPE or abs(stored.intercept) > MAX_SLOPE):
        obstacle = _("Pixel Value Transformation (0028,9145) makes no values")
    content = _text(group, shared, "FrameContentSequence", "FrameAcquisitionDateTime")
    centers = _numbers(group, shared, "FrameVOILUTSequence", "WindowCenter")
    widths = _numbers(group, shared, "FrameVOILUTSequence", "WindowWidth")
    declared = _text(group, shared, "PixelValueTransformationSequence", "RescaleType")
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
        marks=_marks(group, shared),
        order=(content, number),
        unit=unit_of(image.tags.modality, declared),
        window=window_of(centers[0], widths[0]) if centers and widths else None,
        obstacle=obstacle,
    )


def _marks(group: Dataset, shared: Dataset | None) -> tuple[str, ...]:
    """Return what tells volumes at the same positions apart, in the order of `headers.PARTING_TAGS`."""
    return (
        _text(group, shared, "FrameContentSequence", "TemporalPositionIndex"),
        "",
        _text(group, shared, "MREchoSequence", "EffectiveEchoTime"),
        _text(group, shared, "MRDiffusionSequence", "DiffusionBValue"),
        _text(group, shared, "FrameContentSequence", "StackID"),
        _text(group, shared, "FrameContentSequence", "FrameAcquisitionNumber"),
        _text(group, shared, "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
        "\\".join(_texts(group, shared, ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence"), "FrameType")),
    )


def _rescaled(stored: StoredPixels, group: Dataset, shared: Dataset | None) -> StoredPixels:
    slope = _numbers(group, shared, "PixelValueTransformationSequence", "RescaleSlope")
    intercept = _numbers(group, shared, "PixelValueTransformationSequence", "RescaleIntercept")
    if not slope or not intercept:
        return stored
    return replace(stored, slope=slope[0], intercept=intercept[0])


def _value(group: Dataset, shared: Dataset | None, sequence: str, keyword: str) -> Any:
    """Return a value from the frame's own group, else from the shared one, else None."""
    for holder in (group, shared):
        items = None if holder is None else holder.get(sequence)
        if items:
            return items[0].get(keyword)
    return None


def _numbers(group: Dataset, shared: Dataset | None, sequence: str, keyword: str) -> tuple[float, ...]:
    value = _value(group, shared, sequence, keyword)
    if value is None or value == "":
        return ()
    values = (value,) if isinstance(value, (int, float, str)) else tuple(value)
    numbers = tuple(float(one) for one in values)
    return numbers if np.isfinite(numbers).all() else ()


def _text(group: Dataset, shared: Dataset | None, sequence: str, keyword: str) -> str:
    value = _value(group, shared, sequence, keyword)
    return "" if value is None else str(value)


def _texts(group: Dataset, shared: Dataset | None, sequences: tuple[str, ...], keyword: str) -> list[str]:
    return [text for name in sequences if (text := _text(group, shared, name, keyword))]
