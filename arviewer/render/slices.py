"""Slice pictures: gray pixels of a volume in any plane, without a window system."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkImagingCore import vtkImageReslice

from arviewer.errors import UsageError
from arviewer.model.geometry import Affine, Float, Ijk, Lps, Plane, View, require_same_space
from arviewer.model.volume import Volume
from arviewer.words import _

OUTSIDE_GRAY = 44
"""Gray of pixels beyond the scan: air inside the scan is black, so that the border of the scan is seen."""

HATCH_GRAYS = (30, 96)
"""Dark and light gray of the stripes where a slice was lost: nothing there is data."""

HATCH_PIXELS = 8
"""Period of those stripes."""

ON_SLICE = 1e-4
"""How near to a slice (in slice spacings) a pixel counts as lying on it alone: hides rounding of the affine."""

MAX_SIDE_PIXELS = 16384
"""Longest side of a picture: what OpenGL drivers commonly allow for a texture."""


@dataclass(frozen=True, slots=True)
class SliceView:
    """Which part of a plane a picture shows.

    Attributes
    ----------
    center_mm : (x, y)
        The point of the plane in the middle of the picture, in `View` mm (x right, y down).
    mm_per_pixel : float
        Equal in both directions, whatever the spacing of the voxels.
    size_px : (width, height)
    """

    center_mm: tuple[float, float]
    mm_per_pixel: float
    size_px: tuple[int, int]

    def __post_init__(self) -> None:
        if not (min(self.size_px) > 0 and max(self.size_px) <= MAX_SIDE_PIXELS and self.mm_per_pixel > 0):
            raise UsageError(
                _("A slice picture needs a size and a scale."),
                _("{size} pixels of {mm} mm.").format(size=self.size_px, mm=self.mm_per_pixel),
            )

    @property
    def start_mm(self) -> tuple[float, float]:
        """Where the centre of the top left pixel lies, in `View` mm."""
        (x, y), (width, height) = self.center_mm, self.size_px
        return x - (width - 1) / 2 * self.mm_per_pixel, y - (height - 1) / 2 * self.mm_per_pixel

    def mm_from_pixel(self, pixels: npt.ArrayLike) -> Float:
        """Return (x, y) in `View` mm of (column, row), shape (N, 2); pixel centres are whole numbers."""
        return np.atleast_2d(np.asarray(pixels, dtype=np.float64)) * self.mm_per_pixel + self.start_mm

    def pixel_from_mm(self, points_mm: npt.ArrayLike) -> Float:
        """Return (column, row) of (x, y) in `View` mm, shape (N, 2)."""
        return (np.atleast_2d(np.asarray(points_mm, dtype=np.float64)) - self.start_mm) / self.mm_per_pixel


@dataclass(frozen=True, slots=True, eq=False)
class SlicePicture:
    """A slice as it is seen.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (H, W), C-contiguous
        0 black to 255 white; `OUTSIDE_GRAY` beyond the scan, stripes where a slice was lost.
    inside : ndarray of bool, shape (H, W)
        Where the scan has voxels: within half a voxel of its outermost centres.
    lost : ndarray of bool, shape (H, W), or None
        Where a lost slice had a share in the pixel; None when there is no such pixel.
    """

    pixels: npt.NDArray[np.uint8]
    inside: npt.NDArray[np.bool_]
    lost: npt.NDArray[np.bool_] | None


def slice_picture(
    volume: Volume,
    plane: Plane,
    view: SliceView,
    window: tuple[float, float],
    interpolate: bool = True,
) -> SlicePicture:
    """Return the picture of a volume in a plane.

    Parameters
    ----------
    volume : Volume
    plane : Plane
        Any orientation, in the volume's frame of reference.
    view : SliceView
    window : (center, width)
        In the volume's unit.
    interpolate : bool
        Between voxels linearly; else the nearest voxel.

    Raises
    ------
    GeometryError
        When the plane lies in another frame of reference.
    UsageError
        When the window is narrower than 1.
    """
    return reslicer(volume).picture(plane, view, window, interpolate)


_reslicers: weakref.WeakKeyDictionary[Volume, Reslicer] = weakref.WeakKeyDictionary()


def reslicer(volume: Volume) -> Reslicer:
    """Return the reslicer of a volume, made once and kept as long as the volume lives."""
    found = _reslicers.get(volume)
    if found is None:
        found = _reslicers[volume] = Reslicer(volume)
    return found


class Reslicer:
    """A volume made ready for slicing: wrapped, not copied.

    The voxels are wrapped in index space and the plane is brought to them by one affine, so that oblique and
    sheared grids need nothing of their own.
    """

    def __init__(self, volume: Volume) -> None:
        self._ijk_from_lps: Affine[Ijk, Lps] = volume.geometry.lps_from_ijk.inverse()
        self._shape_kji = volume.geometry.shape_kji
        # Kept as it is, not as it was: while a volume is loaded, its slices become valid one by one.
        self._valid_k = volume.slice_valid
        self._inverted = volume.series.inverted
        # The array is kept, not the volume: a cache that held its own key would never let it go.
        self._voxels = np.ascontiguousarray(volume.voxels)
        self._filter = vtkImageReslice()
        self._filter.SetInputDataObject(self._wrapped())
        self._filter.SetOutputDimensionality(2)
        self._filter.SetBorder(True)

    def _wrapped(self) -> vtkImageData:
        flat = self._voxels.ravel()
        image = vtkImageData()
        k, j, i = self._shape_kji
        image.SetDimensions(i, j, k)
        image.GetPointData().SetScalars(numpy_to_vtk(flat.view(np.uint8) if flat.dtype == bool else flat))
        return image

    def renew(self) -> None:
        """Look at the voxels again: more slices have been read into their memory."""
        self._filter.GetInput().GetPointData().GetScalars().Modified()
        self._filter.GetInput().Modified()

    def values(self, plane: Plane, view: SliceView, interpolate: bool = True) -> npt.NDArray[Any]:
        """Return the voxels' values in a plane, shape (H, W), in the volume's type (whole types are rounded).

        Beyond the scan they are 0; `inside` says where that is. The array is reused by the next call.
        """
        width, height = view.size_px
        x, y = view.start_mm
        reslice = self._filter
        matrix = vtkMatrix4x4()
        matrix.DeepCopy(self._ijk_from_view(plane).matrix.ravel().tolist())
        reslice.SetResliceAxes(matrix)
        reslice.SetOutputOrigin(x, y, 0.0)
        reslice.SetOutputSpacing(view.mm_per_pixel, view.mm_per_pixel, 1.0)
        reslice.SetOutputExtent(0, width - 1, 0, height - 1, 0, 0)
        if interpolate:
            reslice.SetInterpolationModeToLinear()
        else:
            reslice.SetInterpolationModeToNearestNeighbor()
        reslice.Update()
        found = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())
        return np.asarray(found).reshape(height, width)

    def picture(
        self, plane: Plane, view: SliceView, window: tuple[float, float], interpolate: bool = True
    ) -> SlicePicture:
        """Return the gray picture of a plane; see `slice_picture`."""
        pixels = windowed(self.values(plane, view, interpolate), window)
        if self._inverted:
            np.subtract(255, pixels, out=pixels)
        inside = self.inside(plane, view)
        pixels[~inside] = OUTSIDE_GRAY
        lost = self.lost(plane, view)
        if lost is not None:
            lost &= inside
            lost = lost if lost.any() else None
        if lost is not None:
            pixels[lost] = hatch(view.size_px)[lost]
        return SlicePicture(pixels, inside, lost)

    def inside(self, plane: Plane, view: SliceView) -> npt.NDArray[np.bool_]:
        """Return where the scan has voxels, shape (H, W).

        Each face of the scan bounds every row of the picture at one column, since an affine is linear: two
        numbers per row instead of three coordinates per pixel.
        """
        width, height = view.size_px
        first, per_column, per_row = self._steps(plane, view)
        low, high = np.full(height, -np.inf), np.full(height, np.inf)
        for axis, count in enumerate(reversed(self._shape_kji)):
            start = first[axis] + per_row[axis] * np.arange(height)
            step = per_column[axis]
            if abs(step) * width < ON_SLICE:
                out = (start < -0.5 - ON_SLICE) | (start > count - 0.5 + ON_SLICE)
                low[out] = np.inf
                continue
            ends = np.sort(((-0.5 - start) / step, (count - 0.5 - start) / step), axis=0)
            low, high = np.maximum(low, ends[0]), np.minimum(high, ends[1])
        columns = np.arange(width, dtype=np.float64)
        return np.asarray((columns >= low[:, None]) & (columns <= high[:, None]))

    def lost(self, plane: Plane, view: SliceView) -> npt.NDArray[np.bool_] | None:
        """Return where a lost slice has a share in the pixel, the nearest one beyond the scan; None without any."""
        lost_k = ~self._valid_k
        if not lost_k.any():
            return None
        width, height = view.size_px
        first, per_column, per_row = (steps[2] for steps in self._steps(plane, view))
        k = first + per_column * np.arange(width) + (per_row * np.arange(height))[:, None]
        last = len(lost_k) - 1
        below = np.clip(np.floor(k + ON_SLICE), 0, last).astype(np.intp)
        above = np.clip(np.ceil(k - ON_SLICE), 0, last).astype(np.intp)
        return np.asarray(lost_k[below] | lost_k[above])

    def _ijk_from_view(self, plane: Plane) -> Affine[Ijk, View]:
        require_same_space(self._ijk_from_lps.from_space, plane.lps_from_view.to_space)
        return self._ijk_from_lps @ plane.lps_from_view

    def _steps(self, plane: Plane, view: SliceView) -> tuple[Float, Float, Float]:
        """Return ijk of the top left pixel, and how ijk grows per column and per row; each shape (3,)."""
        matrix = self._ijk_from_view(plane).matrix
        x, y = view.start_mm
        first = matrix[:3, 3] + matrix[:3, 0] * x + matrix[:3, 1] * y
        return first, matrix[:3, 0] * view.mm_per_pixel, matrix[:3, 1] * view.mm_per_pixel


def windowed(values: npt.NDArray[Any], window: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Return gray levels by the linear window of PS3.3 C.11.2.1.2.1 (*LINEAR*), y from 0 to 255.

    ::

        x <= c - 0.5 - (w - 1) / 2   ->  0
        x >  c - 0.5 + (w - 1) / 2   ->  255
        else                         ->  ((x - (c - 0.5)) / (w - 1) + 0.5) * 255, rounded to the nearest

    Parameters
    ----------
    values : ndarray, any shape, any real type
    window : (center c, width w), w at least 1
    """
    center, width = window
    if not width >= 1:
        raise UsageError(
            _("A window is at least 1 wide."), _("It is {width} (PS3.3 C.11.2.1.2.1).").format(width=width)
        )
    if values.dtype.itemsize <= 2 and values.dtype.kind in "iu":
        kind = values.dtype
        unsigned = np.dtype(f"u{kind.itemsize}")
        # Every value there can be, in the order of their bits: one look-up per pixel instead of arithmetic.
        table = _gray(np.arange(2 ** (8 * kind.itemsize), dtype=unsigned).view(kind).astype(np.float64), center, width)
        return np.asarray(table[values.view(unsigned)])
    return _gray(values.astype(np.float64), center, width)


def _gray(x: Float, center: float, width: float) -> npt.NDArray[np.uint8]:
    if width == 1:
        return np.where(x > center - 0.5, np.uint8(255), np.uint8(0))
    share = np.clip((x - (center - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)
    return np.asarray(np.rint(share * 255), dtype=np.uint8)


def hatch(size_px: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return diagonal stripes, shape (H, W): the mark of places without data."""
    width, height = size_px
    stripes = (np.arange(width) + np.arange(height)[:, None]) % HATCH_PIXELS < HATCH_PIXELS // 4
    dark, light = HATCH_GRAYS
    return np.where(stripes, np.uint8(light), np.uint8(dark))
