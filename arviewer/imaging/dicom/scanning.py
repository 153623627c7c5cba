"""Finding series: in a folder, a file, a DICOMDIR or a zip archive."""

from __future__ import annotations

import itertools
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from arviewer.errors import InputRefused
from arviewer.imaging.dicom import directory
from arviewer.imaging.dicom.grouping import patient_key
from arviewer.imaging.dicom.headers import Image, Known, NoImages, images_of
from arviewer.imaging.dicom.series import series_of
from arviewer.imaging.dicom.source import MAX_MEMBER_BYTES, PACKINGS, READ_ERRORS, Source
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.study import Attachment, Scan, Skipped
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

MAX_MEMBERS = 200_000
"""Members of an archive; the largest studies have some ten thousand images."""

REASONS_SHOWN = 3
"""How many reasons a refusal names before it says "and so on"."""


def scan(path: str | os.PathLike[str], progress: Progress = silent) -> Scan:
    """Find the series in a folder, file, DICOMDIR or zip archive.

    Parameters
    ----------
    path : path-like
        Folders are searched at any depth; names and extensions mean nothing.
    progress : Progress

    Returns
    -------
    Scan
        Series with geometry, verdict and findings, those that can be volumes and the largest first; segmentations,
        contours, reports and documents beside them; every file that is not used, with the reason.

    Raises
    ------
    InputRefused
        When the path does not exist, cannot be read, or holds no DICOM images.
    Cancelled
        When `progress` says so.
    """
    root = Path(path)
    if not os.fspath(path):
        raise InputRefused(_("No path was given."), _("The name is empty."), _("Name the folder, file or archive."))
    skipped: list[Skipped] = []
    images: list[Image] = []
    attachments: list[Attachment] = []
    progress(0.0, _("Looking for files"))
    sources = list(_sources(root, skipped))
    known, doing = Known(), _("Reading headers")
    try:
        for number, source in enumerate(sources):
            progress(number / len(sources), doing)
            try:
                images += images_of(source, known)
            except NoImages as reason:
                if reason.attachment is not None:
                    attachments.append(reason.attachment)
                else:
                    skipped.append(Skipped(_shown(source, root), str(reason)))
    finally:
        for archive in {source.archive for source in sources if source.archive is not None}:
            archive.close()
    if not images and not attachments:
        raise _nothing_in(root, skipped)
    series, left_out = series_of(images)
    progress(1.0, _("Reading headers"))
    return Scan(tuple(series), tuple(skipped + left_out), _patients(images), tuple(attachments))


def _patients(images: Iterable[Image]) -> tuple[Finding, ...]:
    patients = {patient_key(image) for image in images}
    if len(patients) < 2:
        return ()
    return (Finding(FindingKind.MULTIPLE_PATIENTS, Severity.WARNING, details={"count": len(patients)}),)


def _nothing_in(root: Path, skipped: list[Skipped]) -> InputRefused:
    what = _("No DICOM images in {name}.").format(name=root.name or str(root))
    if not skipped:
        return InputRefused(what, _("The folder is empty."), _("Choose the folder the images are in."))
    reasons = "; ".join(f"{one.file}: {one.why}" for one in skipped[:REASONS_SHOWN])
    more = len(skipped) - REASONS_SHOWN
    if more > 0:
        reasons += _("; and {count} more files").format(count=more)
    return InputRefused(what, reasons, _("Choose the folder, file, DICOMDIR or zip archive the images are in."))


def _shown(source: Source, root: Path) -> str:
    """Return the name of a file as seen from where the search began."""
    if source.member:
        return source.member
    try:
        return str(source.path.relative_to(root)) if source.path != root else root.name
    except ValueError:
        return source.name


def _sources(root: Path, skipped: list[Skipped]) -> Iterator[Source]:
    try:
        if root.is_dir():
            yield from _files(root, skipped)
        elif not root.exists():
            raise InputRefused(
                _("There is no {path}.").format(path=root),
                _("No file or folder has this name."),
                _("Check the path; the medium may not be there any more."),
            )
        elif not root.is_file():
            raise InputRefused(
                _("{path} is neither a file nor a folder.").format(path=root),
                _("It is a device or a pipe."),
                _("Choose the folder, file, DICOMDIR or zip archive the images are in."),
            )
        elif directory.is_directory_file(root):
            yield from directory.referenced(root, skipped)
        elif zipfile.is_zipfile(root):
            yield from _members(root, skipped)
        else:
            yield Source(root)
    except OSError as error:
        raise InputRefused(
            _("{name} cannot be read.").format(name=root.name),
            error.strerror or type(error).__name__,
            _("Check that you may read it, and that the medium is there."),
        ) from error


def _files(root: Path, skipped: list[Skipped]) -> Iterator[Source]:
    """Walk a folder in order of names; links to folders are not followed, for they could lead in circles.

    An entry that cannot be looked at costs itself only; of the whole it is the first folder that must be readable.
    """
    waiting = [iter(_entries(root))]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(iter(_entries(entry.path)))
            elif not entry.is_file():
                skipped.append(Skipped(_below(root, entry.path), _("it is no file")))
            else:
                yield Source(Path(entry.path))
        except PermissionError:
            skipped.append(Skipped(_below(root, entry.path), _("the folder may not be read")))
        except OSError as error:
            why = _("it cannot be read ({why})").format(why=error.strerror)
            skipped.append(Skipped(_below(root, entry.path), why))


def _below(root: Path, path: str) -> str:
    return os.path.relpath(path, root)


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _members(path: Path, skipped: list[Skipped]) -> Iterator[Source]:
    """Yield the members of an archive; nothing is ever written to disk, so their names can do no harm."""
    try:
        archive = zipfile.ZipFile(path)
    except READ_ERRORS as error:
        skipped.append(Skipped(path.name, _("the archive is damaged ({why})").format(why=error)))
        return
    members = [member for member in archive.infolist() if not member.filename.endswith("/")]
    if len(members) > MAX_MEMBERS:
        skipped.append(Skipped(path.name, _("the archive has {count} members").format(count=len(members))))
        return
    overlapping = _overlapping(members)
    for member in sorted(members, key=lambda one: one.filename):
        if member.flag_bits & 1:
            skipped.append(Skipped(member.filename, _("it is encrypted")))
        elif member.compress_type not in PACKINGS:
            skipped.append(Skipped(member.filename, _("it is packed in a way that cannot be unpacked safely")))
        elif member.filename in overlapping:
            skipped.append(Skipped(member.filename, _("it overlaps another member of the archive")))
        elif archive.getinfo(member.filename) is not member:
            skipped.append(Skipped(member.filename, _("another member of the archive has the same name")))
        elif member.file_size > MAX_MEMBER_BYTES:
            skipped.append(Skipped(member.filename, _("it unpacks to {size} MiB").format(size=member.file_size >> 20)))
        else:
            yield Source(path, member.filename, archive)


def _overlapping(members: list[zipfile.ZipInfo]) -> set[str]:
    """Return the members whose bytes reach into the next one's: how a small archive unpacks to any size.

    D. Fifield, "A better zip bomb", USENIX WOOT 2019.
    """
    ordered = sorted(members, key=lambda member: member.header_offset)
    return {
        one.filename
        for one, after in itertools.pairwise(ordered)
        if one.header_offset + one.compress_size > after.header_offset
    }
