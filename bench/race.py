"""Programs doing the same work in turn: each run a process of its own, results held equal before anything is timed.

The first run of each program is not timed: its result is held against the truth, it warms the file cache, and its
memory is sampled from outside. The timed rounds follow, program by program in turn, so that a busy moment of the
machine falls on all of them.

Peak memory is what a program and all it started held above what it held at the start of its job (imports done), the
larger of two readings: the kernel's own high-water mark of the main process (VmHWM), and `tree_mib` of all
processes, sampled every few ms. There a volume in shared memory counts once however many processes have it; the file
cache does not count.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import mmap
import os
import platform
import resource
import select
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from bench.inputs import Folder
from bench.measure import READY, TOUCHED_MIB, WATCHED, tree_mib

ROOT = Path(__file__).parents[1]
SAMPLE_S = 0.005
OTHER = "ours-other"
QUIET = 0.1
"""Processors that other work may take; more, and what runs on all of them looks slower than it is."""

NEEDS = {"gdcm": "gdcm", "itk": "itk", "dcm2niix": "dcm2niix", "sitk": "SimpleITK", "cc3d": "fill_voids"}
"""Module without which a peer cannot run."""

TITLES = {
    "ours": "arviewer",
    "ours-other": "arviewer, the other size",
    "ours-first": "arviewer, first of a session",
    "ours-shown": "arviewer, with first slice",
    "gdcm": "gdcm.Scanner",
    "itk": "ITK GDCMSeriesFileNames",
    "dcm2niix": "dcm2niix",
    "pydicom": "pydicom, specific tags",
    "sitk": "SimpleITK",
    "cc3d": "cc3d, fill_voids",
    "limit": "LIMIT",
}

PACKAGES = {
    "gdcm": "python-gdcm",
    "itk": "itk-io",
    "dcm2niix": "dcm2niix",
    "pydicom": "pydicom",
    "sitk": "SimpleITK",
    "cc3d": "connected-components-3d",
}


class Differs(Exception):
    """A program's result is not the truth; nothing of it is compared."""


@dataclass
class Runs:
    """What the runs of one program on one folder told; medians of the timed ones.

    Attributes
    ----------
    told : list of dict
    peak_mib : float
    others : float
        Processors that other work on the machine took meanwhile.
    """

    told: list[dict[str, Any]] = field(default_factory=list)
    peak_mib: float = 0.0
    others: float = 0.0

    def median(self, key: str) -> float:
        """Return the median of a value over the timed runs."""
        return float(statistics.median(one[key] for one in self.told))


