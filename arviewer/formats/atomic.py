"""Files that appear whole or not at all: written beside, flushed to the disk, read back, verified, renamed.

The earlier file of that name stays as it was until the new ones are proved; whatever happens before (a full disk,
a cancel, a failed check, Ctrl-C) leaves no trace. A process killed outright may leave a hidden ``.NAME.part``,
which the next attempt takes over.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from arviewer.errors import InputRefused, OutputFailed
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

WRITE_BYTES = 1 << 22
"""Bytes written between two calls of progress."""

_REMEDIES = {
    errno.ENOSPC: _("Free some space on that disk, or choose another."),
    errno.EDQUOT: _("Your quota is used up: delete something there, or choose another disk."),
    errno.EROFS: _("That disk can only be read: choose another."),
    errno.EACCES: _("You may not write there: choose another folder."),
    errno.EPERM: _("You may not write there: choose another folder."),
    errno.EISDIR: _("Choose the name of a file, or move that folder away."),
    errno.ENOTDIR: _("A part of the path is a file, not a folder: choose another path."),
    errno.ENAMETOOLONG: _("Choose a shorter name."),
    errno.EIO: _("The disk may be failing: choose another and have this one checked."),
    errno.EAGAIN: _("Wait for it to finish, or choose another name."),
}


def output_failed(path: Path, code: int, why: str = "") -> OutputFailed:
    """Return the error for a file that could not be written, with the remedy for that errno."""
    return OutputFailed(
        _("The file could not be written; nothing was changed."),
        f"{path}: {why or os.strerror(code)}",
        _REMEDIES.get(code, _("Choose another folder or disk.")),
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    target: Path
    part: Path
    descriptor: int


class AtomicFiles:
    """Several files that appear together.

    ::

        with AtomicFiles() as files:
            files.add(mesh_path, mesh_bytes, verify_mesh)
            files.add(sidecar_path, sidecar_bytes, verify_sidecar)

    Each is written to a hidden ``.part`` beside its target and verified when it is added. Leaving the block
    renames all, the last added first, so that the file people look for never stands without what describes it.
    Leaving it by an exception removes every part and every folder that was made.

    Raises
    ------
    OutputFailed
        Whatever the disk refuses, and whatever does not read back as it was written.
    """

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._folders: list[Path] = []
        self._done = False

    def __enter__(self) -> AtomicFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._rename_all()
                self._done = True
        finally:
            self._clean()

    def add(
        self,
        target: Path,
        data: bytes | Callable[[], bytes | memoryview],
        verify: Callable[[bytes], None],
        progress: Progress = silent,
    ) -> str:
        """Write one file beside its target and prove it; return its SHA-256.

        Parameters
        ----------
        target : Path
            Where it will appear; missing folders are made. A symbolic link is followed.
        data : bytes or callable
            The whole file, or what makes it: then it is let go before it is read back, so that a large file is
            never held twice.
        verify : callable
            Gets the bytes as read back from the disk; raises `OutputFailed` when they are not what was meant, or
            lets a reader's `InputRefused` pass, which becomes one.
        """
        target = Path(os.path.realpath(target))
        try:
            self._make_folders(target.parent)
            draft, written = self._written(target, data() if callable(data) else data, progress)
            found = _read_back(draft.descriptor)
        except OSError as error:
            raise output_failed(target, error.errno or errno.EIO) from error
        with ThreadPoolExecutor(1) as pool:
            hashing = pool.submit(_sha256, found)
            try:
                verify(found)
            except (InputRefused, OutputFailed) as error:
                _require_same(target, hashing.result(), written)  # says more than what then follows from it
                if isinstance(error, OutputFailed):
                    raise
                raise output_failed(target, 0, _("it did not read back: {why}").format(why=error.why)) from error
            _require_same(target, hashing.result(), written)
        return written

    def _written(self, target: Path, data: bytes | memoryview, progress: Progress) -> tuple[_Draft, str]:
        _check_target(target, len(data))
        draft = self._open_part(target)
        with ThreadPoolExecutor(1) as pool:  # neither the disk nor the hash waits for the other
            hashing = pool.submit(_sha256, data)
            _write(draft.descriptor, memoryview(data), progress)
        return draft, hashing.result()

    def _make_folders(self, folder: Path) -> None:
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir()
            self._folders.append(each)

    def _open_part(self, target: Path) -> _Draft:
        part = target.with_name(f".{target.name}.part")
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            _lock(descriptor, part)
        except BaseException:
            os.close(descriptor)
            raise
        draft = _Draft(target, part, descriptor)
        self._drafts.append(draft)
        os.ftruncate(descriptor, 0)
        return draft

    def _rename_all(self) -> None:
        backups: list[tuple[Path, Path]] = []
        renamed: list[Path] = []
        target = self._drafts[0].target if self._drafts else Path()
        try:
            for draft in reversed(self._drafts):
                target = draft.target
                backup = _keep_earlier(target)
                if backup is not None:
                    backups.append((backup, target))
                renamed.append(target)
                draft.part.replace(target)
            for folder in {draft.target.parent for draft in self._drafts}:
                _sync_folder(folder)
        except BaseException as error:
            _roll_back(backups, renamed)
            if isinstance(error, OSError):
                raise output_failed(target, error.errno or errno.EIO) from error
            raise
        for backup, _target in backups:
            with contextlib.suppress(OSError):
                backup.unlink(missing_ok=True)

    def _clean(self) -> None:
        for draft in self._drafts:
            if not self._done:
                with contextlib.suppress(OSError):
                    draft.part.unlink(missing_ok=True)
            os.close(draft.descriptor)
        for folder in [] if self._done else reversed(self._folders):
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._drafts.clear()
        self._folders.clear()


def _sha256(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


def _require_same(target: Path, found: str, written: str) -> None:
    """Raise unless the hash of what was read back is that of what was written."""
    if found != written:
        raise output_failed(target, errno.EIO, _("the disk gave back other bytes than were written"))


def _check_target(target: Path, size: int) -> None:
    """Raise when the target cannot become a file of that many bytes."""
    if target.is_dir():
        raise output_failed(target, errno.EISDIR)
    if target.exists() and not target.is_file():
        raise output_failed(target, errno.EPERM, _("it is a device, not a file"))
    if target.exists() and not target.stat().st_mode & 0o222:
        # A rename would not ask; whoever took every right to write from a file meant to keep it.
        raise output_failed(target, errno.EACCES, _("the earlier file of that name is write-protected"))
    free = free_bytes(target.parent)
    if free < size:
        raise output_failed(
            target,
            errno.ENOSPC,
            _("it needs {need:.1f} MB, the disk has {free:.1f} MB free").format(need=size / 1e6, free=free / 1e6),
        )


def free_bytes(folder: Path) -> int:
    """Return how much may still be written on the disk of a folder, in bytes."""
    disk = os.statvfs(folder)
    # Some network file systems tell nothing about themselves: then the write itself will say.
    return disk.f_bavail * disk.f_frsize if disk.f_blocks else sys.maxsize


def _lock(descriptor: int, part: Path) -> None:
    """Claim a part file, so that two programs that write the same target do not mix their bytes."""
    busy = output_failed(part, errno.EAGAIN, _("another program is writing this file now"))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise busy from None
    except OSError as error:
        # Some network file systems have no locks; the rename keeps its promise there all the same.
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
    if not part.exists() or part.stat().st_ino != os.fstat(descriptor).st_ino:
        raise busy


def _write(descriptor: int, data: memoryview, progress: Progress) -> None:
    data = data.cast("B")
    done = 0
    while done < len(data):
        done += os.write(descriptor, data[done : done + WRITE_BYTES])
        progress(done / len(data), _("Writing the file"))
    os.fsync(descriptor)


def _read_back(descriptor: int) -> bytes:
    """Return what lies on the disk: the cached pages are given up first, so that the disk itself answers."""
    with contextlib.suppress(OSError):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read()


def _keep_earlier(target: Path) -> Path | None:
    """Give the earlier file a second, hidden name; None when there is no earlier file."""
    if not target.exists():
        return None
    backup = target.with_name(f".{target.name}.old")
    backup.unlink(missing_ok=True)
    try:
        backup.hardlink_to(target)
    except OSError:
        # FAT and some network file systems have no hard links.
        try:
            shutil.copy2(target, backup)
        except BaseException:
            backup.unlink(missing_ok=True)
            raise
    return backup


def _roll_back(backups: list[tuple[Path, Path]], renamed: list[Path]) -> None:
    """Put every earlier file back under its name, and remove what had none."""
    kept = {target for _backup, target in backups}
    with contextlib.suppress(OSError):
        for target in renamed:
            if target not in kept:
                target.unlink(missing_ok=True)
        for backup, target in backups:
            backup.replace(target)
            # Renaming one name of a file over another name of the same file does nothing (POSIX rename).
            backup.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the renames themselves durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # A file system that cannot flush folders says so; there is nothing more to be done for it.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(descriptor)
