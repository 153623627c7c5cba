"""Binary STL: 80 bytes of header, a count, 50 bytes a triangle, little endian, float32.

Float32 holds any coordinate up to 8.192 m from the origin to within 0.000244 mm (half its spacing of 2⁻¹¹ mm
there; 0.000061 mm within ±2 m), so a point in space is right to 0.00043 mm: below the 0.001 mm promised.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from arviewer.formats.mesh_file import CHUNK_TRIANGLES, Notes, Part, ReadMesh, checked, refused
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

HEADER_BYTES = 80
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
"""One triangle; 50 bytes without padding."""


def write_stl(parts: Sequence[Part], notes: Notes, progress: Progress = silent) -> memoryview:
    """Return the bytes of a binary STL file; the parts follow one another and are not told apart.

    Parameters
    ----------
    parts : sequence of Part
        In the frame that `notes` names.
    notes : Notes
        Its line fills the header. STL has no field for unit or frame (Marshall Burns, *Automated Fabrication*,
        1993, section 6.5), and a header beginning with "solid" would be taken for a text file.
    """
    count = sum(len(part.triangles) for part in parts)
    buffer = np.zeros(HEADER_BYTES + 4 + RECORD.itemsize * count, dtype=np.uint8)
    header = notes.line().encode("ascii", "replace")[:HEADER_BYTES].ljust(HEADER_BYTES)
    buffer[:HEADER_BYTES] = np.frombuffer(header, np.uint8)
    buffer[HEADER_BYTES : HEADER_BYTES + 4] = np.frombuffer(count.to_bytes(4, "little"), np.uint8)
    records = buffer[HEADER_BYTES + 4 :].view(RECORD)
    done = 0
    for part in parts:
        points = part.points.astype(np.float32)
        for start in range(0, len(part.triangles), CHUNK_TRIANGLES):
            triangles = part.triangles[start : start + CHUNK_TRIANGLES]
            chunk = records[done : done + len(triangles)]
            corners = points[triangles]
            chunk["corners"] = corners
            chunk["normal"] = _unit_normals(corners)
            done += len(triangles)
            progress(done / count, _("Writing triangles"))
    return buffer.data


def _unit_normals(corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the outward unit normals of triangles, shape (M, 3); zero for a triangle without area."""
    ux, uy, uz = (corners[:, 1, n] - corners[:, 0, n] for n in range(3))
    vx, vy, vz = (corners[:, 2, n] - corners[:, 0, n] for n in range(3))
    normals = np.empty((len(corners), 3), dtype=np.float32)
    x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    lengths = np.sqrt(x * x + y * y + z * z)
    lengths[lengths == 0] = 1
    for n, along in enumerate((x, y, z)):
        np.divide(along, lengths, out=normals[:, n])
    return normals


def read_stl(data: bytes, name: str, progress: Progress = silent) -> ReadMesh:
    """Read binary STL, strictly.

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
        With corners of its own for each triangle: a view of `data`, not a copy.

    Raises
    ------
    InputRefused
        Text STL, a count that does not fit the size, a file cut short, no triangles, NaN or infinity.
    """
    body = len(data) - HEADER_BYTES - 4
    count = int.from_bytes(data[HEADER_BYTES : HEADER_BYTES + 4], "little") if body >= 0 else 0
    if body != count * RECORD.itemsize:
        if data[:512].lstrip().startswith(b"solid"):
            raise refused(name, _("it is an ASCII STL file"), _("Save it as binary STL."))
        if body < 0:
            raise refused(name, _("it is cut short: {size} bytes are less than an STL header").format(size=len(data)))
        raise refused(
            name,
            _("its header promises {count} triangles, its {size} bytes hold {held:.1f}").format(
                count=count, size=len(data), held=body / RECORD.itemsize
            ),
        )
    records = np.frombuffer(data, RECORD, count, HEADER_BYTES + 4)
    comment = data[:HEADER_BYTES].rstrip(b" \0").decode("ascii", "replace")
    progress(1.0, _("Reading the file back"))
    return checked(ReadMesh(records["corners"], None, comment), name)
