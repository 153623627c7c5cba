"""An even, upright grid in place of a sheared or uneven one: on request only, and said so in a finding.

The slices themselves are kept: each is shifted within its plane to where it lies, and two neighbors are blended where
the new grid has a plane between them. A tilted stack therefore keeps its planes, and nothing is blended across them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.errors import TooLarge
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

MAX_GAP = 2.0
"""Gaps of more than so many median gaps are not bridged: a slice was lost there, and none is made up."""

ON_SLICE_SHARE = 1e-3
"""A plane of the new grid this close to a slice, as a share of the step, is that slice: 0.005 mm at 5 mm."""

SAME_PIXEL = 1e-3
"""Shifts within the plane below this share of a pixel are none: 0.0005 mm, far below any scanner's."""

_REPLACED = (FindingKind.TILTED, FindingKind.UNEVEN_SPACING, FindingKind.MISSING_SLICES, FindingKind.RESAMPLED)
"""Findings about the old grid, which do not hold for the new one or are found anew."""


def resampled(volume: Volume, positions_lps: Float | None = None, progress: Progress = silent) -> Volume:
    """Return the volume on an even grid whose slices stand upright on each other.

    Parameters
    ----------
    volume : Volume
    positions_lps : ndarray, shape (K, 3), mm, optional
        Where the first voxel of each slice really lies, ascending along the slice normal; default: as the grid says.
    progress : Progress

    Returns
    -------
    Volume
        Same directions and pixel spacing; slices from the first to the last, evenly; large enough for every slice.
        Linear interpolation; where one of the voxels is padding, the nearest one. Outside of all slices lie padding
        or lowest values. A lost slice, and a gap of more than `MAX_GAP` median gaps, stays invalid. The same volume
        where its grid is upright and even already.

    Raises
    ------
    TooLarge
        When it does not fit into memory.
    Cancelled
        When `progress` says so.
    """
    stack = _stack(volume, positions_lps)
    if stack.is_even:
        return volume
    rows, columns = volume.voxels.shape[1:]
    shape = (stack.count, rows + int(stack.margin[1].sum()), columns + int(stack.margin[0].sum()))
    try:
        voxels = np.empty(shape, volume.voxels.dtype)
    except MemoryError as error:
        raise TooLarge(
            _("The resampled volume does not fit into memory."),
            _("It needs {need} MiB.").format(need=int(np.prod(shape)) * volume.voxels.itemsize >> 20),
            _("Close other programs, or open the series as it is."),
        ) from error
    fill = _fill(volume)
    valid = np.zeros(stack.count, dtype=np.bool_)
    for m in range(stack.count):
        progress(m / stack.count, _("Resampling"))
        valid[m] = stack.is_known(m)
        voxels[m] = stack.plane(m, fill) if valid[m] else fill
    progress(1.0, _("Resampling"))
    return replace(
        volume,
        voxels=voxels,
        geometry=stack.geometry(volume.geometry, shape),
        slice_valid=valid,
        findings=_findings(volume, stack, valid),
    )


def _fill(volume: Volume) -> float:
    if volume.padding_value is not None:
        return volume.padding_value
    return float(min((volume.voxels[k].min() for k in np.flatnonzero(volume.slice_valid)), default=0))


@dataclass(slots=True)
class _Stack:
    """Slices where they really lie, and the even grid that is laid through them.

    Attributes
    ----------
    along_mm : ndarray, shape (K,)
        Of each slice along the normal, from the first.
    shift : ndarray, shape (K, 2), pixels
        Of each slice against the first, along i and j.
    step_mm : float
    count : int
        Slices of the new grid.
    """

    volume: Volume
    along_mm: Float
    shift: Float
    step_mm: float
    count: int
    deviation_mm: float
    tilt_deg: float
    normal: Float
    origin: Float
    _recent: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict)

    @property
    def is_even(self) -> bool:
        """Whether the slices lie on the new grid already."""
        upright = np.abs(self.shift).max() <= SAME_PIXEL
        return bool(upright and self.deviation_mm <= ON_SLICE_SHARE * self.step_mm)

    @property
    def margin(self) -> npt.NDArray[np.int64]:
        """Pixels added before the first and behind the last, shape (2, 2): along i, along j."""
        shift = np.where(np.abs(self.shift) <= SAME_PIXEL, 0, self.shift)
        before, behind = np.ceil(-shift.min(axis=0)), np.ceil(shift.max(axis=0))
        return np.stack([before, behind], axis=1).astype(np.int64)

    def between(self, m: int) -> tuple[int, int, float]:
        """Return the slices below and above plane m, and the share of the upper one; the same twice when on it."""
        along = m * self.step_mm
        upper = int(np.clip(np.searchsorted(self.along_mm, along), 1, len(self.along_mm) - 1))
        lower = upper - 1
        for k in (lower, upper):
            if abs(self.along_mm[k] - along) <= ON_SLICE_SHARE * self.step_mm:
                return k, k, 0.0
        gap = self.along_mm[upper] - self.along_mm[lower]
        return lower, upper, float((along - self.along_mm[lower]) / gap)

    def is_known(self, m: int) -> bool:
        """Whether plane m lies on or between slices that are there and near enough to each other."""
        lower, upper, _share = self.between(m)
        there = bool(self.volume.slice_valid[[lower, upper]].all())
        return there and self.along_mm[upper] - self.along_mm[lower] <= MAX_GAP * self.median_mm

    @property
    def median_mm(self) -> float:
        """The median gap between slices."""
        return float(np.median(np.diff(self.along_mm)))

    def plane(self, m: int, fill: float) -> npt.NDArray[Any]:
        """Return plane m of the new grid."""
        lower, upper, share = self.between(m)
        plane = self._shifted(lower, fill)
        if share:
            plane = _blend(plane, self._shifted(upper, fill), share, self.volume.padding_value)
        whole = np.issubdtype(self.volume.voxels.dtype, np.integer)
        return np.rint(plane) if whole else plane

    def _shifted(self, k: int, fill: float) -> npt.NDArray[np.float32]:
        """Return slice k at its place within the plane of the new grid."""
        if k not in self._recent:
            plane = self.volume.voxels[k].astype(np.float32)
            padding = self.volume.padding_value
            (before_i, behind_i), (before_j, behind_j) = self.margin
            plane = _moved(plane.T, float(self.shift[k, 0]), (before_i, behind_i), fill, padding).T
            plane = _moved(plane, float(self.shift[k, 1]), (before_j, behind_j), fill, padding)
            for old in [one for one in self._recent if one < k - 1]:
                del self._recent[old]
            self._recent[k] = plane
        return self._recent[k]

    def geometry(self, old: VolumeGeometry, shape: tuple[int, int, int]) -> VolumeGeometry:
        """Return the new grid: the first voxel of the first slice keeps its place, before the margin."""
        matrix = old.lps_from_ijk.matrix.copy()
        matrix[:3, 2] = self.step_mm * self.normal
        matrix[:3, 3] = self.origin - matrix[:3, :2] @ self.margin[:, 0]
        return VolumeGeometry.of_grid(shape, matrix, old.frame_of_reference_uid)


