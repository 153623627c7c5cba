"""Time and peak memory of one job in this process."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path

LOW_HU = 250
MIN_ISLAND_ML = 0.5


def measured(job: Callable[[], Mapping[str, object]]) -> None:
    """Run `job` and print one JSON line: its seconds, its peak above the start in MiB, and what it returns."""
    before_kib = _reset_peak()
    start = time.perf_counter()
    told = job()
    seconds = time.perf_counter() - start
    peak_mib = (_peak_kib() - before_kib) / 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak_mib, **told}))


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
