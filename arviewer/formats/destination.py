"""From what a person asked for (a file, a folder, a format) to which surfaces go into which file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from arviewer.errors import UsageError
from arviewer.formats import meshes
from arviewer.formats.meshes import Format
from arviewer.model.surface import Surface
from arviewer.words import _

MAX_NAME_BYTES = 64
"""Longest name made from a structure's: leaves room for suffixes within the 255 bytes of any file system."""


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """One mesh file to be: its path, its format, its surfaces and what the file calls them."""

    path: Path
    format: Format
    surfaces: tuple[Surface, ...]
    names: tuple[str, ...]


def destinations(
    surfaces: Sequence[Surface], target: str | PathLike[str], format_name: str | None, one_file: bool | None
) -> list[Destination]:
    """Return the files that an export makes.

    Parameters
    ----------
    surfaces : sequence of Surface
    target : path
        A file when it has a mesh suffix, else a folder.
    format_name : str or None
        None for the format of the suffix, or STL in a folder.
    one_file : bool or None
        What the person insists on; None lets `target` decide.

    Raises
    ------
    UsageError
        Nothing to export, an unknown format, or choices that contradict each other.
    """
    if not surfaces:
        raise UsageError(_("There is nothing to export."), "", _("Name at least one structure."))
    path, chosen, is_folder = resolved(target, format_name, one_file)
    names = unique_names(surface.name for surface in surfaces)
    if not is_folder:
        return [Destination(path, chosen, tuple(surfaces), names)]
    return [
        Destination(path / f"{name}{chosen.suffixes[0]}", chosen, (surface,), (name,))
        for name, surface in zip(names, surfaces, strict=True)
    ]


def resolved(
    target: str | PathLike[str], format_name: str | None, one_file: bool | None = None
) -> tuple[Path, Format, bool]:
    """Return the path an export goes to, its format, and whether it is a folder; raise as `destinations` does."""
    asked = meshes.format_named(format_name) if format_name is not None else None
    path = Path(target)
    if _means_folder(target, one_file):
        if one_file:
            raise UsageError(
                _("One file was asked for, but {path} is a folder.").format(path=path),
                "",
                _("Give the file's name too."),
            )
        return path, asked or meshes.FORMATS[0], True
    if one_file is False:
        raise UsageError(
            _("A folder was asked for, but {path} is the name of a file.").format(path=path),
            "",
            _("End the folder's name with a slash."),
        )
    return *_file_format(path, asked), False


def _means_folder(target: str | PathLike[str], one_file: bool | None) -> bool:
    path = Path(target)
    if os.fspath(target).endswith(os.sep):
        return True
    if meshes.format_of_suffix(path.suffix) is not None:
        return False
    return _is_folder(path) or (not path.suffix and one_file is not True)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # Too long a name, say: the write itself will tell it with its remedy.
        return False


def _file_format(path: Path, asked: Format | None) -> tuple[Path, Format]:
    by_suffix = meshes.format_of_suffix(path.suffix)
    if not path.suffix:
        chosen = asked or meshes.FORMATS[0]
        return path.with_name(path.name + chosen.suffixes[0]), chosen
    if by_suffix is None:
        raise UsageError(
            _("There is no mesh format with the suffix {suffix!r}.").format(suffix=path.suffix),
            "",
            _("Choose one of {suffixes}; end a folder's name with a slash.").format(
                suffixes=", ".join(suffix for entry in meshes.FORMATS for suffix in entry.suffixes)
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
