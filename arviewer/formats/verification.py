"""The proof of a mesh file: what was read back from the disk is held against the model, triangle by triangle."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from arviewer.errors import OutputFailed
from arviewer.formats.measurement import Measured, corners_of
from arviewer.formats.mesh_file import ReadMesh
from arviewer.model.geometry import Affine, Lps, Ras
from arviewer.model.surface import Surface
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

PLACE_TOLERANCE_MM = 0.001
"""How far any corner may lie from the model's: a micrometre, twice what float32 and four decimals can cost."""
VOLUME_TOLERANCE = 1e-5
"""Share of the volume by which the file may differ."""
ROUNDING_MM = 0.00025
"""What rounding may move a surface; times its area, the volume that a very small structure may differ by."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must hold.

    Attributes
    ----------
    surfaces : tuple of Surface
        In the order of the file.
    measures : tuple of Measured
        What each measures.
    file_from_lps : Affine
        From patient space to the frame of the file.
    lines : tuple of str
        What the file must say about itself.
    groups : tuple of str
        Names the file must give to the structures, in order; empty when the format has no groups.
    """

    surfaces: tuple[Surface, ...]
    measures: tuple[Measured, ...]
    file_from_lps: Affine[Lps, Lps] | Affine[Ras, Lps]
    lines: tuple[str, ...]
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
    file = Measured(expected.measures[0].center)
    lps_from_file = expected.file_from_lps.inverse().matrix
    worst_mm2, start = 0.0, 0
    for corners in chain.from_iterable(corners_of(surface) for surface in expected.surfaces):
        stop = start + corners.shape[2]
        in_file = found.corners(start, stop).transpose(2, 1, 0).reshape(3, -1).astype(np.float64)
        in_lps = (np.einsum("ab,bn->an", lps_from_file[:3, :3], in_file) + lps_from_file[:3, 3:]).reshape(corners.shape)
        difference = in_lps - corners
        worst_mm2 = max(worst_mm2, float(np.einsum("acm,acm->cm", difference, difference).max()))
        file.add(in_lps)
        start = stop
        progress(start / len(found), _("Checking the file"))
    if not worst_mm2 <= PLACE_TOLERANCE_MM**2:
        raise _differs(name, _("a corner lies {distance:.4g} mm from where it belongs").format(distance=worst_mm2**0.5))
    # A volume seen from the file's own frame: a frame that mirrors would turn its sign.
    file.volume_mm3 *= expected.file_from_lps.determinant
    _verify_sums(file, expected, name)


def _verify_words(found: ReadMesh, expected: Expected, name: str) -> None:
    counts = [len(surface.triangles) for surface in expected.surfaces]
    if len(found) != sum(counts):
        raise _differs(
            name,
            _("it holds {found} triangles, the model has {count}").format(found=len(found), count=sum(counts)),
        )
    if not set(expected.lines) <= set(found.comment.splitlines()):
        raise _differs(name, _("it does not state its frame, unit, state and error as it must"))
    if expected.groups and found.groups != tuple(zip(expected.groups, counts, strict=True)):
        raise _differs(name, _("its groups are not the structures"))


def _verify_sums(file: Measured, expected: Expected, name: str) -> None:
    low = np.min([each.low for each in expected.measures], axis=0)
    high = np.max([each.high for each in expected.measures], axis=0)
    volume_mm3 = sum(each.volume_mm3 for each in expected.measures)
    area_mm2 = sum(each.area_mm2 for each in expected.measures)
    closed = all(surface.closed for surface in expected.surfaces)
    beyond_mm = float(max(np.abs(file.low - low).max(), np.abs(file.high - high).max()))
    if not beyond_mm <= PLACE_TOLERANCE_MM:
        raise _differs(name, _("its bounds are off by {distance:.4g} mm").format(distance=beyond_mm))
    if closed and not file.volume_mm3 > 0:
        raise _differs(
            name, _("it is inside out or mirrored: its volume is {volume:.4g} mm³").format(volume=file.volume_mm3)
        )
    tolerance = max(VOLUME_TOLERANCE * abs(volume_mm3), ROUNDING_MM * area_mm2)
    if not abs(file.volume_mm3 - volume_mm3) <= tolerance:
        raise _differs(
            name,
            _("its volume is {found:.6g} mm³, the model's {volume:.6g} mm³").format(
                found=file.volume_mm3, volume=volume_mm3
            ),
        )


def _differs(name: str, why: str) -> OutputFailed:
    return OutputFailed(
        _("The file did not read back as the model; nothing was changed."),
        f"{name}: {why}.",
        _("Export again; if it happens twice, report it with these figures."),
    )
