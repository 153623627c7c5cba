"""The table of formats that hold structures as voxels: command line, docs and round-trip tests iterate over it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from arviewer.formats import nifti, nrrd
from arviewer.formats.format import FileFormat
from arviewer.formats.grid_file import GridFile
from arviewer.formats.label_map import read_label_map
from arviewer.formats.nifti_labels import write_nifti, write_packed_nifti
from arviewer.formats.seg_nrrd import write_seg_nrrd
from arviewer.formats.voxel_file import VoxelContent
from arviewer.model.segmentation import Segmentation
from arviewer.model.study import Attachment, AttachmentKind, Patient, Series
from arviewer.workers.progress import Progress, silent


class Writer(Protocol):
    """Renders structures to the bytes of a file; touches no path."""

    def __call__(self, content: VoxelContent, progress: Progress = silent) -> bytes | memoryview:
        """Return the whole file."""


class Reader(Protocol):
    """Reads the bytes of a file as it reads those of other programs."""

    def __call__(self, data: bytes, name: str, images: Series, progress: Progress = silent) -> list[Segmentation]:
        """Return the structures in it, each on its own grid."""


@dataclass(frozen=True, slots=True)
class Format(FileFormat):
    """A kind of file of voxels."""

    write: Writer
    read: Reader


def _read_nrrd(data: bytes, name: str, images: Series, progress: Progress = silent) -> list[Segmentation]:
    return _labels(nrrd.header_of(data[: nrrd.HEAD_BYTES], Path(name)), data, images, progress)


def _read_nifti(data: bytes, name: str, images: Series, progress: Progress = silent) -> list[Segmentation]:
    return _labels(nifti.header_of(data[: nifti.HEAD_BYTES], Path(name)), data, images, progress)


def _labels(file: GridFile, data: bytes, images: Series, progress: Progress) -> list[Segmentation]:
    attachment = Attachment(AttachmentKind.LABEL_MAP, file.path, Patient())
    return read_label_map(replace(file, stored=data), attachment, images, progress)


def _write_seg(content: VoxelContent, progress: Progress = silent) -> bytes:
    from arviewer.formats.dicom.segmentation_file import write_segmentation

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the images say of patient and study is said again, be it ever so long
        return write_segmentation(content, progress)


def _read_seg(data: bytes, name: str, images: Series, progress: Progress = silent) -> list[Segmentation]:
    from arviewer.formats.dicom.data_set import read_data_set
    from arviewer.formats.dicom.segmentation import read_segmentation

    dataset, syntax = read_data_set(data)
    attachment = Attachment(AttachmentKind.SEGMENTATION, Path(name), images.patient)
    return read_segmentation(dataset, syntax, attachment, images, 1.0, progress)


_NAMED = frozenset({"voxels", "names"})

FORMATS: tuple[Format, ...] = (
    Format(
        "nrrd", (".seg.nrrd", ".nrrd"), "NRRD (3D Slicer)", _NAMED | {"overlap"}, "mm", ("lps",), write_seg_nrrd,
        _read_nrrd,
    ),
    Format(
        "nifti", (".nii.gz",), "NIfTI (compressed)", _NAMED, "mm", ("ras",), write_packed_nifti, _read_nifti,
    ),
    Format("nii", (".nii",), "NIfTI", _NAMED, "mm", ("ras",), write_nifti, _read_nifti),
    Format(
        "seg", (".dcm",), "DICOM SEG", _NAMED | {"overlap", "patient"}, "mm", ("lps",), _write_seg, _read_seg,
    ),
)  # fmt: skip
