"""From what a person asked for (a file, a folder, a format) to which structures go into which file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from arviewer.errors import UsageError
from arviewer.formats.format import Kind, format_named, format_of, suffix_of
from arviewer.words import _

MAX_NAME_BYTES = 64
"""Longest name made from a structure's: leaves room for suffixes within the 255 bytes of any file system."""


class Named(Protocol):
    """A surface or a segment."""

    @property
    def name(self) -> str:
        """The structure's name."""


Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True, slots=True, eq=False)
class Destination(Generic[Kind, Thing]):
    """One file to be: its path, its format, the structures in it and what the file calls them."""

    path: Path
    format: Kind
    structures: tuple[Thing, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target(Generic[Kind]):
    """Where the person wants it, and as what.

    Attributes
    ----------
    path : str or path-like
        A file when it has a known suffix, else a folder.
    formats : sequence of FileFormat
        Those there are; the first is the usual one.
    format_name : str or None
        None for the format of the suffix, or the usual one in a folder.
    one_file : bool or None
        What the person insists on; None lets `path` decide.
    """

    path: str | PathLike[str]
    formats: Sequence[Kind]
    format_name: str | None = None
    one_file: bool | None = None

    def destinations(self, structures: Sequence[Thing]) -> list[Destination[Kind, Thing]]:
        """Return the files that an export makes.

        Raises
        ------
        UsageError
            Nothing to export, an unknown format, or choices that contradict each other.
        """
        if not structures:
            raise UsageError(_("There is nothing to export."), "", _("Name at least one structure."))
        path, chosen, is_folder = self.resolved()
        names = unique_names(one.name for one in structures)
        if not is_folder:
            return [Destination(path, chosen, tuple(structures), names)]
        return [
            Destination(path / f"{name}{chosen.suffixes[0]}", chosen, (one,), (name,))
            for name, one in zip(names, structures, strict=True)
        ]

    def resolved(self) -> tuple[Path, Kind, bool]:
        """Return the path an export goes to, its format, and whether it is a folder; raise as `destinations` does."""
        asked = format_named(self.format_name, self.formats) if self.format_name is not None else None
        path = Path(self.path)
        if self._means_folder():
            if self.one_file:
                raise UsageError(
                    _("One file was asked for, but {path} is a folder.").format(path=path),
                    "",
                    _("Give the file's name too."),
                )
            return path, asked or self.formats[0], True
        if self.one_file is False:
            raise UsageError(
                _("A folder was asked for, but {path} is the name of a file.").format(path=path),
                "",
                _("End the folder's name with a slash."),
            )
        return *self._file(path, asked), False

    def _means_folder(self) -> bool:
        path = Path(self.path)
        if os.fspath(self.path).endswith(os.sep):
            return True
        if suffix_of(path.name, self.formats):
            return False
        return _is_folder(path) or (not path.suffix and self.one_file is not True)

    def _file(self, path: Path, asked: Kind | None) -> tuple[Path, Kind]:
        by_suffix = format_of(path.name, self.formats)
        if not path.suffix:
            chosen = asked or self.formats[0]
            return path.with_name(path.name + chosen.suffixes[0]), chosen
        if by_suffix is None:
            raise UsageError(
                _("Nothing can be written as {name}: its suffix is not known here.").format(name=path.name),
                "",
                _("Choose one of {suffixes}; end a folder's name with a slash.").format(
                    suffixes=", ".join(suffix for entry in self.formats for suffix in entry.suffixes)
                ),
            )
        if asked is not None and asked is not by_suffix:
            raise UsageError(
                _("The format {format} and the file name {name} contradict each other.").format(
                    format=asked.name, name=path.name
                ),
                "",
                _("Leave the format out, or use the suffix {suffix}.").format(suffix=asked.suffixes[0]),
            )
        return path, by_suffix


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # Too long a name, say: the write itself will tell it with its remedy.
        return False


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return names that are safe as file names and as words in a file: no white space, no separators, each once.

    Letters of any script, digits, "-" and "_" stay; the rest becomes "_". A name that comes again gets a number;
    upper and lower case count as the same, since some file systems hold them for the same.
    """
    taken: set[str] = set()
    result = []
    for name in names:
        word = re.sub(r"[^\w\-]+", "_", name).strip("_") or "structure"
        word = word.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
        unique, number = word, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{word}-{number}"
        taken.add(unique.casefold())
        result.append(unique)
    return tuple(result)
