"""What every kind of file that is written has in common, whether it holds triangles or voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from arviewer.errors import UsageError
from arviewer.words import _


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A kind of file; what writes and reads it is added by each table.

    Attributes
    ----------
    name : str
        What commands call it.
    suffixes : tuple of str
        Lower case with the dot; the first is the usual one.
    title : str
        What dialogs call it.
    carries : frozenset of str
        "triangles" or "voxels"; "shared-points" when triangles share their corners; "names" when it names the
        structures; "groups" when structures in one file stay apart; "overlap" when they may share voxels;
        "patient" when it names the person.
    unit : str
        The unit of the coordinates; stated in the file where the format has no field for it.
    frames : tuple of str
        Frames it may be written in; the first is the default.
    """

    name: str
    suffixes: tuple[str, ...]
    title: str
    carries: frozenset[str]
    unit: str
    frames: tuple[str, ...]


Kind = TypeVar("Kind", bound=FileFormat)


def format_of(file_name: str, formats: Sequence[Kind]) -> Kind | None:
    """Return the format a file name stands for by its suffix, in any case; None when there is none."""
    return next((entry for entry in formats if suffix_of(file_name, [entry])), None)


def suffix_of(file_name: str, formats: Sequence[FileFormat]) -> str:
    """Return the suffix by which a file name names one of these formats, as it is written there; "" when none does."""
    known = (suffix for entry in formats for suffix in entry.suffixes)
    found = max((one for one in known if file_name.lower().endswith(one)), key=len, default="")
    return file_name[len(file_name) - len(found) :]


def format_named(name: str, formats: Sequence[Kind]) -> Kind:
    """Return a format by name; raise `UsageError` naming those there are."""
    for entry in formats:
        if entry.name == name.lower():
            return entry
    raise UsageError(
        _("There is no format {name!r} here.").format(name=name),
        "",
        _("Choose one of: {names}.").format(names=", ".join(entry.name for entry in formats)),
    )
