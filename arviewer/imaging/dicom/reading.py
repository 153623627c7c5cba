"""Many slices into one array: on threads where bytes are only copied, in workers where code runs on them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import InputRefused, TooLarge
from arviewer.imaging.dicom import decoding
from arviewer.imaging.dicom.filling import Window, fill, is_integer, measured
from arviewer.imaging.dicom.pixels import PixelFile, require_plausible
from arviewer.imaging.dicom.source import source_of
from arviewer.imaging.dicom.syntaxes import DamagedFrame
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.study import Instance, StoredPixels
from arviewer.words import _
from arviewer.workers import memory
from arviewer.workers.memory import available_bytes
from arviewer.workers.progress import Progress

MAX_THREADS = 8
"""Reading threads at most; beyond, the memory bus is the limit."""

POLL_S = 0.05
"""How often progress is reported and a cancel is noticed."""

SPARE_BYTES = 256 << 20
"""Memory left to everything else when a volume is allocated."""

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image that is to be read, and the place k it goes to."""

    place: int
    instance: Instance
    stored: StoredPixels


class Reading:
    """Fills an array with images.

    Parameters
    ----------
    shape : (slices, rows, columns)
    wanted : sequence of Wanted
        In the order in which they should come.
    window : Window or None
        Which part of each image.
    progress : Progress
    shared : bool
        Another process looks at the array while it is filled.

    Attributes
    ----------
    voxels : ndarray
        int16 or float32.
    valid : ndarray of bool, shape (slices,)
        True for each slice that is there.
    on_first : callable
        Called once, when the first slice is there.
    lost : dict of int to str
        Place to why its image cannot be had.
    """

    def __init__(
        self, shape: Shape, wanted: Sequence[Wanted], window: Window | None, progress: Progress, *, shared: bool
    ) -> None:
        self._wanted, self._window, self._progress = wanted, window, progress
        self.lost: dict[int, str] = {}
        self.on_first: Callable[[], None] | None = None
        self._raw: dict[int, Wanted] = {}  # slices still in stored values because int16 cannot hold their measured ones
        self._done = 0
        self._stop = threading.Event()
        self._refuse_impossible()
        self._in_workers = [one for one in self._open() if decoding.needs_a_worker(one.instance, one.stored)]
        self._here = [one for one in self._open() if not decoding.needs_a_worker(one.instance, one.stored)]
        dtype = np.dtype(np.int16 if all(is_integer(one.stored) for one in wanted) else np.float32)
        self._shared = shared or bool(self._in_workers)
        self.voxels = _allocated(shape, dtype, shared=self._shared)
        self.valid: npt.NDArray[np.bool_] = memory.empty((shape[0],), np.bool_)

    def run(self) -> None:
        """Read everything.

        Raises
        ------
        InputRefused
            When nothing could be read.
        Cancelled
            When `progress` says so.
        """
        if self._here:
            self._read_here()
        if self._in_workers:
            self._read_in_workers()
        if self._raw:
            self._to_float()
        if not self.valid.any():
            raise self._nothing()
        if not self.valid.all():
            self.voxels[~self.valid] = min(self.voxels[k].min() for k in np.flatnonzero(self.valid))

    def corrupt(self) -> tuple[Finding, ...]:
        """Return the finding about images that are lost, if there are any."""
        if not self.lost:
            return ()
        places = tuple(sorted(self.lost))
        names = {one.place: one.instance.name for one in self._wanted}
        finding = Finding(
            FindingKind.CORRUPT_SLICE,
            Severity.ERROR,
            slices=places,
            files=tuple(dict.fromkeys(names[place] for place in places)),
            details={"count": len(places), "why": f"{names[places[0]]}: {self.lost[places[0]]}"},
        )
        return (finding,)

    def padding(self) -> float | None:
        """Return the measured padding value when all images agree on one."""
        values = {_padding(one.stored) for one in self._wanted}
        return values.pop() if len(values) == 1 else None

    def _open(self) -> Iterator[Wanted]:
        return (one for one in self._wanted if one.place not in self.lost)

    def _refuse_impossible(self) -> None:
        """Find, before anything is allocated, the files that cannot hold what they promise."""
        for one in self._wanted:
            try:
                require_plausible(one.stored)
            except DamagedFrame as reason:
                self.lost[one.place] = str(reason)
        if len(self.lost) == len(self._wanted):
            raise self._nothing()

    def _nothing(self) -> InputRefused:
        place = min(self.lost)
        name = next(one.instance.name for one in self._wanted if one.place == place)
        return InputRefused(
            _("No slice of the series could be decoded."),
            f"{name}: {self.lost[place]}",
            _("Fetch the files again."),
        )

    # In this process

    def _read_here(self) -> None:
        queue = iter(self._here)
        first = next(queue)
        self._read(first)
        self._tell()
        lock = threading.Lock()
        threads = min(MAX_THREADS, max(2, os.cpu_count() or 1))
        with ThreadPoolExecutor(threads, "read") as pool:
            running = {pool.submit(self._drain, queue, lock) for _n in range(threads)}
            try:
                while running:
                    self._tell()
                    finished, running = wait(running, timeout=POLL_S)
                    for one in finished:
                        one.result()
                self._tell()
            finally:
                self._stop.set()

    def _drain(self, queue: Iterator[Wanted], lock: threading.Lock) -> None:
        while not self._stop.is_set():
            with lock:
                one = next(queue, None)
            if one is None:
                return
            self._read(one)

    def _read(self, one: Wanted) -> None:
        file = PixelFile(source_of(one.instance, None), one.stored)
        slot = np.empty(self.voxels.shape[1:], self.voxels.dtype) if self._shared else self.voxels[one.place]
        try:
            whole = fill(slot, file, one.instance.frame, one.stored, self._window)
            if self._shared:
                memory.put(self.voxels, one.place, slot)
            self._note(one, whole)
        except DamagedFrame as reason:
            self._lose(one, str(reason))
        except MemoryError:
            self._lose(one, _("reading it needs more memory than there is"))

    # In workers

    def _read_in_workers(self) -> None:
        def told(number: int, outcome: decoding.Outcome) -> None:
            why, whole = outcome
            one = self._in_workers[number]
            if why:
                self._lose(one, why)
            else:
                self._note(one, whole)

        decoding.decode_slices(
            [(one.place, one.instance) for one in self._in_workers],
            self.voxels,
            self._window,
            told,
            lambda _fraction, _what="": self._tell(),
        )

    # Both

    def _note(self, one: Wanted, whole: bool) -> None:
        if whole:
            self.valid[one.place] = True
        else:
            self._raw[one.place] = one  # valid once it is measured: until then a preview must not show it
        self._done += 1

    def _lose(self, one: Wanted, why: str) -> None:
        self.lost[one.place] = why
        self._done += 1

    def _tell(self) -> None:
        if self.on_first is not None and self.valid.any():
            on_first, self.on_first = self.on_first, None
            on_first()
        self._progress(self._done / len(self._wanted), _("Reading slices"))

    def _to_float(self) -> None:
        """Turn the volume to float32 because int16 cannot hold it."""
        stored = self.voxels
        self.voxels = _allocated(stored.shape, np.dtype(np.float32), shared=self._shared)
        for k in np.flatnonzero(self.valid):  # slice by slice: a second copy would not fit
            self.voxels[k] = stored[k]
        self.valid = self.valid.copy()  # a preview goes on looking at the old ones of both
        for place, raw in self._raw.items():
            self.voxels[place] = measured(stored[place], raw.stored)
            self.valid[place] = True


