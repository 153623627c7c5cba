"""Write a volume as a CT series: one valid CT Image Storage file per slice (PS3.3 A.3)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless

from arviewer.errors import GeometryError, UsageError
from arviewer.model.study import Patient
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent

Compression = Literal["jpeg-ls", "none"]
NameOfSlice = Callable[[int], str]

UID_SPACE = uuid.UUID("5a3a7c1e-9d46-4d0f-8a55-3a1f6f2f9b10")
"""Name space of the UIDs made by `derived_uid`."""

ORTHOGONAL = 1e-4
"""Largest cosine between row and column direction that (0020,0037) may carry (PS3.3 C.7.6.2.1.1)."""


def derived_uid(*names: str | int) -> str:
    """Return a UID that follows from names: the same names give the same UID (PS3.5 B.2, root 2.25)."""
    return f"2.25.{uuid.uuid5(UID_SPACE, '/'.join(str(name) for name in names)).int}"


@dataclass(frozen=True)
class CtHeader:
    """What a CT series says about itself beside its voxels and geometry.

    Attributes
    ----------
    patient : Patient
        `name` in DICOM form ("Family^Given").
    study_uid, series_uid : str
        SOP Instance UIDs follow from `series_uid` and the slice.
    date, time : str
        YYYYMMDD and HHMMSS of study, series, acquisition and content.
    slice_thickness_mm : float
        (0018,0050), which is not the slice step; 0 leaves it empty.
    window : (center, width) in HU
    patient_position : str
        (0018,5100); "" leaves it empty.
    image_type : tuple of str
        (0008,0008).
    intercept : int
        (0028,1052), HU of the stored value 0: no voxel may lie below it.
    name_of_slice : callable
        File name for slice k.
    """

    patient: Patient
    study_uid: str
    series_uid: str
    number: int = 1
    description: str = ""
    study_description: str = ""
    date: str = "20260102"
    time: str = "090000"
    slice_thickness_mm: float = 0.0
    window: tuple[float, float] = (50.0, 400.0)
    patient_position: str = "HFS"
    image_type: tuple[str, ...] = ("DERIVED", "PRIMARY", "AXIAL")
    contrast_agent: str = ""
    body_part: str = ""
    kernel: str = ""
    intercept: int = -1024
    name_of_slice: NameOfSlice = "{:04d}.dcm".format


def write_ct_series(
    voxels: npt.NDArray[np.int16],
    geometry: VolumeGeometry,
    folder: Path,
    header: CtHeader,
    *,
    compression: Compression = "jpeg-ls",
    progress: Progress = silent,
) -> list[Path]:
    """Write a volume as a CT series and return the files in the order of the slices.

    Parameters
    ----------
    voxels : ndarray of int16, shape (K, J, I), HU
        Stored unsigned as ``HU - header.intercept``.
    geometry : VolumeGeometry
        Its frame of reference is written as (0020,0052), derived from the series when unnamed. A sheared grid
        (tilted gantry) is allowed as long as rows and columns are perpendicular.
    folder : Path
        Made when absent; files of the same names are replaced.

    Raises
    ------
    GeometryError
        When the shapes differ or rows and columns are not perpendicular.
    UsageError
        When a voxel lies below `header.intercept`, or the compression is unknown.
    """
    row, column, position = _directions(geometry)
    if voxels.shape != geometry.shape_kji:
        raise GeometryError("The voxels do not fit their geometry.", f"{voxels.shape} and {geometry.shape_kji}.")
    if int(voxels.min()) < header.intercept:
        raise UsageError("A voxel lies below the rescale intercept.", f"{voxels.min()} < {header.intercept} HU.")
    if compression not in ("jpeg-ls", "none"):
        raise UsageError("There is no such compression.", repr(compression), "Use jpeg-ls or none.")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(len(voxels)):
        progress(k / len(voxels), "Writing slices")
        dataset = _general(header, k)
        _place(dataset, geometry, header, (row, column, position(k)))
        _pixels(dataset, voxels[k], header, compression)
        path = folder / header.name_of_slice(k)
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    progress(1.0, "Writing slices")
    return paths


def _directions(
    geometry: VolumeGeometry,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Callable[[int], npt.NDArray[np.float64]]]:
    """Return the row and column direction and the position of slice k, from the affine alone."""
    matrix = geometry.lps_from_ijk.matrix
    row, column = (matrix[:3, axis] / np.linalg.norm(matrix[:3, axis]) for axis in (0, 1))
    if abs(float(row @ column)) > ORTHOGONAL:
        raise GeometryError("Rows and columns must be perpendicular.", f"Their cosine is {row @ column:.6f}.")
    return row, column, lambda k: matrix[:3, 3] + k * matrix[:3, 2]


def decimal(value: float) -> str:
    """Return a number as DS: at most 16 characters (PS3.5 6.2), ten significant digits."""
    text = f"{value:.10g}" if abs(value) >= 1e-4 else f"{value:.10f}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _general(header: CtHeader, k: int) -> FileDataset:
    """Return a file with the patient, study, series and equipment modules."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(derived_uid(header.series_uid, "slice", k))
    meta.ImplementationClassUID = UID(derived_uid("arviewer", "implementation"))
    meta.ImplementationVersionName = "ARVIEWER"
    ds = FileDataset("", Dataset(), preamble=b"\0" * 128, file_meta=meta)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    patient = header.patient
    ds.PatientName, ds.PatientID = patient.name, patient.id
    ds.PatientBirthDate, ds.PatientSex = patient.birth_date, patient.sex
    ds.StudyInstanceUID, ds.SeriesInstanceUID = header.study_uid, header.series_uid
    ds.StudyDescription, ds.SeriesDescription = header.study_description, header.description
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = header.date
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = header.time
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "1", "", ""
    ds.Modality, ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = "CT", header.number, 1, k + 1
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "arviewer", "phantom generator", "1"
    ds.DeviceSerialNumber = "1"
    ds.PositionReferenceIndicator = ""
    ds.BodyPartExamined = header.body_part or None
    if header.contrast_agent:
        ds.ContrastBolusAgent = header.contrast_agent
    return ds


