"""Frames, points in them, and the affine maps between them, so that a wrong frame is a type error.

A map is named ``target_from_source`` and composes only when neighbours match::

    view_from_lps @ lps_from_ijk        # Affine[View, Ijk]
    lps_from_ijk @ view_from_lps        # type error

The *kind* of frame is a type parameter, checked by mypy. *Which* one it is (which frame of reference, which
voxel grid) is a value, ``space``, compared whenever two values meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from arviewer.errors import GeometryError

Float = npt.NDArray[np.float64]

MIN_DETERMINANT = 1e-12
"""Smallest |det| (mm³) at which a map still counts as invertible: a voxel of (0.1 µm)³ would pass."""


class Frame:
    """A kind of coordinate space. Subclasses are names for the type checker and are never instantiated."""


class Ijk(Frame):
    """Voxel indices (column i, row j, slice k) of one grid; unitless, centres at integers."""


class Lps(Frame):
    """DICOM patient space in mm: +x to the patient's left, +y to posterior, +z to superior."""


class Ras(Frame):
    """The space of NIfTI and 3D Slicer files in mm: +x right, +y anterior, +z superior. Format adapters only."""


class View(Frame):
    """The plane of a picture in mm: +x to the right of the screen, +y down the screen, +z into it."""


T = TypeVar("T", bound=Frame)
S = TypeVar("S", bound=Frame)
R = TypeVar("R", bound=Frame)


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view of `array` that cannot be written through; one that is so already is the same object."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True, slots=True, eq=False)
class Points(Generic[T]):
    """Positions in one frame.

    Attributes
    ----------
    xyz : ndarray, shape (N, 3), float64, read-only
        Coordinates; mm except for `Ijk`, which has no unit.
    space : str
        Which space of that kind: a FrameOfReferenceUID, a grid id; "" for a space without a name.
    """

    xyz: Float
    space: str = ""

    def __post_init__(self) -> None:
        xyz = np.atleast_2d(np.asarray(self.xyz, dtype=np.float64))
        if xyz.ndim != 2 or xyz.shape[1] != 3:
            raise GeometryError("Points must have three coordinates each.", f"The array has shape {xyz.shape}.")
        object.__setattr__(self, "xyz", read_only(xyz))

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True, slots=True, eq=False)
class Affine(Generic[T, S]):
    """A map from frame S to frame T.

    Attributes
    ----------
    matrix : ndarray, shape (4, 4), float64, read-only
        Homogeneous matrix; last row 0 0 0 1; invertible. Shear is allowed (a tilted gantry has it).
    to_space, from_space : str
        Which spaces of those kinds it joins; "" for a space without a name.
    """

    matrix: Float
    to_space: str = ""
    from_space: str = ""

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.array_equal(matrix[3], (0.0, 0.0, 0.0, 1.0)):
            raise GeometryError("An affine must be 4×4 with the last row 0 0 0 1.", f"It is {matrix.tolist()}.")
        if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < MIN_DETERMINANT:
            raise GeometryError("An affine must be finite and invertible.", f"It is {matrix.tolist()}.")
        object.__setattr__(self, "matrix", read_only(matrix))

    @property
    def determinant(self) -> float:
        """Volume of the image of a unit cube; negative for a mirror."""
        return float(np.linalg.det(self.matrix[:3, :3]))

    def __matmul__(self, other: Affine[S, R]) -> Affine[T, R]:
        require_same_space(self.from_space, other.to_space)
        return Affine(self.matrix @ other.matrix, self.to_space, other.from_space)

    def __call__(self, points: Points[S]) -> Points[T]:
        """Return `points` seen from the other side of the map."""
        require_same_space(self.from_space, points.space)
        # Not `@`: for three columns BLAS waits longer for its own threads than it works.
        moved = np.einsum("nb,ab->na", points.xyz, self.matrix[:3, :3])
        moved += self.matrix[:3, 3]
        return Points(moved, self.to_space)

    def inverse(self) -> Affine[S, T]:
        """Return the map that leads back."""
        return Affine(np.linalg.inv(self.matrix).astype(np.float64), self.from_space, self.to_space)


def require_same_space(expected: str, found: str) -> None:
    """Raise `GeometryError` unless both names mean the same space."""
    if expected != found:
        raise GeometryError(
            "Two different spaces must not be mixed.",
            f"One is {expected or 'unnamed'!r}, the other is {found or 'unnamed'!r}.",
            "Register one to the other explicitly, or use data of one frame of reference.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A picture plane in patient space.

    Attributes
    ----------
    lps_from_view : Affine[Lps, View]
        Rigid: +x of the view to the right of the picture, +y down, +z away from the reader.
    """

    lps_from_view: Affine[Lps, View]

    @property
    def origin_lps(self) -> Float:
        """A point on the plane, shape (3,), mm."""
        return self.lps_from_view.matrix[:3, 3]

    @property
    def right_lps(self) -> Float:
        """Unit direction to the right of the picture, shape (3,)."""
        return self.lps_from_view.matrix[:3, 0]

    @property
    def down_lps(self) -> Float:
        """Unit direction down the picture, shape (3,)."""
        return self.lps_from_view.matrix[:3, 1]

    @property
    def normal_lps(self) -> Float:
        """Unit direction away from the reader, shape (3,)."""
        return self.lps_from_view.matrix[:3, 2]


STANDARD_PLANES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    # Radiological convention: the reader stands at the patient's feet (axial) or in front (coronal), so the
    # patient's left is at the right of the picture; sagittal is seen from the left, anterior at the left.
    "axial": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}
"""Right and down direction (LPS) of each standard picture."""


def standard_plane(name: str, through_lps: npt.ArrayLike, space: str = "") -> Plane:
    """Return the axial, coronal or sagittal picture plane through a point.

    Parameters
    ----------
    name : {"axial", "coronal", "sagittal"}
    through_lps : array_like, shape (3,), mm
        The plane's origin.
    space : str
        The frame of reference the point lies in.
    """
    right, down = STANDARD_PLANES[name]
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = right, down, np.cross(right, down)
    matrix[:3, 3] = through_lps
    return Plane(Affine(matrix, to_space=space))


def side_letters(direction_lps: npt.ArrayLike, tolerance: float = 0.05) -> str:
    """Name a direction in the letters people read: R L A P H F, most important first.

    Parameters
    ----------
    direction_lps : array_like, shape (3,)
        Any length but zero.
    tolerance : float
        Components below this share of the length are left out; 0.05 is 3°, which no reader can see.

    Returns
    -------
    str
        One letter when the direction lies on an axis, up to three when it is oblique ("LA").
        The convention of (0020,0020) *Patient Orientation*, PS3.3 C.7.6.1.1.1.
    """
    direction = np.asarray(direction_lps, dtype=np.float64)
    direction = direction / np.linalg.norm(direction)
    letters = [("L", "R"), ("P", "A"), ("H", "F")]
    order = np.argsort(-np.abs(direction), kind="stable")
    return "".join(letters[axis][int(direction[axis] < 0)] for axis in order if abs(direction[axis]) > tolerance)
