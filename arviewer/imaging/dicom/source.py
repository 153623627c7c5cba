"""Where bytes come from: a file on disk, or a member of a zip archive, read without unpacking it."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from arviewer.model.study import Instance

MAX_MEMBER_BYTES = 1 << 30
"""Largest archive member that is read, by the bytes that really come out: a bomb stops here."""


READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""A pipe put in the place of a file since the folder was listed gives an error, not a wait without end."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a member of an archive.

    Attributes
    ----------
    path : Path
        The file; for a member, the archive.
    member : str
        Name inside the archive, or "".
    archive : ZipFile or None
        The open archive.
    """

    path: Path
    member: str = ""
    archive: zipfile.ZipFile | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.member or self.path.name

    def stamp(self) -> tuple[int, int]:
        """Return the size in bytes and the time of change in ns."""
        if self.archive is not None:
            return self.archive.getinfo(self.member).file_size, self.path.stat().st_mtime_ns
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns

    def begin(self, limit: int) -> tuple[bytes, int, int]:
        """Return the first bytes, at most `limit`, and what `stamp` returns, with one opening of the file.

        Raises
        ------
        OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError
            When the file or the member cannot be read.
        """
        if self.archive is not None:
            size, changed = self.stamp()
            return self.read(limit), size, changed
        file = os.open(self.path, READING)
        try:
            status = os.fstat(file)
            data = os.read(file, limit)
            while len(data) < min(limit, status.st_size) and (more := os.read(file, limit - len(data))):
                data += more
            return data, status.st_size, status.st_mtime_ns
        finally:
            os.close(file)

    def read(self, limit: int | None = None, offset: int = 0) -> bytes:
        """Return bytes from `offset`, at most `limit` of them.

        Raises
        ------
        OSError, zipfile.BadZipFile, ...
            Of `READ_ERRORS`, when the file or the member cannot be read, or is not there any more.
        """
        if self.archive is None:
            with self.path.open("rb", buffering=0) as stream:
                stream.seek(offset)
                return stream.read(-1 if limit is None else limit) or b""
        with self.archive.open(self.member) as member:
            data = member.read(min(limit + offset if limit is not None else MAX_MEMBER_BYTES + 1, MAX_MEMBER_BYTES + 1))
        if len(data) > MAX_MEMBER_BYTES:
            raise zipfile.BadZipFile(f"it unpacks to more than {MAX_MEMBER_BYTES >> 30} GiB")
        return data[offset:]


READ_ERRORS = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    EOFError,
    ValueError,
    LookupError,
    struct.error,
)
"""What `Source.read` raises when the bytes cannot be had (zipfile raises all but the first for odd archives)."""

PACKINGS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
"""How a member may be packed: zipfile unpacks the others without a limit, 4 KiB of bzip2 into gigabytes."""


def source_of(instance: Instance, archive: zipfile.ZipFile | None) -> Source:
    """Return where the bytes of an instance are."""
    return Source(instance.path, instance.member, archive if instance.member else None)
