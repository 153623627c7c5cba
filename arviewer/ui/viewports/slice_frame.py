"""Where a slice view looks: the map between its pixels and the patient, without Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from arviewer.model.geometry import Float, Plane, side_letters, standard_plane
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.render.slices import SliceView

FIT_MARGIN = 1.08
"""How much larger than the volume a fitted view is, so that the letters stand beside the anatomy."""

MIN_MM_PER_PIXEL, MAX_MM_PER_PIXEL = 0.01, 20.0
"""How far one can zoom: beyond, a picture holds less than a voxel, or the volume is a dot."""


@dataclass(frozen=True, slots=True)
class SliceFrame:
    """One of the three planes, and the part of it that a view shows.

    Attributes
    ----------
    name : {"axial", "coronal", "sagittal"}
    center_mm : (x, y)
        The place in the middle of the view: distance from the patient's origin along the view's right and down
        directions, in mm; it stays when the slice is scrolled.
    mm_per_pixel : float
        Of a logical pixel.
    """

    name: str
    center_mm: tuple[float, float] = (0.0, 0.0)
    mm_per_pixel: float = 1.0

    def plane(self, through_lps: Float, space: str) -> Plane:
        """Return the view's plane through a point, shape (3,), mm."""
        return standard_plane(self.name, through_lps, space)

    def axes_lps(self) -> tuple[Float, Float, Float]:
        """Return the directions right, down and away from the reader, each shape (3,)."""
        plane = self.plane(np.zeros(3), "")
        return plane.right_lps, plane.down_lps, plane.normal_lps

    def fitted(self, geometry: VolumeGeometry, size: tuple[int, int]) -> SliceFrame:
        """Return the frame that shows all of a volume in `size` (width, height) logical pixels."""
        right, down, _ = self.axes_lps()
        corners = geometry.corners_lps()
        across, along = corners @ right, corners @ down
        scale = max(np.ptp(across) / max(size[0], 1), np.ptp(along) / max(size[1], 1)) * FIT_MARGIN
        center = float(across.min() + across.max()) / 2, float(along.min() + along.max()) / 2
        return replace(self, center_mm=center, mm_per_pixel=_clamped(float(scale)))

    def view(self, cursor_lps: Float, size_px: tuple[int, int], pixel_ratio: float) -> SliceView:
        """Return what the renderer draws: `size_px` device pixels of the plane through the cursor."""
        right, down, _ = self.axes_lps()
        center = self.center_mm[0] - float(cursor_lps @ right), self.center_mm[1] - float(cursor_lps @ down)
        return SliceView(center, self.mm_per_pixel / pixel_ratio, size_px)

    def lps_at(self, x: float, y: float, size: tuple[int, int], cursor_lps: Float) -> Float:
        """Return the point of the patient under a place of the view, in the plane through the cursor.

        Parameters
        ----------
        x, y : float
            Logical pixels from the view's top left corner (its edge, not a pixel's centre).
        """
        right, down, normal = self.axes_lps()
        across = self.center_mm[0] + (x - size[0] / 2) * self.mm_per_pixel
        along = self.center_mm[1] + (y - size[1] / 2) * self.mm_per_pixel
        return np.asarray(right * across + down * along + normal * float(cursor_lps @ normal))

    def xy_of(self, point_lps: Float, size: tuple[int, int]) -> tuple[float, float]:
        """Return where a point falls, in logical pixels from the view's top left corner."""
        right, down, _ = self.axes_lps()
        across, along = float(point_lps @ right), float(point_lps @ down)
        return (
            (across - self.center_mm[0]) / self.mm_per_pixel + size[0] / 2,
            (along - self.center_mm[1]) / self.mm_per_pixel + size[1] / 2,
        )

    def panned(self, dx_px: float, dy_px: float) -> SliceFrame:
        """Return the frame with the anatomy moved right and down by logical pixels."""
        x, y = self.center_mm
        return replace(self, center_mm=(x - dx_px * self.mm_per_pixel, y - dy_px * self.mm_per_pixel))

    def zoomed(self, factor: float, x: float, y: float, size: tuple[int, int]) -> SliceFrame:
        """Return the frame magnified by `factor`; what is under (x, y) stays there."""
        scale = _clamped(self.mm_per_pixel / factor)
        dx, dy = x - size[0] / 2, y - size[1] / 2
        change = self.mm_per_pixel - scale
        center = self.center_mm[0] + dx * change, self.center_mm[1] + dy * change
        return replace(self, center_mm=center, mm_per_pixel=scale)

    def position(self, cursor_lps: Float) -> str:
        """Return where the slice lies, as people say it: "H 12.5 mm"."""
        normal = self.axes_lps()[2]
        direction = normal * (np.sign(normal[np.argmax(np.abs(normal))]))
        offset = float(cursor_lps @ direction)
        return f"{side_letters(direction * (-1.0 if offset < 0 else 1.0))} {abs(offset):.1f} mm"


def step_mm(geometry: VolumeGeometry, normal_lps: Float) -> float:
    """Return how far a view scrolls: the spacing of the voxel axis that runs most along its normal, in mm."""
    axes = geometry.lps_from_ijk.matrix[:3, :3] / geometry.spacing_mm
    return float(geometry.spacing_mm[int(np.argmax(np.abs(normal_lps @ axes)))])


def held_inside(geometry: VolumeGeometry, point_lps: Float) -> Float:
    """Return the point of the volume (voxel centres) that is nearest along the voxel axes."""
    matrix = geometry.lps_from_ijk.matrix
    ijk = np.linalg.solve(matrix[:3, :3], np.asarray(point_lps, dtype=np.float64) - matrix[:3, 3])
    k, j, i = geometry.shape_kji
    return np.asarray(matrix[:3, :3] @ np.clip(ijk, 0, (i - 1, j - 1, k - 1)) + matrix[:3, 3])


def value_at(volume: Volume, point_lps: Float) -> float | None:
    """Return the nearest voxel's value; None outside the volume and in a lost slice."""
    matrix = volume.geometry.lps_from_ijk.matrix
    i, j, k = np.rint(np.linalg.solve(matrix[:3, :3], point_lps - matrix[:3, 3])).astype(int)
    shape = volume.geometry.shape_kji
    if not (0 <= k < shape[0] and 0 <= j < shape[1] and 0 <= i < shape[2]) or not volume.slice_valid[k]:
        return None
    return float(volume.voxels[k, j, i])


def position_words(point_lps: Float) -> str:
    """Return a place as people read it: "R 12.3  A 4.5  H 7.6 mm"."""
    letters = (("L", "R"), ("P", "A"), ("H", "F"))
    parts = [f"{pair[int(x < 0)]} {abs(x):.1f}" for pair, x in zip(letters, point_lps, strict=True)]
    return "  ".join(parts) + " mm"


def _clamped(mm_per_pixel: float) -> float:
    return min(max(mm_per_pixel, MIN_MM_PER_PIXEL), MAX_MM_PER_PIXEL)
