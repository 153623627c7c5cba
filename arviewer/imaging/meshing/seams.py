"""Surfaces made slab by slab, joined so that nobody can tell: as a contour of the whole would be.

Neighbouring slabs share a plane of voxels, and with it the vertices on the edges within that plane. Flying Edges
numbers vertices row by row: those on a slab's last plane are its last ones, and come in the same order, at the same
places, among the first of the next slab. So a seam needs no search.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arviewer.imaging.meshing.contour import Triangles
from arviewer.imaging.meshing.field import Field
from arviewer.model.geometry import Float


def seam_vertices(field: Field, k: int) -> int:
    """Return how many vertices lie on plane `k` of a field: one on each edge within it that the surface crosses."""
    inside = field.values[k] > field.iso
    return int(np.count_nonzero(inside[1:] != inside[:-1]) + np.count_nonzero(inside[:, 1:] != inside[:, :-1]))


def after_seam(
    field: Field, points_ijk: Float, triangles: Triangles, before: int, shared: int
) -> tuple[Float, Triangles]:
    """Return a slab's new points, and its triangles counted on from the slabs before it.

    Parameters
    ----------
    points_ijk, triangles
        Of the slab alone, as from `contour`.
    before : int
        Points of all slabs before it.
    shared : int
        How many of these, the last ones, lie on the slab's first plane; 0 where nothing goes on across it.

    Returns
    -------
    points_ijk : ndarray, shape (N, 3)
        Without the shared ones.
    triangles : ndarray, shape (M, 3), int32
    """
    if shared == 0:
        triangles += np.int32(before)
        return points_ijk, triangles
    is_new = points_ijk[:, 2] != field.start_kji[0]
    ids = np.empty(len(is_new), dtype=np.int32)
    ids[~is_new] = np.arange(before - shared, before, dtype=np.int32)
    points_ijk = points_ijk[is_new]
    ids[is_new] = np.arange(before, before + len(points_ijk), dtype=np.int32)
    return points_ijk, _renumbered(ids, triangles)


def _renumbered(ids: npt.NDArray[np.int32], triangles: Triangles) -> Triangles:
    return np.asarray(ids[triangles], dtype=np.int32)
