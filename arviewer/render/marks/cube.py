"""The orientation cube: six letters that turn with the patient."""

from __future__ import annotations

import functools

import numpy as np
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from arviewer.model.geometry import side_letters
from arviewer.render.camera import STANDARD_VIEWS, Eye, pose
from arviewer.render.marks.stamps import BRIGHT, Stamp, quad, text_coverage, texture_of

FACE = (62, 76, 94)
RIM = (128, 144, 164)
FACE_PIXELS = 128
RIM_PIXELS = 5
LETTER_PIXELS = 92


class OrientationCube:
    """A cube in a corner of the picture, with its own renderer in the layer above the scene.

    Each face bears the letter of the side it looks to and stands upright in the standard view of that side.
    """

    def __init__(self) -> None:
        self.renderer = vtkRenderer()
        self.renderer.SetLayer(1)
        self.renderer.InteractiveOff()
        self.renderer.AutomaticLightCreationOff()
        for toward, up in STANDARD_VIEWS.values():
            self.renderer.AddViewProp(_face(np.asarray(toward), np.asarray(up)))

    def turn(self, eye: Eye) -> None:
        """Show the cube as the eye sees the patient."""
        back = eye.lps_from_eye[:3, 2]
        camera = self.renderer.GetActiveCamera()
        camera.SetParallelProjection(True)
        camera.SetFocalPoint(0.0, 0.0, 0.0)
        camera.SetPosition(*(back * 10))
        camera.SetViewUp(*eye.up_unit_lps)
        camera.SetClippingRange(5.0, 15.0)
        small = Eye(pose(eye.lps_from_eye[:3, :3], back * 10), (-0.9, 0.9, -0.9, 0.9), parallel=True)
        matrix = vtkMatrix4x4()
        matrix.DeepCopy(small.projection(5.0, 15.0).ravel().tolist())
        camera.SetExplicitProjectionTransformMatrix(matrix)
        camera.SetUseExplicitProjectionTransformMatrix(True)

    def place(self, box_px: tuple[int, int, int], size: tuple[int, int]) -> None:
        """Give the cube a square: (left, bottom, side) in pixels of a picture of `size`."""
        left, bottom, side = box_px
        width, height = size
        self.renderer.SetViewport(
            left / width, bottom / height, min(1.0, (left + side) / width), min(1.0, (bottom + side) / height)
        )

    def show(self, visible: bool) -> None:
        """Draw the cube or leave it out."""
        self.renderer.SetDraw(visible)


def _face(toward: np.ndarray, up: np.ndarray) -> vtkActor:
    right = np.cross(up, toward)
    corners = [toward / 2 + x * right / 2 + y * up / 2 for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(quad(corners))
    actor = vtkActor()
    actor.SetMapper(mapper)
    texture = texture_of(_face_pixels(side_letters(toward)))
    texture.InterpolateOn()
    texture.MipmapOn()
    actor.SetTexture(texture)
    actor.GetProperty().LightingOff()
    actor.GetProperty().BackfaceCullingOn()
    return actor


@functools.lru_cache(maxsize=6)
def _face_pixels(letter: str) -> Stamp:
    pixels = np.full((FACE_PIXELS, FACE_PIXELS, 3), RIM, dtype=np.float64)
    pixels[RIM_PIXELS:-RIM_PIXELS, RIM_PIXELS:-RIM_PIXELS] = FACE
    ink = text_coverage(letter, LETTER_PIXELS)[:FACE_PIXELS, :FACE_PIXELS]
    row, column = (FACE_PIXELS - ink.shape[0]) // 2, (FACE_PIXELS - ink.shape[1]) // 2
    spot = pixels[row : row + ink.shape[0], column : column + ink.shape[1]]
    spot += ink[..., None] * (np.asarray(BRIGHT) - spot)
    return pixels.round().astype(np.uint8)
