"""Raw iso-surfaces by VTK's Flying Edges, and smoothing, on plain arrays.

The only module that touches VTK's pure filters; nothing here renders. W. Schroeder, R. Maynard, B. Geveci, "Flying
edges", LDAV 2015, https://doi.org/10.1109/LDAV.2015.7348069; G. Taubin, T. Zhang, G. Golub, "Optimal surface
smoothing as filter design", ECCV 1996, https://doi.org/10.1007/BFb0015544.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints, vtkSMPTools
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkWindowedSincPolyDataFilter

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


def windowed_sinc(
    points: npt.NDArray[np.float64], triangles: Triangles, iterations: int, pass_band: float
) -> npt.NDArray[np.float32]:
    """Return how low-pass filtering along the surface moves each point, shape (N, 3), in the unit of the points.

    Parameters
    ----------
    pass_band : float
        0 to 2; the smaller, the smoother.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    before = np.empty(points.shape, dtype=np.float32)
    np.subtract(points, middle, out=before, casting="same_kind")
    mesh = vtkPolyData()
    corners = vtkPoints()
    corners.SetData(numpy_to_vtk(before))
    mesh.SetPoints(corners)
    cells = vtkCellArray()
    offsets = np.arange(0, 3 * len(triangles) + 1, 3, dtype=np.int32)
    cells.SetData(numpy_to_vtk(offsets), numpy_to_vtk(triangles.reshape(-1)))
    mesh.SetPolys(cells)
    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(mesh)
    smoother.SetNumberOfIterations(iterations)
    smoother.SetPassBand(pass_band)
    smoother.NormalizeCoordinatesOn()
    smoother.BoundarySmoothingOff()
    smoother.FeatureEdgeSmoothingOff()
    smoother.NonManifoldSmoothingOn()
    smoother.Update()
    moves: npt.NDArray[np.float32] = vtk_to_numpy(smoother.GetOutput().GetPoints().GetData()) - before
    return moves
