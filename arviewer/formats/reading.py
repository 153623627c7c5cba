"""Everything that can be opened: DICOM, and NIfTI and NRRD files beside it or alone."""

from __future__ import annotations

import hashlib
import os
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import InputRefused, TooLarge, UsageError
from arviewer.formats import nifti, nrrd
from arviewer.formats.grid_file import GridFile
from arviewer.formats.label_map import why_labels
from arviewer.formats.refusing import refusing
from arviewer.imaging import dicom
from arviewer.imaging.dicom.reading import SPARE_BYTES
from arviewer.imaging.dicom.scanning import MAX_MEMBERS
from arviewer.imaging.dicom.source import Source
from arviewer.imaging.dicom.write import derived_uid
from arviewer.model.findings import Finding, FindingKind, Severity, Verdict
from arviewer.model.study import (
    Attachment,
    AttachmentKind,
    Instance,
    Patient,
    Phase,
    PhaseKind,
    PixelFormat,
    Scan,
    Series,
    Skipped,
    StoredPixels,
)
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers import memory
from arviewer.workers.progress import Progress, silent

READERS = {
    ".nii": nifti.read_header,
    ".nii.gz": nifti.read_header,
    ".nrrd": nrrd.read_header,
    ".nhdr": nrrd.read_header,
}
"""Reader of the header by suffix."""

FORMATS = ("NIfTI", "NRRD")
"""What stands in the place of a transfer syntax for files that are no DICOM."""

INT16 = np.iinfo(np.int16)


def scan(path: str | os.PathLike[str], progress: Progress = silent) -> Scan:
    """Find series and what lies beside them, as `arviewer.imaging.dicom.scan`, NIfTI and NRRD files included.

    A NIfTI or NRRD file that is opened itself is a series; beside others it is a label map when its header or its
    voxels say so, else a series.

    Raises
    ------
    InputRefused
        When the path does not exist, cannot be read, or holds nothing that can be opened.
    """
    root = Path(path)
    if not os.fspath(path):
        return dicom.scan(path, progress)  # which refuses it: Path("") would be the folder one is in
    if is_grid_file(root.name) and root.is_file():
        with refusing(root.name):
            return Scan(tuple(_series(read_header(root))))
    try:
        found = dicom.scan(root, progress)
    except InputRefused:
        others = _grid_files_in(root)
        if not others:
            raise
        found = Scan(skipped=tuple(Skipped(name, "") for name in others))
    return _with_grid_files(found, root)


def load(series: Series, progress: Progress = silent, **options: Any) -> Volume:
    """Read a series into a volume, as `arviewer.imaging.dicom.load`, or from a NIfTI or NRRD file.

    Parameters
    ----------
    **options
        For DICOM series; see there.

    Raises
    ------
    InputRefused
        When the series cannot be one volume; the reason names the file or tag.
    TooLarge
        When the volume does not fit into memory.
    UsageError
        When a part of a NIfTI or NRRD file is wanted.
    """
    first = series.instances[0] if series.instances else None
    if first is None or first.stored is None or first.stored.transfer_syntax not in FORMATS:
        return dicom.load(series, progress, **options)
    if options.get("box") is not None or options.get("coarser", 1) != 1:
        raise UsageError(_("A NIfTI or NRRD file is loaded whole."), "", _("Load it without a box and in full."))
    progress(0.0, _("Reading voxels"))
    with refusing(first.name):
        file = read_header(first.path, first.member)
        _require_memory(file)
        voxels = _rescaled(file, file.volumes()[first.frame])
    assert series.geometry is not None
    valid = np.ones(len(voxels), np.bool_)
    return Volume(voxels, series.geometry, series, series.unit, valid, series.findings)


def is_grid_file(name: str) -> bool:
    """Whether a file is NIfTI or NRRD, by its suffix."""
    return name.lower().endswith(tuple(READERS))


def read_header(path: Path, member: str = "") -> GridFile:
    """Return what a NIfTI or NRRD file says about itself; raises what `refusing` turns into `InputRefused`."""
    name = (member or path.name).lower()
    return next(reader for suffix, reader in READERS.items() if name.endswith(suffix))(path, member)


