"""What is fuzzed: a target opens one input as a person would, and says how far it came and what was not right.

A new reader joins with one entry in `TARGETS`: a function from a path to an `Outcome` that lets nothing but its
own errors through, and, where its files are others, a function ``case`` beside it that makes them.
"""

from __future__ import annotations

import functools
import importlib
import json
import tempfile
import threading
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from arviewer.errors import ArviewerError, Bug
from arviewer.imaging.dicom import decoding
from arviewer.imaging.dicom.description import describe, describe_finding
from arviewer.imaging.dicom.loading import load
from arviewer.imaging.dicom.pixels import PixelFile
from arviewer.imaging.dicom.scanning import scan
from arviewer.model.findings import FindingKind
from arviewer.model.study import Scan, Series
from arviewer.model.volume import Volume
from tests.fuzz import seeds
from tests.fuzz.cases import Case, case

MAX_SERIES = 4
"""Series of one input that are loaded; more of them is no new work."""


@dataclass
class Outcome:
    """How far one input came.

    Attributes
    ----------
    stage : str
        "refused at scan", "listed", "refused at load" or "loaded": the furthest.
    decoded : bool
        Pixels of at least one frame were asked for.
    problems : list of str
        What must never be.
    slice : str
        What became of the damaged slice of a good series; "" for other inputs.
    syntax : str
        Its transfer syntax.
    refusal : str
        The last error a person would have read.
    """

    stage: str = "refused at scan"
    decoded: bool = False
    problems: list[str] = field(default_factory=list)
    slice: str = ""
    syntax: str = ""
    refusal: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Known:
    """What is known of an input.

    Attributes
    ----------
    series, victim : str
        The seed series its good files belong to, and the damaged file.
    placed : bool
        Nothing was done to the damaged file that could move it in space or to another patient or series: it may
        cost itself and nothing else.
    """

    series: str = ""
    victim: str = ""
    placed: bool = False


Target = Callable[[Path, Known], Outcome]

_asked = 0


def _count_frames() -> None:
    """Count each frame whose pixels are asked for: read here, or handed to the processes that decode."""
    read_into, decode_slices = PixelFile.read_into, decoding.decode_slices

    @functools.wraps(read_into)
    def reading(self: PixelFile, *args: Any, **kwargs: Any) -> None:
        global _asked
        _asked += 1
        read_into(self, *args, **kwargs)

    @functools.wraps(decode_slices)
    def handing_out(wanted: Any, *args: Any, **kwargs: Any) -> None:
        global _asked
        _asked += len(wanted)
        decode_slices(wanted, *args, **kwargs)

    PixelFile.read_into = reading  # type: ignore[method-assign]
    decoding.decode_slices = handing_out


def _catch_threads() -> None:
    """Note what a background thread dies of: no caller would hear of it."""

    def died(what: threading.ExceptHookArgs) -> None:
        name = "" if what.thread is None else what.thread.name
        _dead_threads.append(f"the thread {name} died of {what.exc_type.__name__}: {what.exc_value!s:.200}")

    threading.excepthook = died


_dead_threads: list[str] = []
_count_frames()
_catch_threads()


def frames_asked() -> int:
    """Return how many frames were asked for in this process so far."""
    return _asked


def import_images(path: Path, known: Known) -> Outcome:
    """Scan a path and load what is found, as `arviewer info` and the window do."""
    outcome = Outcome()
    before = frames_asked()
    try:
        found = scan(path)
    except ArviewerError as error:
        note_refusal(error, outcome)
        if known.series:
            outcome.problems.append("one damaged file made the whole folder refused")
        return outcome
    outcome.stage = "listed"
    json.dumps(describe(found), allow_nan=False).encode()
    volumes: list[tuple[Series, Volume]] = []
    for series in found.series[:MAX_SERIES]:
        if series.geometry is None:
            continue
        if outcome.stage != "loaded":
            outcome.stage = "refused at load"
        try:
            volume = load(series)
        except ArviewerError as error:
            note_refusal(error, outcome)
            continue
        outcome.stage = "loaded"
        outcome.problems += _flaws(volume, series)
        volumes.append((series, volume))
    outcome.decoded = frames_asked() > before
    outcome.problems += _dead_threads
    _dead_threads.clear()
    if known.series:
        _judge_slices(found, volumes, known, outcome)
    return outcome


def note_refusal(error: ArviewerError, outcome: Outcome) -> None:
    """Note an error a person would read, and what is wrong with it."""
    outcome.refusal = str(error)
    str(error).encode()  # what is printed must be printable
    if isinstance(error, Bug):
        outcome.problems.append(f"a bug was reported: {error.what} {error.why[-600:]}")
    if not error.what or not error.why:
        outcome.problems.append(f"a refusal without a reason: {error!r}")


