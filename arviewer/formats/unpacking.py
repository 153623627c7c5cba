"""Compressed files, unpacked up to a limit by the bytes that really come out."""

from __future__ import annotations

import bz2
import zipfile
import zlib
from pathlib import Path

from arviewer.formats.refusing import Unusable
from arviewer.imaging.dicom.source import Source
from arviewer.words import _

MAX_FILE_BYTES = 8 << 30
"""Largest file that is read."""

MAX_STREAMS = 100_000
"""Compressed streams behind one another in one file: tools that compress in parallel write some hundred."""

_GZIP = 16 + zlib.MAX_WBITS


def file_bytes(path: Path, member: str = "", limit: int | None = None) -> bytes:
    """Return the bytes of a file, or of a member of a zip archive; at most `limit` from its beginning.

    Raises
    ------
    Unusable
        When it is too large, or cannot be read.
    """
    try:
        if member:
            with zipfile.ZipFile(path) as archive:
                return Source(path, member, archive).read(limit)
        size = path.stat().st_size
        if limit is None and size > MAX_FILE_BYTES:
            raise Unusable(_("it has {size} MiB").format(size=size >> 20))
        return Source(path).read(limit)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unusable(_("it cannot be read ({why})").format(why=reason)) from error


def unpacked(data: bytes, encoding: str, limit: int) -> bytes:
    """Return at most `limit` bytes of what `data` holds.

    Parameters
    ----------
    encoding : {"raw", "gzip", "bzip2"}

    Raises
    ------
    Unusable
        When the compressed stream is damaged or the encoding is none of these.
    """
    try:
        if encoding == "raw":
            return data[:limit]
        if encoding == "gzip":
            return _gunzipped(data, limit)
        if encoding == "bzip2":
            return _bunzipped(data, limit)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise Unusable(_("its compressed data is damaged ({why})").format(why=error)) from error
    raise Unusable(_("its encoding is {encoding!r}; raw, gzip and bzip2 are read").format(encoding=encoding))


def _gunzipped(data: bytes, limit: int) -> bytes:
    out = bytearray()
    for _stream in range(MAX_STREAMS):
        unpacker = zlib.decompressobj(_GZIP)
        out += unpacker.decompress(data, limit - len(out))
        data = unpacker.unused_data
        if len(out) >= limit or not unpacker.eof or not data.startswith(b"\x1f\x8b"):
            break
    return bytes(out)


def _bunzipped(data: bytes, limit: int) -> bytes:
    out = bytearray()
    for _stream in range(MAX_STREAMS):
        unpacker = bz2.BZ2Decompressor()
        out += unpacker.decompress(data, limit - len(out))
        data = unpacker.unused_data
        if len(out) >= limit or not unpacker.eof or not data.startswith(b"BZh"):
            break
    return bytes(out)
