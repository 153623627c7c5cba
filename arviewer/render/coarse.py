"""Rough surfaces for the eye alone: light copies of heavy ones, and sketches of what a threshold would take."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkQuadricClustering

from arviewer.model.geometry import Float, read_only
from arviewer.model.segmentation import CodedTerm, Provenance
from arviewer.model.surface import Surface, SurfaceError
from arviewer.model.volume import Volume
from arviewer.render.props.surface import mesh_of
from arviewer.render.shapes import OfShape

HEAVY_TRIANGLES = 150_000
"""From here on a surface gets a light copy: a software driver draws about this many in 30 ms."""

DIVISIONS = 160
"""Cells along the longest side of a light copy: about 2 mm for a trunk, a pixel or two of a moving picture."""

_light: weakref.WeakKeyDictionary[Surface, Surface] = weakref.WeakKeyDictionary()


def light(surface: Surface) -> Surface:
    """Return a surface for pictures that move: itself, or a light copy, made once.

    A copy is for the eye alone: its points lie off the surface by up to a cell. Nothing is measured from it, cut
    or exported. Corners are clustered by quadric error (Lindstrom 2000, doi:10.1145/344779.344912).
    """
    if len(surface.triangles) < HEAVY_TRIANGLES:
        return surface
    found = _light.get(surface)
    if found is None:
        points, triangles = _clustered(surface)
        found = _light[surface] = replace(surface, points_lps=points, triangles=triangles, closed=False)
    return found


def _cluster(surface: Surface) -> tuple[Float, npt.NDArray[np.int32]]:
    low, high = surface.bounds_lps
    cell = float((high - low).max()) / DIVISIONS
    cells = np.maximum(np.ceil((high - low) / cell).astype(int), 2)
    filter_ = vtkQuadricClustering()
    filter_.AutoAdjustNumberOfDivisionsOff()
    filter_.SetNumberOfDivisions(*(int(n) for n in cells))
    filter_.CopyCellDataOff()
    filter_.SetInputData(mesh_of(surface))
    filter_.Update()
    made = filter_.GetOutput()
    if made.GetNumberOfCells() == 0:
        return surface.points_lps, surface.triangles
    points = read_only(vtk_to_numpy(made.GetPoints().GetData()).astype(np.float64))
    triangles = vtk_to_numpy(made.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    return points, read_only(triangles)


_clustered = OfShape(_cluster)


SKETCH_VOXELS = 128
"""Voxels along the longest side of a sketch."""


def between(volume: Volume, low: float, high: float) -> Surface | None:
    """Return roughly the boundary of the voxels between two values; None when there is nothing between them.

    Every n-th voxel along each axis is looked at, so that it takes some hundredths of a second. It is for the eye
    alone: nothing is measured from it, and fine structures may be missing.
    """
    step = max(1, round(max(volume.voxels.shape) / SKETCH_VOXELS))
    part = volume.voxels[::step, ::step, ::step].astype(np.float32)
    # Above zero between the limits; its zero is as smooth as the grey values are.
    depth = np.minimum(part - np.float32(low), np.float32(high) - part)
    depth[~volume.slice_valid[::step]] = -1.0
    depth = np.pad(np.nan_to_num(depth, nan=-1.0), 1, constant_values=-1.0)
    image = vtkImageData()
    k, j, i = depth.shape
    image.SetDimensions(i, j, k)
    image.GetPointData().SetScalars(numpy_to_vtk(depth.ravel()))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    contour.SetValue(0, 0.0)
    contour.Update()
    made = contour.GetOutput()
    if made.GetNumberOfCells() == 0:
        return None
    ijk = (vtk_to_numpy(made.GetPoints().GetData()).astype(np.float64) - 1.0) * step
    matrix = volume.geometry.lps_from_ijk.matrix
    triangles = vtk_to_numpy(made.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    return Surface(
        "", ijk @ matrix[:3, :3].T + matrix[:3, 3], triangles, CodedTerm("", "", ""), Provenance("sketch"),
        volume.geometry.frame_of_reference_uid, SurfaceError(np.nan, np.nan, np.nan), False, 1.0,
    )  # fmt: skip