def _place(
    ds: FileDataset,
    geometry: VolumeGeometry,
    header: CtHeader,
    place: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> None:
    """Add the frame of reference, image plane and CT modules."""
    row, column, position = place
    ds.FrameOfReferenceUID = geometry.frame_of_reference_uid or derived_uid(header.series_uid, "frame of reference")
    ds.PatientPosition = header.patient_position
    ds.ImageOrientationPatient = [decimal(float(value)) for value in (*row, *column)]
    ds.ImagePositionPatient = [decimal(float(value)) for value in position]
    column_mm, row_mm, _ = geometry.spacing_mm
    # Pixel Spacing is (distance between rows, distance between columns): PS3.3 10.7.1.3.
    ds.PixelSpacing = [decimal(float(row_mm)), decimal(float(column_mm))]
    ds.SliceThickness = decimal(header.slice_thickness_mm) if header.slice_thickness_mm else None
    ds.ImageType = list(header.image_type)
    ds.KVP = "120"
    if header.kernel:
        ds.ConvolutionKernel = header.kernel
    ds.WindowCenter, ds.WindowWidth = (decimal(value) for value in header.window)
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = str(header.intercept), "1", "HU"


def _pixels(ds: FileDataset, plane: npt.NDArray[np.int16], header: CtHeader, compression: Compression) -> None:
    """Add the image pixel module and the pixels, compressed without loss or as they are."""
    stored = (plane.astype(np.int32) - header.intercept).astype("<u2")
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    if compression == "jpeg-ls":
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless
        ds.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(np.ascontiguousarray(stored)))])
    else:
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OB" if compression == "jpeg-ls" else "OW"