def _stack(volume: Volume, positions: Float | None) -> _Stack:
    matrix = volume.geometry.lps_from_ijk.matrix
    spacing = volume.geometry.spacing_mm
    row, column = matrix[:3, 0] / spacing[0], matrix[:3, 1] / spacing[1]
    normal = np.cross(row, column)
    count = len(volume.voxels)
    if positions is None:
        positions = matrix[:3, 3] + np.arange(count)[:, None] * matrix[:3, 2]
    offset = positions - positions[0]
    along = offset @ normal
    steps = max(1, round(along[-1] / float(np.median(np.diff(along))))) if count > 1 else 0
    step = float(along[-1]) / steps if steps else float(spacing[2])
    places = np.rint(along / step)
    sideways = np.stack([offset @ row, offset @ column], axis=1)
    lean = float(np.linalg.norm(sideways[-1])) / float(along[-1]) if steps else 0.0
    return _Stack(
        volume=volume,
        along_mm=np.asarray(along),
        shift=sideways / spacing[:2],
        step_mm=step,
        count=steps + 1,
        deviation_mm=float(np.abs(along - places * step).max()),
        tilt_deg=float(np.degrees(np.arctan(lean))),
        normal=normal,
        origin=np.asarray(positions[0]),
    )


def _moved(
    plane: npt.NDArray[np.float32], shift: float, margin: tuple[int, int], fill: float, padding: float | None
) -> npt.NDArray[np.float32]:
    """Shift a plane along its rows of indices (first axis) by a number of pixels, into a wider plane."""
    before, behind = margin
    count = len(plane)
    wide = np.full((count + before + behind, plane.shape[1]), fill, dtype=np.float32)
    whole = int(np.floor(shift + SAME_PIXEL))
    part = shift - whole
    if part <= SAME_PIXEL:
        wide[before + whole : before + whole + count] = plane
    else:  # voxel x of the new plane lies between x - whole - 1 and x - whole of the old one
        inner = _blend(plane[1:], plane[:-1], part, padding)
        wide[before + whole + 1 : before + whole + count] = inner
    return wide


def _blend(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32], share: float, padding: float | None
) -> npt.NDArray[np.float32]:
    """Return `share` of `other` and the rest of `one`; the nearest where either is padding, which measures nothing."""
    mixed = one + np.float32(share) * (other - one)
    if padding is not None:
        outside = (one == np.float32(padding)) | (other == np.float32(padding))
        if outside.any():
            mixed[outside] = (one if share < 0.5 else other)[outside]
    return mixed


def _findings(volume: Volume, stack: _Stack, valid: npt.NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Return the findings of the new grid: what was done first, then what still holds, with its slices renamed."""
    sources = [set(stack.between(m)[:2]) for m in range(stack.count)]
    bridged = [stack.along_mm[max(pair)] - stack.along_mm[min(pair)] for m, pair in enumerate(sources) if valid[m]]
    done = Finding(
        FindingKind.RESAMPLED,
        Severity.WARNING,
        details={
            "angle_deg": stack.tilt_deg,
            "uneven_mm": stack.deviation_mm,
            "gap_mm": float(max(bridged, default=0.0)),
        },
    )
    kept = [replace(one, slices=_touched(one.slices, sources)) for one in volume.findings if one.kind not in _REPLACED]
    corrupt = {m for one in kept if one.kind is FindingKind.CORRUPT_SLICE for m in one.slices}
    lost = tuple(int(m) for m in np.flatnonzero(~valid) if int(m) not in corrupt)
    return (*_lost(volume, lost), done, *kept)


def _touched(slices: Sequence[int], sources: Sequence[set[int]]) -> tuple[int, ...]:
    old = set(slices)
    return tuple(m for m, pair in enumerate(sources) if pair & old)


def _lost(volume: Volume, lost: tuple[int, ...]) -> tuple[Finding, ...]:
    if not lost:
        return ()
    before = [one for one in volume.findings if one.kind is FindingKind.MISSING_SLICES]
    files = before[0].files if before else ()
    return (Finding(FindingKind.MISSING_SLICES, Severity.ERROR, lost, files, {"count": len(lost)}),)
