"""Files as a CT scanner writes them: about a hundred elements, sequences and private ones; and their compressed forms.

The elements are those of a chest CT of a common scanner, with made-up values, so that a header is as long and as
nested as real ones are: a walker that is fast on ten elements may not be on a hundred.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from arviewer.imaging.dicom.write import derived_uid

INTERCEPT = -1024
PRIVATE_ELEMENTS = 24
PRIVATE_BYTES = 64

Encoder = Callable[[npt.NDArray[np.int16]], bytes]


def _rle(samples: npt.NDArray[np.int16]) -> bytes:
    """Encode as RLE Lossless (PS3.5 annex G): the high bytes, then the low bytes, each row by itself."""
    planes = samples.astype("<i2").view(np.uint8).reshape(*samples.shape, 2)
    segments = []
    for byte in (1, 0):
        packed = b"".join(imagecodecs.packbits_encode(np.ascontiguousarray(row)) for row in planes[..., byte])
        segments.append(packed + b"\0" * (len(packed) % 2))
    table = struct.pack("<16L", 2, 64, 64 + len(segments[0]), *[0] * 13)
    return table + b"".join(segments)


def _jpegls(samples: npt.NDArray[np.int16]) -> bytes:
    return bytes(imagecodecs.jpegls_encode(samples.view(np.uint16)))


def _jpeg_lossless(samples: npt.NDArray[np.int16]) -> bytes:
    return bytes(imagecodecs.ljpeg_encode(samples.view(np.uint16), bitspersample=16))


def _jpeg2000(samples: npt.NDArray[np.int16]) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(samples, level=0, codecformat="j2k", reversible=True, mct=False))


ENCODERS: dict[str, tuple[str, Encoder | None]] = {
    "none": (ExplicitVRLittleEndian, None),
    "jpeg-ls": ("1.2.840.10008.1.2.4.80", _jpegls),
    "jpeg-lossless": ("1.2.840.10008.1.2.4.70", _jpeg_lossless),
    "rle": ("1.2.840.10008.1.2.5", _rle),
    "jpeg-2000": ("1.2.840.10008.1.2.4.90", _jpeg2000),
}
"""Transfer syntax, and how a frame is encoded."""


class SeriesHeader:
    """The header of one series, written once for each slice with what differs.

    Parameters
    ----------
    study : str
        Name from which the UIDs follow.
    number : int
    matrix : int
    spacing_mm : (between rows, between columns, between slices)
    origin_lps : (x, y, z), mm
    encoding : str
    """

    def __init__(
        self,
        study: str,
        number: int,
        matrix: int,
        spacing_mm: Sequence[float],
        origin_lps: Sequence[float],
        encoding: str,
    ) -> None:
        self.uid = derived_uid("bench", study, number)
        self._spacing, self._origin = spacing_mm, origin_lps
        syntax, self._encode = ENCODERS[encoding]
        self._syntax = UID(syntax)
        self._dataset = Dataset()
        _identify(self._dataset, study, number, self.uid)
        _acquire(self._dataset, number)
        _place(self._dataset, self.uid, spacing_mm)
        _private(self._dataset)
        _pixels(self._dataset, matrix)

    def file_uid(self, k: int) -> str:
        """Return the SOP Instance UID of slice k."""
        return derived_uid(self.uid, k)

    def write(self, path: Path, instance_number: int, k: int, hu: npt.NDArray[np.int16]) -> int:
        """Write slice k; return the bytes of the file. What cannot be read back equal stops the benchmark."""
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = UID(self.file_uid(k))
        meta.TransferSyntaxUID = self._syntax
        file = FileDataset(str(path), self._dataset, b"\0" * 128, meta)
        file.SOPInstanceUID = self.file_uid(k)
        file.InstanceNumber = instance_number
        file.ImagePositionPatient = [*self._origin[:2], round(self._origin[2] + k * self._spacing[2], 4)]
        file.SliceLocation = file.ImagePositionPatient[2]
        file.AcquisitionTime = file.ContentTime = f"1012{k // 10 % 60:02d}.{k % 10}00000"
        stored = hu - np.int16(INTERCEPT)
        if self._encode is None:
            file.PixelData = stored.astype("<i2").tobytes()
            file["PixelData"].VR = "OW"
        else:
            file.PixelData = encapsulate([self._encode(stored)])
            file["PixelData"].VR = "OB"
            file["PixelData"].is_undefined_length = True
            if k % 50 == 0:
                self._require_readable(file, stored)
        file.save_as(path, enforce_file_format=True)
        return path.stat().st_size

    def _require_readable(self, file: FileDataset, stored: npt.NDArray[np.int16]) -> None:
        """Stop where pydicom reads something else; where it has no decoder, the races hold all to the truth."""
        if get_decoder(self._syntax).is_available and not np.array_equal(file.pixel_array, stored):
            raise SystemExit(f"pydicom does not read back what was encoded as {self._syntax}")


def _identify(ds: Dataset, study: str, number: int, uid: str) -> None:
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.InstanceCreationDate = ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260112"
    ds.InstanceCreationTime = ds.StudyTime = ds.SeriesTime = "101200.000000"
    ds.SOPClassUID = CTImageStorage
    ds.AccessionNumber, ds.Modality = "A0000012", "CT"
    ds.Manufacturer, ds.ManufacturerModelName = "SYNTHETIC MEDICAL SYSTEMS", "Lightwave 64"
    ds.InstitutionName, ds.InstitutionAddress = "Synthetic Hospital", "1 Made-up Road"
    ds.StationName, ds.InstitutionalDepartmentName = "CT01", "Radiology"
    ds.ReferringPhysicianName = ds.PhysiciansOfRecord = ds.OperatorsName = "Doe^John"
    ds.StudyDescription, ds.SeriesDescription = f"CT THORAX {study}".upper(), f"THORAX 1.25 B{30 + number} {number}"
    ds.ProcedureCodeSequence = [_code("CTTHX", "99LOCAL", "CT of the thorax with contrast")]
    ds.ReferencedStudySequence = [_reference("1.2.840.10008.3.1.2.3.1", derived_uid(study, "referenced"))]
    ds.ReferencedImageSequence = [_reference(CTImageStorage, derived_uid(uid, "scout", n)) for n in range(2)]
    ds.PatientName, ds.PatientID = "Synthetic^Bench", "BENCH-1"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge, ds.PatientWeight = "19700101", "O", "056Y", "71.5"
    ds.AdditionalPatientHistory = "Made by a program; no person."
    ds.StudyInstanceUID, ds.SeriesInstanceUID = derived_uid("bench", study), uid
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber = "1", number, 1
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "RP1", "SPS1"
    request.ScheduledProcedureStepDescription = "CT of the thorax"
    request.ScheduledProtocolCodeSequence = [_code("CTTHX", "99LOCAL", "CT of the thorax with contrast")]
    ds.RequestAttributesSequence = [request]
    ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = "20260112", "101000.000"
    ds.PerformedProcedureStepID, ds.PerformedProcedureStepDescription = "PPS1", "CT of the thorax"


def _acquire(ds: Dataset, number: int) -> None:
    ds.ContrastBolusAgent, ds.BodyPartExamined, ds.ScanOptions = "Iodine 350", "CHEST", "HELICAL MODE"
    ds.SliceThickness, ds.KVP, ds.DataCollectionDiameter = "1.25", "120", "500.000000"
    ds.DeviceSerialNumber, ds.SoftwareVersions, ds.ProtocolName = "000012", ["4.2", "gantry 7"], "Thorax routine"
    ds.ContrastBolusRoute, ds.ContrastBolusVolume = "IV", "80"
    ds.ReconstructionDiameter, ds.DistanceSourceToDetector = "360.000000", "949.075"
    ds.DistanceSourceToPatient, ds.GantryDetectorTilt, ds.TableHeight = "541.0", "0.000000", "158.500000"
    ds.RotationDirection, ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure = "CW", "500", "380", "190"
    ds.FilterType, ds.GeneratorPower, ds.FocalSpots = "BODY FILTER", "48000", ["1.200000"]
    ds.DateOfLastCalibration, ds.TimeOfLastCalibration = "20260110", "070000.000"
    ds.ConvolutionKernel, ds.PatientPosition = f"B{30 + number}", "HFS"
    ds.RevolutionTime, ds.SingleCollimationWidth, ds.TotalCollimationWidth = 0.5, 0.625, 40.0
    ds.TableSpeed, ds.TableFeedPerRotation, ds.SpiralPitchFactor = 110.0, 55.0, 1.375
    ds.ExposureModulationType, ds.CTDIvol = "XYZ_EC", 11.2
    ds.CTDIPhantomTypeCodeSequence = [_code("113691", "DCM", "IEC Body Dosimetry Phantom")]


def _place(ds: Dataset, uid: str, spacing_mm: Sequence[float]) -> None:
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = derived_uid(uid, "frame"), "SN"
    ds.PixelSpacing = list(spacing_mm[:2])


def _private(ds: Dataset) -> None:
    for group, name in ((0x0009, "SYNTH_IDEN_01"), (0x0019, "SYNTH_ACQU_01"), (0x0043, "SYNTH_PARM_01")):
        block = ds.private_block(group, name, create=True)
        for n in range(PRIVATE_ELEMENTS):
            if n % 8 == 7:
                block.add_new(n, "OB", bytes(range(PRIVATE_BYTES)))
            elif n % 2:
                block.add_new(n, "DS", f"{n * 1.37:.6f}")
            else:
                block.add_new(n, "LO", f"VALUE {n}")


def _pixels(ds: Dataset, matrix: int) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = matrix
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 1
    ds.SmallestImagePixelValue, ds.LargestImagePixelValue = 0, 4095
    ds["SmallestImagePixelValue"].VR = ds["LargestImagePixelValue"].VR = "SS"
    ds.WindowCenter, ds.WindowWidth = ["40", "-600"], ["400", "1600"]
    ds.WindowCenterWidthExplanation = ["MEDIASTINUM", "LUNG"]
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = str(INTERCEPT), "1", "HU"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _reference(sop_class: str, instance: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(sop_class), UID(instance)
    return item
