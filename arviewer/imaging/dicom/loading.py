"""From a series to a volume: every slice at its place, in measured values, with every doubt kept."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import InputRefused, MachineLacks
from arviewer.imaging.dicom.pixels import PixelFile, require_plausible, sample_type
from arviewer.imaging.dicom.source import Source, source_of
from arviewer.imaging.dicom.syntaxes import DamagedFrame
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.study import Instance, Series, StoredPixels
from arviewer.model.volume import Volume
from arviewer.words import _, findings
from arviewer.workers import memory
from arviewer.workers.progress import Progress, silent

MAX_THREADS = 8
"""Decoding threads at most; beyond, the memory bus is the limit."""

POLL_S = 0.05
"""How often progress is reported and a cancel is noticed."""

SPARE_BYTES = 256 << 20
"""Memory left to everything else when a volume is allocated."""

INT16 = np.iinfo(np.int16)


def load(series: Series, progress: Progress = silent) -> Volume:
    """Read a series into a volume.

    Parameters
    ----------
    series : Series
        As `scan` gave it.
    progress : Progress

    Returns
    -------
    Volume
        ``voxels[k, j, i]``, slices ascending along row × column. int16 where the rescaled values are integers that
        fit, else float32. Lost slices keep their place with ``slice_valid`` False and the lowest value there is.

    Raises
    ------
    InputRefused
        When the series cannot be a volume, or none of its slices can be decoded; the reason names file or tag.
    MachineLacks
        When the volume does not fit into memory.
    Cancelled
        When `progress` says so.
    """
    if series.geometry is None:
        raise _refused(series)
    stored = [instance.stored for instance in series.instances]
    pixels = [one for one in stored if one is not None]
    if len(pixels) < len(stored):
        raise InputRefused(_("The series cannot be loaded."), _("Its pixels were not found by a scan."))
    with ExitStack() as stack:
        work = _Work(series, _plan(series, pixels, stack), progress)
        work.run()
    return _volume(series, work)


def _refused(series: Series) -> InputRefused:
    """Say why a series has no geometry, with its gravest finding."""
    grave = [one for one in series.findings if one.severity is Severity.ERROR] or list(series.findings)
    why = " ".join(findings.message(one.kind, one.details) for one in grave[:2])
    files = ", ".join(dict.fromkeys(name for one in grave[:2] for name in one.files[:3]))
    remedy = findings.remedy(grave[0].kind, grave[0].details) if grave else ""
    return InputRefused(_("The series cannot be a volume."), f"{why} ({files})" if files else why, remedy)


@dataclass(frozen=True, slots=True)
class _Slice:
    """One image that is to be read: where it goes and where it comes from."""

    place: int
    instance: Instance
    stored: StoredPixels
    file: PixelFile


def _plan(series: Series, pixels: Sequence[StoredPixels], stack: ExitStack) -> list[_Slice]:
    archives: dict[Path, zipfile.ZipFile] = {}
    files: dict[Source, PixelFile] = {}
    plan = []
    for place, instance, stored in zip(series.places, series.instances, pixels, strict=True):
        if instance.member and instance.path not in archives:
            archives[instance.path] = _opened(instance.path, stack)
        source = source_of(instance, archives.get(instance.path))
        # Frames of one file share its bytes.
        file = files.setdefault(source, PixelFile(source, stored)) if stored.frames > 1 else PixelFile(source, stored)
        plan.append(_Slice(place, instance, stored, file))
    return plan


def _opened(path: Path, stack: ExitStack) -> zipfile.ZipFile:
    try:
        return stack.enter_context(zipfile.ZipFile(path))
    except (OSError, zipfile.BadZipFile) as error:
        raise InputRefused(
            _("The archive {name} cannot be read.").format(name=path.name), str(error), _("Scan it again.")
        ) from error


def _is_integer(stored: StoredPixels) -> bool:
    """Whether the rescaled values are integers of which int16 may hold all."""
    whole = float(stored.slope).is_integer() and float(stored.intercept).is_integer()
    return whole and not stored.format.is_float and stored.format.bits_allocated <= 16


@dataclass(slots=True)
class _Work:
    """Reads all slices on a few threads into one array."""

    series: Series
    plan: list[_Slice]
    progress: Progress
    voxels: npt.NDArray[Any] = field(init=False)
    integer: bool = field(init=False)
    lost: dict[int, str] = field(default_factory=dict)
    raw: dict[int, _Slice] = field(default_factory=dict)
    """Slices still in stored values because int16 cannot hold their rescaled ones."""
    done: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Read everything, or raise."""
        self._require_plausible()
        self.integer = all(_is_integer(one.stored) for one in self.plan)
        geometry = self.series.geometry
        assert geometry is not None
        self.voxels = _allocate(geometry.shape_kji, np.dtype(np.int16 if self.integer else np.float32))
        queue = iter([one for one in self.plan if one.place not in self.lost])
        lock = threading.Lock()
        threads = min(MAX_THREADS, max(2, os.cpu_count() or 1))
        with ThreadPoolExecutor(threads, "decode") as pool:
            running = {pool.submit(self._drain, queue, lock) for _n in range(threads)}
            try:
                while running:
                    finished, running = wait(running, timeout=POLL_S)
                    for one in finished:
                        one.result()
                    self.progress(len(self.done) / len(self.plan), _("Reading slices"))
            finally:
                self.stop.set()
        if len(self.lost) == len(self.plan):
            raise self._nothing()
        if self.raw:
            self._to_float()

    def _require_plausible(self) -> None:
        for one in self.plan:
            try:
                require_plausible(one.stored)
            except DamagedFrame as reason:
                self.lost[one.place] = str(reason)
        if len(self.lost) == len(self.plan):
            raise self._nothing()

    def _nothing(self) -> InputRefused:
        place = min(self.lost)
        name = next(one.instance.name for one in self.plan if one.place == place)
        return InputRefused(
            _("No slice of the series could be decoded."),
            f"{name}: {self.lost[place]}",
            _("Fetch the files again."),
        )

    def _drain(self, queue: Any, lock: threading.Lock) -> None:
        while not self.stop.is_set():
            with lock:
                one = next(queue, None)
            if one is None:
                return
            try:
                self._read(one)
            except DamagedFrame as reason:
                self.lost[one.place] = str(reason)
            except MemoryError:
                self.lost[one.place] = _("decoding it needs more memory than there is")
            self.done.append(one.place)

    def _read(self, one: _Slice) -> None:
        slot = self.voxels[one.place]
        kind = sample_type(one.stored.format)
        if not self.integer:
            samples = np.empty(slot.shape, kind)
            one.file.read_into(one.instance.frame, samples)
            slot[...] = samples * np.float64(one.stored.slope) + one.stored.intercept
            return
        if kind.itemsize == 2:
            samples = slot.view(kind)
            one.file.read_into(one.instance.frame, samples)
        else:
            small = np.empty(slot.shape, kind)
            one.file.read_into(one.instance.frame, small)
            slot[...] = small
            samples = slot
        if not _rescale_in_place(samples, int(one.stored.slope), int(one.stored.intercept)):
            self.raw[one.place] = one

    def _to_float(self) -> None:
        """Turn the volume to float32 because int16 cannot hold it."""
        stored = self.voxels
        self.voxels = _allocate(stored.shape, np.dtype(np.float32))
        for one in self.plan:
            if one.place in self.lost:
                continue
            waiting = one.place in self.raw
            kind = sample_type(one.stored.format)
            samples = stored[one.place].view(kind) if waiting and kind.itemsize == 2 else stored[one.place]
            slope, intercept = (one.stored.slope, one.stored.intercept) if waiting else (1.0, 0.0)
            self.voxels[one.place] = samples * np.float64(slope) + intercept


