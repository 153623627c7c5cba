"""What goes into a mesh file and what comes out of one: the values between the export and the formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import InputRefused
from arviewer.model.geometry import Float
from arviewer.words import _

CHUNK_TRIANGLES = 65_536
"""Triangles handled at once: small enough for the processor's cache and for a cancel within milliseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One structure on its way into a file.

    Attributes
    ----------
    name : str
        One word without white space, unique in the file.
    points : ndarray, shape (N, 3), float64, mm
        In the frame of the file.
    triangles : ndarray, shape (M, 3), int32
        Counter-clockwise seen from outside.
    """

    name: str
    points: Float
    triangles: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Notes:
    """What every mesh file says about itself: one line of ASCII, and more where there is room; free of identity.

    Attributes
    ----------
    frame : {"lps", "ras"}
    unit : str
    state : str
        "confirmed" when a named person stands behind every structure of the file, else "proposed".
    max_error_mm : float
    version : str
    details : tuple of str
        Further lines, for formats that have room for them.
    """

    frame: str
    unit: str
    state: str
    max_error_mm: float
    version: str
    details: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the line, at most 80 bytes; ``SPACE=`` is the mark that 3D Slicer writes and obeys."""
        return (
            f"arviewer {self.version} SPACE={self.frame.upper()} UNIT={self.unit}"
            f" STATE={self.state} MAX_ERROR_MM={self.max_error_mm:.4f}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class ReadMesh:
    """What a reader found in a file.

    Attributes
    ----------
    points : ndarray, shape (N, 3), float32 or float64
        As the file has them; finite. Shape (M, 3, 3) in a file that gives each triangle corners of its own.
    triangles : ndarray, shape (M, 3), integer, or None
        Indices into `points`, within range; None when each triangle has corners of its own.
    comment : str
        Header or comments, one line each.
    groups : tuple of (str, int)
        Name and number of triangles of each named group, in the order of the file.
    """

    points: npt.NDArray[np.floating[Any]]
    triangles: npt.NDArray[np.integer[Any]] | None
    comment: str
    groups: tuple[tuple[str, int], ...] = ()

    def __len__(self) -> int:
        """Return the number of triangles."""
        return len(self.points if self.triangles is None else self.triangles)

    def corners(self, start: int = 0, stop: int | None = None) -> npt.NDArray[np.floating[Any]]:
        """Return the corners of some triangles, shape (n, 3 corners, 3 axes)."""
        return self.points[start:stop] if self.triangles is None else self.points[self.triangles[start:stop]]


def refused(name: str, why: str, remedy: str = "") -> InputRefused:
    """Return the error for a mesh file that cannot be used."""
    return InputRefused(_("This mesh file cannot be used."), f"{name}: {why}", remedy or _("Export the mesh again."))


def checked(mesh: ReadMesh, name: str) -> ReadMesh:
    """Return `mesh`, or raise `InputRefused` when it is empty, not finite, or names points that are not there."""
    if len(mesh) == 0:
        raise refused(name, _("it holds no triangles"))
    for start in range(0, len(mesh.points), CHUNK_TRIANGLES):
        if not np.isfinite(mesh.points[start : start + CHUNK_TRIANGLES]).all():
            raise refused(name, _("a coordinate is not a finite number"))
    if mesh.triangles is None:
        return mesh
    low, high = int(mesh.triangles.min()), int(mesh.triangles.max())
    if low < 0 or high >= len(mesh.points):
        raise refused(
            name,
            _("a triangle names point {index}, there are {count}").format(
                index=low if low < 0 else high, count=len(mesh.points)
            ),
        )
    return mesh
