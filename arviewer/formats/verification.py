"""The proof of a mesh file: what was read back from the disk is held against the model, triangle by triangle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from arviewer.errors import OutputFailed
from arviewer.formats.mesh_file import CHUNK_TRIANGLES, ReadMesh
from arviewer.model.geometry import Affine, Float, Lps, Ras
from arviewer.model.surface import Surface
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

PLACE_TOLERANCE_MM = 0.001
"""How far any corner may lie from the model's: a micrometre, twice what float32 and four decimals can cost."""
VOLUME_TOLERANCE = 1e-5
"""Share of the volume by which the file may differ."""
ROUNDING_MM = 0.00025
"""What rounding may move a surface; times its area, the volume that a very small structure may differ by."""


@dataclass(slots=True)
class Measured:
    """What a set of triangles measures, summed up chunk by chunk.

    Attributes
    ----------
    center : ndarray, shape (3,), mm
        Where the volume's tetrahedra meet; near the surface, since far from it the sum would lose digits.
    volume_mm3 : float
        Signed: positive when the normals point outward and nothing is mirrored.
    low, high : ndarray, shape (3,), mm
    """

    center: Float
    volume_mm3: float = 0.0
    area_mm2: float = 0.0
    low: Float = field(default_factory=lambda: np.full(3, np.inf))
    high: Float = field(default_factory=lambda: np.full(3, -np.inf))

    def add(self, corners: Float) -> None:
        """Take in triangles, shape (M, 3, 3), mm."""
        a, b, c = (corners[:, n] - self.center for n in range(3))
        self.volume_mm3 += float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0
        normals = np.cross(b - a, c - a)
        self.area_mm2 += float(np.sqrt(np.einsum("ij,ij->i", normals, normals)).sum()) / 2.0
        self.low = np.minimum(self.low, corners.min(axis=(0, 1)))
        self.high = np.maximum(self.high, corners.max(axis=(0, 1)))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must hold.

    Attributes
    ----------
    surfaces : tuple of Surface
        In the order of the file.
    file_from_lps : Affine
        From patient space to the frame of the file.
    line : str
        What the file must say about itself.
    groups : tuple of str
        Names the file must give to the structures, in order; empty when the format has no groups.
    """

    surfaces: tuple[Surface, ...]
    file_from_lps: Affine[Lps, Lps] | Affine[Ras, Lps]
    line: str
    groups: tuple[str, ...] = ()


def verify_mesh(found: ReadMesh, expected: Expected, name: str, progress: Progress = silent) -> None:
    """Prove that a file is the model: count, place of every corner, side, bounds, volume, and what it says.

    Corners are compared in the order of the triangles, after undoing the frame of the file, so that a flipped
    axis, a factor, a shift, a turned triangle or a lost one each shows as a distance.

    Parameters
    ----------
    found : ReadMesh
        As read back from the disk.
    expected : Expected
    name : str
        What messages call the file.

    Raises
    ------
    OutputFailed
        With the first thing that differs, and by how much.
    """
    _verify_words(found, expected, name)
    center = expected.surfaces[0].points_lps.mean(axis=0)
    file, model = Measured(center), Measured(center)
    lps_from_file = expected.file_from_lps.inverse().matrix
    worst_mm = 0.0
    for start, corners in corners_of(expected.surfaces):
        stop = start + len(corners)
        in_file = found.points[found.triangles[start:stop]].astype(np.float64)
        in_lps = in_file @ lps_from_file[:3, :3].T + lps_from_file[:3, 3]
        worst_mm = max(worst_mm, float(np.sqrt(((in_lps - corners) ** 2).sum(axis=-1).max())))
        file.add(in_lps)
        model.add(corners)
        progress(stop / len(found.triangles), _("Checking the file"))
    if not worst_mm <= PLACE_TOLERANCE_MM:
        raise _differs(name, _("a corner lies {distance:.4g} mm from where it belongs").format(distance=worst_mm))
    # A volume seen from the file's own frame: a frame that mirrors would turn its sign.
    file.volume_mm3 *= expected.file_from_lps.determinant
    _verify_sums(file, model, name, closed=all(surface.closed for surface in expected.surfaces))


def corners_of(surfaces: Sequence[Surface]) -> Iterator[tuple[int, Float]]:
    """Yield the corners of triangles, shape (M, 3, 3), LPS mm, chunk by chunk, with the number of the first."""
    start = 0
    for surface in surfaces:
        for at in range(0, len(surface.triangles), CHUNK_TRIANGLES):
            triangles = surface.triangles[at : at + CHUNK_TRIANGLES]
            yield start, surface.points_lps[triangles]
            start += len(triangles)


def _verify_words(found: ReadMesh, expected: Expected, name: str) -> None:
    counts = [len(surface.triangles) for surface in expected.surfaces]
    if len(found.triangles) != sum(counts):
        raise _differs(
            name,
            _("it holds {found} triangles, the model has {count}").format(
                found=len(found.triangles), count=sum(counts)
            ),
        )
    if expected.line not in found.comment.splitlines():
        raise _differs(name, _("it does not state its frame, unit, state and error as it must"))
    if expected.groups and found.groups != tuple(zip(expected.groups, counts, strict=True)):
        raise _differs(name, _("its groups are not the structures"))


def _verify_sums(file: Measured, model: Measured, name: str, *, closed: bool) -> None:
    beyond_mm = float(max(np.abs(file.low - model.low).max(), np.abs(file.high - model.high).max()))
    if not beyond_mm <= PLACE_TOLERANCE_MM:
        raise _differs(name, _("its bounds are off by {distance:.4g} mm").format(distance=beyond_mm))
    if closed and not file.volume_mm3 > 0:
        raise _differs(
            name, _("it is inside out or mirrored: its volume is {volume:.4g} mm³").format(volume=file.volume_mm3)
        )
    tolerance = max(VOLUME_TOLERANCE * abs(model.volume_mm3), ROUNDING_MM * model.area_mm2)
    if not abs(file.volume_mm3 - model.volume_mm3) <= tolerance:
        raise _differs(
            name,
            _("its volume is {found:.6g} mm³, the model's {volume:.6g} mm³").format(
                found=file.volume_mm3, volume=model.volume_mm3
            ),
        )


def _differs(name: str, why: str) -> OutputFailed:
    return OutputFailed(
        _("The file did not read back as the model; nothing was changed."),
        f"{name}: {why}.",
        _("Export again; if it happens twice, report it with these figures."),
    )
