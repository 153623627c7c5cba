"""Every error a person can meet, sorted by what that person can do about it.

::

    ArviewerError             what / why / remedy, and the exit code of the command line
    ├── UsageError        2   the command or call is wrong: say it differently
    ├── InputRefused      3   the data cannot be used safely: bring other data, or accept the doubt
    │   ├── GeometryError     spaces, grids or sides do not fit together
    │   └── NothingFound      a recipe found no such anatomy in this volume
    ├── MachineLacks      4   this computer lacks something: install it, free it, or go elsewhere
    │   ├── TooLarge          the data do not fit into memory: load a part, or every n-th voxel
    │   ├── WorkLost          the process that did the work died; the window lives
    │   └── OutputFailed      a file could not be written, or did not read back as it was meant
    ├── Cancelled       130   the person stopped it; nothing was changed
    └── Bug               1   a promise inside the program was broken: report it

Libraries raise these; only the window and the command line show them, each exactly once. Messages name the
file or the tag at fault and never the patient.
"""

from __future__ import annotations

from typing import ClassVar


class ArviewerError(Exception):
    """Something a person must know about, said as what / why / remedy.

    Parameters
    ----------
    what : str
        What did not happen, in the reader's words.
    why : str
        The cause, naming the file, tag or value at fault.
    remedy : str
        What the person can do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        super().__init__(what, why, remedy)
        self.what = what
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.remedy) if line)


class UsageError(ArviewerError):
    """The command or call is wrong: unknown name, contradicting options, an ambiguous choice."""

    exit_code = 2


class InputRefused(ArviewerError):
    """The input cannot be used safely; the reason names the file."""

    exit_code = 3


class GeometryError(InputRefused):
    """Two spaces were mixed, a map is singular or mirrored, or a shape does not fit its grid."""


class NothingFound(InputRefused):
    """A recipe found no such anatomy in this volume."""


class MachineLacks(ArviewerError):
    """Something the job needs is not on this computer; the remedy says how to get it."""

    exit_code = 4


class TooLarge(MachineLacks):
    """A volume does not fit into memory; the reason gives both numbers."""


class WorkLost(MachineLacks):
    """The process that did the work died, or was ended at its limit of memory or time; nothing else is harmed."""


class OutputFailed(MachineLacks):
    """A file could not be written, or what was read back differs from what was meant."""


class Cancelled(ArviewerError):
    """The person stopped the work; nothing was changed."""

    exit_code = 130

    def __init__(self, what: str = "Cancelled.", why: str = "", remedy: str = "") -> None:
        super().__init__(what, why, remedy)


class Bug(ArviewerError):
    """A promise inside the program was broken."""
