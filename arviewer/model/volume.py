"""A volume of voxels and where it lies in the patient."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import GeometryError, UsageError
from arviewer.model.findings import Finding
from arviewer.model.geometry import Affine, Float, Ijk, Lps, Points, read_only

if TYPE_CHECKING:
    from arviewer.model.study import Series


@dataclass(frozen=True, slots=True)
class Region:
    """Which voxels of a grid are wanted: a box, and of it every `step`-th along each axis.

    Attributes
    ----------
    start_kji, stop_kji : tuple of int
        First voxel and the one behind the last, slices first.
    step : int
        1 for all.
    """

    start_kji: tuple[int, int, int]
    stop_kji: tuple[int, int, int]
    step: int = 1

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """How many voxels that is along each axis."""
        k, j, i = (-(-(stop - start) // self.step) for start, stop in zip(self.start_kji, self.stop_kji, strict=True))
        return k, j, i

    def require_inside(self, shape_kji: tuple[int, int, int]) -> None:
        """Raise `UsageError` unless this is a part of a grid of that shape that holds at least one voxel."""
        bounds = zip(self.start_kji, self.stop_kji, shape_kji, strict=True)
        if self.step < 1 or not all(0 <= start < stop <= size for start, stop, size in bounds):
            raise UsageError(
                "The region is not a part of the volume.",
                f"It reaches from {self.start_kji} to {self.stop_kji} in steps of {self.step}, the volume has"
                f" {shape_kji} voxels (slices, rows, columns).",
            )


@dataclass(frozen=True, slots=True, eq=False)
class VolumeGeometry:
    """A grid of voxels in patient space.

    Attributes
    ----------
    shape_kji : tuple of int
        Slices, rows, columns.
    lps_from_ijk : Affine[Lps, Ijk]
        Voxel (i, j, k) to mm; right-handed (det > 0); sheared for a tilted gantry. Its ``to_space`` is the
        frame of reference, its ``from_space`` the id of this grid.

    Raises
    ------
    GeometryError
        When the map mirrors, or the grid is empty.
    """

    shape_kji: tuple[int, int, int]
    lps_from_ijk: Affine[Lps, Ijk]

    def __post_init__(self) -> None:
        if min(self.shape_kji) < 1:
            raise GeometryError("A volume needs at least one voxel.", f"Its shape is {self.shape_kji}.")
        if self.lps_from_ijk.determinant <= 0:
            raise GeometryError(
                "A volume must not be mirrored.",
                f"The determinant of its affine is {self.lps_from_ijk.determinant:g}.",
                "Order the slices along the cross product of row and column direction.",
            )

    @staticmethod
    def of_grid(shape_kji: tuple[int, int, int], matrix: Float, frame_of_reference_uid: str) -> VolumeGeometry:
        """Return the geometry of a grid, named by what it is: equal grids have equal names.

        Parameters
        ----------
        matrix : ndarray, shape (4, 4)
            Voxel (i, j, k) to LPS mm.
        """
        meant = repr((frame_of_reference_uid, shape_kji, np.asarray(matrix).tolist()))
        name = f"grid:{hashlib.sha256(meant.encode()).hexdigest()[:16]}"
        return VolumeGeometry(shape_kji, Affine(matrix, to_space=frame_of_reference_uid, from_space=name))

    def part(self, region: Region) -> VolumeGeometry:
        """Return the grid of a part of the voxels; each of them stays where it is.

        Raises
        ------
        UsageError
            When the region is not inside this grid.
        """
        region.require_inside(self.shape_kji)
        matrix = self.lps_from_ijk.matrix.copy()
        matrix[:3, 3] = matrix[:3, :3] @ np.array(region.start_kji[::-1]) + matrix[:3, 3]
        matrix[:3, :3] *= region.step
        return VolumeGeometry.of_grid(region.shape_kji, matrix, self.frame_of_reference_uid)

    @property
    def frame_of_reference_uid(self) -> str:
        """The frame of reference the volume lies in; "" when the files name none."""
        return self.lps_from_ijk.to_space

    def same_grid(self, other: VolumeGeometry) -> bool:
        """Whether every voxel of another grid lies where this one's of that index does, in one frame of reference."""
        return self.lps_from_ijk.from_space == other.lps_from_ijk.from_space

    @property
    def spacing_mm(self) -> Float:
        """Distance between neighbouring voxel centres along i, j, k; shape (3,), mm."""
        return np.asarray(np.linalg.norm(self.lps_from_ijk.matrix[:3, :3], axis=0), dtype=np.float64)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm³ (exact for sheared grids too)."""
        return self.lps_from_ijk.determinant

    @property
    def center_lps(self) -> Float:
        """The middle of the grid, shape (3,), mm."""
        k, j, i = self.shape_kji
        middle: Points[Ijk] = Points(np.array([[i - 1, j - 1, k - 1]]) / 2, self.lps_from_ijk.from_space)
        return np.asarray(self.lps_from_ijk(middle).xyz[0], dtype=np.float64)

    def corners_lps(self) -> Float:
        """Return the eight outer corners (voxel edges, not centres), shape (8, 3), mm."""
        k, j, i = self.shape_kji
        ends = itertools.product((-0.5, i - 0.5), (-0.5, j - 0.5), (-0.5, k - 0.5))
        corners: Points[Ijk] = Points(np.array(list(ends)), self.lps_from_ijk.from_space)
        return self.lps_from_ijk(corners).xyz


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Volume:
    """Voxels with their place in the patient and what is doubtful about them.

    Attributes
    ----------
    voxels : ndarray, shape (K, J, I), read-only
        Rescaled values in `unit`; int16 stays int16.
    geometry : VolumeGeometry
    series : Series
        What it was read from.
    unit : str
        "HU" for CT, else (0028,1054) *Rescale Type* or (0054,1001) *Units*, "" when unknown.
    slice_valid : ndarray of bool, shape (K,), read-only
        False where the slice of that place was lost; its voxels mean nothing.
    padding_value : float or None
        Value (after rescale) of voxels outside the field of view, (0028,0120).
    """

    voxels: npt.NDArray[Any]
    geometry: VolumeGeometry
    series: Series
    unit: str
    slice_valid: npt.NDArray[np.bool_]
    findings: tuple[Finding, ...] = ()
    padding_value: float | None = None

    def __post_init__(self) -> None:
        if self.voxels.shape != self.geometry.shape_kji:
            raise GeometryError(
                "The voxels do not fit their geometry.",
                f"Voxels are {self.voxels.shape}, the grid is {self.geometry.shape_kji}.",
            )
        object.__setattr__(self, "voxels", read_only(self.voxels))
        object.__setattr__(self, "slice_valid", read_only(self.slice_valid))