def _grid_files_in(root: Path) -> list[str]:
    """Return the NIfTI and NRRD files of a folder or archive without DICOM, as seen from it; links are not followed."""
    if zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            return [name for name in archive.namelist()[:MAX_MEMBERS] if is_grid_file(name)]
    found = []
    for folder, _folders, names in os.walk(root):
        found += [str((Path(folder) / name).relative_to(root)) for name in names if is_grid_file(name)]
    return sorted(found)


def _with_grid_files(found: Scan, root: Path) -> Scan:
    """Return a scan in which skipped NIfTI and NRRD files have become series and label maps."""
    series, skipped, attachments = list(found.series), [], list(found.attachments)
    for one in found.skipped:
        if not is_grid_file(one.file):
            skipped.append(one)
            continue
        path, member = (root, one.file) if root.is_file() else (root / one.file, "")
        try:
            with refusing(one.file):
                file = read_header(path, member)
                if why_labels(file):
                    attachments.append(label_map_at(path, member))
                else:
                    series += _series(file)
        except InputRefused as error:
            skipped.append(Skipped(one.file, error.why.removeprefix(f"{one.file}: ").rstrip(".")))
    if not series and not attachments:
        raise InputRefused(
            _("Nothing in {name} can be opened.").format(name=root.name or str(root)),
            "; ".join(f"{one.file}: {one.why}" for one in skipped[:3]),
            _("Choose the folder, file, DICOMDIR or zip archive the images are in."),
        )
    return Scan(tuple(series), tuple(skipped), found.findings, tuple(attachments))


def label_map_at(path: Path, member: str = "") -> Attachment:
    """Return a NIfTI or NRRD file as a label map; it names no patient."""
    return Attachment(AttachmentKind.LABEL_MAP, path, Patient(), member=member)


def _series(file: GridFile) -> list[Series]:
    """Return each volume of a file as a series: no patient, no study, no frame of reference."""
    geometry = file.geometry()
    labels = why_labels(file)
    findings = (Finding(FindingKind.NO_FRAME_OF_REFERENCE, Severity.NOTE), *file.findings)
    head = hashlib.sha256(file.data_path.read_bytes() if file.voxel_bytes < 1 << 20 else repr(file).encode())
    uid = derived_uid("grid file", head.hexdigest())
    with zipfile.ZipFile(file.path) if file.member else nullcontext() as archive:
        size, changed = Source(file.path, file.member, archive).stamp()
    stored = StoredPixels(PixelFormat(0, 0), file.format, 0, None, file_bytes=size, changed_ns=changed)
    described = file.description or file.format
    if labels:
        described = _("{format}, looks like labels: {why}").format(format=file.format, why=labels)
    return [
        Series(
            uid=uid,
            study_uid="",
            frame_of_reference_uid="",
            patient=Patient(),
            number=None,
            modality="",
            description=described,
            instances=(Instance(file.path, member=file.member, frame=n, stored=stored),),
            places=(0,),
            geometry=geometry,
            verdict=Verdict.REGULAR,
            findings=findings,
            part=(n + 1, file.count),
            phase=Phase(PhaseKind.ORDER, n + 1, n + 1, file.count) if file.count > 1 else None,
        )
        for n in range(file.count)
    ]


def _require_memory(file: GridFile) -> None:
    """Refuse before anything is allocated: the file's bytes, and the voxels made of them."""
    need, free = 2 * file.voxel_bytes, memory.available_bytes()
    if free is not None and need + SPARE_BYTES > free:
        raise TooLarge(
            _("{name} does not fit into memory.").format(name=file.name),
            _("It needs {need} MiB, {free} MiB are free.").format(need=need >> 20, free=free >> 20),
            _("Close other programs, or open a smaller file."),
        )


def _rescaled(file: GridFile, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values: int16 where they are whole numbers that fit, else float32; in memory a window can share."""
    whole = file.dtype.kind in "iu" and float(file.slope).is_integer() and float(file.intercept).is_integer()
    ends = [float(end) * file.slope + file.intercept for end in (stored.min(), stored.max())]
    fits = whole and min(ends) >= INT16.min and max(ends) <= INT16.max
    values = memory.empty(stored.shape, np.int16 if fits else np.float32)
    for k, plane in enumerate(stored):
        if (file.slope, file.intercept) == (1.0, 0.0):
            values[k] = plane
        else:
            values[k] = plane * np.float64(file.slope) + file.intercept
    return values
