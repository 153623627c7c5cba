"""A structure's surface on stage."""

from __future__ import annotations

import weakref

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkProp

from arviewer.model.scene import Look
from arviewer.model.surface import Surface
from arviewer.render.props.registry import draws

_meshes: weakref.WeakKeyDictionary[Surface, vtkPolyData] = weakref.WeakKeyDictionary()


def mesh_of(surface: Surface) -> vtkPolyData:
    """Return a surface as VTK draws it, made once and shared by every view.

    Points are float32 (at 1 m from the origin 0.00006 mm), with normals averaged over the triangles around.
    """
    found = _meshes.get(surface)
    if found is None:
        found = _meshes[surface] = _with_normals(_bare(surface))
    return found


def _bare(surface: Surface) -> vtkPolyData:
    points = vtkPoints()
    points.SetData(numpy_to_vtk(surface.points_lps.astype(np.float32), deep=True))
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtk(surface.triangles.ravel(), deep=True))
    mesh = vtkPolyData()
    mesh.SetPoints(points)
    mesh.SetPolys(cells)
    return mesh


def _with_normals(mesh: vtkPolyData) -> vtkPolyData:
    smooth = vtkPolyDataNormals()
    smooth.SetInputData(mesh)
    # The triangles already run the right way round; splitting would add corners that are not in the surface.
    smooth.ConsistencyOff()
    smooth.AutoOrientNormalsOff()
    smooth.SplittingOff()
    smooth.Update()
    shaded: vtkPolyData = smooth.GetOutput()
    return shaded


@draws(Surface)
class SurfaceProp:
    """An actor of its own on a shared mesh."""

    def __init__(self, surface: Surface, look: Look) -> None:
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh_of(surface))
        mapper.ScalarVisibilityOff()
        self._actor = vtkActor()
        self._actor.SetMapper(mapper)
        shade = self._actor.GetProperty()
        shade.SetInterpolationToPhong()
        shade.SetAmbient(0.06)
        shade.SetDiffuse(0.94)
        shade.SetSpecular(0.10)
        shade.SetSpecularPower(18)
        self.wear(look)

    @property
    def vtk_props(self) -> tuple[vtkProp, ...]:
        """The one actor."""
        return (self._actor,)

    def wear(self, look: Look) -> None:
        """Take on color, opacity and visibility; the mesh stays as it is."""
        shade = self._actor.GetProperty()
        shade.SetColor(*look.color)
        shade.SetOpacity(look.opacity)
        self._actor.SetVisibility(look.visible and look.opacity > 0)
