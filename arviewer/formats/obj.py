"""Wavefront OBJ: text, one named group for each structure, so that several stay apart in one file.

Coordinates have four decimals: rounding moves a point by at most 0.00009 mm. The format is Alias Wavefront's
*Advanced Visualizer Manual*, appendix B1.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import InputRefused
from arviewer.formats.mesh_file import CHUNK_TRIANGLES, Notes, Part, ReadMesh, checked, refused
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

DECIMALS = 4
_NEWLINE, _SPACE, _MINUS, _POINT, _ZERO = b"\n -.0"
_BLANK = np.isin(np.arange(256), np.frombuffer(b" \t\r\n", np.uint8))
_IGNORED = (b"#", b"\n", b"\r")


def write_obj(parts: Sequence[Part], notes: Notes, progress: Progress = silent) -> memoryview:
    """Return the bytes of an OBJ file.

    Parameters
    ----------
    parts : sequence of Part
        Each becomes a group of its name: its points, then its triangles.
    notes : Notes
        Its line is the first comment; the second holds the counts, since text has no other sign of its end;
        its details follow.
    """
    triangles = sum(len(part.triangles) for part in parts)
    counts = _counts(sum(len(part.points) for part in parts), triangles)
    pieces = ["".join(f"# {line}\n" for line in (notes.line(), counts, *notes.details)).encode()]
    first_point, done = 1, 0
    for part in parts:
        pieces.append(f"g {part.name}\n".encode())
        for start in range(0, len(part.points), CHUNK_TRIANGLES):
            pieces.append(_point_lines(part.points[start : start + CHUNK_TRIANGLES]))
            progress(done / triangles, _("Writing points"))
        for start in range(0, len(part.triangles), CHUNK_TRIANGLES):
            chunk = part.triangles[start : start + CHUNK_TRIANGLES]
            pieces.append(_face_lines(chunk.astype(np.int64) + first_point))
            done += len(chunk)
            progress(done / triangles, _("Writing triangles"))
        first_point += len(part.points)
    return memoryview(b"".join(pieces))


def _counts(points: int, triangles: int) -> str:
    return f"{points} points {triangles} triangles"


def _point_lines(points: npt.NDArray[np.float64]) -> bytes:
    scaled = np.rint(points * 10.0**DECIMALS).astype(np.int64)
    digits = _digits(np.abs(scaled), DECIMALS + 1)
    sign = np.where(scaled < 0, _MINUS, 0).astype(np.uint8)[..., None]
    point = np.full_like(sign, _POINT)
    return _lines(b"v", [sign, digits[..., :-DECIMALS], point, digits[..., -DECIMALS:]])


def _face_lines(indices: npt.NDArray[np.int64]) -> bytes:
    return _lines(b"f", [_digits(indices, 1)])


def _digits(numbers: npt.NDArray[np.int64], at_least: int) -> npt.NDArray[np.uint8]:
    """Return decimal digits as ASCII in a new last axis; leading zeros beyond `at_least` digits are byte 0."""
    width = max(at_least, len(str(int(numbers.max(initial=0)))))
    digits = np.zeros((*numbers.shape, width), dtype=np.uint8)
    rest = numbers.astype(np.uint32) if width < 10 else numbers.astype(np.uint64)
    for place in range(width):
        tens = rest // 10
        digit = (rest - tens * 10 + _ZERO).astype(np.uint8)
        if place >= at_least:
            digit[rest == 0] = 0
        digits[..., width - 1 - place] = digit
        rest = tens
    return digits


def _lines(word: bytes, columns: list[npt.NDArray[np.uint8]]) -> bytes:
    """Return lines of a word and three numbers, each given as bytes in which 0 stands for nothing."""
    space = np.full((*columns[0].shape[:2], 1), _SPACE, dtype=np.uint8)
    numbers = np.concatenate([space, *columns], axis=2).reshape(len(space), -1)
    ends = np.empty((len(numbers), 1), dtype=np.uint8)
    table = np.concatenate([np.full_like(ends, word[0]), numbers, np.full_like(ends, _NEWLINE)], axis=1)
    return bytes(table[table != 0].tobytes())


def read_obj(data: bytes, name: str, progress: Progress = silent) -> ReadMesh:
    """Read an OBJ file of points, triangles and groups, strictly.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What messages call it.
    progress : Progress

    Returns
    -------
    ReadMesh
        With the comments, one a line, and the groups.

    Raises
    ------
    InputRefused
        Any other statement than ``v x y z``, ``f a b c`` with positive indices, ``g``, ``o`` and comments; a last
        line without an end; counts other than the comment promises; NaN or infinity.
    """
    if not data.endswith(b"\n"):
        raise refused(name, _("it is cut short: its last line has no end"))
    body = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(body == _NEWLINE) + 1
    starts = np.concatenate([[0], ends[:-1]])
    kinds = body[starts]
    changes = np.flatnonzero(np.diff(kinds)) + 1
    # Long runs of one kind are read piece by piece: it stays in the cache, and a cancel is heard.
    borders = np.union1d(changes, np.append(np.arange(0, len(kinds), CHUNK_TRIANGLES), len(kinds)))
    points: list[npt.NDArray[np.float64]] = []
    triangles: list[npt.NDArray[np.int64]] = []
    comments: list[str] = []
    groups: list[tuple[str, int]] = []
    for first, last in itertools.pairwise(borders):
        block, kind = data[starts[first] : ends[last - 1]], bytes(kinds[first : first + 1])
        if kind == b"v":
            points.append(_numbers(block, last - first, np.float64, name, first))
        elif kind == b"f":
            triangles.append(_numbers(block, last - first, np.int64, name, first) - 1)
            if groups:
                groups[-1] = (groups[-1][0], groups[-1][1] + last - first)
        elif kind in (b"g", b"o") and block[1:2] == b" ":
            groups += [(line[2:].strip(), 0) for line in block.decode(errors="replace").splitlines()]
        elif kind in _IGNORED:
            comments += [line.lstrip("# ").rstrip() for line in block.decode(errors="replace").splitlines()]
        else:
            raise _not_understood(name, first, block)
        progress(last / len(kinds), _("Reading the file back"))
    mesh = ReadMesh(
        np.concatenate(points) if points else np.zeros((0, 3)),
        np.concatenate(triangles) if triangles else np.zeros((0, 3), np.int64),
        "\n".join(comments),
        tuple((group, int(count)) for group, count in groups),
    )
    return _counted(checked(mesh, name), name)


def _numbers(block: bytes, lines: int, dtype: type[Any], name: str, first: int) -> npt.NDArray[Any]:
    """Return the three numbers of each line, shape (lines, 3)."""
    body = np.frombuffer(block, np.uint8).copy()
    blank = _BLANK[body]
    begins = np.flatnonzero(~blank[1:] & blank[:-1]) + 1
    starts = np.concatenate([[0], np.flatnonzero(body[:-1] == _NEWLINE) + 1])
    # A word that begins at each start of a line, three more after it, and nothing glued to the first.
    if len(begins) + 1 != 4 * lines or not (begins[3::4] == starts[1:]).all() or not blank[starts + 1].all():
        raise _not_understood(name, first, block)
    body[starts] = _SPACE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            numbers = np.fromstring(body.tobytes(), dtype=dtype, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        raise _not_understood(name, first, block) from error
    if numbers.size != 3 * lines:
        raise _not_understood(name, first, block)
    return numbers.reshape(-1, 3)


def _not_understood(name: str, line: int, block: bytes) -> InputRefused:
    sample = block[: block.find(b"\n")][:60].decode(errors="replace")
    return refused(
        name,
        _("in the lines from {line} on ({sample!r}), not all are points, triangles or groups").format(
            line=int(line) + 1, sample=sample
        ),
        _("Save it as triangles with positions only, without normals and textures."),
    )


def _counted(mesh: ReadMesh, name: str) -> ReadMesh:
    """Return `mesh`, or raise when a comment promises other counts."""
    found = _counts(len(mesh.points), len(mesh))
    promised = [line for line in mesh.comment.splitlines() if re.fullmatch(r"\d+ points \d+ triangles", line)]
    if promised and promised != [found]:
        raise refused(name, _("it promises {promised}, it holds {found}").format(promised=promised[0], found=found))
    return mesh
