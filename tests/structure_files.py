"""An oblique, anisotropic CT of the chiral phantom, the coverage of its parts, and writers that are not ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from arviewer.imaging.dicom import scan
from arviewer.imaging.dicom.write import CtHeader, derived_uid, write_ct_series
from arviewer.imaging.phantoms.raster import Sampling, patches
from arviewer.imaging.phantoms.simple import Part, chiral
from arviewer.model.geometry import Affine
from arviewer.model.segmentation import Segmentation
from arviewer.model.study import Patient, Series
from arviewer.model.volume import VolumeGeometry

CENTER = (12.0, -35.0, 140.0)
SPACING = (1.1, 1.4, 1.9)
AXES = np.linalg.qr(np.array([[0.90, -0.25, 0.30], [0.30, 0.93, -0.18], [-0.22, 0.24, 0.94]]))[0]
AXES = AXES * np.sign(np.diag(AXES))
FRAME = derived_uid("structures", "frame")


@dataclass(frozen=True)
class Case:
    """Images of the phantom, and what is true of them."""

    folder: Path
    series: Series
    geometry: VolumeGeometry
    parts: Mapping[str, Part]
    coverage: Mapping[str, np.ndarray]

    def sources(self) -> list[pydicom.FileDataset]:
        """The images in the order of the slices."""
        return [pydicom.dcmread(path) for path in sorted(self.folder.glob("*.dcm"))]


def grid(spacing: tuple[float, float, float] = SPACING, axes: np.ndarray = AXES) -> VolumeGeometry:
    counts = [round(104.0 / step) for step in spacing]
    matrix = np.eye(4)
    matrix[:3, :3] = axes * spacing
    matrix[:3, 3] = np.array(CENTER) - matrix[:3, :3] @ ((np.array(counts) - 1) / 2 + 0.31)
    return VolumeGeometry((counts[2], counts[1], counts[0]), Affine(matrix, to_space=FRAME))


def coverage_on(geometry: VolumeGeometry) -> dict[str, np.ndarray]:
    """The share of each voxel inside each part of the phantom; "all" overlaps every other."""
    found = {}
    for name, part in chiral(CENTER).parts.items():
        found[name] = np.zeros(geometry.shape_kji)
        for patch in patches(part.shape, geometry, range(geometry.shape_kji[0]), Sampling((6, 6, 6))):
            found[name][patch.slices] += patch.coverage
    found["all"] = np.clip(sum(found.values()), 0, 1)
    return found


def write_images(folder: Path, geometry: VolumeGeometry, patient: str = "Probe^Ada", study: str = "study") -> Series:
    who = Patient(name=patient, id=f"ID-{patient}", birth_date="19800229", sex="F")
    header = CtHeader(who, derived_uid(study, patient), derived_uid("structures", "series", patient), number=1)
    write_ct_series(chiral(CENTER).voxels(geometry), geometry, folder, header, compression="none")
    return scan(folder).series[0]


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("oblique")
    geometry = grid()
    return Case(folder, write_images(folder, geometry), geometry, chiral(CENTER).parts, coverage_on(geometry))


def centroid_lps(found: Segmentation) -> np.ndarray:
    """The middle of a structure's mask in the patient, weighted by coverage where there is any."""
    (segment,) = found.segments
    weights = np.zeros(found.volume.geometry.shape_kji)
    weights[segment.mask.slices] = segment.mask.voxels
    if segment.threshold is not None:
        weights = np.asarray(found.volume.voxels, float)
    k, j, i = (np.average(index, weights=weights) for index in np.indices(weights.shape))
    return (found.volume.geometry.lps_from_ijk.matrix @ [i, j, k, 1.0])[:3]


def by_name(found: list[Segmentation]) -> dict[str, Segmentation]:
    return {one.segments[0].name: one for one in found}


def inside_lps(found: Segmentation, points_lps: np.ndarray) -> np.ndarray:
    """Whether points lie in the nearest voxel that is inside."""
    (segment,) = found.segments
    mask = np.zeros(found.volume.geometry.shape_kji, bool)
    mask[segment.mask.slices] = segment.mask.voxels
    ijk = np.rint(
        (np.linalg.inv(found.volume.geometry.lps_from_ijk.matrix) @ np.c_[points_lps, np.ones(len(points_lps))].T)[:3]
    )
    ok = (ijk.T >= 0).all(axis=1) & (np.array(mask.shape[::-1]) > ijk.T).all(axis=1)
    i, j, k = ijk[:, ok].astype(int)
    inside = np.zeros(len(points_lps), bool)
    inside[ok] = mask[k, j, i]
    return inside


def points_of(geometry: VolumeGeometry, mask: np.ndarray) -> np.ndarray:
    """Where the voxels of a mask lie in the patient."""
    k, j, i = np.nonzero(mask)
    return (geometry.lps_from_ijk.matrix @ np.stack([i, j, k, np.ones(len(k))]))[:3].T


def assert_true(found: Segmentation, part: Part, share: float = 0.03, mm: float = 0.15) -> None:
    """Volume and place are those of the body in closed form."""
    name = found.segments[0].name
    if found.segments[0].threshold is None:
        volume_mm3 = found.volume_ml(name) * 1000
    else:
        volume_mm3 = float(np.sum(found.volume.voxels)) / 100 * found.volume.geometry.voxel_volume_mm3
    assert volume_mm3 == pytest.approx(part.volume_mm3, rel=share)
    assert np.linalg.norm(centroid_lps(found) - part.centroid_lps) < mm


Contours = Sequence[tuple[str, np.ndarray]]


def write_structure_set(
    case: Case, path: Path, regions: dict[str, Contours], frame: str = "", **elements: object
) -> Path:
    """A structure set in the frame of the images; each region a list of (type, corners)."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = RTStructureSetStorage, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.PatientID, ds.PatientName = "RTSTRUCT", case.series.patient.id, "Probe^Ada"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = case.series.study_uid, generate_uid()
    ds.StructureSetLabel = "Plan"
    frame = frame or case.series.frame_of_reference_uid
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(regions.items(), 1):
        roi, drawing = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        roi.ROIGenerationAlgorithm = "MANUAL"
        drawing.ReferencedROINumber, drawing.ROIDisplayColor = number, [255, 128, 0]
        drawing.ContourSequence = [contour(kind, points) for kind, points in contours]
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(drawing)
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    ds.save_as(path, enforce_file_format=True)
    return path


def contour(kind: str, points: np.ndarray) -> Dataset:
    one = Dataset()
    one.ContourGeometricType, one.NumberOfContourPoints = kind, len(points)
    one.ContourData = [f"{value:.4f}" for value in np.ravel(points)]
    return one


def circle(
    case: Case, k: float, radius_mm: float, shift_mm: tuple[float, float] = (0, 0), turns: int = 1
) -> np.ndarray:
    """Corners of a circle on slice k, round the middle of the phantom moved along rows and columns."""
    matrix = case.geometry.lps_from_ijk.matrix
    row, column, normal = (matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)).T
    middle = np.array(CENTER)
    middle = middle + normal * (normal @ (matrix[:3, 3] + k * matrix[:3, 2] - middle))
    middle = middle + row * shift_mm[0] + column * shift_mm[1]
    angles = np.linspace(0, turns * 2 * np.pi, 180, endpoint=False)
    return middle + radius_mm * (np.cos(angles)[:, None] * row + np.sin(angles)[:, None] * column)


def closed(*rings: np.ndarray) -> Contours:
    return [("CLOSED_PLANAR", ring) for ring in rings]
