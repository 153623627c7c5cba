"""What tells the volumes of one series apart: the marks of their headers, and the phase that each volume is."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from statistics import median

from arviewer.imaging.dicom.headers import Image
from arviewer.model.study import Phase, PhaseKind

TEMPORAL_POSITION, ECHO_NUMBER, ECHO_TIME, B_VALUE, STACK, ACQUISITION, TRIGGER, IMAGE_TYPE = range(8)
"""Places of the marks in `Image.marks`, which are in the order of `tags.PARTING_TAGS`."""

SAME_ECHO_SHARE = 0.02
"""Echo times that differ by less are one echo: scanners note some slices a few microseconds off, and two echoes of
one train lie at least a tenth apart."""

Value = float | str
Marks = tuple[str, ...]
Reading = Callable[[Sequence[Marks]], Value | None]


def marks_of(images: Sequence[Image]) -> list[Marks]:
    """Return the marks of each image, with nearly equal echo times made equal."""
    marks = [image.marks for image in images]
    times = {one[ECHO_TIME] for one in marks}
    if len(times) < 2:
        return marks
    same: dict[str, str] = {}
    previous = ""
    for text in sorted(times, key=lambda text: number_of(text) or 0.0):
        value, before = number_of(text), number_of(previous)
        near = value is not None and before is not None and value - before <= SAME_ECHO_SHARE * value
        same[text] = same[previous] if near else text
        previous = text
    return [(*one[:ECHO_TIME], same[one[ECHO_TIME]], *one[ECHO_TIME + 1 :]) for one in marks]


def phases_of(groups: Sequence[Sequence[Image]]) -> list[Phase | None]:
    """Return what tells each of several volumes of a series from the others.

    The fewest values of the header that do; else the order of acquisition, beside what they still say. None for a
    volume that stands alone.
    """
    if len(groups) < 2:
        return [None for _group in groups]
    marks = iter(marks_of([image for group in groups for image in group]))
    tables = [list(itertools.islice(marks, len(group))) for group in groups]
    columns = [(kind, values) for kind, read in _READINGS for values in [_column(tables, read)] if values]
    columns = [(kind, _differing(values) if kind is PhaseKind.IMAGE_TYPE else values) for kind, values in columns]
    columns += [(PhaseKind.TIME, values) for values in [_seconds(groups)] if values]
    for size in range(1, len(columns) + 1):
        for chosen in itertools.combinations(columns, size):
            if len(set(zip(*(values for _kind, values in chosen), strict=True))) == len(groups):
                return list(_joined(chosen))
    first = [(min(image.order for image in group), n) for n, group in enumerate(groups)]
    order: list[Value] = [float(sorted(first).index(one) + 1) for one in first]
    return list(_joined([*columns, (PhaseKind.ORDER, order)]))


def _joined(columns: Sequence[tuple[PhaseKind, list[Value]]]) -> list[Phase]:
    """Return one phase per volume from columns of values, the first column outermost."""
    joined: list[Phase | None] = [None for _value in columns[0][1]]
    for kind, values in reversed(columns):
        distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
        joined = [
            Phase(kind, value, distinct.index(value) + 1, len(distinct), further)
            for value, further in zip(values, joined, strict=True)
        ]
    return [phase for phase in joined if phase is not None]


def sort_key(phase: Phase | None) -> tuple[int, ...]:
    """Return what volumes are listed by: the rank of each of their values."""
    return () if phase is None else (phase.number, *sort_key(phase.further))


def _column(tables: Sequence[Sequence[Marks]], read: Reading) -> list[Value]:
    """Return the value of each volume; [] when one of them has none or more than one, or all have the same."""
    values = [read(table) for table in tables]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) and len(set(known)) > 1 else []


def _common(mark: int, numeric: bool = True) -> Reading:
    def read(table: Sequence[Marks]) -> Value | None:
        texts = {marks[mark] for marks in table}
        text = texts.pop()
        if texts or not text:
            return None
        return number_of(text) if numeric else text

    return read


def _trigger(table: Sequence[Marks]) -> Value | None:
    """Return the median trigger time: each slice of a beating heart has its own."""
    times = [number_of(marks[TRIGGER]) for marks in table]
    known = [time for time in times if time is not None]
    return median(known) if len(known) == len(times) else None


def _differing(values: Sequence[Value]) -> list[Value]:
    """Return image types without the parts that all have in common, as far as they still differ."""
    parts = [str(value).split("\\") for value in values]
    common = set.intersection(*map(set, parts))
    short = ["\\".join(part for part in one if part not in common) for one in parts]
    return [one or str(value) for one, value in zip(short, values, strict=True)]


_READINGS: tuple[tuple[PhaseKind, Reading], ...] = (
    (PhaseKind.TEMPORAL_POSITION, _common(TEMPORAL_POSITION)),
    (PhaseKind.ECHO, _common(ECHO_TIME)),
    (PhaseKind.ECHO_NUMBER, _common(ECHO_NUMBER)),
    (PhaseKind.B_VALUE, _common(B_VALUE)),
    (PhaseKind.STACK, _common(STACK, numeric=False)),
    (PhaseKind.TRIGGER, _trigger),
    (PhaseKind.ACQUISITION, _common(ACQUISITION)),
    (PhaseKind.IMAGE_TYPE, _common(IMAGE_TYPE, numeric=False)),
)
"""How the value of each kind is read from the marks of a volume, the most telling first."""


def _seconds(groups: Sequence[Sequence[Image]]) -> list[Value]:
    """Return the seconds from the start of the first volume to that of each; [] where their times overlap."""
    spans = []
    for group in groups:
        times = [seconds_of(image.order[0]) for image in group]
        known = [time for time in times if time is not None]
        if len(known) < len(times):
            return []
        spans.append((min(known), max(known)))
    ordered = sorted(spans)
    if any(one[1] >= other[0] for one, other in itertools.pairwise(ordered)):
        return []
    return [round(start - ordered[0][0], 3) for start, _end in spans]


_TIME = re.compile(r"(\d{8})?(\d{2}):?(\d{2}):?(\d{2})(\.\d+)?(?:[+-]\d{4})?")


def seconds_of(text: str) -> float | None:
    """Return seconds since midnight of a TM (HHMMSS.ffffff), or since a fixed day of a DT (YYYYMMDDHHMMSS.ffffff)."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    day, hours, minutes, seconds, fraction = found.groups()
    try:
        days = 0 if day is None else date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal()
    except ValueError:
        return None
    return ((days * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds) + float(fraction or 0)


def number_of(text: str) -> float | None:
    """Return the number in a text, None when there is none or it is not finite."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
