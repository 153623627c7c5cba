"""What is doubtful about a structure: thin parts, faint boundaries, a volume that hangs on the threshold.

For recipes and for any structure that a threshold made. All is worked out on a few slices at a time, from the voxels
and those beside them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.recipes.places import Tally
from arviewer.imaging.recipes.scan import face_areas_mm2
from arviewer.imaging.runs import Ints, Mask
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.masks import AnyMask, MaskBox
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, silent

Places = tuple[Ints, Ints, Ints]

STEP = 0.1
"""How far the threshold is moved, as a share of itself."""

SENSITIVE_PERCENT = 10.0
"""A volume that such a step changes by more than this is doubtful; by less, it is worth knowing."""

FAINT_MM2, FAINT_SHARE = 100.0, 0.02
"""Least faint boundary, in mm² and as a share of the whole, to speak of a leak."""

THIN_VOXELS = 2
"""What erosion by one voxel takes away entirely is no thicker than two."""

THIN_PERCENT = (1.0, 10.0)
"""Share of thin voxels that is worth knowing, and that is doubtful."""

COARSE_AXIS = 1.5
"""An axis whose voxels are longer than this many times the shortest says nothing about thinness."""

SLAB_VOXELS = 1 << 22
HALO = 3
"""Voxels beside a slab that its own depend on: one worn off and two grown back."""


def check(
    volume: Volume,
    mask: AnyMask,
    threshold: float | None,
    inside_is_above: bool,
    name: str,
    progress: Progress = silent,
) -> tuple[Finding, ...]:
    """Return what is doubtful about a structure, with the places to look at first.

    Parameters
    ----------
    mask : MaskBox or BrickMask
    threshold : float or None
        As in `Segment`; None leaves only its thickness to be judged.
    inside_is_above : bool
    name : str
        For the sentences.
    """
    box = mask.box()
    counts = _Counts(volume, threshold, inside_is_above)
    slices, rows, columns = box.voxels.shape
    step = max(4, SLAB_VOXELS // max(1, rows * columns))
    for first in range(0, slices, step):
        progress(first / slices)
        counts.add(*_slab(volume, box, first, min(slices, first + step)))
    progress(1.0)
    return counts.findings(name)


def _slab(volume: Volume, box: MaskBox, first: int, last: int) -> tuple[Mask, tuple[int, int, int]]:
    """Return some slices of the mask with `HALO` voxels round them, and the place of the first voxel in the volume.

    Beyond the volume the mask goes on as at its border, which is no thin place.
    """
    k, j, i = box.start_kji
    low = (k + first - HALO, j - HALO, i - HALO)
    high = (k + last + HALO, j + box.voxels.shape[1] + HALO, i + box.voxels.shape[2] + HALO)
    start = [max(0, n) for n in low]
    stop = [min(n, size) for n, size in zip(high, volume.geometry.shape_kji, strict=True)]
    sizes = [b - a for a, b in zip(start, stop, strict=True)]
    inside = box.within((start[0], start[1], start[2]), (sizes[0], sizes[1], sizes[2]))
    return np.pad(inside, [(a - b, d - c) for a, b, c, d in zip(start, low, stop, high, strict=True)], "edge"), low


class _Counts:
    """Sums over slabs. Set voxels are looked at by their flat indices: a skeleton fills a fiftieth of its box."""

    def __init__(self, volume: Volume, threshold: float | None, inside_is_above: bool) -> None:
        self._volume = volume
        self._threshold = threshold
        self._above = inside_is_above
        self._areas = face_areas_mm2(volume)
        spacing = volume.geometry.spacing_mm[::-1]
        self._fine_axes = [a for a in range(3) if spacing[a] <= COARSE_AXIS * spacing.min()]
        self._thin_mm = THIN_VOXELS * float(max(spacing[a] for a in self._fine_axes))
        self._thin, self._faint, self._moved = Tally(volume), Tally(volume), Tally(volume)
        self._voxels = self._gained = self._lost = 0
        self._boundary_mm2 = self._faint_mm2 = 0.0
        self._gained_before: Ints = np.zeros(0, np.int64)

    def add(self, inside: Mask, start_kji: tuple[int, int, int]) -> None:
        """Count one slab, given with `HALO` voxels round it and the place of its first voxel."""
        strides = (inside.shape[1] * inside.shape[2], inside.shape[2], 1)
        own = np.zeros_like(inside)
        own[(slice(HALO, -HALO),) * 3] = inside[(slice(HALO, -HALO),) * 3]
        at = np.flatnonzero(own)
        self._voxels += len(at)
        flat = inside.reshape(-1)
        is_border = np.zeros(len(at), np.bool_)
        for stride in strides:
            is_border |= ~(flat[at - stride] & flat[at + stride])
        border = at[is_border]  # nothing else is doubtful
        self._add_thin(inside, border, [strides[a] for a in self._fine_axes], start_kji)
        if self._threshold is not None:
            self._add_doubts(inside, border, start_kji)

    def _add_thin(self, inside: Mask, border: Ints, strides: list[int], start_kji: tuple[int, int, int]) -> None:
        """Count the voxels that are gone when the structure is worn off by one voxel and grown back by two."""
        flat = inside.reshape(-1)
        steps = [sign * stride for stride in strides for sign in (1, -1)]

        def is_worn_away(at: Ints) -> Mask:
            """Whether a voxel, or one beside it, stays when the outermost layer is worn off."""
            gone = np.ones(len(at), np.bool_)
            for step in (0, *steps):
                left = np.flatnonzero(gone)
                core = flat[at[left] + step]
                for other in steps:
                    core &= flat[at[left] + step + other]
                gone[left[core]] = False
            return gone

        thin = border[is_worn_away(border)]
        for step in steps:  # what is beside something thick is an edge, not thin
            thin = thin[is_worn_away(thin + step) | ~flat[thin + step]]
        self._thin.add(_places(thin, inside.shape, start_kji))

    def _add_doubts(self, inside: Mask, border: Ints, start_kji: tuple[int, int, int]) -> None:
        """Count faint boundary, and the voxels that another threshold takes or gives."""
        assert self._threshold is not None
        step = STEP * abs(self._threshold) * (-1 if self._above else 1)
        looser, stricter = self._threshold + step, self._threshold - step
        flat, kji = inside.reshape(-1), _places(border, inside.shape, start_kji)
        grey = self._grey(kji)
        lost = self._passes(grey, self._threshold) & ~self._passes(grey, stricter)
        self._lost += int(np.count_nonzero(lost))
        self._moved.add(_some(kji, lost))
        gained: list[Ints] = []
        for axis, stride in enumerate((inside.shape[1] * inside.shape[2], inside.shape[2], 1)):
            for way in (1, -1):
                out = np.flatnonzero(~flat[border + way * stride])
                self._boundary_mm2 += self._areas[axis] * len(out)
                beside = _moved(_some(kji, out), axis, way)
                first, second = self._grey(beside), self._grey(_moved(beside, axis, way))
                almost = self._passes(first, looser)
                gained.append((border[out] + way * stride)[almost & ~self._passes(first, self._threshold)])
                faint = almost & self._passes(second, looser) & ~flat[border[out] + 2 * way * stride]
                self._faint_mm2 += self._areas[axis] * float(np.count_nonzero(faint))
                self._faint.add(_some(beside, faint))
        kji = _places(np.unique(np.concatenate(gained)), inside.shape, start_kji)
        kji = _some(kji, ~np.isin(self._flat(kji), self._gained_before))  # both slabs beside a seam reach over it
        self._gained_before = self._flat(kji)
        self._gained += len(kji[0])
        self._moved.add(kji)

    def _flat(self, kji: Places) -> Ints:
        _slices, rows, columns = self._volume.geometry.shape_kji
        return (kji[0].astype(np.int64) * rows + kji[1]) * columns + kji[2]

    def _grey(self, kji: Places) -> npt.NDArray[Any]:
        """Return the values at some voxels; beyond the volume, of the nearest."""
        sizes = self._volume.geometry.shape_kji
        k, j, i = (np.clip(n, 0, size - 1) for n, size in zip(kji, sizes, strict=True))
        return np.asarray(self._volume.voxels[k, j, i])

    def _passes(self, grey: npt.NDArray[Any], threshold: float) -> Mask:
        return np.asarray(grey >= threshold if self._above else grey <= threshold)

    def findings(self, name: str) -> tuple[Finding, ...]:
        """Return what the sums say."""
        out: list[Finding] = []
        thin = 100.0 * self._thin.count / max(1, self._voxels)
        if thin >= THIN_PERCENT[0]:
            details: dict[str, str | int | float] = {
                "name": name,
                "share_percent": round(thin, 1),
                "thickness_mm": round(self._thin_mm, 2),
            }
            out.append(_finding(FindingKind.THIN, thin >= THIN_PERCENT[1], details, self._thin))
        if self._threshold is None:
            return tuple(out)
        out += leak_risk(name, self._faint_mm2, self._boundary_mm2, self._faint)
        gained, lost = (100.0 * n / max(1, self._voxels) for n in (self._gained, self._lost))
        lower, higher = (gained, -lost) if self._above else (-lost, gained)
        out.append(sensitivity(name, lower, higher, self._moved))
        return tuple(out)


def _places(at: Ints, shape: tuple[int, ...], start_kji: tuple[int, int, int]) -> Places:
    """Return flat indices of a slab as indices in the volume, one array each along k, j, i."""
    k, j, i = np.unravel_index(at, shape)
    return k + start_kji[0], j + start_kji[1], i + start_kji[2]


def _some(kji: Places, which: npt.NDArray[Any]) -> Places:
    return kji[0][which], kji[1][which], kji[2][which]


def _moved(kji: Places, axis: int, by: int) -> Places:
    k, j, i = (n + by if a == axis else n for a, n in enumerate(kji))
    return k, j, i


def leak_risk(name: str, faint_mm2: float, boundary_mm2: float, tally: Tally) -> tuple[Finding, ...]:
    """Return the finding that so much of a boundary is faint, when it is much."""
    if faint_mm2 < max(FAINT_MM2, FAINT_SHARE * boundary_mm2):
        return ()
    return (_finding(FindingKind.LEAK_RISK, True, {"name": name, "area_mm2": round(faint_mm2)}, tally),)


def sensitivity(name: str, lower_percent: float, higher_percent: float, tally: Tally) -> Finding:
    """Return how much the volume changes with the threshold: always worth knowing, doubtful when it is much."""
    details: dict[str, str | int | float] = {
        "name": name,
        "lower_percent": round(float(lower_percent), 1),
        "higher_percent": round(float(higher_percent), 1),
    }
    is_doubtful = max(abs(lower_percent), abs(higher_percent)) > SENSITIVE_PERCENT
    return _finding(FindingKind.THRESHOLD_SENSITIVE, is_doubtful, details, tally)


def _finding(kind: FindingKind, is_doubtful: bool, details: dict[str, str | int | float], tally: Tally) -> Finding:
    return Finding(kind, Severity.WARNING if is_doubtful else Severity.NOTE, details=details, places_lps=tally.places())
