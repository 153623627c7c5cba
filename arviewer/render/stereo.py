"""Two eyes: their poses and their off-axis frusta, in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arviewer.errors import UsageError
from arviewer.model.geometry import Float
from arviewer.render.camera import Camera, Eye, pose
from arviewer.words import _

INTERPUPILLARY_MM = 63.0
"""Mean distance between adult pupils (Dodgson 2004, doi:10.1117/12.529999)."""

COMFORTABLE_SHARE = 1 / 20
"""Largest eye distance as a share of the viewing distance: beyond it the pictures of a near object on a screen
are too far apart to fuse at ease."""


class EyePair(NamedTuple):
    """The two eyes of one person, in this order."""

    left: Eye
    right: Eye


class Angles(NamedTuple):
    """A field of view as OpenXR's ``XrFovf``: signed angles in radians, left and down usually negative."""

    left: float
    right: float
    up: float
    down: float


def comfortable_separation_mm(camera: Camera, interpupillary_mm: float = INTERPUPILLARY_MM) -> float:
    """Return the eye distance for a picture on a screen: the person's own, or less when the camera is near."""
    return min(interpupillary_mm, camera.distance_mm * COMFORTABLE_SHARE)


def eye_pair(camera: Camera, size: tuple[int, int], interpupillary_mm: float = INTERPUPILLARY_MM) -> EyePair:
    """Return two eyes that share the plane through the focal point as their screen.

    The eyes look along parallel axes and their frusta are skewed, so that a point in that plane falls on the same
    pixel in both (zero parallax), and a nearer point further to the right in the left eye's picture. Turned-in
    eyes would add vertical parallax.

    Parameters
    ----------
    camera : Camera
        Between the eyes; always taken as a perspective.
    size : (width, height)
        Of one eye's picture, in pixels.
    interpupillary_mm : float
        Distance between the eyes, above 0.
    """
    if not interpupillary_mm > 0:
        raise UsageError(
            _("The eyes must be apart."), _("The interpupillary distance is {mm} mm.").format(mm=interpupillary_mm)
        )
    half, distance = camera.half_angle_tan, camera.distance_mm
    wide = half * size[0] / size[1]

    def one(offset_mm: float) -> Eye:
        position = camera.position_lps + offset_mm * camera.right_lps
        skew = offset_mm / distance
        return Eye(pose(camera.axes, position), (-wide - skew, wide - skew, -half, half), focus_mm=distance)

    return EyePair(one(-interpupillary_mm / 2), one(interpupillary_mm / 2))


def eye_from_angles(lps_from_eye: npt.ArrayLike, angles: Angles, focus_mm: float = 1000.0) -> Eye:
    """Return an eye from a pose in LPS mm, shape (4, 4), and a headset's field of view in radians."""
    left, right, up, down = (float(np.tan(angle)) for angle in angles)
    matrix: Float = np.asarray(lps_from_eye, dtype=np.float64)
    return Eye(matrix, (left, right, down, up), focus_mm=focus_mm)
