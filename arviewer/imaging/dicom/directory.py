"""DICOMDIR: the files a medium lists, none of them from outside it; PS3.10 section 8, PS3.3 annex F."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

from arviewer.imaging.dicom.source import Source
from arviewer.model.study import Skipped
from arviewer.words import _

MEDIA_STORAGE_DIRECTORY = b"1.2.840.10008.1.3.10"
MAX_DIRECTORY_BYTES = 256 << 20
"""A directory of 100,000 images is about 50 MB."""


def is_directory_file(path: Path) -> bool:
    """Whether a file is a DICOMDIR, by its Media Storage SOP Class, whatever its name."""
    with path.open("rb") as stream:
        head = stream.read(1024)
    return head[128:132] == b"DICM" and MEDIA_STORAGE_DIRECTORY in head and path.stat().st_size < MAX_DIRECTORY_BYTES


def referenced(path: Path, skipped: list[Skipped]) -> Iterator[Source]:
    """Yield the files a DICOMDIR refers to.

    References that leave the medium (".." and the like, or links to elsewhere) and files that are not there are
    named in `skipped`.
    """
    root = path.parent.resolve()
    for file_id in _file_ids(path, skipped):
        name = "/".join(file_id)
        if any(part in ("", ".", "..") or "/" in part or "\\" in part or "\0" in part for part in file_id):
            skipped.append(Skipped(name, _("the directory refers to it, but it lies outside the medium")))
            continue
        found = _find(root, file_id)
        if found is None:
            skipped.append(Skipped(name, _("the directory refers to it, but it is not there")))
        elif not found.resolve().is_relative_to(root):
            skipped.append(Skipped(name, _("the directory refers to it, but it lies outside the medium")))
        else:
            yield Source(found)


def _file_ids(path: Path, skipped: list[Skipped]) -> list[tuple[str, ...]]:
    from pydicom import dcmread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(io.BytesIO(path.read_bytes()), force=True)
            values = [record.get("ReferencedFileID") for record in dataset.get("DirectoryRecordSequence") or []]
        except (Exception, RecursionError) as error:  # noqa: BLE001 - whatever a parser raises on hostile bytes
            skipped.append(Skipped(path.name, _("the directory is damaged ({why})").format(why=type(error).__name__)))
            return []
    found = [(value,) if isinstance(value, str) else tuple(map(str, value)) for value in values if value]
    return list(dict.fromkeys(found))


def _find(root: Path, file_id: tuple[str, ...]) -> Path | None:
    """Return the file of a File ID; media written in upper case are often mounted or copied in lower case."""
    place = root
    for part in file_id:
        if (place / part).exists():
            place = place / part
            continue
        if not place.is_dir():
            return None
        same = [entry for entry in place.iterdir() if entry.name.casefold() == part.casefold()]
        if len(same) != 1:
            return None
        place = same[0]
    return place if place.is_file() else None
