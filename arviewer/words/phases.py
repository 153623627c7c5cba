"""What a person reads about one of several volumes of a series: its time, echo, b-value, stack."""

from __future__ import annotations

from arviewer.words import _

_SENTENCES = {
    "temporal-position": _("time {number} of {count}"),
    "time": _("time {number} of {count}, {value:.0f} s"),
    "trigger": _("{value:.0f} ms after the trigger"),
    "echo": _("echo {value:g} ms"),
    "echo-number": _("echo {value:g}"),
    "b-value": _("b {value:g} s/mm²"),
    "stack": _("stack {value}"),
    "acquisition": _("acquisition {value:g}"),
    "image-type": _("image type {value}"),
    "order": _("volume {number} of {count}"),
}


def sentence(kind: str, value: float | str, number: int, count: int) -> str:
    """Return the words for one value of a phase.

    Parameters
    ----------
    kind : str
        A `PhaseKind`.
    value : float or str
        In the unit that kind names.
    number, count : int
        Which of how many, from 1.
    """
    return _SENTENCES[kind].format(value=value, number=number, count=count)


def kinds() -> tuple[str, ...]:
    """Return every kind that has words."""
    return tuple(_SENTENCES)
