"""The table of mesh formats: dialogs, command line, docs and round-trip tests iterate over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from arviewer.formats.format import FileFormat
from arviewer.formats.mesh_file import Notes, Part, ReadMesh
from arviewer.formats.obj import read_obj, write_obj
from arviewer.formats.ply import read_ply, write_ply
from arviewer.formats.stl import read_stl, write_stl
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
class Format(FileFormat):
    """A kind of mesh file."""

    write: Writer
    read: Reader


_FRAMES = ("lps", "ras")
_POINTS = frozenset({"triangles", "shared-points", "names"})

FORMATS: tuple[Format, ...] = (
    Format("stl", (".stl",), "STL (binary)", frozenset({"triangles"}), "mm", _FRAMES, write_stl, read_stl),
    Format("ply", (".ply",), "PLY (binary)", _POINTS, "mm", _FRAMES, write_ply, read_ply),
    Format("obj", (".obj",), "OBJ (text)", _POINTS | {"groups"}, "mm", _FRAMES, write_obj, read_obj),
)
