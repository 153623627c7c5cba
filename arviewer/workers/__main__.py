"""The child of `arviewer.workers.worker.Worker`: answers calls until its socket closes."""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import socket
import sys
import time
import traceback
from typing import Any

from arviewer.errors import ArviewerError
from arviewer.workers import clock
from arviewer.workers.channel import Channel

MIN_PROGRESS_INTERVAL_S = 0.1
NICENESS = 5
"""The window's thread goes first: a worker may be slower, a window may not stutter."""

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve calls from the socket whose descriptor is the first argument; the others are its `Limits`."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which decides
    cpu_s = _limited(sys.argv[2:])
    if not cpu_s:
        os.nice(NICENESS)
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    while True:
        try:
            _answer(channel, cpu_s)
        except (EOFError, BrokenPipeError):
            return


def _limited(arguments: list[str]) -> float:
    """Cap this process; return the processor time that each call may take, 0 for any."""
    if not arguments:
        return 0.0
    clock.limit(int(arguments[0]))
    return float(arguments[1])


def _answer(channel: Channel, cpu_s: float) -> None:
    try:
        kind, (function, args, kwargs) = channel.receive()
        if kind == "call-with-preview":
            kwargs = {**kwargs, "preview": lambda value: channel.send("preview", value)}
        if cpu_s:
            clock.start(cpu_s)
        channel.send("result", _function(function)(*args, progress=_reporter(channel), **kwargs))
    except (EOFError, BrokenPipeError):
        raise
    except ArviewerError as error:
        told = {"class": type(error).__name__, "what": error.what, "why": error.why, "remedy": error.remedy}
        channel.send("error", told)
    except BaseException as error:  # noqa: BLE001  (some decoders raise BaseException; the parent must hear of it)
        told = {"class": "", "what": "".join(traceback.format_exception(error)), "why": "", "remedy": ""}
        channel.send("error", told)


def _function(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if not module.startswith("arviewer."):
        raise ValueError(f"{name!r} is not a function of arviewer")
    return getattr(importlib.import_module(module), attribute)


def _reporter(channel: Channel) -> Any:
    last = 0.0

    def progress(fraction: float, what: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= MIN_PROGRESS_INTERVAL_S:
            last = now
            channel.send("progress", (float(fraction), what))

    return progress


if __name__ == "__main__":
    main()
