"""Write a DICOM SEG of binary segments; PS3.3 A.51, C.8.20.

A frame is one plane of one segment. It names the image it was drawn on when its plane is that
image's; so a lost slice, a cropped or a coarser grid and one of a file's own are all placed by positions alone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SegmentationStorage

from arviewer.formats.dicom.references import SourceImages, source_images
from arviewer.formats.dicom.segment_items import coded_item, segment_item
from arviewer.formats.voxel_file import VoxelContent
from arviewer.imaging.dicom.write import decimal, derived_uid
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, State
from arviewer.version import __version__
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

MADE_NUMBER = 1000
"""Added to the number of the images' series: what is made from them follows them in lists."""

MAX_LONG_STRING, MAX_CODE_STRING = 64, 16
"""Characters of VR LO and CS (PS3.5 6.2)."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """One plane of one segment, both counted from 0."""

    segment: int
    k: int


def write_segmentation(content: VoxelContent, progress: Progress = silent) -> bytes:
    """Return the bytes of a SEG that belongs to the patient, study and frame of reference of the images.

    Raises
    ------
    InputRefused
        When the images are no DICOM objects that it could refer to.
    """
    sources = source_images(content.series, content.geometry)
    frames = _frames(content)
    dataset = _general(content, sources)
    _describe(dataset, content)
    dataset.SegmentSequence = [segment_item(content, n) for n in range(len(content.segments))]
    _place(dataset, content, sources, frames)
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = _packed(content, frames, progress)
    dataset["PixelData"].VR = "OB"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _frames(content: VoxelContent) -> list[_Frame]:
    """Return the planes to write: on the images' own grid, empty ones are left out.

    On any other grid they stay between the first plane of a segment and its last: what is left out there would be
    taken for a wider step.
    """
    images = content.series.geometry
    sparse = images is not None and content.geometry.same_grid(images)
    return [
        _Frame(n, mask.start_kji[0] + k)
        for n, mask in enumerate(content.masks)
        for k, plane in enumerate(mask.voxels)
        if not sparse or plane.any()
    ]


def _general(content: VoxelContent, sources: SourceImages) -> FileDataset:
    """Return a file with the patient, study, series, equipment and common modules."""
    made = datetime.fromisoformat(content.exported_at)
    meta = FileMetaDataset()
    hashes = [one["mask_sha256"] for one in content.told["structures"]]
    meta.MediaStorageSOPClassUID = SegmentationStorage
    meta.MediaStorageSOPInstanceUID = UID(derived_uid("seg", content.series.uid, content.exported_at, *hashes))
    meta.ImplementationClassUID = UID(derived_uid("arviewer", "implementation"))
    meta.ImplementationVersionName = "ARVIEWER"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", Dataset(), preamble=b"\0" * 128, file_meta=meta)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = SegmentationStorage, meta.MediaStorageSOPInstanceUID
    for keyword, value in sources.identity.items():
        setattr(ds, keyword, value)
    ds.SeriesInstanceUID = derived_uid("seg series", str(ds.SOPInstanceUID))
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "SEG", (content.series.number or 0) + MADE_NUMBER, 1
    ds.FrameOfReferenceUID = content.geometry.frame_of_reference_uid or derived_uid("frame", content.series.uid)
    ds.PositionReferenceIndicator = ""
    ds.Manufacturer, ds.ManufacturerModelName, ds.DeviceSerialNumber = "arviewer", "arviewer", "none"
    ds.SoftwareVersions = __version__
    for moment in ("Series", "Content", "InstanceCreation"):
        setattr(ds, f"{moment}Date", made.strftime("%Y%m%d"))
        setattr(ds, f"{moment}Time", made.strftime("%H%M%S"))
    ds.TimezoneOffsetFromUTC = made.strftime("%z")
    return ds


def _describe(ds: Dataset, content: VoxelContent) -> None:
    """Add the segmentation image module, and the mark of what nobody stands behind yet."""
    told = _("confirmed") if content.state is State.CONFIRMED else _("proposed, not confirmed")
    room = MAX_LONG_STRING - len(told) - 3
    ds.SeriesDescription = f"{', '.join(content.names)[:room]} ({told})"
    ds.ContentLabel = _label(content)
    ds.ContentDescription = f"arviewer {__version__}: {told}"[:MAX_LONG_STRING]
    ds.ContentCreatorName = _creator(content)
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.SegmentationType = "BINARY"
    ds.SegmentsOverlap = "UNDEFINED" if len(content.segments) > 1 else "NO"
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.Rows, ds.Columns = content.geometry.shape_kji[1:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 1, 1, 0
    if "LossyImageCompression" not in ds:
        ds.LossyImageCompression = "00"


def _label(content: VoxelContent) -> str:
    """Return name and state, such as "BONE_PROPOSED", in the 16 characters of a CS; the state alone of several."""
    state = content.state.upper()
    words = re.sub(r"[^A-Z0-9]+", "_", content.names[0].upper()).strip("_") if len(content.names) == 1 else ""
    name = words[: MAX_CODE_STRING - len(state) - 1]
    return f"{name}_{state}" if name else state


def _creator(content: VoxelContent) -> str:
    """Return the one person who confirmed every structure; "" when there is none."""
    if content.state is not State.CONFIRMED:
        return ""
    names = {one.confirmation.by for one in content.segments if one.confirmation is not None}
    if len(names) != 1:
        return ""
    # As it was given, in the place of the family name: which word of it is which cannot be known.
    return names.pop().translate(str.maketrans("\\^=", "   "))[: MAX_LONG_STRING - 1] + "^"


def _place(ds: Dataset, content: VoxelContent, sources: SourceImages, frames: Sequence[_Frame]) -> None:
    """Add the functional groups, the dimensions, and every image that is referred to."""
    organization = derived_uid("dimensions", str(ds.SOPInstanceUID))
    ds.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=organization)]
    ds.DimensionIndexSequence = [
        _dimension(organization, 0x0062000B, 0x0062000A, "Segment"),
        _dimension(organization, 0x00200032, 0x00209113, "Position"),
    ]
    ds.SharedFunctionalGroupsSequence = [_shared(content)]
    places = {k: n for n, k in enumerate(sorted({frame.k for frame in frames}), 1)}
    ds.PerFrameFunctionalGroupsSequence = [_frame(content, sources, frame, places[frame.k]) for frame in frames]
    used = [source for frame in frames if (source := sources.by_plane.get(frame.k)) is not None]
    instances = {source.ReferencedSOPInstanceUID: source for source in used or sources.all}
    references = [
        _item(ReferencedSOPClassUID=one.ReferencedSOPClassUID, ReferencedSOPInstanceUID=uid)
        for uid, one in instances.items()
    ]
    ds.ReferencedSeriesSequence = [_item(SeriesInstanceUID=content.series.uid, ReferencedInstanceSequence=references)]


def _shared(content: VoxelContent) -> Dataset:
    matrix = content.geometry.lps_from_ijk.matrix
    row, column = (matrix[:3, axis] / np.linalg.norm(matrix[:3, axis]) for axis in (0, 1))
    column_mm, row_mm, _oblique = content.geometry.spacing_mm
    step_mm = abs(float(np.cross(row, column) @ matrix[:3, 2]))  # across the planes, also where they are sheared
    measures = _item(
        # Pixel Spacing is (distance between rows, distance between columns): PS3.3 10.7.1.3.
        PixelSpacing=[decimal(float(row_mm)), decimal(float(column_mm))],
        SliceThickness=decimal(step_mm),
        SpacingBetweenSlices=decimal(step_mm),
    )
    orientation = _item(ImageOrientationPatient=[decimal(float(value)) for value in (*row, *column)])
    return _item(PixelMeasuresSequence=[measures], PlaneOrientationSequence=[orientation])


def _frame(content: VoxelContent, sources: SourceImages, frame: _Frame, place: int) -> Dataset:
    matrix = content.geometry.lps_from_ijk.matrix
    position = matrix[:3, 3] + frame.k * matrix[:3, 2]
    group = _item(
        FrameContentSequence=[_item(DimensionIndexValues=[frame.segment + 1, place])],
        PlanePositionSequence=[_item(ImagePositionPatient=[decimal(float(value)) for value in position])],
        SegmentIdentificationSequence=[_item(ReferencedSegmentNumber=frame.segment + 1)],
    )
    source = sources.by_plane.get(frame.k)
    if source is not None:
        derivation = _item(
            SourceImageSequence=[source],
            DerivationCodeSequence=[coded_item(CodedTerm("113076", "DCM", "Segmentation"))],
        )
        group.DerivationImageSequence = [derivation]
    return group


def _dimension(organization: str, index: int, group: int, label: str) -> Dataset:
    return _item(
        DimensionOrganizationUID=organization,
        DimensionIndexPointer=index,
        FunctionalGroupPointer=group,
        DimensionDescriptionLabel=label,
    )


def _item(**elements: object) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _packed(content: VoxelContent, frames: Sequence[_Frame], progress: Progress) -> bytes:
    """Return all frames as single bits, the first pixel the lowest bit, without a gap between frames; PS3.5 8.1.1."""
    _planes, rows, columns = content.geometry.shape_kji
    packed = bytearray()
    rest = np.zeros(0, np.bool_)
    for n, frame in enumerate(frames):
        pixels = np.concatenate((rest, _plane(content.masks[frame.segment], frame.k, rows, columns).reshape(-1)))
        whole = len(pixels) // 8 * 8
        packed += np.packbits(pixels[:whole], bitorder="little").tobytes()
        rest = pixels[whole:]
        progress(n / len(frames), _("Writing frames"))
    packed += np.packbits(rest, bitorder="little").tobytes()
    return bytes(packed) + bytes(len(packed) % 2)


def _plane(mask: MaskBox, k: int, rows: int, columns: int) -> npt.NDArray[np.bool_]:
    plane = np.zeros((rows, columns), np.bool_)
    plane[mask.slices[1:]] = mask.voxels[k - mask.start_kji[0]]
    return plane