def _padding(stored: StoredPixels) -> float | None:
    if stored.padding is None:
        return None
    if stored.lut is not None:
        return float(stored.lut(np.array(stored.padding)))
    return stored.padding * stored.slope + stored.intercept


def require_room(shape: Shape, stored: Sequence[StoredPixels]) -> None:
    """Check that a volume fits into memory before anything is read.

    Raises
    ------
    TooLarge
    """
    free = available_bytes()
    step = coarsest_needed(shape, stored, free)
    if step == 1:
        return
    need = _need(shape, stored)
    raise _too_large(
        need,
        free,
        _("Close other programs, load one voxel in {step} along each axis ({size} MiB), or load a box of it.").format(
            step=step, size=max(1, need // step**3 >> 20)
        ),
    )


def coarsest_needed(shape: Shape, stored: Sequence[StoredPixels], free: int | None) -> int:
    """Return of which n-th voxels along each axis a volume fits into `free` bytes; 1 for all of them."""
    need = _need(shape, stored)
    if free is None or need + SPARE_BYTES <= free:
        return 1
    return next(n for n in range(2, 1 << 11) if need // n**3 + SPARE_BYTES <= free or need < n**3)


def _need(shape: Shape, stored: Sequence[StoredPixels]) -> int:
    return _bytes(shape, 2 if all(is_integer(one) for one in stored) else 4)


def _allocated(shape: tuple[int, ...], dtype: np.dtype[Any], *, shared: bool) -> npt.NDArray[Any]:
    """Return room for a volume: shared with other processes, or ordinary memory, which is filled faster.

    Raises
    ------
    TooLarge
        When there is not so much memory.
    """
    try:
        return memory.empty(shape, dtype) if shared else np.empty(shape, dtype)
    except (MemoryError, OSError) as error:
        raise _too_large(_bytes(shape, dtype.itemsize), available_bytes()) from error


def _bytes(shape: tuple[int, ...], itemsize: int) -> int:
    return int(np.prod(shape, dtype=np.int64)) * itemsize


def _too_large(size: int, free: int | None, remedy: str = "") -> TooLarge:
    why = _("It needs {need} MiB.").format(need=size >> 20)
    if free is not None:
        why = _("It needs {need} MiB, {free} MiB are free.").format(need=size >> 20, free=free >> 20)
    return TooLarge(
        _("The series does not fit into memory."),
        why,
        remedy or _("Close other programs, load a box of the series, or every second voxel (coarser=2)."),
    )