@dataclass(frozen=True)
class Race:
    """One piece of work, done by several programs.

    Attributes
    ----------
    title : str
    jobs : str
        Module with the jobs, run as ``python -m MODULE NAME FOLDER``.
    folder : Folder
    programs : tuple of str
        Keys of its JOBS.
    other : Folder or None
        Ours does the same there too, in the same rounds, as "ours-other": how its time grows.
    memory : int
        Bytes of memory that the machine has at hand when a job starts, for each file.
    compared : tuple of str
        What each must tell as the truth of the folder has it, where it tells it.
    cold : bool
        Whether the files are thrown out of the file cache before each run.
    """

    title: str
    jobs: str
    folder: Folder
    programs: tuple[str, ...]
    compared: tuple[str, ...]
    cold: bool = False
    other: Folder | None = None
    memory: int = 0

    def run(self, rounds: int) -> dict[str, Runs]:
        """Check, then time; raises `Differs` at the first wrong result."""
        programs = self.programs if self.other is None else (*self.programs, OTHER)
        results = {name: Runs() for name in programs if is_there(name)}
        for name, runs in results.items():
            told, runs.peak_mib = self._watched(name)
            self.require_equal(name, told)
        before = _machine_seconds()
        for number in range(rounds):
            names = list(results)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                if self.cold:
                    evict(self._folder(name).path)
                results[name].told.append(self.once(name))
        spent, own, passed = (now - then for now, then in zip(_machine_seconds(), before, strict=True))
        for runs in results.values():
            runs.others = max(0.0, spent - own) / passed
        return results

    def once(self, name: str) -> dict[str, Any]:
        """Run one program once; raises `Differs` when its result is wrong."""
        told = self._timed(name)
        self.require_equal(name, told)
        return told

    def _folder(self, name: str) -> Folder:
        return self.other if name == OTHER and self.other is not None else self.folder

    def require_equal(self, name: str, told: Mapping[str, Any]) -> None:
        """Hold what a program told against the truth; raises `Differs`."""
        if name == "limit":
            return
        folder = self._folder(name)
        for key in set(self.compared) & set(told):
            truth = getattr(folder.truth, key)
            truth = list(truth) if isinstance(truth, tuple) else truth
            if told[key] != truth:
                raise Differs(f"{TITLES[name]} on {folder.path.name}: {key} is {told[key]}, in truth {truth}")
        if not set(told) & set(self.compared):
            raise Differs(f"{TITLES[name]} on {folder.path.name} told nothing to compare")

    def _command(self, name: str) -> list[str]:
        program = "ours" if name == OTHER else name
        return [sys.executable, "-W", "ignore", "-m", self.jobs, program, str(self._folder(name).path)]

    def _environment(self, name: str) -> dict[str, str]:
        touched = self.memory * self._folder(name).truth.files
        return {**os.environ, "PYTHONPATH": str(ROOT), TOUCHED_MIB: str(touched >> 20)}

    def _timed(self, name: str) -> dict[str, Any]:
        done = subprocess.run(
            self._command(name), capture_output=True, text=True, check=False, cwd=ROOT, env=self._environment(name)
        )
        if done.returncode != 0:
            raise Differs(f"{TITLES[name]} on {self._folder(name).path.name} failed:\n{done.stderr}{done.stdout}")
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    def _watched(self, name: str) -> tuple[dict[str, Any], float]:
        """Run once while its memory is sampled; return what it told and its peak in MiB."""
        process = subprocess.Popen(
            self._command(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**self._environment(name), WATCHED: "1"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        while (line := process.stdout.readline()) and line.strip() != READY:
            pass
        start = peak = tree_mib(process.pid)
        if line:
            process.stdin.write("\n")
            process.stdin.flush()
            peak = max(_samples(process.pid, process.stdout), default=start)
        out, error = process.communicate()
        if process.returncode != 0 or not line:
            raise Differs(f"{TITLES[name]} on {self._folder(name).path.name} failed:\n{error}")
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told, max(peak - start, told["peak_mib"], 0.0)


def _machine_seconds() -> tuple[float, float, float]:
    """Return the processor seconds of the whole machine and of what this process started, and the clock (Linux)."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = os.times()
    own = usage.ru_utime + usage.ru_stime + times.user + times.system
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    spent = sum(map(int, fields)) - int(fields[3]) - int(fields[4])  # all but idle and waiting for disks
    return spent / os.sysconf("SC_CLK_TCK"), own, times.elapsed


def _samples(pid: int, said: IO[str]) -> Iterable[float]:
    """Yield the memory of a process and its children until it says something."""
    while not select.select([said], [], [], SAMPLE_S)[0]:
        yield tree_mib(pid)


def is_there(name: str) -> bool:
    """Whether a peer is installed; ours and LIMIT always are."""
    return name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None


def missing(programs: Iterable[str]) -> list[str]:
    """Return the peers that are not installed, by package."""
    return [PACKAGES[name] for name in programs if not is_there(name)]


def evict(folder: Path) -> None:
    """Throw the files of a folder out of the file cache, the rest of the machine's left alone (Linux)."""
    os.sync()
    for path in _files(folder):
        file = os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def resident_share(folder: Path) -> float:
    """Return the share of the bytes of a folder that are in the file cache (mincore(2))."""
    pages = cached = 0
    libc = ctypes.CDLL(None, use_errno=True)
    for path in _files(folder):
        size = path.stat().st_size
        with path.open("rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE) as mapped:
            count = -(-size // mmap.PAGESIZE)
            vector = (ctypes.c_ubyte * count)()
            address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
            if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), vector):
                raise OSError(ctypes.get_errno(), "mincore")
            pages += count
            cached += sum(one & 1 for one in vector)
    return cached / max(1, pages)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@dataclass(frozen=True)
class Line:
    """One line of the table of bars.

    Attributes
    ----------
    work, against : str
    ratio : float or None
        None where nothing was measured; `note` says why.
    bar : float
    aim : float or None
    note : str
    """

    work: str
    against: str
    ratio: float | None
    bar: float
    aim: float | None = None
    note: str = ""

    @staticmethod
    def to_best(work: str, results: Mapping[str, Runs], peers: Sequence[str], bar: float, aim: float) -> Line:
        """Return the line of our median against that of the fastest of some peers."""
        there = [name for name in peers if name in results]
        if not there:
            return Line(work, "none of them", None, bar, aim, ", ".join(TITLES[name] for name in peers) + " left out")
        best = min(there, key=lambda name: results[name].median("seconds"))
        ratio = results["ours"].median("seconds") / results[best].median("seconds")
        return Line(work, TITLES[best], ratio, bar, aim)

    def __str__(self) -> str:
        """Return the line as it is printed."""
        aim = "" if self.aim is None else f"{self.aim:g}"
        if self.ratio is None:
            return f"{self.work:44}{self.against:26}{'-':>8}{self.bar:8g}{aim:>8}  not measured: {self.note}"
        said = "met, aim too" if self.aim is not None and self.ratio <= self.aim else "met"
        verdict = said if self.ratio <= self.bar else "NOT MET"
        return f"{self.work:44}{self.against:26}{self.ratio:8.2f}{self.bar:8g}{aim:>8}  {verdict}{self.note}"


def print_runs(race: Race, results: Mapping[str, Runs]) -> None:
    """Print what each program took."""
    print(f"\n{race.title}: {race.folder.truth.files} files, {race.folder.truth.bytes >> 20} MiB; results equal")
    print(f"  {'':30}{'median s':>10}{'min s':>8}{'cpu s':>8}{'peak MiB':>10}{'× LIMIT':>9}")
    floor = results["limit"].median("seconds") if "limit" in results else None
    for name, runs in results.items():
        seconds = runs.median("seconds")
        least = min(one["seconds"] for one in runs.told)
        cpu = runs.median("cpu_seconds")
        times = "" if floor is None else f"{seconds / floor:.1f}"
        print(f"  {TITLES[name]:30}{seconds:10.3f}{least:8.3f}{cpu:8.2f}{runs.peak_mib:10.0f}{times:>9}")
    others = max(runs.others for runs in results.values())
    if others > QUIET:
        print(f"  NOT QUIET: other work took {others:.1f} of {os.cpu_count()} processors")
    for package in missing(race.programs):
        print(f"  {package} is not installed: left out")


def growth(results: Mapping[str, Runs], race: Race) -> float:
    """Return how much more than in proportion to the files the larger of two inputs took: 1 is linear."""
    assert race.other is not None
    each = {
        name: results[name].median("seconds") / folder.truth.files
        for name, folder in (("ours", race.folder), (OTHER, race.other))
    }
    larger = OTHER if race.other.truth.files > race.folder.truth.files else "ours"
    return each[larger] / each["ours" if larger == OTHER else OTHER]


def print_lines(lines: Sequence[Line]) -> None:
    """Print the table of bars and the machine."""
    print(f"\n{'work':44}{'against':26}{'ratio':>8}{'bar':>8}{'aim':>8}")
    for line in lines:
        print(line)
    print(f"\n{machine()}")


def machine() -> str:
    """Describe the machine and the versions in one line."""
    model = "processor unknown"
    memory = ""
    for path, label in ((Path("/proc/cpuinfo"), "model name"), (Path("/proc/meminfo"), "MemTotal")):
        if path.exists():
            line = next((one for one in path.read_text("utf-8").splitlines() if one.startswith(label)), "")
            if label == "model name":
                model = line.partition(":")[2].strip() or model
            elif line:
                memory = f", {int(line.split()[1]) / (1 << 20):.0f} GiB"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES.values() if _installed(name))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"machine: {os.cpu_count()} × {model}{memory}, {platform.system()} {platform.release()}, load {load}; "
        f"Python {platform.python_version()}, {versions}"
    )


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def checked(race: Race, rounds: int) -> dict[str, Runs]:
    """Run a race and print what each took; where a result differs say so and return nothing."""
    try:
        results = race.run(rounds)
    except Differs as reason:
        print(f"\n{race.title}: VOID, {reason}")
        return {}
    print_runs(race, results)
    return results