def _flaws(volume: Volume, series: Series) -> list[str]:
    """Return what is wrong with a volume whatever its input was."""
    flaws = []
    for finding in volume.findings:
        json.dumps(describe_finding(finding), allow_nan=False).encode()
    if volume.voxels.shape != volume.geometry.shape_kji:
        flaws.append(f"voxels of shape {volume.voxels.shape} in a grid of {volume.geometry.shape_kji}")
    told = {
        k
        for finding in volume.findings
        if finding.kind in (FindingKind.CORRUPT_SLICE, FindingKind.MISSING_SLICES)
        for k in finding.slices
    }
    silent = [k for k in np.flatnonzero(~volume.slice_valid) if k not in told]
    if silent:
        flaws.append(f"slices {silent[:5]} are invalid, and no finding says so")
    stored_as_float = any(one.stored is not None and one.stored.format.is_float for one in series.instances)
    if not stored_as_float and not np.isfinite(volume.voxels).all():
        flaws.append("integer pixels became values that are no numbers")
    return flaws


@functools.cache
def truth_of(name: str) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the voxels an undamaged seed series loads to, held against what was encoded."""
    seed = seeds.series()[name]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for k, data in enumerate(seed.files):
            (Path(folder) / f"{k}.dcm").write_bytes(data)
        volume = load(scan(folder).series[0])
    largest = float(np.abs(seed.truth).max())
    allowed = 0.03 * largest + 8 if seed.lossy else np.spacing(np.float32(largest))
    assert np.abs(volume.voxels - seed.truth).max() <= allowed, name
    return np.array(volume.voxels, dtype=np.float64)


def _judge_slices(found: Scan, volumes: list[tuple[Series, Volume]], known: Known, outcome: Outcome) -> None:
    """Hold every slice of a series with one damaged file against the truth."""
    seed = seeds.series()[known.series]
    outcome.syntax = seed.syntax
    right = {name for series, volume in volumes for name in _right_slices(series, volume, known, outcome)}
    if not outcome.slice:
        outcome.slice = _set_apart(found, known.victim)
    if outcome.slice in ("silent zeros", "lost and not named", "named nowhere"):
        outcome.problems.append(f"the damaged slice: {outcome.slice}")
    lost = {f"{k}.dcm" for k in range(len(seed.files))} - {known.victim} - right
    if lost and not any("good slice" in problem for problem in outcome.problems):
        outcome.slice = "took the series along"
        if known.placed:
            outcome.problems.append("one slice with damaged pixels took the series along")


def _right_slices(series: Series, volume: Volume, known: Known, outcome: Outcome) -> set[str]:
    """Return the good files whose slices are right; note what is wrong, and what became of the damaged one."""
    truth = truth_of(known.series)
    told = {name for one in volume.findings if one.kind is FindingKind.CORRUPT_SLICE for name in one.files}
    right = set()
    among_good = any(one.name != known.victim for one in series.instances)
    for place, instance in zip(series.places, series.instances, strict=True):
        name = instance.name
        plane, expected = volume.voxels[place], truth[int(name.split(".")[0])]
        valid = bool(volume.slice_valid[place])
        equal = plane.shape == expected.shape and np.array_equal(plane, expected)
        if name == known.victim:
            if not among_good:
                continue  # a series of its own, which is listed as such
            outcome.slice = _fate(plane, equal=equal, valid=valid, told=name in told)
        elif valid and equal:
            right.add(name)
        else:
            outcome.problems.append(f"a good slice {'has wrong pixels' if valid else 'was lost'}: {name}")
    return right


def _fate(plane: np.ndarray[Any, np.dtype[Any]], *, equal: bool, valid: bool, told: bool) -> str:
    if not valid:
        return "lost and named" if told else "lost and not named"
    if equal:
        return "unharmed"
    return "wrong pixels" if plane.any() else "silent zeros"


def _set_apart(found: Scan, victim: str) -> str:
    """Return how a file that is in no volume was accounted for."""
    if any(one.file == victim for one in found.skipped):
        return "skipped and named"
    if any(victim in one.files for series in found.series for one in series.findings):
        return "set apart and named"
    if any(one.name == victim for series in found.series for one in series.instances):
        return "listed as another series"
    if any(one.name == victim for one in found.attachments):
        return "listed as an attachment"
    return "named nowhere"


def broken(path: Path, known: Known) -> Outcome:
    """Fail as a reader must not: the proof that the fuzzer can fail."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    check = zlib.crc32(b"".join(one.read_bytes() for one in files if one.is_file()))
    if check % 2 == 0:
        raise ValueError(f"{check} is even")
    return Outcome("loaded", decoded=True)


TARGETS = {"import": "tests.fuzz.targets:import_images", "readers": "tests.fuzz.readers:read"}
"""By the name the command line takes; any other function as ``module:function``."""


def target(name: str) -> Target:
    """Return a target by its name, or by ``module:function``."""
    module, _, function = TARGETS.get(name, name).partition(":")
    found: Target = getattr(importlib.import_module(module), function)
    return found


def maker(name: str) -> Callable[[int, int], Case]:
    """Return what makes the inputs of a target: ``case`` of its module, where there is one, else the images."""
    module = importlib.import_module(TARGETS.get(name, name).partition(":")[0])
    made: Callable[[int, int], Case] = getattr(module, "case", case)
    return made
