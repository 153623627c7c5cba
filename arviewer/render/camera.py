"""Where the reader stands and which pixel a point of the patient falls on, in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arviewer.errors import GeometryError, UsageError
from arviewer.model.geometry import Float
from arviewer.words import _

Vector = tuple[float, float, float]
"""Three coordinates in LPS mm, or a direction."""

STANDARD_VIEWS: dict[str, tuple[Vector, Vector]] = {
    # Toward the reader, and up. "anterior" is what the reader in front of the patient sees: left at the right.
    "anterior": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "posterior": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "left": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "right": ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "head": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "feet": ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
}
"""Direction from the patient to the reader, and the direction up, of each standard view (LPS)."""

VIEW_ANGLE_DEG = 30.0
"""Full vertical angle of a perspective picture: what a screen fills at a usual distance."""

FILL = 0.80
"""Share of the picture's height or width that the anatomy fills, so that the edge letters stay clear of it."""

RIGID_TOLERANCE = 1e-6
"""Largest departure of an eye's axes from orthonormal (unitless): float64 rounding leaves 1e-15."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """One eye: where it is, and the frustum or box that it sees.

    Attributes
    ----------
    lps_from_eye : ndarray, shape (4, 4), mm
        Rigid; in the eye's space +x is right, +y up, +z toward the reader (OpenGL's and OpenXR's convention).
    edges : (left, right, bottom, top)
        Perspective: tangents of the angles to the edges, left and bottom usually negative.
        Parallel: mm from the axis.
    parallel : bool
    focus_mm : float
        Distance to the plane that counts as the middle of the scene; the scale bar of a perspective holds there.

    Raises
    ------
    GeometryError
        When the pose is not rigid (it would mirror or distort the patient) or the frustum is empty.
    """

    lps_from_eye: Float
    edges: tuple[float, float, float, float]
    parallel: bool = False
    focus_mm: float = 1000.0

    def __post_init__(self) -> None:
        axes = np.asarray(self.lps_from_eye, dtype=np.float64)[:3, :3]
        if not np.allclose(axes.T @ axes, np.eye(3), atol=RIGID_TOLERANCE) or np.linalg.det(axes) <= 0:
            raise GeometryError(_("An eye must not mirror or distort the patient."), f"Its axes are {axes.tolist()}.")
        left, right, bottom, top = self.edges
        if not (left < right and bottom < top):
            raise GeometryError(_("An eye must see something."), f"Its edges are {self.edges}.")

    @property
    def position_lps(self) -> Float:
        """Where the eye is, shape (3,), mm."""
        return self.lps_from_eye[:3, 3]

    @property
    def right_lps(self) -> Float:
        """Unit direction to the right of the picture, shape (3,)."""
        return self.lps_from_eye[:3, 0]

    @property
    def up_unit_lps(self) -> Float:
        """Unit direction up the picture, shape (3,)."""
        return self.lps_from_eye[:3, 1]

    @property
    def forward_lps(self) -> Float:
        """Unit direction into the picture, shape (3,)."""
        return -self.lps_from_eye[:3, 2]

    def in_eye(self, points_lps: npt.ArrayLike) -> Float:
        """Return points in the eye's space, shape (N, 3), mm."""
        offset = np.atleast_2d(np.asarray(points_lps, dtype=np.float64)) - self.lps_from_eye[:3, 3]
        return np.asarray(offset @ self.lps_from_eye[:3, :3])

    def project(self, points_lps: npt.ArrayLike, size: tuple[int, int]) -> Float:
        """Return the pixel each point falls on.

        Parameters
        ----------
        points_lps : array_like, shape (N, 3) or (3,), mm
        size : (width, height) in pixels

        Returns
        -------
        ndarray, shape (N, 2)
            Column and row; (0, 0) is the *centre* of the top left pixel. NaN behind a perspective eye.
        """
        local = self.in_eye(points_lps)
        left, right, bottom, top = self.edges
        plane = local[:, :2]
        if not self.parallel:
            depth = np.where(local[:, 2] < 0, -local[:, 2], np.nan)
            plane = plane / depth[:, None]
        share = (plane - (left, bottom)) / (right - left, top - bottom)
        width, height = size
        return np.column_stack((share[:, 0] * width - 0.5, (1 - share[:, 1]) * height - 0.5))

    def projection(self, near_mm: float, far_mm: float) -> Float:
        """Return the OpenGL projection matrix, shape (4, 4), depth -1 at `near_mm` and 1 at `far_mm`.

        The matrices of ``glFrustum`` and ``glOrtho`` (OpenGL 2.1 specification, section 2.11.2).
        """
        left, right, bottom, top = self.edges
        matrix = np.zeros((4, 4))
        matrix[0, 0], matrix[1, 1] = 2 / (right - left), 2 / (top - bottom)
        across, along = (right + left) / (right - left), (top + bottom) / (top - bottom)
        if self.parallel:
            matrix[:3, 3] = -across, -along, -(far_mm + near_mm) / (far_mm - near_mm)
            matrix[2, 2], matrix[3, 3] = -2 / (far_mm - near_mm), 1
        else:
            matrix[:2, 2] = across, along
            matrix[2, 2:] = -(far_mm + near_mm) / (far_mm - near_mm), -2 * far_mm * near_mm / (far_mm - near_mm)
            matrix[3, 2] = -1
        return matrix

    def mm_per_pixel(self, size: tuple[int, int]) -> float:
        """Return the length of a pixel: everywhere when parallel, else in the plane at `focus_mm`."""
        across = (self.edges[1] - self.edges[0]) / size[0]
        return across if self.parallel else across * self.focus_mm


