"""DICOM SEG and label map SEG as structures on their own grid; PS3.3 A.51, C.8.20.

Frames are placed by *Image Position (Patient)*, never by their order: they may be shuffled, empty ones left out,
segments may overlap. A BINARY frame is one bit per pixel, a FRACTIONAL one a share of *Maximum Fractional Value*, in
a LABELMAP the pixel is the number of the segment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from arviewer.formats.dicom import data_set
from arviewer.formats.dicom.frames import Frames
from arviewer.formats.planes import lattice, slice_normal
from arviewer.formats.refusing import Unusable
from arviewer.formats.structure import PERCENT, Described, Grid, Piece, segmentations_of, unique_names
from arviewer.imaging.dicom.geometry import directions, flaw
from arviewer.model.findings import Finding
from arviewer.model.geometry import Float
from arviewer.model.segmentation import ParameterValue, Segmentation
from arviewer.model.study import Attachment, Contents, Series
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

MAX_FRAMES = 100_000
"""Frames of one file: a thousand slices with a hundred segments."""

MAX_SHIFT_SHARE = 0.5
"""Shift of a frame in its plane against the stack, in pixels, beyond which the frames are no stack."""

COARSER = 1.5
"""How many times the step of the images a declared step is that means a coarser grid, not one with gaps."""


def contents_of(dataset: Dataset) -> Contents:
    """Return what a SEG holds and refers to."""
    series, instances = [], []
    for one in data_set.items(dataset, "ReferencedSeriesSequence"):
        series.append(data_set.text(one, "SeriesInstanceUID"))
        instances += _referenced(data_set.items(one, "ReferencedInstanceSequence"))
    for group in (*data_set.items(dataset, "PerFrameFunctionalGroupsSequence"), _shared(dataset)):
        for derivation in data_set.items(group, "DerivationImageSequence"):
            instances += _referenced(data_set.items(derivation, "SourceImageSequence"))
    frame = data_set.text(dataset, "FrameOfReferenceUID")
    return Contents(
        structures=tuple(unique_names([_label(one) for one in _described(dataset)])),
        frame_of_reference_uids=(frame,) if frame else (),
        series_uids=tuple(dict.fromkeys(uid for uid in series if uid)),
        instance_uids=tuple(dict.fromkeys(uid for uid in instances if uid)),
        tool=data_set.tool_of(dataset),
    )


def read_segmentation(
    dataset: Dataset, syntax: str, attachment: Attachment, images: Series, level: float, progress: Progress = silent
) -> list[Segmentation]:
    """Return the segments of a SEG that are not empty, each on the grid of its frames.

    Parameters
    ----------
    images : Series
        Which the object was found to belong to; its slices say how far apart lone planes are.
    level : float
        Fraction, 0 to 1, at which the boundary of a FRACTIONAL segment lies.

    Raises
    ------
    Unusable
        When its frames cannot be placed, or are not what its header says.
    """
    work = _Work(dataset, syntax, images, progress)
    pieces = work.pieces(level)
    described = _described(dataset)
    names = unique_names([_label(one) for one in described])
    segments = []
    for name, one in zip(names, described, strict=True):
        number = data_set.whole_number(one, "SegmentNumber", 0, 65535)
        piece = pieces.get(number)
        if piece is not None:
            term = data_set.term_in(one, "SegmentedPropertyTypeCodeSequence", name)
            parameters: dict[str, ParameterValue] = {
                "segment_number": number,
                "type": work.kind,
                "algorithm": _algorithm(one),
            }
            segments.append((Described(name, term, _color(one) or work.frames.color(number), parameters), piece))
    if not segments:
        raise Unusable(_("none of its segments holds a voxel"))
    return segmentations_of(Grid(work.geometry, work.findings), segments, attachment, contents_of(dataset))


def _described(dataset: Dataset) -> list[Dataset]:
    """Return the items of *Segment Sequence* that are structures: number 0 of a label map is the background."""
    found = data_set.items(dataset, "SegmentSequence")
    if not found:
        raise Unusable(_("it describes no segment (0062,0002)"))
    return [one for one in found if one.get("SegmentNumber") != 0]


def _label(segment: Dataset) -> str:
    return data_set.text(segment, "SegmentLabel") or data_set.text(segment, "SegmentDescription")


def _algorithm(segment: Dataset) -> str:
    parts = (data_set.text(segment, keyword) for keyword in ("SegmentAlgorithmType", "SegmentAlgorithmName"))
    return " ".join(part for part in parts if part)


def _color(segment: Dataset) -> data_set.RgbColor | None:
    stored: Any = segment.get("RecommendedDisplayCIELabValue")
    return data_set.color_of_cielab(list(stored)) if stored is not None and len(stored) == 3 else None


def _referenced(instances: list[Dataset]) -> list[str]:
    return [data_set.text(one, "ReferencedSOPInstanceUID") for one in instances]


def _shared(dataset: Dataset) -> Dataset:
    return (data_set.items(dataset, "SharedFunctionalGroupsSequence") or [Dataset()])[0]


@dataclass(slots=True)
class _Work:
    """Places the frames of one object and gathers the voxels of each segment."""

    dataset: Dataset
    syntax: str
    images: Series
    progress: Progress
    frames: Frames = field(init=False)
    kind: str = field(init=False)
    geometry: VolumeGeometry = field(init=False)
    planes: npt.NDArray[np.int64] = field(init=False)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kind = data_set.text(self.dataset, "SegmentationType").upper()
        self.frames = Frames(self.dataset, self.syntax, self.kind, MAX_FRAMES)
        groups = data_set.items(self.dataset, "PerFrameFunctionalGroupsSequence")
        if len(groups) != self.frames.count:
            raise Unusable(
                _("it has {count} frames and says where {groups} lie").format(
                    count=self.frames.count, groups=len(groups)
                )
            )
        self._place(groups)

    def _place(self, groups: list[Dataset]) -> None:
        shared = _shared(self.dataset)
        positions = np.array([_values(one, shared, "PlanePosition", "ImagePositionPatient", 3) for one in groups])
        cosines = np.array([_values(one, shared, "PlaneOrientation", "ImageOrientationPatient", 6) for one in groups])
        spacings = np.array([_values(one, shared, "PixelMeasures", "PixelSpacing", 2) for one in groups])
        wrong = next((why for v in zip(positions, cosines, spacings, strict=True) if (why := flaw(*v))), "")
        if wrong:
            raise Unusable(wrong)
        if np.ptp(cosines, axis=0).max() > 1e-3 or np.ptp(spacings, axis=0).max() > 1e-4:
            raise Unusable(_("its frames differ in orientation or pixel spacing"))
        row, column, normal = directions(cosines.mean(axis=0))
        images = None if self._is_coarser(groups[0], shared) else self.images.geometry
        found = lattice(positions @ normal, normal, images, _declared_step(groups[0], shared))
        self.planes = found.places + int(found.room[0])
        count = int(self.planes.max()) + 1 + int(found.room[1])
        spacing = spacings.mean(axis=0)
        matrix = np.eye(4)
        matrix[:3, 0], matrix[:3, 1] = row * spacing[1], column * spacing[0]
        matrix[:3, 2], matrix[:3, 3] = _stack(positions, self.planes, normal * found.step_mm)
        rows, columns = self.frames.format.rows, self.frames.format.columns
        self._require_one_stack(positions, matrix, float(spacing.min()))
        frame = self.images.frame_of_reference_uid
        self.geometry = VolumeGeometry.of_grid((count, rows, columns), matrix, frame)
        self.findings += found.doubts(data_set.text(self.dataset, "ContentLabel") or _("The segmentation"))

    def _is_coarser(self, group: Dataset, shared: Dataset) -> bool:
        """Whether the object declares steps wider than the images': then what lies between is not left out as empty."""
        declared = _declared_step(group, shared, ("SpacingBetweenSlices",))
        images = self.images.geometry
        if declared is None or images is None:
            return False
        step_mm = abs(float(slice_normal(images) @ images.lps_from_ijk.matrix[:3, 2]))
        return declared > COARSER * step_mm

    def _require_one_stack(self, positions: Float, matrix: Float, pixel_mm: float) -> None:
        fitted = matrix[:3, 3] + self.planes[:, None] * matrix[:3, 2]
        off = positions - fitted
        across = off - np.outer(off @ matrix[:3, 2], matrix[:3, 2]) / (matrix[:3, 2] @ matrix[:3, 2])
        if np.linalg.norm(across, axis=1).max() > MAX_SHIFT_SHARE * pixel_mm:
            raise Unusable(_("its frames are shifted against each other and are no stack"))

    def pieces(self, level: float) -> dict[int, Piece]:
        """Return the voxels of each segment by its number; those without any are left out."""
        crops: dict[int, list[tuple[int, int, int, npt.NDArray[Any]]]] = {}
        for number, plane, pixels in self._pixels():
            rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
            if len(rows):
                j, i = int(rows[0]), int(columns[0])
                crop = pixels[j : rows[-1] + 1, i : columns[-1] + 1].copy()
                crops.setdefault(number, []).append((plane, j, i, crop))
        found = {}
        for number, own in crops.items():
            joined = Piece.joined(own)
            piece = joined.at_level(level * PERCENT) if self.kind == "FRACTIONAL" else joined
            if piece is not None:
                found[number] = piece
        return found

    def _pixels(self) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
        """Yield segment number, plane and pixels, one segment of one frame after the other."""
        shared = _shared(self.dataset)
        groups = data_set.items(self.dataset, "PerFrameFunctionalGroupsSequence")
        seen = set()
        for n, group in enumerate(groups):
            self.progress(n / len(groups), _("Reading frames"))
            plane = int(self.planes[n])
            pixels = self.frames.read(n)
            if self.kind == "LABELMAP":
                numbers = [int(v) for v in np.unique(pixels) if v not in (0, self.frames.background)]
                parts = [(v, pixels == v) for v in numbers]
            else:
                parts = [(_segment_number(group, shared), pixels)]
            for number, part in parts:
                if (number, plane) in seen:
                    raise Unusable(_("two frames of segment {n} lie at one position").format(n=number))
                seen.add((number, plane))
                yield number, plane, part


