"""The images that a made object belongs to: whose they are, and which of them each plane of a grid was drawn on."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from arviewer.errors import InputRefused
from arviewer.formats.dicom.segment_items import coded_item
from arviewer.formats.refusing import refusing
from arviewer.formats.unpacking import file_bytes
from arviewer.model.segmentation import CodedTerm
from arviewer.model.study import Instance, Series
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _

ON_SLICE = 0.05
"""Distance of a plane from an image, as a share of the step from slice to slice, within which it was drawn on it."""

SOURCE_IMAGE = CodedTerm("121322", "DCM", "Source image for image processing operation")

REQUIRED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
)  # fmt: skip
"""What every object of a patient and study says, even when it says nothing (type 2)."""

STRUCTURES = ("SEG", "RTSTRUCT")
"""Modalities of objects that hold structures: what they were read from is no image."""

OPTIONAL = (
    "IssuerOfPatientID", "StudyDescription", "PatientIdentityRemoved", "DeidentificationMethod",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SourceImages:
    """What a made object says about the images.

    Attributes
    ----------
    identity : mapping
        Elements of the patient and study modules, by keyword.
    by_plane : mapping of int to Dataset
        The item of *Source Image Sequence* for each plane k of the grid that lies on an image.
    all : tuple of Dataset
        One for each image.
    """

    identity: Mapping[str, object]
    by_plane: Mapping[int, Dataset]
    all: tuple[Dataset, ...]


def source_images(series: Series, grid: VolumeGeometry) -> SourceImages:
    """Return what an object on a grid says about the images it belongs to.

    Raises
    ------
    InputRefused
        When they are no DICOM images with valid UIDs, or the first of them cannot be read any more.
    """
    uids = (series.study_uid, series.uid, *(one.sop_instance_uid for one in series.instances))
    is_image = bool(series.instances) and series.modality not in STRUCTURES
    if not is_image or not all(UID(uid).is_valid for uid in uids):
        raise InputRefused(
            _("A DICOM file cannot be made of these images."),
            _("They are no DICOM images, or lack valid UIDs that it could refer to."),
            _("Write a .seg.nrrd or .nii.gz file; or name the images, where a structure came from another file."),
        )
    first = series.instances[0]
    with refusing(first.name):
        stored = io.BytesIO(file_bytes(first.path, first.member))
        header = pydicom.dcmread(stored, stop_before_pixels=True, force=True)
        identity: dict[str, object] = {keyword: str(header.get(keyword) or "") for keyword in REQUIRED}
        identity |= {keyword: header[keyword].value for keyword in OPTIONAL if header.get(keyword)}
        sop_class = str(header.SOPClassUID)
    items = tuple(_item(one, sop_class) for one in series.instances)
    return SourceImages(identity, _by_plane(series, grid, items), items)


def _item(instance: Instance, sop_class: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance.sop_instance_uid
    if instance.stored is not None and instance.stored.frames > 1:
        item.ReferencedFrameNumber = instance.frame + 1
    item.PurposeOfReferenceCodeSequence = [coded_item(SOURCE_IMAGE)]
    return item


def _by_plane(series: Series, grid: VolumeGeometry, items: tuple[Dataset, ...]) -> dict[int, Dataset]:
    """Return the image of each plane of the grid that lies on one and is parallel to it."""
    if series.geometry is None:
        return {}
    of_place = dict(zip(series.places, items, strict=True))
    to_images = np.linalg.inv(series.geometry.lps_from_ijk.matrix) @ grid.lps_from_ijk.matrix
    depth, rows, columns = grid.shape_kji
    corners = np.array([[i, j, 0.0, 1.0] for i in (0, columns - 1) for j in (0, rows - 1)])
    found = {}
    for k in range(depth):
        corners[:, 2] = k
        across = corners @ to_images[2]
        place = int(np.rint(across[0]))
        if np.abs(across - place).max() <= ON_SLICE and place in of_place:
            found[k] = of_place[place]
    return found
