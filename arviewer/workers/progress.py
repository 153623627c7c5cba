"""How long work says how far it is, and how it learns that nobody wants it any more."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What long functions call now and then; they know no thread, no window, no pipe."""

    def __call__(self, fraction: float, what: str = "") -> None:
        """Report progress.

        Parameters
        ----------
        fraction : float
            0 to 1.
        what : str
            What is being done, in a few words ("Reading slices").

        Raises
        ------
        Cancelled
            When the person asked to stop; let it pass.
        """


def silent(fraction: float, what: str = "") -> None:
    """Report to nobody: the default for scripts and tests."""


def part(progress: Progress, start: float, stop: float) -> Progress:
    """Return the share of `progress` between two fractions, for a step of a longer work."""

    def inner(fraction: float, what: str = "") -> None:
        progress(start + (stop - start) * fraction, what)

    return inner
