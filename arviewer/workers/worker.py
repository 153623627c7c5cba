"""A process that does one call at a time, and may die without taking the window along."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from arviewer import errors
from arviewer.workers.channel import Channel
from arviewer.workers.progress import Progress, silent

POLL_S = 0.05
"""How often a waiting call looks whether it was cancelled, in s: a person cannot tell 50 ms from at once."""


Preview = Callable[[Any], None]
"""Takes a value that work shows before it is done."""

WAITING_FACTOR = 10.0
"""How many times its processor time a capped call may take by the clock: a busy machine is slow, a deadlock waits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take; the kernel ends the process that takes more.

    Attributes
    ----------
    memory_bytes : int
        Private memory of the process, shared arrays not counted (RLIMIT_DATA); Python and numpy alone take some
        100 MiB of it.
    cpu_s : float
        Processor time of one call, in s (RLIMIT_CPU, rounded up); by the clock, `WAITING_FACTOR` times as much.
    """

    memory_bytes: int
    cpu_s: float


class Worker:
    """A child process; started at the first call, and again after a cancel or a crash.

    Use it from one thread at a time; `close` may come from any.

    Parameters
    ----------
    limits : Limits or None
        For calls that run native or unbounded code on the content of files.

    Attributes
    ----------
    was_shot : bool
        The last child that died was killed from outside, as by a system that is short of memory: the work may not be
        to blame.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self.was_shot = False
        self._overdue = False
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id of the child; None while there is none."""
        return self._process.pid if self._process else None

    def call(
        self,
        function: str,
        /,
        *args: object,
        progress: Progress = silent,
        preview: Preview | None = None,
        **kwargs: object,
    ) -> Any:
        """Call a function in the child and return its result.

        Parameters
        ----------
        function : str
            ``"arviewer.room.module:name"``; it must take ``progress``.
        *args, **kwargs
            Model values, plain values and arrays; arrays the child made or received before are not copied.
        progress : Progress
            Called here, in the calling thread, at least every `POLL_S` s.
        preview : callable, optional
            Called here with values that the function shows before it is done; the function must take ``preview``.

        Raises
        ------
        ArviewerError
            Whatever the function raised; `Bug` when it raised anything else.
        WorkLost
            When the child died or reached a limit; the next call starts a new one.
        Cancelled
            When `progress` raised it; the child was ended at once.
        """
        try:
            self._send("call" if preview is None else "call-with-preview", function, args, kwargs)
            return self._wait(function, progress, preview)
        except errors.Cancelled:
            self.stop()
            raise

    def post(self, function: str, /, *args: object, **kwargs: object) -> None:
        """Begin a call without waiting; `collect` gives what comes of it. One call at a time.

        Raises
        ------
        WorkLost
            When the child died; the next call starts a new one.
        """
        self._send("call", function, args, kwargs)

    def collect(self, function: str) -> tuple[str, Any]:
        """Wait for the next message of the call begun: ("progress", ...), ("preview", ...) or ("result", ...).

        Raises
        ------
        ArviewerError
            As `call`.
        """
        try:
            kind, value = self._running().receive()
        except (OSError, EOFError) as error:
            raise self._died() from error
        if kind == "error":
            raise _error(function, value)
        return kind, value

    def fileno(self) -> int:
        """Return the descriptor that can be read when `collect` has something."""
        return self._running().fileno()

    def end_overdue(self) -> None:
        """End a child that has taken too long; whoever waits for it is told `WorkLost`."""
        if self._process is not None:
            self._overdue = True
            self._process.kill()

    def warm(self) -> None:
        """Start the child now, so that the first call need not wait for it."""
        self._start()

    def close(self) -> None:
        """End the child; safe to call twice."""
        self._closed = True
        self.stop()

    def _start(self) -> Channel:
        with self._lock:
            if self._closed:
                raise errors.Cancelled
            if self._channel is None or self._process is None or self._process.poll() is not None:
                if self._channel is not None:  # to a child that died while nobody called it
                    self._channel.close()
                    self._channel = None
                ours, theirs = socket.socketpair()
                command = [sys.executable, "-m", "arviewer.workers", str(theirs.fileno())]
                if self._limits is not None:
                    command += [str(self._limits.memory_bytes), str(self._limits.cpu_s)]
                try:
                    self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                        command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
                    )
                except OSError as error:
                    ours.close()
                    raise _no_process(error) from error
                finally:
                    theirs.close()
                self._overdue = False
                self._channel = Channel(ours)
            return self._channel

    def _running(self) -> Channel:
        """Return the channel of the child that was called, dead or alive: what it said before it died still counts."""
        with self._lock:
            if self._channel is None:
                raise errors.Cancelled  # closed from another thread
            return self._channel

    def _send(self, kind: str, function: str, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        channel = self._start()
        try:
            channel.send(kind, (function, args, kwargs))
        except (OSError, EOFError) as error:
            raise self._died() from error

    def _wait(self, function: str, progress: Progress, preview: Preview | None) -> Any:
        fraction, what = 0.0, ""
        deadline = None if self._limits is None else time.monotonic() + WAITING_FACTOR * self._limits.cpu_s
        while True:
            if self._running().poll(POLL_S):
                kind, value = self.collect(function)
                if kind == "result":
                    return value
                if kind == "preview" and preview is not None:
                    preview(value)
                elif kind == "progress":
                    fraction, what = value
            if deadline is not None and time.monotonic() > deadline:
                self.end_overdue()
            progress(fraction, what)

    def stop(self) -> None:
        """End the child; the next call starts a new one."""
        with self._lock:
            process, channel, self._process, self._channel = self._process, self._channel, None, None
        if process is not None:
            process.kill()
            process.wait()
        if channel is not None:
            channel.close()

    def _died(self) -> errors.ArviewerError:
        process = self._process
        code = process.wait() if process is not None else 0
        overdue = self._overdue
        self.stop()
        if self._closed:
            return errors.Cancelled()
        self.was_shot = code == -signal.SIGKILL and not overdue
        took_too_long = overdue or (self._limits is not None and code == -signal.SIGXCPU)
        cause = f"took more than its {self._limits.cpu_s:g} s" if took_too_long and self._limits else _cause(code)
        return errors.WorkLost(
            "The work was lost: the process that did it died.",
            f"The process {cause}.",
            "Nothing else is affected. Try again with a smaller series, or close other programs.",
        )


def _cause(code: int) -> str:
    """Say why a process ended."""
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"ended with {name}; most often memory ran out, or the input is damaged"


def _no_process(error: OSError) -> errors.MachineLacks:
    return errors.MachineLacks(
        "No process could be started for the work.",
        error.strerror or type(error).__name__,
        "Close other programs, or raise the limit of processes and open files (ulimit -u, ulimit -n).",
    )


def _error(function: str, told: dict[str, str]) -> errors.ArviewerError:
    cls = getattr(errors, told["class"] or "none", None)
    if isinstance(cls, type) and issubclass(cls, errors.ArviewerError):
        return cls(told["what"], told["why"], told["remedy"])
    return errors.Bug(
        f"{function.partition(':')[2]} failed in an unforeseen way.", told["what"], "Please report this with its text."
    )
