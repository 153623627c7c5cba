"""SHA-256 of each file images were read from, made in the background once they are on show.

Nothing in DICOM detects a byte that changed on the disk or on the wire; the hash says later whether the data are still
those that were looked at. Hashing costs more than reading, so nobody waits for it until something is to be written.
"""

from __future__ import annotations

import atexit
import hashlib
import threading
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from arviewer.errors import InputRefused
from arviewer.imaging.dicom.source import READ_ERRORS
from arviewer.model.study import Fingerprint, Instance
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

CHUNK = 1 << 20

Key = tuple[Path, str, int, int]
"""Path, member, size and time of change: another file under the same name is another file."""

_known: dict[Key, str] = {}
_waiting: SimpleQueue[Sequence[Instance]] = SimpleQueue()
_lock = threading.Lock()
_started = False
_ending = threading.Event()


def begin(instances: Sequence[Instance]) -> None:
    """Hash the files of these images on a thread of its own; returns at once."""
    global _started
    with _lock:
        if not _started:
            thread = threading.Thread(target=_work, name="fingerprints", daemon=True)
            thread.start()
            atexit.register(_end, thread)
            _started = True
    _waiting.put(instances)


def fingerprints(instances: Iterable[Instance], progress: Progress = silent) -> tuple[Fingerprint, ...]:
    """Return the hash of each file, waiting for those that are not made yet.

    Raises
    ------
    InputRefused
        When a file is gone or has changed since it was read; the reason names it.
    Cancelled
        When `progress` says so.
    """
    files = {_key(instance): instance for instance in instances}
    found = []
    archive = _Archive()
    for number, (key, instance) in enumerate(files.items()):
        progress(number / len(files), _("Hashing files"))
        if key not in _known:
            _hash(key, archive)
        digest = _known.get(key)
        if digest is None:
            raise InputRefused(
                _("The images are not those that were loaded."),
                _("{name} is gone or has changed since it was read.").format(name=instance.name),
                _("Open the series again."),
            )
        found.append(Fingerprint(instance.sop_instance_uid, digest))
    return tuple(found)


def _work() -> None:
    while not _ending.is_set():
        archive = _Archive()
        for instance in _waiting.get():
            key = _key(instance)
            if key not in _known and not _ending.is_set():
                _hash(key, archive)


def _end(thread: threading.Thread) -> None:
    """Let the thread finish its file before the interpreter goes: one at work in its last moments can crash it."""
    _ending.set()
    _waiting.put(())
    thread.join()


def _key(instance: Instance) -> Key:
    stored = instance.stored
    size, changed = (0, 0) if stored is None else (stored.file_bytes, stored.changed_ns)
    return instance.path, instance.member, size, changed


class _Archive:
    """The archive that was asked for last: it holds most of those that follow, and opening it reads its whole list."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._open: zipfile.ZipFile | None = None

    def member(self, path: Path, name: str) -> IO[bytes]:
        """Return a member to read from."""
        if self._open is None or self._path != path:
            self._path, self._open = path, zipfile.ZipFile(path)
        return self._open.open(name)


def _hash(key: Key, archive: _Archive) -> None:
    """Put a file's hash with the known ones, unless the file is not the one that was read."""
    path, member, size, changed = key
    digest = hashlib.sha256()
    read = 0
    try:
        if path.stat().st_mtime_ns != changed:
            return
        if member:
            with archive.member(path, member) as stream:
                while read <= size and (chunk := stream.read(CHUNK)):
                    digest.update(chunk)
                    read += len(chunk)
        else:
            with path.open("rb", buffering=0) as plain:
                while chunk := plain.read(CHUNK):
                    digest.update(chunk)
                    read += len(chunk)
        if read == size and path.stat().st_mtime_ns == changed:
            _known[key] = digest.hexdigest()
    except READ_ERRORS:
        return
