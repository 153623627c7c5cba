"""Distances to triangle meshes by an independent program: VTK's locator, point by point."""

from __future__ import annotations

import numpy as np
import trimesh
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import reference, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkGenericCell, vtkPolyData, vtkStaticCellLocator


def distance_to(points, triangles, at):
    """Distance of places `at` to a triangle mesh, mm."""
    poly, corners, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    corners.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=1))
    poly.SetPoints(corners)
    faces = np.asarray(triangles, dtype=np.int64)
    cells.SetData(numpy_to_vtk(np.arange(0, faces.size + 1, 3), deep=1), numpy_to_vtk(faces.reshape(-1), deep=1))
    poly.SetPolys(cells)
    locator = vtkStaticCellLocator()
    locator.SetDataSet(poly)
    locator.BuildLocator()
    found = np.zeros(3)
    cell, sub, squared = vtkGenericCell(), reference(0), reference(0.0)
    out = []
    for place in at:
        locator.FindClosestPoint(place, found, cell, reference(0), sub, squared)
        out.append(float(squared) ** 0.5)
    return np.array(out)


def both_ways(one, other, count=6000):
    """Distances from one surface to the other and back, at points chosen by trimesh, mm."""
    out = []
    for a, b in ((one, other), (other, one)):
        mesh = trimesh.Trimesh(a.points_lps, a.triangles, process=False)
        places, _ = trimesh.sample.sample_surface(mesh, count, seed=3)
        out.append(distance_to(b.points_lps, b.triangles, places))
    return out
