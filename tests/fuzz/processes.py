"""What a process and its children take: processor seconds and peak memory, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return a process and all its living descendants."""
    found = [pid]
    for one in found:
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            for task in tasks:
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def cpu_s(pids: list[int]) -> float:
    """Return the processor seconds of these processes, and of their children that have ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICK


def reset_peaks(pids: list[int]) -> None:
    """Let the peak memory of these processes start from what they hold now."""
    for pid in pids:
        try:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        except OSError:
            continue


def peak_mib(pids: list[int]) -> float:
    """Return the largest peak of resident memory of any one of these processes since `reset_peaks`."""
    return max((_kib(f"/proc/{pid}/status", "VmHWM") for pid in pids), default=0) / 1024


def together_mib(pids: list[int]) -> float:
    """Return the memory these processes hold now, what they share counted once."""
    return sum(_kib(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids) / 1024


def _kib(file: str, name: str) -> int:
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
