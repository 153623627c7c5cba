"""RTSTRUCT as structures on the planes of their own contours; PS3.3 A.19, C.8.8.5, C.8.8.6."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from arviewer.formats.dicom import data_set
from arviewer.formats.dicom.contours import area_vector, coverage
from arviewer.formats.planes import Lattice, is_parallel, lattice, slice_normal
from arviewer.formats.refusing import Unusable
from arviewer.formats.structure import PERCENT, Described, Grid, Piece, segmentations_of, unique_names
from arviewer.imaging.dicom.geometry import MAX_POSITION_MM
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.model.segmentation import CodedTerm, Segmentation
from arviewer.model.study import Attachment, Contents, Series
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
"""*Contour Geometric Type* (3006,0042) of contours that enclose something."""

FLAT_MM = 0.2
"""Distance of a corner from the plane of its contour up to which it is flat: positions of one decimal are rounded."""

MIN_AREA_MM2 = 1e-3
"""Area below which a contour encloses nothing."""

MAX_SIZE_MM = 2000.0
"""Largest extent of a contour: no body is longer."""

MAX_PIXEL_MM, MIN_PIXEL_MM, PIXELS_ACROSS = 1.0, 0.1, 40
"""Pixels are as fine as the images', but at most 1 mm, and so fine that a small structure has 40 of them across."""

MAX_VOXELS = 1 << 28
"""Voxels of one structure; pixels are made coarser to keep within."""

MARGIN = 2
"""Empty pixels round a structure."""

LEVEL = 0.5
"""Coverage at which the boundary lies: the contour itself."""


def contents_of(dataset: Dataset) -> Contents:
    """Return what a structure set holds and refers to."""
    frames, series, instances = [], [], []
    for frame in data_set.items(dataset, "ReferencedFrameOfReferenceSequence"):
        frames.append(data_set.text(frame, "FrameOfReferenceUID"))
        for study in data_set.items(frame, "RTReferencedStudySequence"):
            for one in data_set.items(study, "RTReferencedSeriesSequence"):
                series.append(data_set.text(one, "SeriesInstanceUID"))
                images = data_set.items(one, "ContourImageSequence")
                instances += [data_set.text(image, "ReferencedSOPInstanceUID") for image in images]
    rois = data_set.items(dataset, "StructureSetROISequence")
    frames += [data_set.text(roi, "ReferencedFrameOfReferenceUID") for roi in rois]
    return Contents(
        structures=tuple(unique_names([data_set.text(roi, "ROIName") for roi in rois])),
        frame_of_reference_uids=tuple(dict.fromkeys(uid for uid in frames if uid)),
        series_uids=tuple(dict.fromkeys(uid for uid in series if uid)),
        instance_uids=tuple(dict.fromkeys(uid for uid in instances if uid)),
        tool=data_set.tool_of(dataset),
    )


def read_structure_set(
    dataset: Dataset, attachment: Attachment, images: Series, progress: Progress = silent
) -> list[Segmentation]:
    """Return the regions of a structure set, each rasterized on the planes of its own contours.

    Parameters
    ----------
    images : Series
        Which the object was found to belong to: regions of other frames of reference are left out; its slices say
        how far apart lone planes are.

    Raises
    ------
    Unusable
        When no region of it encloses anything.
    """
    rois = data_set.items(dataset, "StructureSetROISequence")
    names = unique_names([data_set.text(roi, "ROIName") for roi in rois])
    drawn = {one.get("ReferencedROINumber"): one for one in data_set.items(dataset, "ROIContourSequence")}
    contents = contents_of(dataset)
    made: list[Segmentation] = []
    why: Counter[str] = Counter()
    for n, (name, roi) in enumerate(zip(names, rois, strict=True)):
        share = part(progress, n / len(rois), (n + 1) / len(rois))
        share(0.0, _("Drawing contours"))
        frame = data_set.text(roi, "ReferencedFrameOfReferenceUID")
        if frame and images.frame_of_reference_uid and frame != images.frame_of_reference_uid:
            why[_("a region lies in another frame of reference")] += 1
        elif roi.get("ROINumber") not in drawn:
            why[_("a region has no contours")] += 1
        else:
            region = _Region(name, roi, drawn[roi.get("ROINumber")], images)
            if region.planes:
                made += region.segmentations(attachment, contents, share)
            else:
                why[region.why()] += 1
    if not made:
        reasons = "; ".join(why) or _("it has none")
        raise Unusable(_("no region of it encloses anything: {why}").format(why=reasons))
    return _with_left_out(made, attachment.name, why)


def _with_left_out(made: list[Segmentation], name: str, why: Counter[str]) -> list[Segmentation]:
    """Return the structures, each with a finding about regions that are missing beside it."""
    if not why:
        return made
    finding = _left_out(name, why)
    return [
        replace(one, segments=tuple(replace(each, findings=(*each.findings, finding)) for each in one.segments))
        for one in made
    ]


def _left_out(name: str, why: Counter[str]) -> Finding:
    details: dict[str, str | int | float] = {"name": name, "count": why.total(), "why": "; ".join(why) + "."}
    return Finding(FindingKind.LEFT_OUT, Severity.WARNING, details=details)


