"""Raw iso-surfaces by VTK's Flying Edges, on plain arrays.

The only module that touches VTK's pure filters; nothing here renders. W. Schroeder, R. Maynard, B. Geveci, "Flying
edges", LDAV 2015, https://doi.org/10.1109/LDAV.2015.7348069.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkSMPTools
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

from arviewer.imaging.meshing.field import Field

Triangles = npt.NDArray[np.int32]


def contour(field: Field) -> tuple[npt.NDArray[np.float64], Triangles]:
    """Return the iso-surface of a field.

    Returns
    -------
    points_ijk : ndarray, shape (N, 3), float64
        In voxel indices (i, j, k) of the volume.
    triangles : ndarray, shape (M, 3), int32
        Counter-clockwise seen from outside, in the right-handed frame of (i, j, k).
    """
    vtkSMPTools.SetBackend("STDThread")
    image = vtkImageData()
    image.SetDimensions(*field.values.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(field.values.reshape(-1)))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, field.iso)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    mesh = edges.GetOutput()
    if mesh.GetNumberOfPolys() == 0:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int32)
    points = vtk_to_numpy(mesh.GetPoints().GetData()).astype(np.float64)
    points += np.asarray(field.start_kji[::-1], dtype=np.float64)
    for axis, side, position in field.cap_planes:
        flatten = np.maximum if side < 0 else np.minimum
        flatten(points[:, axis], position, out=points[:, axis])
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    return points, triangles
