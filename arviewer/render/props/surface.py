"""A structure's surface on stage."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkProp

from arviewer.model.scene import Look
from arviewer.model.segmentation import State
from arviewer.model.surface import Surface
from arviewer.render.props.registry import draws
from arviewer.render.shapes import OfShape

HATCH_MM, HATCH_WIDTH_MM = 6.0, 1.2
"""Distance of the stripes on a proposed structure, in the patient's space so that both eyes see them at one place."""
HATCH_SHADE = 0.7
"""Of the color on the stripes: seen, and the shape still read."""

_HATCH = f"""//VTK::Light::Impl
  float hatchAlong = hatchLPS.x + hatchLPS.y + hatchLPS.z;
  float hatchBlur = fwidth(hatchAlong);
  float hatchTo = abs(mod(hatchAlong, {HATCH_MM:.2f}) - {HATCH_MM / 2:.2f});
  float hatchInk = 1.0 - smoothstep(-hatchBlur, hatchBlur, hatchTo - {HATCH_WIDTH_MM / 2:.2f});
  hatchInk *= 1.0 - smoothstep({HATCH_MM / 4:.2f}, {HATCH_MM:.2f}, hatchBlur);  // too far away to be told apart
  fragOutput0.rgb *= mix(1.0, {HATCH_SHADE:.2f}, hatchInk);
"""


def mesh_of(surface: Surface) -> vtkPolyData:
    """Return a surface as VTK draws it, made once and shared by every view.

    Points are float32 (at 1 m from the origin 0.00006 mm), with normals averaged over the triangles around.
    """
    return _mesh_of(surface)


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


_mesh_of = OfShape(lambda surface: _with_normals(_bare(surface)))


@draws(Surface)
class SurfaceProp:
    """An actor of its own on a shared mesh; hatched while the structure is proposed."""

    def __init__(self, surface: Surface, look: Look) -> None:
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh_of(surface))
        mapper.ScalarVisibilityOff()
        mapper.SetVBOShiftScaleMethod(0)  # the hatching counts in mm of the patient
        self._actor = vtkActor()
        self._actor.SetMapper(mapper)
        shade = self._actor.GetProperty()
        shade.SetInterpolationToPhong()
        shade.SetAmbient(0.06)
        shade.SetDiffuse(0.94)
        shade.SetSpecular(0.10)
        shade.SetSpecularPower(18)
        self.show(surface)
        self.wear(look)

    @property
    def vtk_props(self) -> tuple[vtkProp, ...]:
        """The one actor."""
        return (self._actor,)

    def show(self, surface: Surface) -> None:
        """Show another surface of the same shape: only whether it is proposed can differ."""
        shader = self._actor.GetShaderProperty()
        shader.ClearAllShaderReplacements()
        if surface.state is State.PROPOSED:
            place = "//VTK::PositionVC"
            shader.AddVertexShaderReplacement(f"{place}::Dec", True, f"{place}::Dec\nout vec3 hatchLPS;", False)
            shader.AddVertexShaderReplacement(f"{place}::Impl", True, f"{place}::Impl\nhatchLPS = vertexMC.xyz;", False)
            shader.AddFragmentShaderReplacement(f"{place}::Dec", True, f"{place}::Dec\nin vec3 hatchLPS;", False)
            shader.AddFragmentShaderReplacement("//VTK::Light::Impl", True, _HATCH, False)

    def wear(self, look: Look) -> None:
        """Take on color, opacity and visibility; the mesh stays as it is."""
        shade = self._actor.GetProperty()
        shade.SetColor(*look.color)
        shade.SetOpacity(look.opacity)
        self._actor.SetVisibility(look.visible and look.opacity > 0)