def _stack(positions: Float, planes: npt.NDArray[np.int64], upright: Float) -> tuple[Float, Float]:
    """Return the step from plane to plane and the place of plane 0: sheared where a tilted gantry shifted frames."""
    if planes.max() == planes.min():
        step = upright
    else:
        drift = np.polyfit(planes, positions, 1)[0]
        normal = upright / np.linalg.norm(upright)
        step = upright + drift - (drift @ normal) * normal
    return step, (positions - planes[:, None] * step).mean(axis=0)


def _values(group: Dataset, shared: Dataset, sequence: str, keyword: str, count: int) -> Float:
    """Return numbers of a functional group, of the frame's own or of the shared one."""
    for where in (group, shared):
        for item in data_set.items(where, f"{sequence}Sequence")[:1]:
            return data_set.numbers(item, keyword, count)
    raise Unusable(_("a frame has no {keyword}").format(keyword=keyword))


def _segment_number(group: Dataset, shared: Dataset) -> int:
    for where in (group, shared):
        for item in data_set.items(where, "SegmentIdentificationSequence")[:1]:
            return data_set.whole_number(item, "ReferencedSegmentNumber", 1, 65535)
    raise Unusable(_("a frame does not say of which segment it is"))


def _declared_step(
    group: Dataset, shared: Dataset, keywords: tuple[str, ...] = ("SpacingBetweenSlices", "SliceThickness")
) -> float | None:
    """Return *Spacing Between Slices*, else *Slice Thickness*: for a plane that stands alone."""
    for keyword in keywords:
        for where in (group, shared):
            for item in data_set.items(where, "PixelMeasuresSequence")[:1]:
                if item.get(keyword):
                    return float(data_set.numbers(item, keyword, 1)[0])
    return None
