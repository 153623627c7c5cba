"""Compressed and inflated pixels, made in disposable processes straight into the shared volume.

Decoders are native code on foreign bytes: some crash, some loop, some want all the memory there is. Here that costs one
process and one slice, which is named; the caller lives.
"""

from __future__ import annotations

import atexit
import os
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import ArviewerError
from arviewer.imaging.dicom.elements import DEFLATED
from arviewer.imaging.dicom.filling import Window, fill
from arviewer.imaging.dicom.pixels import PixelFile
from arviewer.imaging.dicom.source import source_of
from arviewer.imaging.dicom.syntaxes import COMPRESSIONS, DamagedFrame
from arviewer.model.study import Instance, StoredPixels
from arviewer.words import _
from arviewer.workers import clock, memory
from arviewer.workers.crew import DONE, STARTED, Crew
from arviewer.workers.progress import Progress, silent
from arviewer.workers.worker import Limits

LIMITS = Limits(memory_bytes=1280 << 20, cpu_s=3.0)
"""Of a decoding process. A frame of 2048² pixels in JPEG 2000 takes 0.6 s and 100 MiB."""

PIXELS_PER_S = 2e6
"""Pixels for each of which, beyond `FREE_PIXELS`, the decoder gets more time: a quarter of JPEG 2000's usual speed."""

FREE_PIXELS = 4e6

MAX_PROCESSES = 8

Outcome = tuple[str, bool]
"""Why a slice is lost, "" when it is not; whether its slot holds measured values."""


def needs_a_worker(instance: Instance, stored: StoredPixels) -> bool:
    """Whether reading these pixels runs native or inflating code on the file's content."""
    return stored.transfer_syntax in COMPRESSIONS or stored.transfer_syntax == DEFLATED or bool(instance.member)


def decode_slices(
    wanted: Sequence[tuple[int, Instance]],
    voxels: npt.NDArray[Any],
    window: Window | None,
    told: Callable[[int, Outcome], None],
    progress: Progress,
) -> None:
    """Fill ``voxels[place]`` with each instance; `told` hears (index in `wanted`, outcome).

    Parameters
    ----------
    wanted : sequence of (int, Instance)
        Place and image.
    voxels : ndarray, in shared memory
    """

    def heard(number: int, result: Any) -> None:
        if isinstance(result, ArviewerError):
            told(number, (_("decoding it ended its process ({why})").format(why=result.why or result.what), True))
        else:
            told(number, (str(result[0]), bool(result[1])))

    with _crew() as crew:
        crew.run(
            "arviewer.imaging.dicom.decoding:fill_slices",
            wanted,
            voxels,
            None if window is None else (window.rows, window.columns),
            LIMITS.cpu_s,
            told=heard,
            origin=lambda n: (wanted[n][1].path, wanted[n][1].member),
            progress=progress,
        )


def warm() -> None:
    """Let the decoding processes start now; when somebody uses them, they have."""
    if not _lock.locked():
        with _crew() as crew:
            crew.warm()


_lock = threading.Lock()
_kept: list[Crew] = []


@contextmanager
def _crew() -> Iterator[Crew]:
    """Lend the crew of this process; a second caller at the same time gets one of its own."""
    if not _lock.acquire(blocking=False):
        own = Crew(_size(), LIMITS)
        try:
            yield own
        finally:
            own.close()
        return
    try:
        if not _kept:
            _kept.append(Crew(_size(), LIMITS))
            atexit.register(_kept[0].close)
        yield _kept[0]
    finally:
        _lock.release()


def _size() -> int:
    return min(MAX_PROCESSES, os.cpu_count() or 1)


# ---- in the worker -----------------------------------------------------------------------------------------------


def fill_slices(
    numbered: Sequence[tuple[int, tuple[int, Instance]]],
    status: npt.NDArray[np.uint8],
    voxels: npt.NDArray[Any],
    window: tuple[tuple[int, int, int], tuple[int, int, int]] | None,
    cpu_s: float,
    progress: Progress = silent,
) -> list[tuple[int, Outcome]]:
    """Do a batch of `decode_slices`; see `arviewer.workers.crew.Crew.run`."""
    part = None if window is None else Window(*window)
    results = []
    for number, (place, instance) in numbered:
        stored = instance.stored
        assert stored is not None
        clock.start(cpu_s + max(0.0, (stored.format.rows * stored.format.columns - FREE_PIXELS) / PIXELS_PER_S))
        status[number] = STARTED
        results.append((number, _outcome(voxels, place, instance, stored, part)))
        status[number] = DONE
    return results


def _outcome(
    voxels: npt.NDArray[Any], place: int, instance: Instance, stored: StoredPixels, part: Window | None
) -> Outcome:
    try:
        slot = _slot(voxels)
        whole = fill(slot, _file(instance, stored), instance.frame, stored, part)
        memory.put(voxels, place, slot)
    except DamagedFrame as reason:
        return str(reason), True
    except MemoryError:
        return _("decoding it needs more memory than it may take ({size} MiB)").format(
            size=LIMITS.memory_bytes >> 20
        ), True
    return "", whole


_slots: list[npt.NDArray[Any]] = []


def _slot(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return room for one slice, the same again and again: it stays in the cache, which the volume does not."""
    if not _slots or _slots[0].shape != voxels.shape[1:] or _slots[0].dtype != voxels.dtype:
        _slots[:] = [np.empty(voxels.shape[1:], voxels.dtype)]
    return _slots[0]


_last: dict[tuple[Path, str], PixelFile] = {}
_archives: dict[tuple[Path, int], zipfile.ZipFile] = {}


def _file(instance: Instance, stored: StoredPixels) -> PixelFile:
    """Return the file of an image; the last one is kept, for its other frames."""
    key = instance.path, instance.member
    if key not in _last or stored.frames == 1 or not _last[key].is_of(stored):
        _last.clear()
        _last[key] = PixelFile(source_of(instance, _archive(instance, stored)), stored)
    return _last[key]


def _archive(instance: Instance, stored: StoredPixels) -> zipfile.ZipFile | None:
    """Return the archive of a member; the last one is kept, unless its file has changed."""
    if not instance.member:
        return None
    key = instance.path, stored.changed_ns
    if key not in _archives:
        for archive in _archives.values():
            archive.close()
        _archives.clear()
        try:
            _archives[key] = zipfile.ZipFile(instance.path)
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise DamagedFrame(_("its archive cannot be read ({why})").format(why=type(error).__name__)) from error
    return _archives[key]
