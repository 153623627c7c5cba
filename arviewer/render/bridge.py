"""Surfaces and volumes as pyvista has them, for people who script with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from arviewer.model.surface import Surface
from arviewer.model.volume import Volume

if TYPE_CHECKING:
    import pyvista

FRAME_FIELD = "frame"
"""Field that says which way the axes run: "LPS mm"."""

FRAME_OF_REFERENCE_FIELD = "frame_of_reference_uid"
"""Field with (0020,0052), since data of different frames of reference must not be overlaid."""


@overload
def to_pyvista(value: Surface) -> pyvista.PolyData: ...
@overload
def to_pyvista(value: Volume) -> pyvista.StructuredGrid | pyvista.ImageData: ...
def to_pyvista(value: Surface | Volume) -> pyvista.DataSet:
    """Return a surface or a volume as a pyvista data set, in LPS mm.

    Parameters
    ----------
    value : Surface or Volume

    Returns
    -------
    pyvista.PolyData, pyvista.ImageData or pyvista.StructuredGrid
        A volume is an ``ImageData`` with a direction matrix; a sheared one (tilted gantry), which that cannot
        hold, is a ``StructuredGrid`` with every voxel's position. Values are point data named "values".
        ``field_data["frame"]`` is "LPS mm": x to the patient's left, y to posterior, z to superior.
    """
    data = _surface(value) if isinstance(value, Surface) else _volume(value)
    data.field_data[FRAME_FIELD] = ["LPS mm"]
    uid = value.frame_of_reference_uid if isinstance(value, Surface) else value.geometry.frame_of_reference_uid
    data.field_data[FRAME_OF_REFERENCE_FIELD] = [uid]
    return data


def _surface(surface: Surface) -> pyvista.DataSet:
    import pyvista

    faces: Any = surface.triangles.astype(np.int_)  # pyvista's stubs ask for an array of Python's int
    mesh: pyvista.DataSet = pyvista.PolyData.from_regular_faces(np.array(surface.points_lps), faces)
    return mesh


def _volume(volume: Volume) -> pyvista.DataSet:
    import pyvista

    matrix = volume.geometry.lps_from_ijk.matrix
    spacing = volume.geometry.spacing_mm
    axes = matrix[:3, :3] / spacing
    count_ijk = volume.geometry.shape_kji[::-1]
    if np.allclose(axes.T @ axes, np.eye(3), atol=1e-6):
        data: pyvista.DataSet = pyvista.ImageData(
            dimensions=count_ijk, spacing=tuple(spacing), origin=tuple(matrix[:3, 3]), direction_matrix=axes
        )
    else:
        k, j, i = np.indices(volume.geometry.shape_kji).reshape(3, -1)
        points = np.column_stack((i, j, k)) @ matrix[:3, :3].T + matrix[:3, 3]
        data = pyvista.StructuredGrid()
        data.points = points
        data.dimensions = count_ijk
    data.point_data["values"] = np.array(volume.voxels).ravel()
    return data