@dataclass(slots=True)
class _Region:
    """One region of interest: its closed contours by plane, and what was left out of it."""

    name: str
    roi: Dataset
    drawing: Dataset
    images: Series
    normal: Float = field(init=False)
    planes: list[Float] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        found = (self._closed(one) for one in data_set.items(self.drawing, "ContourSequence"))
        contours = [points for points in found if points is not None]
        if not contours:
            return
        self.normal = self._plane_normal(contours)
        for points in contours:
            if np.ptp(points @ self.normal) > 2 * FLAT_MM:
                self.left_out[_("a contour does not lie in the plane of the others")] += 1
            else:
                self.planes.append(points)

    def why(self) -> str:
        """Return why nothing is left of the region."""
        return "; ".join(self.left_out) or _("a region has no contours")

    def _closed(self, contour: Dataset) -> Float | None:
        """Return the corners of a contour that encloses something, shape (N, 3), else note why not."""
        kind = data_set.text(contour, "ContourGeometricType").upper()
        if kind not in CLOSED:
            self.left_out[_("a contour is {kind}").format(kind=kind or "?")] += 1
            return None
        stored: Any = contour.get("ContourData")
        raw = np.asarray([] if stored is None else stored, dtype=np.float64).reshape(-1)
        if len(raw) < 9 or len(raw) % 3 or not np.isfinite(raw).all():
            self.left_out[_("a contour has no three corners with three coordinates each")] += 1
            return None
        points = raw.reshape(-1, 3)
        if np.abs(points).max() > MAX_POSITION_MM or np.ptp(points, axis=0).max() > MAX_SIZE_MM:
            self.left_out[_("a contour is larger or farther away than any body")] += 1
            return None
        if np.linalg.norm(area_vector(points)) < MIN_AREA_MM2:
            self.left_out[_("a contour encloses no area")] += 1
            return None
        return points

    def _plane_normal(self, contours: Sequence[Float]) -> Float:
        """Return the normal of the images' slices when the largest contour lies in one, else its own."""
        vectors = [area_vector(points) for points in contours]
        largest = max(vectors, key=lambda vector: float(np.linalg.norm(vector)))
        normal = np.asarray(largest / np.linalg.norm(largest), dtype=np.float64)
        if self.images.geometry is not None and is_parallel(normal, self.images.geometry):
            return slice_normal(self.images.geometry)
        return normal

    def segmentations(self, attachment: Attachment, contents: Contents, progress: Progress) -> list[Segmentation]:
        """Return the region as one structure; nothing when it covers half of no pixel."""
        row, column = self._axes()
        along = np.array([float((points @ self.normal).mean()) for points in self.planes])
        found = lattice(along, self.normal, self.images.geometry)
        flat = [np.stack((points @ row, points @ column), axis=1) for points in self.planes]
        low = np.min([one.min(axis=0) for one in flat], axis=0)
        size = np.max([one.max(axis=0) for one in flat], axis=0) - low
        places = int(found.places.max()) + 1
        pixel = self._pixel_mm(size, places)
        low -= MARGIN * pixel
        columns, rows = (int(n) for n in np.ceil(size / pixel) + 2 * MARGIN + 1)
        voxels = np.zeros((places, rows, columns), np.float32)
        for n, place in enumerate(np.unique(found.places)):
            progress(n / places, _("Drawing contours"))
            own = [(flat[m] - low) / pixel for m in np.flatnonzero(found.places == place)]
            voxels[place] = coverage(own, rows, columns) * PERCENT
        piece = Piece((int(found.room[0]), 0, 0), voxels).at_level(LEVEL * PERCENT)
        if piece is None:
            return []
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack((row * pixel, column * pixel, self.normal * found.step_mm), axis=1)
        start = found.start_mm - found.step_mm * int(found.room[0])
        matrix[:3, 3] = row * low[0] + column * low[1] + self.normal * start
        shape = (places + sum(found.room), rows, columns)
        geometry = VolumeGeometry.of_grid(shape, matrix, self.images.frame_of_reference_uid)
        described = Described(
            self.name, CodedTerm("", "", self.name), self._color(), self._parameters(), self._doubts(found)
        )
        return segmentations_of(Grid(geometry), [(described, piece)], attachment, contents)

    def _axes(self) -> tuple[Float, Float]:
        """Return directions of rows and columns in the plane, along the images' where these are parallel."""
        geometry = self.images.geometry
        if geometry is not None and is_parallel(self.normal, geometry):
            row = geometry.lps_from_ijk.matrix[:3, 0]
        else:
            row = np.eye(3)[int(np.argmin(np.abs(self.normal)))]
        row = row - (row @ self.normal) * self.normal
        row = row / np.linalg.norm(row)
        return row, np.cross(self.normal, row)

    def _pixel_mm(self, size_mm: Float, places: int) -> float:
        finest = MAX_PIXEL_MM
        if self.images.geometry is not None:
            finest = min(finest, float(self.images.geometry.spacing_mm[:2].min()))
        pixel = max(MIN_PIXEL_MM, min(finest, float(size_mm.max()) / PIXELS_ACROSS))
        while places * float(np.prod(size_mm / pixel + 2 * MARGIN + 1)) > MAX_VOXELS:
            pixel *= 1.25
        return pixel

    def _color(self) -> data_set.RgbColor | None:
        stored: Any = self.drawing.get("ROIDisplayColor")
        if stored is None or len(stored) != 3 or not all(0 <= int(value) <= 255 for value in stored):
            return None
        red, green, blue = (int(value) / 255.0 for value in stored)
        return red, green, blue

    def _parameters(self) -> dict[str, str | int | float | bool]:
        return {
            "segment_number": int(self.roi.get("ROINumber") or 0),
            "algorithm": data_set.text(self.roi, "ROIGenerationAlgorithm"),
            "contours": len(self.planes),
        }

    def _doubts(self, found: Lattice) -> tuple[Finding, ...]:
        findings = []
        if self.left_out:
            findings.append(_left_out(self.name, self.left_out))
        empty = int(found.places.max()) + 1 - len(np.unique(found.places))
        if empty:
            details: dict[str, str | int | float] = {"name": self.name, "count": empty}
            findings.append(Finding(FindingKind.PLANES_WITHOUT_CONTOUR, Severity.NOTE, details=details))
        return (*findings, *found.doubts(self.name))
