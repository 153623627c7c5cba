"""Several capped workers that share a list of small tasks on the content of files.

A task that ends its process (a decoder that crashes, takes too much memory or too long) is found, told, and not tried
again; the other tasks of its batch are done by another process. Nothing that a file holds can take the caller along.
"""

from __future__ import annotations

import select
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from arviewer.errors import ArviewerError, WorkLost
from arviewer.workers import memory
from arviewer.workers.memory import Array
from arviewer.workers.progress import Progress, silent
from arviewer.workers.worker import POLL_S, WAITING_FACTOR, Limits, Worker

WAITING, STARTED, DONE = 0, 1, 2
"""What the shared status array says of a task."""

MAX_DEATHS = 2
"""Tasks of one origin that may end their process; the others of that origin are then not tried."""

MAX_TRIES = 3
"""Batches a task may be lost with before it is given up although nothing shows that it was to blame."""

MAX_BATCH = 8

Told = Callable[[int, Any], None]


class Crew:
    """Workers under the same limits, started when there is work and kept for the next.

    Parameters
    ----------
    size : int
        How many.
    limits : Limits
        Of each; ``cpu_s`` counts for one task.
    """

    def __init__(self, size: int, limits: Limits) -> None:
        self._limits = limits
        self._workers = [Worker(limits) for _n in range(size)]

    def warm(self) -> None:
        """Start the processes now, so that they get ready while the caller prepares the work."""
        for worker in self._workers:
            worker.warm()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.close()

    def run(
        self,
        function: str,
        tasks: Sequence[object],
        *shared: object,
        told: Told,
        origin: Callable[[int], Hashable],
        progress: Progress = silent,
    ) -> None:
        """Do all tasks, in no order.

        Parameters
        ----------
        function : str
            ``"arviewer.room.module:name"``, called as ``name(numbered, status, *shared, progress=...)`` with pairs
            (number, task). It sets ``status[number]`` to `STARTED` before and `DONE` after each, and returns pairs
            (number, result).
        told : callable
            Called here with (number, result), or (number, ArviewerError) for a task that cannot be done.
        origin : callable
            Number to what the task comes from, such as its file.
        progress : Progress
            Called at least every `POLL_S` seconds, with the share of tasks done.
        """
        job = _Job(function, tasks, shared, told, origin, memory.empty((max(len(tasks), 1),), np.dtype(np.uint8)))
        try:
            while job.open:
                self._hand_out(job)
                self._take_in(job)
                progress(1.0 - job.open / len(tasks))
        finally:
            for worker in job.batches:  # left by an error or a cancel: what they do is wanted by nobody
                worker.stop()

    def _hand_out(self, job: _Job) -> None:
        for worker in self._workers:
            if worker in job.batches:
                continue
            numbers = job.next_batch(len(self._workers))
            if not numbers:
                return
            job.batches[worker] = numbers
            job.posted[worker] = time.monotonic()
            try:
                worker.post(job.function, [(n, job.tasks[n]) for n in numbers], job.status, *job.shared)
            except WorkLost as error:  # what keeps a process from starting is no fault of the task's, and ends the run
                job.lose(worker, error)

    def _take_in(self, job: _Job) -> None:
        if not job.batches:
            return
        ready = select.select(list(job.batches), [], [], POLL_S)[0]
        for worker in ready:
            try:
                kind, value = worker.collect(job.function)
            except ArviewerError as error:
                job.lose(worker, error)
                continue
            if kind == "result":
                del job.batches[worker]
                for number, result in value:
                    job.finish(number, result)
        for worker, numbers in job.batches.items():
            if time.monotonic() - job.posted[worker] > WAITING_FACTOR * self._limits.cpu_s * len(numbers):
                worker.end_overdue()


@dataclass(slots=True)
class _Job:
    """The tasks of one `Crew.run` and how far they are."""

    function: str
    tasks: Sequence[object]
    shared: tuple[object, ...]
    told: Told
    origin: Callable[[int], Hashable]
    status: Array
    waiting: deque[int] = field(init=False)
    alone: deque[int] = field(default_factory=deque)
    """Tasks that were lost with a batch: each is tried by itself, so that a death shows who is to blame."""
    batches: dict[Worker, list[int]] = field(default_factory=dict)
    posted: dict[Worker, float] = field(default_factory=dict)
    open: int = field(init=False)
    tries: Counter[int] = field(default_factory=Counter)
    deaths: Counter[Hashable] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.tasks)))
        self.open = len(self.tasks)

    def next_batch(self, workers: int) -> list[int]:
        """Return the next tasks for one worker: the first ones singly, so that something is done soon."""
        while self.alone:
            number = self.alone.popleft()
            if self.deaths[self.origin(number)] < MAX_DEATHS:
                return [number]
            self.finish(number, ArviewerError("Other parts of it ended their process."))
        untouched = len(self.waiting) == len(self.tasks)
        size = 1 if untouched else max(1, min(MAX_BATCH, len(self.waiting) // (2 * workers)))
        return [self.waiting.popleft() for _n in range(min(size, len(self.waiting)))]

    def finish(self, number: int, result: object) -> None:
        """Tell the result of a task."""
        self.open -= 1
        self.told(number, result)

    def lose(self, worker: Worker, error: ArviewerError) -> None:
        """Find out which task ended its process, and put the others of its batch back."""
        numbers = self.batches.pop(worker)
        guilty = [n for n in numbers if self.status[n] == STARTED]
        # A process that was shot from outside (by a system short of memory) is no proof against its task.
        for number in numbers:
            self.status[number] = WAITING
            self.tries[number] += 1
            if (number in guilty and not worker.was_shot) or self.tries[number] >= MAX_TRIES:
                self.deaths[self.origin(number)] += 1
                self.finish(number, error)
            else:
                self.alone.append(number)
