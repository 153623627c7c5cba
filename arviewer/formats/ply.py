"""PLY, binary little endian: a text header, float32 points, triangles that share them.

The format is G. Turk's, "The PLY Polygon File Format", Stanford University, 1994. Float32 for the reason given in
`arviewer.formats.stl`, and because that is what every reader knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arviewer.formats.mesh_file import Notes, Part, ReadMesh, checked, refused
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
SCALARS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "<i2", "int16": "<i2", "ushort": "<u2", "uint16": "<u2",
    "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4",
    "float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8",
}  # fmt: skip
"""numpy's name for each scalar type of PLY."""
MAX_HEADER_BYTES = 1 << 16
END = b"end_header\n"


def write_ply(parts: Sequence[Part], notes: Notes, progress: Progress = silent) -> memoryview:
    """Return the bytes of a binary PLY file.

    Parameters
    ----------
    parts : sequence of Part
        Follow one another; a comment tells which triangles are whose.
    notes : Notes
        Its line is the first comment; its details follow.
    """
    points = sum(len(part.points) for part in parts)
    triangles = sum(len(part.triangles) for part in parts)
    header = _header(parts, notes, points, triangles)
    buffer = np.empty(len(header) + 12 * points + FACE.itemsize * triangles, dtype=np.uint8)
    buffer[: len(header)] = np.frombuffer(header, np.uint8)
    vertices = buffer[len(header) : len(header) + 12 * points].view("<f4").reshape(-1, 3)
    faces = buffer[len(header) + 12 * points :].view(FACE)
    faces["count"] = 3
    first_point = first_face = 0
    for part in parts:
        vertices[first_point : first_point + len(part.points)] = part.points
        progress((first_face + len(part.triangles) / 2) / triangles, _("Writing points"))
        np.add(part.triangles, first_point, out=faces["corners"][first_face : first_face + len(part.triangles)])
        first_point += len(part.points)
        first_face += len(part.triangles)
        progress(first_face / triangles, _("Writing triangles"))
    return buffer.data


def _header(parts: Sequence[Part], notes: Notes, points: int, triangles: int) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"comment {notes.line()}"]
    lines += [f"comment {detail}" for detail in notes.details]
    first = 0
    for part in parts:
        lines.append(f"comment structure {part.name} triangles {first} {first + len(part.triangles)}")
        first += len(part.triangles)
    lines += [f"element vertex {points}", "property float x", "property float y", "property float z"]
    lines += [f"element face {triangles}", "property list uchar int vertex_indices", "end_header", ""]
    return "\n".join(lines).encode()


def read_ply(data: bytes, name: str, progress: Progress = silent) -> ReadMesh:
    """Read binary little-endian PLY of triangles, strictly; other scalar properties of points are passed over.

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
        With the comments, one a line.

    Raises
    ------
    InputRefused
        Another kind of PLY, unknown elements, polygons of more than three corners, counts that do not fit the
        size, NaN or infinity.
    """
    lines, start = _header_lines(data, name)
    comments = [line.removeprefix("comment ") for line in lines if line.startswith("comment ")]
    vertex, vertices, faces = _elements([line for line in lines if not line.startswith(("comment", "obj_info"))], name)
    needed = start + vertices * vertex.itemsize + faces * FACE.itemsize
    if needed != len(data):
        raise refused(
            name,
            _("its header promises {needed} bytes, it has {size}").format(needed=needed, size=len(data)),
        )
    table = np.frombuffer(data, vertex, vertices, start)
    points = np.stack([table[axis] for axis in "xyz"], axis=1) if vertices else np.zeros((0, 3), np.float32)
    records = np.frombuffer(data, FACE, faces, start + vertices * vertex.itemsize)
    if (records["count"] != 3).any():
        raise refused(name, _("it holds polygons that are not triangles"), _("Triangulate the mesh first."))
    progress(1.0, _("Reading the file back"))
    return checked(ReadMesh(points, np.ascontiguousarray(records["corners"]), "\n".join(comments)), name)


def _header_lines(data: bytes, name: str) -> tuple[list[str], int]:
    """Return the lines between the first two and ``end_header``, and where the body starts."""
    end = data.find(END, 0, MAX_HEADER_BYTES)
    if not data.startswith(b"ply\n") or end < 0:
        raise refused(name, _("it does not begin as a PLY file with Unix line ends"))
    lines = data[:end].decode(errors="replace").splitlines()
    if lines[1:2] != ["format binary_little_endian 1.0"]:
        raise refused(
            name,
            _("its format is {format!r}").format(format="".join(lines[1:2])[:60]),
            _("Save it as binary little-endian PLY."),
        )
    return lines[2:], end + len(END)


def _elements(lines: list[str], name: str) -> tuple[np.dtype[np.void], int, int]:
    """Return the layout and number of the points, and the number of triangles."""
    faces_at = next((n for n, line in enumerate(lines) if line.startswith("element face ")), len(lines))
    counts = [line.rsplit(" ", 1)[-1] for line in (lines[0] if lines else "", "".join(lines[faces_at : faces_at + 1]))]
    known = ("property list uchar int vertex_indices", "property list uchar int vertex_index")
    if (
        not lines
        or not lines[0].startswith("element vertex ")
        or not all(count.isascii() and count.isdigit() and len(count) < 12 for count in counts)
        or lines[faces_at + 1 :] not in [[line] for line in known]
    ):
        raise refused(name, _("it is not made of points followed by triangles alone"))
    fields = [line.split(" ") for line in lines[1:faces_at]]
    if any(len(words) != 3 or words[0] != "property" or words[1] not in SCALARS for words in fields):
        raise refused(name, _("its points have a property that is not a number"))
    names = [words[2] for words in fields]
    if len(set(names)) != len(names) or not {"x", "y", "z"} <= set(names):
        raise refused(name, _("its points lack x, y or z, or name one twice"))
    layout = np.dtype([(words[2], SCALARS[words[1]]) for words in fields])
    return layout, int(counts[0]), int(counts[1])
