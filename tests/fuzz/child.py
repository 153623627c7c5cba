"""The process that opens the inputs, one after another, until it dies or its parent closes the pipe.

Started as ``python -m tests.fuzz.child TARGET``; takes one JSON line for each input and answers with one.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import json
import os
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path

from tests.fuzz import processes

MAX_DATA_BYTES = 6 << 30
"""Private memory at which this process is stopped: far above the bar, so that breaking it is seen, not the machine."""

MANY_MIB = 600
"""Peak memory after which this process is tidied up."""


def main() -> None:
    """Serve."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what native code prints must not fall among the answers
    faulthandler.enable()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_DATA_BYTES, MAX_DATA_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from tests.fuzz import targets

    run = targets.target(sys.argv[1])
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(_answer(run, request)) + "\n")


def _answer(run, request):
    from tests.fuzz.targets import Known, Outcome

    known = Known(request["series"], request["victim"], request["placed"])
    if known.series:
        from tests.fuzz.targets import truth_of

        truth_of(known.series)  # not part of what is measured
    pids = processes.tree(os.getpid())
    processes.reset_peaks(pids)
    cpu, clock = processes.cpu_s(pids), time.perf_counter()
    try:
        outcome = run(Path(request["path"]), known)
    except BaseException as error:  # noqa: BLE001 - whatever comes out is what is looked for
        outcome = Outcome("failed", problems=[f"{type(error).__name__} came out: {error!s:.200}"])
        outcome.refusal = "".join(traceback.format_exception(error))[-3000:]
    pids = processes.tree(os.getpid())
    taken = {
        **outcome.as_dict(),
        "cpu_s": round(processes.cpu_s(pids) - cpu, 3),
        "wall_s": round(time.perf_counter() - clock, 4),
        "peak_mib": round(processes.peak_mib(pids), 1),
    }
    if taken["peak_mib"] > MANY_MIB:
        gc.collect()  # what one input took must not be counted as the next one's
        _give_back()
    return taken


def _give_back() -> None:
    """Let the allocator return what is free."""
    ctypes.CDLL(None).malloc_trim(0)


if __name__ == "__main__":
    main()
