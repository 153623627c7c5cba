"""Where the pointer is, in a slice and on the 3D picture; lines drawn there, in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPointF

from arviewer.model.geometry import Float, Plane
from arviewer.model.intent import Lasso
from arviewer.render.camera import Camera
from arviewer.ui.viewports.slice_frame import SliceFrame

Size = tuple[int, int]
NEAR_MM, FAR_MM = 1.0, 2.0
"""Depths for a projection of which only x and y are used."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceSpot:
    """A place in a slice view; see `arviewer.ui.viewports.hands.Spot`."""

    place: QPointF
    frame: SliceFrame
    size: Size
    cursor_lps: Float
    space: str

    @property
    def point_lps(self) -> Float:
        """The point of the patient, in the slice."""
        return self._point(self.place)

    @property
    def plane(self) -> Plane:
        """The slice."""
        return self.frame.plane(self.cursor_lps, self.space)

    @property
    def mm_per_pixel(self) -> float:
        """Of a logical pixel."""
        return self.frame.mm_per_pixel

    def lasso(self, line: list[QPointF]) -> Lasso:
        """Return the line, in mm of the slice to the right and down from the cursor."""
        plane = self.plane
        matrix = np.eye(4)
        matrix[:3, :3] = plane.lps_from_view.matrix[:3, :3].T
        matrix[:3, 3] = -matrix[:3, :3] @ plane.origin_lps
        points = np.array([self._point(place) for place in line])
        return Lasso(matrix, (points @ matrix[:3, :3].T + matrix[:3, 3])[:, :2])

    def _point(self, place: QPointF) -> Float:
        return self.frame.lps_at(place.x(), place.y(), self.size, self.cursor_lps)


@dataclass(frozen=True, slots=True, eq=False)
class PictureSpot:
    """A place on the 3D picture; see `arviewer.ui.viewports.hands.Spot`."""

    place: QPointF
    camera: Camera
    size: Size

    @property
    def point_lps(self) -> None:
        """None: a place on a picture is a line of sight."""

    @property
    def plane(self) -> None:
        """None: it is no slice."""

    @property
    def mm_per_pixel(self) -> float:
        """In the plane through the focal point."""
        return self.camera.mm_per_pixel(self.size)

    def lasso(self, line: list[QPointF]) -> Lasso:
        """Return the line in the picture's own coordinates: -1 to 1 to the right, and up."""
        eye = self.camera.eye(self.size)
        matrix = eye.projection(NEAR_MM, FAR_MM) @ np.linalg.inv(eye.lps_from_eye)
        width, height = self.size
        return Lasso(matrix, np.array([(2 * p.x() / width - 1, 1 - 2 * p.y() / height) for p in line]))
