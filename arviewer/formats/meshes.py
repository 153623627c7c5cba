"""The one table of mesh formats: dialogs, command line, docs and round-trip tests iterate over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from arviewer.errors import UsageError
from arviewer.formats.mesh_file import Notes, Part, ReadMesh
from arviewer.formats.obj import read_obj, write_obj
from arviewer.formats.ply import read_ply, write_ply
from arviewer.formats.stl import read_stl, write_stl
from arviewer.words import _
from arviewer.workers.progress import Progress, silent


class Writer(Protocol):
    """Renders parts to the bytes of a file; touches no path."""

    def __call__(self, parts: Sequence[Part], notes: Notes, progress: Progress = silent) -> memoryview:
        """Return the whole file."""


class Reader(Protocol):
    """Reads the bytes of a file, strictly; raises `InputRefused` with the reason."""

    def __call__(self, data: bytes, name: str, progress: Progress = silent) -> ReadMesh:
        """Return what the file holds."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of mesh file.

    Attributes
    ----------
    name : str
        What commands call it.
    suffixes : tuple of str
        Lower case with the dot; the first is the usual one.
    title : str
        What dialogs call it.
    carries : frozenset of str
        "triangles"; "shared-points" when triangles share their corners; "names" when it names the structures;
        "groups" when structures in one file stay apart.
    unit : str
        The unit of the coordinates; stated in the file, which has no field for it.
    frames : tuple of str
        Frames it may be written in; the first is the default.
    write : Writer
    read : Reader
    """

    name: str
    suffixes: tuple[str, ...]
    title: str
    carries: frozenset[str]
    unit: str
    frames: tuple[str, ...]
    write: Writer
    read: Reader


_FRAMES = ("lps", "ras")
_POINTS = frozenset({"triangles", "shared-points", "names"})

FORMATS: tuple[Format, ...] = (
    Format("stl", (".stl",), "STL (binary)", frozenset({"triangles"}), "mm", _FRAMES, write_stl, read_stl),
    Format("ply", (".ply",), "PLY (binary)", _POINTS, "mm", _FRAMES, write_ply, read_ply),
    Format("obj", (".obj",), "OBJ (text)", _POINTS | {"groups"}, "mm", _FRAMES, write_obj, read_obj),
)


def format_of_suffix(suffix: str) -> Format | None:
    """Return the format a file name's suffix stands for, in any case; None when there is none."""
    return next((entry for entry in FORMATS if suffix.lower() in entry.suffixes), None)


def format_named(name: str) -> Format:
    """Return a format by name; raise `UsageError` naming those there are."""
    for entry in FORMATS:
        if entry.name == name.lower():
            return entry
    raise UsageError(
        _("There is no mesh format {name!r}.").format(name=name),
        "",
        _("Choose one of: {names}.").format(names=", ".join(entry.name for entry in FORMATS)),
    )