@dataclass(frozen=True, slots=True)
class Camera:
    """The reader's place, as a value: every movement returns a new camera.

    A parallel and a perspective camera of the same numbers show the plane through the focal point alike.

    Attributes
    ----------
    position_lps, focal_lps : tuple of float, mm
        Where the reader is, and the point looked at.
    up_lps : tuple of float
        Direction up the picture; need not be square to the line of sight.
    view_angle_deg : float
        Full vertical angle, in (0, 180).
    parallel : bool
        Parallel projection: lengths across the picture hold at every depth.
    """

    position_lps: Vector
    focal_lps: Vector
    up_lps: Vector
    view_angle_deg: float = VIEW_ANGLE_DEG
    parallel: bool = True

    def __post_init__(self) -> None:
        sight = np.subtract(self.focal_lps, self.position_lps)
        if not np.linalg.norm(np.cross(sight, self.up_lps)) > 0 or not 0 < self.view_angle_deg < 180:
            raise GeometryError(
                _("A camera needs a line of sight, a direction up across it, and an angle."), repr(self)
            )

    @classmethod
    def standard(
        cls,
        view: str,
        bounds_lps: tuple[npt.ArrayLike, npt.ArrayLike],
        aspect: float = 4 / 3,
        parallel: bool = True,
    ) -> Camera:
        """Return the camera that shows a box whole from one side of the patient.

        Parameters
        ----------
        view : {"anterior", "posterior", "left", "right", "head", "feet"}
            The side of the patient the reader looks at. "left": anterior at the left of the picture, head up;
            "head": from above, anterior up; "feet": from below, anterior up, as axial slices are read.
        bounds_lps : (low, high), each shape (3,), mm
        aspect : float
            Width of the picture divided by its height.

        Raises
        ------
        UsageError
            When there is no such view.
        """
        if view not in STANDARD_VIEWS:
            raise UsageError(
                _("There is no view {view!r}.").format(view=view),
                _("There is {names}.").format(names=", ".join(STANDARD_VIEWS)),
            )
        low, high = (np.asarray(b, dtype=np.float64) for b in bounds_lps)
        toward, up = STANDARD_VIEWS[view]
        focal = (low + high) / 2
        camera = cls(vector(focal + np.asarray(toward)), vector(focal), up, parallel=parallel)
        return camera.fitting(box_corners(low, high), aspect)

    def fitting(self, points_lps: Float, aspect: float) -> Camera:
        """Return this camera moved along its line of sight so that all points, shape (N, 3), fill the picture."""
        right, up, back = self.axes.T
        offset = np.asarray(points_lps, dtype=np.float64) - self.focal_lps
        need = np.maximum(np.abs(offset @ up), np.abs(offset @ right) / aspect) / FILL / self.half_angle_tan
        distance = float(np.max(need if self.parallel else need + offset @ back))
        return replace(self, position_lps=vector(np.asarray(self.focal_lps) + back * max(distance, 1.0)))

    @property
    def half_angle_tan(self) -> float:
        """Tangent of half the vertical view angle."""
        return float(np.tan(np.deg2rad(self.view_angle_deg / 2)))

    @property
    def distance_mm(self) -> float:
        """From the reader to the focal point."""
        return float(np.linalg.norm(np.subtract(self.focal_lps, self.position_lps)))

    @property
    def half_height_mm(self) -> float:
        """Half the height of the picture in the plane through the focal point."""
        return self.distance_mm * self.half_angle_tan

    @property
    def axes(self) -> Float:
        """Unit directions right, up, toward the reader, as columns, shape (3, 3)."""
        back = np.subtract(self.position_lps, self.focal_lps) / self.distance_mm
        right = np.cross(self.up_lps, back)
        right = right / np.linalg.norm(right)
        return np.column_stack((right, np.cross(back, right), back))

    @property
    def right_lps(self) -> Float:
        """Unit direction to the right of the picture, shape (3,)."""
        return np.asarray(self.axes[:, 0])

    @property
    def up_unit_lps(self) -> Float:
        """Unit direction up the picture, square to the line of sight, shape (3,)."""
        return np.asarray(self.axes[:, 1])

    @property
    def forward_lps(self) -> Float:
        """Unit direction into the picture, shape (3,)."""
        return np.asarray(-self.axes[:, 2])

    def eye(self, size: tuple[int, int]) -> Eye:
        """Return the one eye of a mono picture of `size` (width, height) pixels."""
        half = self.half_height_mm if self.parallel else self.half_angle_tan
        wide = half * size[0] / size[1]
        return Eye(pose(self.axes, self.position_lps), (-wide, wide, -half, half), self.parallel, self.distance_mm)

    def project(self, points_lps: npt.ArrayLike, size: tuple[int, int]) -> Float:
        """Return the pixels (column, row) of points, shape (N, 2); see `Eye.project`."""
        return self.eye(size).project(points_lps, size)

    def mm_per_pixel(self, size: tuple[int, int]) -> float:
        """Return the length of a pixel in the plane through the focal point (parallel: everywhere)."""
        return 2 * self.half_height_mm / size[1]

    def orbit(self, dx_deg: float, dy_deg: float) -> Camera:
        """Walk around the focal point: the side toward the reader turns right by `dx_deg` and down by `dy_deg`."""
        right, up = self.axes.T[:2]
        turn = rotation(right, -dy_deg) @ rotation(up, -dx_deg)
        back = np.subtract(self.position_lps, self.focal_lps)
        return replace(self, position_lps=vector(self.focal_lps + turn @ back), up_lps=vector(turn @ up))

    def pan(self, dx_px: float, dy_px: float, size: tuple[int, int]) -> Camera:
        """Move the anatomy right and down by pixels; a point in the focal plane stays under the pointer."""
        right, up = self.axes.T[:2]
        shift = (-dx_px * right + dy_px * up) * self.mm_per_pixel(size)
        return replace(self, position_lps=vector(self.position_lps + shift), focal_lps=vector(self.focal_lps + shift))

    def zoom(self, factor: float) -> Camera:
        """Magnify the focal plane by `factor`; raise `UsageError` unless it is above 0."""
        if not factor > 0:
            raise UsageError(
                _("A picture can only be magnified by more than zero."),
                _("The factor is {factor}.").format(factor=factor),
            )
        back = np.subtract(self.position_lps, self.focal_lps)
        return replace(self, position_lps=vector(self.focal_lps + back / factor))

    def roll(self, angle_deg: float) -> Camera:
        """Turn the picture clockwise by `angle_deg`."""
        return replace(self, up_lps=vector(rotation(self.axes[:, 2], angle_deg) @ self.up_unit_lps))


def rotation(axis: npt.ArrayLike, angle_deg: float) -> Float:
    """Return the rotation about a unit axis by the right-hand rule, shape (3, 3) (Rodrigues' formula)."""
    x, y, z = np.asarray(axis, dtype=np.float64)
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.deg2rad(angle_deg)
    return np.asarray(np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * (skew @ skew))


def pose(axes: npt.ArrayLike, position: npt.ArrayLike) -> Float:
    """Return the 4×4 matrix whose columns are three axes and a position."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, position
    return matrix


def vector(array: npt.ArrayLike) -> Vector:
    """Return three numbers as a tuple, which compares and hashes by value."""
    x, y, z = np.asarray(array, dtype=np.float64)
    return float(x), float(y), float(z)


def box_corners(low: Float, high: Float) -> Float:
    """Return the eight corners of a box, shape (8, 3)."""
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
