"""A few lines of pydicom that write images of any geometry and pixel form, apart from the project's own writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def image(pixels: Any, position: Any = (0, 0, 0), orientation: Any = AXIAL, **elements: Any) -> FileDataset:
    """Return one CT image; `elements` are keywords set last, None deletes."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Doe^Jane", "1", "19700101"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.3.9"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.ImageType = "CT", 1, 1, ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImagePositionPatient = [f"{value:.10g}" for value in position]
    ds.ImageOrientationPatient = [f"{value:.10g}" for value in orientation]
    ds.PixelSpacing, ds.SliceThickness = [1, 1], 1
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    if isinstance(pixels, np.ndarray):
        bits = pixels.dtype.itemsize * 8
        ds.Rows, ds.Columns = pixels.shape[-2:]
        ds.BitsAllocated = ds.BitsStored = bits
        ds.HighBit, ds.PixelRepresentation = bits - 1, int(pixels.dtype.kind == "i")
        data = pixels.tobytes()
        ds.PixelData = data + b"\0" * (len(data) % 2)
        ds["PixelData"].VR = "OW" if bits > 8 else "OB"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    for keyword, value in elements.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


@pytest.fixture
def make_image() -> Callable[..., FileDataset]:
    """`image` of this file."""
    return image


@pytest.fixture
def write_stack(tmp_path: Path) -> Callable[..., Path]:
    """Write voxels[k, j, i] with a (4, 4) map to LPS mm as one file per slice, and return the folder.

    `vary(k)` gives elements of slice k, or None to leave it out; `name(k)` its file name.
    """

    def write(
        voxels: np.ndarray,
        matrix: np.ndarray,
        folder: str = "stack",
        vary: Callable[[int], dict[str, Any] | None] = lambda k: {},
        name: Callable[[int], str] = "{:03d}".format,
        **elements: Any,
    ) -> Path:
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        row, column = matrix[:3, 0], matrix[:3, 1]
        between_columns, between_rows = np.linalg.norm(row), np.linalg.norm(column)
        for k, plane in enumerate(voxels):
            own = vary(k)
            if own is None:
                continue
            ds = image(
                np.ascontiguousarray(plane),
                matrix[:3, 3] + k * matrix[:3, 2],
                (*row / between_columns, *column / between_rows),
                **{"PixelSpacing": [f"{between_rows:.8g}", f"{between_columns:.8g}"], "InstanceNumber": k + 1}
                | elements,
            )
            for keyword, value in own.items():
                setattr(ds, keyword, value)
            ds.save_as(place / name(k), enforce_file_format=True)
        return place

    return write
