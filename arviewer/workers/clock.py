"""The processor time that a capped process may take for one piece of work; the kernel ends it beyond."""

from __future__ import annotations

import math
import resource

_granted = False


def limit(memory_bytes: int) -> None:
    """Cap the private memory of this process for good, and let `start` cap its time.

    Shared arrays do not count (RLIMIT_DATA): a decoder may be given a volume larger than its own memory.
    """
    global _granted
    _lower(resource.RLIMIT_DATA, memory_bytes)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _granted = True


def start(cpu_s: float) -> None:
    """Grant `cpu_s` more seconds of processor time, counted from now and rounded up; SIGXCPU ends what takes more.

    Does nothing in a process without limits.
    """
    if not _granted:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + cpu_s), can_rise=True)


def _lower(kind: int, wanted: int, *, can_rise: bool = False) -> None:
    """Set a limit, as far as the one that this process was started under lets it."""
    hard = resource.getrlimit(kind)[1]
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (soft, hard if can_rise else soft))
