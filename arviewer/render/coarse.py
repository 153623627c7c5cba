"""Light copies of heavy surfaces, for pictures that move."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkQuadricClustering

from arviewer.model.surface import Surface
from arviewer.render.props.surface import mesh_of

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
        found = _light[surface] = _clustered(surface)
    return found


def _clustered(surface: Surface) -> Surface:
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
        return surface
    points = vtk_to_numpy(made.GetPoints().GetData()).astype(np.float64)
    triangles = vtk_to_numpy(made.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    return replace(surface, points_lps=points, triangles=triangles, closed=False)