def _rescale_in_place(samples: npt.NDArray[Any], slope: int, intercept: int) -> bool:
    """Rescale 16-bit samples modulo 2¹⁶, which is exact when the results fit int16; False, untouched, when not."""
    ends = sorted(int(end) * slope + intercept for end in (samples.min(), samples.max()))
    if ends[0] < INT16.min or ends[1] > INT16.max:
        return False
    bits = samples.view(np.uint16)
    if slope != 1:
        bits *= np.uint16(slope % 65536)
    if intercept:
        bits += np.uint16(intercept % 65536)
    return True


def _allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return room for a volume that can go to another process without a copy.

    Raises
    ------
    MachineLacks
        When there is not so much memory.
    """
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    free = available_bytes()
    if free is not None and size + SPARE_BYTES > free:
        raise _too_large(size, free)
    try:
        return memory.empty(shape, dtype)
    except (MemoryError, OSError) as error:
        raise _too_large(size, free) from error


def _too_large(size: int, free: int | None) -> MachineLacks:
    why = _("It needs {need} MiB.").format(need=size >> 20)
    if free is not None:
        why = _("It needs {need} MiB, {free} MiB are free.").format(need=size >> 20, free=free >> 20)
    return MachineLacks(
        _("The series does not fit into memory."), why, _("Close other programs, or open a smaller series.")
    )


def available_bytes() -> int | None:
    """Return the memory that can be had without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable")), None)


def _volume(series: Series, work: _Work) -> Volume:
    geometry = series.geometry
    assert geometry is not None
    valid = np.zeros(geometry.shape_kji[0], dtype=np.bool_)
    valid[[one.place for one in work.plan if one.place not in work.lost]] = True
    padding = _padding(work.plan)
    if not valid.all():
        lowest = min(work.voxels[k].min() for k in np.flatnonzero(valid))
        work.voxels[~valid] = lowest
    return Volume(
        voxels=work.voxels,
        geometry=geometry,
        series=series,
        unit=series.unit,
        slice_valid=valid,
        findings=series.findings + _corrupt(work),
        padding_value=padding,
    )


def _padding(plan: Sequence[_Slice]) -> float | None:
    """Return the rescaled padding value when all slices agree on one."""
    values = {
        None if one.stored.padding is None else one.stored.padding * one.stored.slope + one.stored.intercept
        for one in plan
    }
    return values.pop() if len(values) == 1 else None


def _corrupt(work: _Work) -> tuple[Finding, ...]:
    if not work.lost:
        return ()
    places = tuple(sorted(work.lost))
    names = {one.place: one.instance.name for one in work.plan}
    finding = Finding(
        FindingKind.CORRUPT_SLICE,
        Severity.ERROR,
        slices=places,
        files=tuple(names[place] for place in places),
        details={"count": len(places), "why": f"{names[places[0]]}: {work.lost[places[0]]}"},
    )
    return (finding,)
