"""What the headers of a series have in common, so that it is walked and understood once.

The slices of a series differ in a few elements out of two hundred. Runs of elements that two headers shared byte for
byte are remembered, with the values found in them; where the same bytes come again at the same point of a walk, they
are stepped over as one. A walk depends on nothing but the bytes ahead and the tag before, so the outcome is the same
as without: only equal bytes are ever taken for equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

HEAD = 8
"""Bytes of an element that tell where a run may begin: tag, and VR and length."""

SHORTEST = 2
"""Elements that make a run worth keeping."""

SLACK = 4
"""Elements more than expected that a header may hold outside runs before runs are cut anew."""

MAX_LEARNED_BYTES = 64 << 10
"""Longer headers are not remembered; two hundred elements take some 6 KiB."""

LESSONS, HEADERS_A_LESSON = 16, 32
"""Lessons a scan may take in vain, and headers that earn one more: where every file is of its own kind, there is
nothing to learn."""


@dataclass(frozen=True, slots=True)
class Run:
    """Elements in a row that come again.

    Attributes
    ----------
    data : bytes
        All of them.
    first, last : int
        Their lowest and highest tag.
    values : mapping of int to bytes
        What a walk keeps of them.
    """

    data: bytes
    first: int
    last: int
    values: Mapping[int, bytes]


Step = tuple[int, int, int]
"""Tag, start and end of an element in the bytes of a header."""

Walk = Callable[[list[Step]], Mapping[int, bytes]]
"""Walks a header without runs: appends its steps, returns the values it keeps."""


@dataclass(slots=True)
class Repeats:
    """The runs of one transfer syntax, as one scan meets them; for one thread.

    Attributes
    ----------
    runs : dict of bytes to Run
        By the first `HEAD` bytes.
    """

    runs: dict[bytes, Run] = field(default_factory=dict)
    _model: dict[int, bytes] = field(default_factory=dict)
    _differing: set[int] = field(default_factory=set)
    _alone: int = 0
    """Elements outside runs in the header the runs were cut from."""
    _headers: int = 0
    _in_vain: int = 0

    def met(self, data: bytes, end: int, alone: int, walk: Walk) -> None:
        """Take note of a header that was walked; learns from it when too little of it was known.

        Parameters
        ----------
        data : bytes
        end : int
            Where its walk ended.
        alone : int
            Elements that were in no run.
        walk : callable
        """
        self._headers += 1
        if alone <= self._alone + SLACK or end > MAX_LEARNED_BYTES:
            return
        if self._in_vain > LESSONS + self._headers // HEADERS_A_LESSON:
            return
        steps: list[Step] = []
        values = walk(steps)
        own = {tag: data[start:stop] for tag, start, stop in steps}
        known = len(self._differing)
        self._differing |= {tag for tag in own.keys() | self._model.keys() if self._model.get(tag) != own.get(tag)}
        if not self._model or 2 * len(self._differing) > len(own):
            self._model, self._differing, self._alone = own, set(), 0
            self._in_vain += 1
            self.runs.clear()
            return
        self._in_vain += len(self._differing) == known
        self._cut(data, steps, values)

    def _cut(self, data: bytes, steps: Sequence[Step], values: Mapping[int, bytes]) -> None:
        self.runs.clear()
        self._alone = len(steps)
        waiting: list[Step] = []
        for step in (*steps, None):
            if step is not None and step[0] not in self._differing:
                waiting.append(step)
                continue
            if len(waiting) >= SHORTEST:
                (first, start, _first_stop), (last, _last_start, stop) = waiting[0], waiting[-1]
                kept = {tag: values[tag] for tag, _start, _stop in waiting if tag in values}
                self.runs[data[start : start + HEAD]] = Run(data[start:stop], first, last, kept)
                self._alone -= len(waiting)
            waiting = []
