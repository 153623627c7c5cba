"""Small closed surfaces of known truth, and how a test gets one with other traits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from arviewer.model.segmentation import CodedTerm, Provenance
from arviewer.model.surface import Surface, SurfaceError

SERIES_UID = "2.25.101"
FRAME_UID = "2.25.202"

# An L-block on a 1 mm lattice that no reflection can turn into itself: from the corner cube one arm goes 7 along
# +x, one 4 along +y, one 2 along +z.
ARMS = (7, 4, 2)


def voxel_surface(cells: set[tuple[int, int, int]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Return points and outward triangles of the boundary of unit cubes."""
    index: dict[tuple[int, ...], int] = {}
    triangles = []
    for cell in sorted(cells):
        for axis in range(3):
            for side in (0, 1):
                beyond = list(cell)
                beyond[axis] += 2 * side - 1
                if tuple(beyond) in cells:
                    continue
                u, v = (axis + 1) % 3, (axis + 2) % 3
                square = []
                for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)):
                    corner = list(cell)
                    corner[axis] += side
                    corner[u] += du
                    corner[v] += dv
                    square.append(index.setdefault(tuple(corner), len(index)))
                if side == 0:
                    square.reverse()
                triangles += [[square[0], square[1], square[2]], [square[0], square[2], square[3]]]
    return np.array(list(index), dtype=np.float64), np.array(triangles, dtype=np.int32)


def l_block_cells() -> set[tuple[int, int, int]]:
    cells = {(0, 0, 0)}
    for axis, length in enumerate(ARMS):
        for n in range(1, length + 1):
            cell = [0, 0, 0]
            cell[axis] = n
            cells.add((cell[0], cell[1], cell[2]))
    return cells


def make_surface(points: npt.NDArray[np.float64], triangles: npt.NDArray[np.int32], **traits: Any) -> Surface:
    surface = Surface(
        name="bone",
        points_lps=points,
        triangles=triangles,
        term=CodedTerm("272673000", "SCT", "Bone"),
        made_by=Provenance("bone", {"low_hu": 250.0, "fill": True}, "0.1.0", (SERIES_UID,)),
        frame_of_reference_uid=FRAME_UID,
        error_mm=SurfaceError(0.02, 0.1, 0.25),
        closed=True,
        grey_share=1.0,
        mask_sha256="ab" * 32,
    )
    return replace(surface, **traits)


@pytest.fixture
def l_block() -> Surface:
    """The chiral block: spacing 1.5 × 2 × 2.5 mm, oblique, its corner at (-31.3, 57.7, -680.2)."""
    points, triangles = voxel_surface(l_block_cells())
    a, b = np.deg2rad(20), np.deg2rad(-35)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    )
    return make_surface(points * (1.5, 2.0, 2.5) @ turn.T + (-31.3, 57.7, -680.2), triangles)


@pytest.fixture
def rod() -> Surface:
    """A bar of 100.0 mm along z, 5 × 8 mm across."""
    points, triangles = voxel_surface({(0, 0, 0)})
    return make_surface(points * (5.0, 8.0, 100.0) + (12.5, -8.25, -300.0), triangles, name="rod")
