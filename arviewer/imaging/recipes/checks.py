"""What is doubtful about a structure: thin parts, faint boundaries, a volume that hangs on the threshold.

For recipes and for any structure that a threshold made. All is worked out on a few slices at a time, from the voxels
and those beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.recipes.beside import grown, shifted
from arviewer.imaging.recipes.places import Tally
from arviewer.imaging.recipes.scan import face_areas_mm2
from arviewer.imaging.runs import Mask
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.masks import AnyMask, MaskBox
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, silent

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
"""Slices beside a slab that its voxels depend on: one worn off and two grown back."""


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
    for first, last, inside, grey in _slabs(volume, box):
        progress(first / len(box.voxels))
        counts.add(inside, grey, (first, last), box.start_kji)
    progress(1.0)
    return counts.findings(name)


def _slabs(volume: Volume, box: MaskBox) -> Iterator[tuple[int, int, Mask, npt.NDArray[Any]]]:
    """Yield slices first to last of the box, with the mask and the grey values `HALO` voxels beyond on each side.

    Beyond the volume the mask goes on as at its border, which is no thin place.
    """
    slices, rows, columns = box.voxels.shape
    step = max(4, SLAB_VOXELS // max(1, rows * columns))
    for first in range(0, slices, step):
        last = min(slices, first + step)
        low = [box.start_kji[0] + first - HALO, box.start_kji[1] - HALO, box.start_kji[2] - HALO]
        high = [box.start_kji[0] + last + HALO, box.start_kji[1] + rows + HALO, box.start_kji[2] + columns + HALO]
        start = [max(0, n) for n in low]
        stop = [min(n, size) for n, size in zip(high, volume.geometry.shape_kji, strict=True)]
        padding = [(a - b, d - c) for a, b, c, d in zip(start, low, stop, high, strict=True)]
        here = (slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2]))
        inside = box.within((start[0], start[1], start[2]), tuple(b - a for a, b in zip(start, stop, strict=True)))
        yield first, last, np.pad(inside, padding, "edge"), np.pad(volume.voxels[here], padding, "edge")


class _Counts:
    """Sums over slabs."""

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

    def add(self, inside: Mask, grey: npt.NDArray[Any], slab: tuple[int, int], start_kji: tuple[int, int, int]) -> None:
        """Count one slab of the box, given with `HALO` voxels round it."""
        own = (slice(HALO, -HALO),) * 3
        offset = (start_kji[0] + slab[0], start_kji[1], start_kji[2])
        self._voxels += int(np.count_nonzero(inside[own]))
        worn = inside
        for axis in self._fine_axes:
            worn = worn & shifted(inside, axis, 1) & shifted(inside, axis, -1)
        thick = grown(grown(worn))
        _add(self._thin, (inside & ~thick)[own], offset)
        if self._threshold is None:
            return
        step = STEP * abs(self._threshold) * (-1 if self._above else 1)
        looser, stricter = self._threshold + step, self._threshold - step
        almost = self._passes(grey, looser) & ~inside
        gained = almost & grown(inside) & ~self._passes(grey, self._threshold)
        lost = inside & self._passes(grey, self._threshold) & ~self._passes(grey, stricter)
        self._gained += int(np.count_nonzero(gained[own]))
        self._lost += int(np.count_nonzero(lost[own]))
        _add(self._moved, (gained | lost)[own], offset)
        faint_here = np.zeros_like(inside)
        for axis in range(3):
            for way in (1, -1):
                beside = shifted(almost, axis, way)
                faint = inside & beside & shifted(almost, axis, 2 * way)
                boundary = inside & ~shifted(inside, axis, way)
                self._faint_mm2 += self._areas[axis] * float(np.count_nonzero(faint[own]))
                self._boundary_mm2 += self._areas[axis] * float(np.count_nonzero(boundary[own]))
                faint_here |= faint
        _add(self._faint, faint_here[own], offset)

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


def _add(tally: Tally, where: Mask, offset: tuple[int, int, int]) -> None:
    k, j, i = np.nonzero(where)
    tally.add((k + offset[0], j + offset[1], i + offset[2]))
