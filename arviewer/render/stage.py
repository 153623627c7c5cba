"""The mirror of a scene in one VTK renderer: it changes what changed, and nothing else."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the OpenGL classes
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkRenderingCore import vtkCamera, vtkLight, vtkRenderer

from arviewer.model.geometry import Float, require_same_space
from arviewer.model.scene import Look, Scene
from arviewer.model.segmentation import State
from arviewer.model.surface import Surface
from arviewer.render.camera import Eye, box_corners
from arviewer.render.props import surface as _surface  # noqa: F401 - registers its kind
from arviewer.render.props.registry import Prop, prop_for
from arviewer.render.shapes import bounds_of, same_shape

BACKGROUND = (0.055, 0.065, 0.08)
"""Calm and dark, so that neither bone nor skin is blinded out."""

BACKGROUND_TOP = (0.13, 0.15, 0.18)
"""A little lighter upward: the eye keeps its sense of up in an empty picture."""

LIGHTS = (
    # Direction from the scene (x right, y up, z toward the reader), strength, color: key from the reader's upper
    # left, fill from the right, a faint light from below so that no side is black.
    ((-0.7, 0.9, 1.0), 0.96, (1.0, 0.985, 0.96)),
    ((0.9, 0.1, 0.8), 0.30, (0.93, 0.96, 1.0)),
    ((0.1, -1.0, 0.4), 0.14, (1.0, 1.0, 1.0)),
)

NEAR_SHARE = 1e-3
"""Nearest depth of a perspective as a share of the farthest: keeps the depth buffer fine enough to part surfaces."""

DEPTH_MARGIN_MM = 1.0
"""Room before and behind the anatomy, so that nothing is shaved off by rounding."""


STALE_COLOR = (0.42, 0.43, 0.45)
"""Of a surface whose structure has changed since: there, and not to be trusted."""


@dataclass(slots=True)
class _Standing:
    value: Surface
    look: Look
    prop: Prop


class Stage:
    """One renderer that shows a scene.

    Attributes
    ----------
    renderer : vtkRenderer
        Give it to a render window.
    builds : int
        How many props were made since the stage was; a change of look makes none.
    """

    def __init__(self) -> None:
        self.renderer = vtkRenderer()
        self.builds = 0
        self._standing: dict[Hashable, _Standing] = {}
        self._space: str | None = None
        self.renderer.SetBackground(*BACKGROUND)
        self.renderer.SetBackground2(*BACKGROUND_TOP)
        self.renderer.GradientBackgroundOn()
        self.renderer.AutomaticLightCreationOff()
        self.renderer.SetActiveCamera(vtkCamera())
        for direction, strength, color in LIGHTS:
            self.renderer.AddLight(_light(direction, strength, color))

    def show(self, scene: Scene) -> bool:
        """Bring the stage in line with a scene; return whether anything changed.

        Surfaces are compared by the identity of their arrays and by their state, looks by value.
        """
        return self.show_surfaces(surfaces_of(scene))

    def show_surfaces(self, wanted: Mapping[Hashable, tuple[Surface, Look]]) -> bool:
        """Bring the stage in line with surfaces that belong to no scene; return whether anything changed.

        Raises
        ------
        GeometryError
            When they do not all lie in one frame of reference; the stage stays as it was.
        """
        spaces = [surface.frame_of_reference_uid for surface, _ in wanted.values()]
        for space in spaces[1:]:
            require_same_space(spaces[0], space)
        changed = [self._place(key, surface, look) for key, (surface, look) in wanted.items()]
        gone = [key for key in self._standing if key not in wanted]
        for key in gone:
            self._remove(key)
        return any(changed) or bool(gone)

    def _place(self, key: Hashable, surface: Surface, look: Look) -> bool:
        standing = self._standing.get(key)
        if standing is not None and same_shape(standing.value, surface):
            before = standing.value.state, standing.look
            if standing.value.state is not surface.state:
                standing.prop.show(surface)
            if standing.look != look:
                standing.prop.wear(look)
            standing.value, standing.look = surface, look
            return before != (surface.state, look)
        if standing is not None:
            self._remove(key)
        prop = prop_for(surface, look)
        self.builds += 1
        self._standing[key] = _Standing(surface, look, prop)
        for each in prop.vtk_props:
            self.renderer.AddViewProp(each)
        return True

    def _remove(self, key: Hashable) -> None:
        for each in self._standing.pop(key).prop.vtk_props:
            self.renderer.RemoveViewProp(each)

    def clear(self) -> None:
        """Take everything off the stage."""
        for key in list(self._standing):
            self._remove(key)

    @property
    def proposed(self) -> tuple[str, ...]:
        """Names of the visible structures that nobody has confirmed."""
        shown = [s.value for s in self._standing.values() if s.look.visible]
        return tuple(value.name for value in shown if value.state is State.PROPOSED and value.name)

    @property
    def bounds_lps(self) -> tuple[Float, Float] | None:
        """Lowest and highest corner of what is visible, each shape (3,), mm; None when nothing is."""
        boxes = [bounds_of(s.value) for s in self._standing.values() if s.look.visible and len(s.value.points_lps)]
        if not boxes:
            return None
        return np.min([low for low, _ in boxes], axis=0), np.max([high for _, high in boxes], axis=0)

    def look_through(self, eye: Eye) -> None:
        """Aim VTK's camera exactly as an eye, with all that is visible between its near and far depth."""
        near, far = self._depths(eye)
        position = eye.position_lps
        if eye.parallel:
            # A parallel picture is the same from any distance: step back until everything lies in front.
            step = min(0.0, near - DEPTH_MARGIN_MM)
            position = position + eye.forward_lps * step
            near, far = near - step, far - step
        camera = self.renderer.GetActiveCamera()
        camera.SetParallelProjection(eye.parallel)
        camera.SetPosition(*position)
        camera.SetFocalPoint(*(position + eye.forward_lps * max(eye.focus_mm, 1.0)))
        camera.SetViewUp(*eye.up_unit_lps)
        camera.SetClippingRange(near, far)
        matrix = vtkMatrix4x4()
        matrix.DeepCopy(eye.projection(near, far).ravel().tolist())
        camera.SetExplicitProjectionTransformMatrix(matrix)
        camera.SetUseExplicitProjectionTransformMatrix(True)

    def _depths(self, eye: Eye) -> tuple[float, float]:
        bounds = self.bounds_lps
        depths = [eye.focus_mm] if bounds is None else (-eye.in_eye(box_corners(*bounds))[:, 2]).tolist()
        near, far = min(depths) - DEPTH_MARGIN_MM, max(depths) + DEPTH_MARGIN_MM
        if eye.parallel:
            return near, far
        far = max(far, 2 * DEPTH_MARGIN_MM)
        return max(near, far * NEAR_SHARE), far


def surfaces_of(scene: Scene) -> dict[Hashable, tuple[Surface, Look]]:
    """Return the surfaces of a scene with their looks; one that no longer shows its voxels is a gray shadow."""
    return {name: (item.surface, stale_look(item.look) if item.is_stale else item.look)
            for name, item in scene.items.items()}  # fmt: skip


def stale_look(look: Look) -> Look:
    """Return how a structure looks while its surface is made anew."""
    return Look(STALE_COLOR, look.opacity, look.visible)


def _light(direction: tuple[float, float, float], strength: float, color: tuple[float, float, float]) -> vtkLight:
    """Return a light that moves with the reader, as a lamp behind the reader's shoulder does."""
    light = vtkLight()
    light.SetLightTypeToCameraLight()
    light.SetPosition(*direction)
    light.SetFocalPoint(0.0, 0.0, 0.0)
    light.SetIntensity(strength)
    light.SetColor(*color)
    return light
