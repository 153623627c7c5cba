"""DICOMDIR: the files a medium lists, none of them from outside it; PS3.10 section 8, PS3.3 annex F."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

from arviewer.imaging.dicom.elements import DEFLATED, EXPLICIT_LITTLE, meta_information
from arviewer.imaging.dicom.source import Source
from arviewer.model.study import Skipped
from arviewer.words import _

MEDIA_STORAGE_DIRECTORY = b"1.2.840.10008.1.3.10"
MAX_DIRECTORY_BYTES = 256 << 20
"""A directory of 100,000 images is about 50 MB."""
MAX_PARSED_BYTES = 4 << 20
"""Largest directory that is left to pydicom, which takes 0.25 ms for each record of some 100 bytes."""

_HEAD = struct.Struct("<L2sH")
_LONG = frozenset(b"OB OW OF OD OL OV SQ UC UR UT UN SV UV".split())
_ITEM_TAGS = frozenset((0xE000FFFE, 0xE00DFFFE, 0xE0DDFFFE))
_REFERENCED_FILE_ID = 0x15000004
"""Tags as `_HEAD` reads them: element above group."""


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
    listings: dict[Path, dict[str, list[str]]] = {}
    for file_id in _file_ids(path, skipped):
        name = "/".join(file_id)
        if any(part in ("", ".", "..") or "/" in part or "\\" in part or "\0" in part for part in file_id):
            skipped.append(Skipped(name, _("the directory refers to it, but it lies outside the medium")))
            continue
        found = _find(root, file_id, listings)
        if found is None:
            skipped.append(Skipped(name, _("the directory refers to it, but it is not there")))
        elif not found.resolve().is_relative_to(root):
            skipped.append(Skipped(name, _("the directory refers to it, but it lies outside the medium")))
        else:
            yield Source(found)


def _file_ids(path: Path, skipped: list[Skipped]) -> list[tuple[str, ...]]:
    """Return the *Referenced File IDs* (0004,1500) of a directory, each once."""
    data = path.read_bytes()
    try:
        found = _walked(data)
    except Exception:  # noqa: BLE001 - not as nearly all directories are; pydicom may still know
        try:
            found = _parsed(data)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises on hostile bytes
            skipped.append(Skipped(path.name, _("the directory is damaged ({why})").format(why=type(error).__name__)))
            return []
    return list(dict.fromkeys(file_id for file_id in found if any(file_id)))


def _walked(data: bytes) -> list[tuple[str, ...]]:
    """Return the File IDs of an explicit little endian directory, as PS3.10 8.6 has it; ValueError for others.

    Sequences and items are gone into, however deep: what they hold comes one after another all the same.
    """
    syntax, place = meta_information(data)
    if syntax != EXPLICIT_LITTLE:
        raise ValueError(syntax)
    found, end = [], len(data)
    while place + 8 <= end:
        tag, vr, length = _HEAD.unpack_from(data, place)
        if tag in _ITEM_TAGS:
            place += 8
            continue
        place += 8
        if vr in _LONG:
            length = int.from_bytes(data[place : place + 4], "little")
            place += 4
        elif not vr.isalpha():
            raise ValueError(vr)
        if vr == b"SQ":
            continue
        if place + length > end:
            raise ValueError(length)
        if tag == _REFERENCED_FILE_ID:
            found.append(data[place : place + length].decode("latin-1"))
        place += length
    return [tuple(part.strip("\0 ") for part in text.split("\\")) for text in found]


def _parsed(data: bytes) -> list[tuple[str, ...]]:
    """Return the File IDs as pydicom reads them."""
    from pydicom import dcmread

    if DEFLATED.encode() in data:
        raise ValueError("a directory is never deflated")  # pydicom inflates without a limit
    if len(data) > MAX_PARSED_BYTES:
        raise ValueError("it is too large")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(io.BytesIO(data), force=True)
        values = [record.get("ReferencedFileID") for record in dataset.get("DirectoryRecordSequence") or []]
    return [(value,) if isinstance(value, str) else tuple(map(str, value)) for value in values if value]


def _find(root: Path, file_id: tuple[str, ...], listings: dict[Path, dict[str, list[str]]]) -> Path | None:
    """Return the file of a File ID; media written in upper case are often mounted or copied in lower case."""
    place = root
    for part in file_id:
        if place not in listings:
            listings[place] = _listed(place)
        names = listings[place].get(part.casefold(), [])
        if part in names:
            place /= part
        elif len(names) == 1:
            place /= names[0]
        else:
            return None
    return place if place.is_file() else None


def _listed(folder: Path) -> dict[str, list[str]]:
    """Return the names in a folder by what they are without regard to case; none where it is no folder."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return {}
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.casefold(), []).append(name)
    return found
