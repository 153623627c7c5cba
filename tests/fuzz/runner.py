"""Feeds numbered inputs to child processes, watches what they take, and keeps what failed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz import processes
from tests.fuzz.cases import Case

ROOT = Path(__file__).parents[2]
MAX_CPU_S = 5.0
MAX_PEAK_MIB = 1536
"""The bars: no input may take more, of the processes together."""
HANG_CPU_S = 15.0
HANG_WALL_S = 60.0
"""Where an input is given up: three times the bar, so that breaking the bar is measured and not only cut off."""
WATCH_S = 0.05
"""How often the processes are looked at while an input takes long."""


@dataclass
class Result:
    """One input and what became of it."""

    case: Case
    stage: str = "failed"
    decoded: bool = False
    problems: list[str] = field(default_factory=list)
    slice: str = ""
    syntax: str = ""
    refusal: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mib: float = 0.0

    def judge(self) -> None:
        """Add what breaks a bar to the problems."""
        if self.cpu_s > MAX_CPU_S:
            self.problems.append(f"it took {self.cpu_s:.1f} s of processor time")
        if self.peak_mib > MAX_PEAK_MIB:
            self.problems.append(f"it took {self.peak_mib:.0f} MiB of memory")


class Child:
    """One process that opens inputs; started again after it died."""

    def __init__(self, target: str, folder: Path) -> None:
        self._target, self._folder = target, folder
        self._log = folder / "stderr"
        self._process: subprocess.Popen[str] | None = None

    def run(self, one: Case, path: Path | None = None) -> Result:
        """Open one input and return what became of it."""
        process = self._started()
        path = one.write(self._folder / "input") if path is None else path
        assert process.stdin is not None
        request = {"path": str(path), "series": one.series, "victim": one.victim, "placed": one.placed}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer, told = self._answer(process)
        if answer is None:
            result = Result(one, problems=[told], refusal=self._log.read_text(errors="replace")[-3000:])
        else:
            result = Result(one, **answer)
        result.judge()
        return result

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            with self._log.open("w") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.fuzz.child", self._target],
                    cwd=ROOT,
                    env={**os.environ, "TMPDIR": str(self._folder)},  # removed with the folder, however it ends
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            assert self._process.stdout is not None
            if not self._process.stdout.readline():
                raise RuntimeError(f"the child does not start: {self._log.read_text(errors='replace')[-2000:]}")
        return self._process

    def _answer(self, process: subprocess.Popen[str]) -> tuple[dict[str, Any] | None, str]:
        """Wait for the answer; None, and why, when the process died or was given up."""
        assert process.stdout is not None
        start, base, seen = time.monotonic(), None, 0.0
        while not select.select([process.stdout], [], [], WATCH_S)[0]:
            pids = processes.tree(process.pid)
            cpu, seen = processes.cpu_s(pids), max(seen, processes.together_mib(pids))
            base = cpu if base is None else base
            if cpu - base > HANG_CPU_S or time.monotonic() - start > HANG_WALL_S:
                self.close()
                return None, f"it was given up after {time.monotonic() - start:.0f} s, {cpu - base:.0f} s of processor"
        line = process.stdout.readline()
        if line:
            answer = json.loads(line)
            answer["peak_mib"] = max(answer["peak_mib"], seen)
            return answer, ""
        code = process.wait()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return None, f"the process died: {name}"

    def close(self) -> None:
        """End the process and its children."""
        if self._process is None:
            return
        pids = processes.tree(self._process.pid)[1:]
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None
        for pid in pids:
            _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def run(
    numbers: Iterator[int],
    make: Callable[[int], Case],
    *,
    target: str,
    jobs: int,
    seen: Callable[[Result], None],
) -> None:
    """Run inputs by number on so many children; `seen` is called for each, from any thread, one at a time."""
    lock = threading.Lock()
    failed: list[BaseException] = []

    def work(folder: Path) -> None:
        child = Child(target, folder)
        try:
            while not failed:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                result = child.run(make(number))
                with lock:
                    seen(result)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)
        finally:
            child.close()

    with _scratch() as place:
        threads = []
        for n in range(jobs):
            folder = place / str(n)
            folder.mkdir()
            threads.append(threading.Thread(target=work, args=(folder,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Lend a folder in memory that is removed in the end."""
    place = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    path = Path(tempfile.mkdtemp(prefix="arviewer-fuzz-", dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def replay(path: Path, target: str) -> Result:
    """Run a kept input, or any file or folder, once."""
    story = path / "case.json"
    one, opened = Case(0, "replayed", {}, "", (str(path),)), path
    if story.is_file():
        told = json.loads(story.read_text())
        one = Case(told["number"], told["kind"], {}, "", tuple(told["story"]), told["series"], told["victim"])
        opened = path / "input" / told["entry"] if told["entry"] else path / "input"
    with _scratch() as place:
        child = Child(target, place)
        try:
            return child.run(one, opened.resolve())
        finally:
            child.close()


def keep(result: Result, folder: Path) -> Path:
    """Keep a failed input with what is needed to run it again; returns its folder."""
    one = result.case
    place = folder / f"{one.number:06d}-{one.kind}"
    one.write(place / "input")
    told = {
        "number": one.number, "kind": one.kind, "entry": one.entry, "story": one.story, "series": one.series,
        "victim": one.victim, "problems": result.problems, "refusal": result.refusal,
    }  # fmt: skip
    (place / "case.json").write_text(json.dumps(told, indent=2) + "\n")
    return place
