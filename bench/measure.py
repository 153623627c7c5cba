"""Time, processor time and peak memory of one job in this process and in those it starts."""

from __future__ import annotations

import json
import mmap
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LOW_HU = 250
MIN_ISLAND_ML = 0.5

WATCHED = "ARVIEWER_BENCH_WATCHED"
"""Set in the environment where another process samples the memory: then the job waits for its word."""

TOUCHED_MIB = "ARVIEWER_BENCH_TOUCHED_MIB"
"""Set in the environment where a job should find that much memory at hand."""

READY = "ready"


def measured(job: Callable[[], Any], tell: Callable[[Any], Mapping[str, object]] = dict) -> None:
    """Run `job` and print one JSON line: seconds, processor seconds, peak above the start in MiB, and the result.

    Parameters
    ----------
    job : callable
        What is measured; everything it needs has been imported.
    tell : callable
        Turns what `job` returned into what is printed (hashes, counts), off the clock.
    """
    _touch(int(os.environ.get(TOUCHED_MIB, "0")) << 20)
    before_kib = _reset_peak()
    if WATCHED in os.environ:
        print(READY, flush=True)
        sys.stdin.readline()
    cpu, start = cpu_seconds(), time.perf_counter()
    result = job()
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    peak_mib = (_peak_kib() - before_kib) / 1024
    if WATCHED in os.environ:
        print(json.dumps({}), flush=True)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mib": peak_mib, **tell(result)}))


def _touch(size: int) -> None:
    """Use so many bytes of memory and give them back, so that the job finds them at hand.

    A virtual machine gets memory from its host when it first touches it, which took 2 s for 500 MiB on one machine
    and 0.05 s the next time: whoever runs first would pay for all.
    """
    if size:
        block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            block.madvise(mmap.MADV_HUGEPAGE)  # as numpy asks for large arrays
        block[:: mmap.PAGESIZE] = b"\1" * (size // mmap.PAGESIZE)
        block.close()


def cpu_seconds() -> float:
    """Return the processor time of this process and of all it started, the living ones included, in s."""
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    tick = os.sysconf("SC_CLK_TCK")
    return own + sum(sum(map(int, fields[11:15])) for fields in _living(os.getpid())) / tick


def tree_mib(root: int) -> float:
    """Return the memory of a process and of all it started, in MiB; what several share counts once (Linux).

    Private pages and files come from the proportional set sizes, in which a page that three processes have mapped is
    a third in each. Shared memory is taken from the memory files they hold open, whole, whether or not it is mapped
    at the moment; or from the proportional set sizes, where that is more.
    """
    processes = [root, *(int(fields[-1]) for fields in _living(root))]
    sizes = [_proportional_kib(pid) for pid in processes]
    blocks: dict[int, int] = {}
    for pid in processes:
        blocks.update(_memory_files(pid))
    own = sum(size.get("Pss_Anon", 0) + size.get("Pss_File", 0) for size in sizes)
    mapped = sum(size.get("Pss_Shmem", 0) for size in sizes)
    return (own + max(mapped, sum(blocks.values()) / 1024)) / 1024


def _proportional_kib(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # it has ended
        return {}
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Pss_")}


def _memory_files(pid: int) -> dict[int, int]:
    """Return the bytes that each memory file (memfd_create(2)) of a process takes, by its number."""
    found = {}
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if str(entry.readlink()).startswith("/memfd:"):
                status = entry.stat()
                found[status.st_ino] = status.st_blocks * 512
    except OSError:  # it has ended, or closed one
        pass
    return found


def _living(root: int) -> list[list[str]]:
    """Return the fields of /proc/PID/stat behind the name, and the PID, of all descendants that live."""
    stats: dict[int, list[list[str]]] = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH208, PTH112 - called every few ms
        if entry.isdigit():
            try:
                text = Path(f"/proc/{entry}/stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            fields = [*text[text.rindex(")") + 2 :].split(), entry]
            stats.setdefault(int(fields[1]), []).append(fields)
    found, waiting = [], [root]
    while waiting:
        children = stats.get(waiting.pop(), [])
        found += children
        waiting += [int(fields[-1]) for fields in children]
    return found


def _reset_peak() -> int:
    """Forget the peak of the imports; return the resident size in KiB (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _peak_kib()


def _peak_kib() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
