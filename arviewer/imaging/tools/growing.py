"""Grow a region of like values from clicks, without running out through a narrow neck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from arviewer.errors import UsageError
from arviewer.imaging import runs
from arviewer.imaging.growth import grow
from arviewer.imaging.ranges import Box, in_range, require_ordered
from arviewer.imaging.tools.ball import core, grown
from arviewer.imaging.tools.boolean import union
from arviewer.imaging.tools.places import box_of, clicked_voxels, lps_of, reach_ijk
from arviewer.imaging.tools.tool import MOST_PLACES, STRUCTURE, TARGET, Outcome
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, Bools, BrickMask, MaskBox, Triple, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

NEAR_MM = 2.0
"""How far round a click values are looked at, to know how they spread."""

BACK = 1.5
"""How far, in radii of the guard, a region spreads again behind a place that the guard passed: into every corner."""

LEAK_SHARE = 0.05
"""Share of what stays from which on a part behind a neck is a leak, and not a bulge of a branch."""

Labels = npt.NDArray[np.int32]


def grow_region(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Add what is connected to the clicks, within a range of values and as far as a ball of ``guard_mm`` passes."""
    seeds = clicked_voxels(volume, hand)
    if values["by_click"] >= 0.5:
        low, high = _range_round(volume, seeds, values["spread_sd"])
    else:
        low, high = values["low"], values["high"]
        require_ordered(low, high)
    inside = _Inside(volume, low, high, seeds, values["max_radius_mm"])
    region = grow(inside, volume.geometry.shape_kji, seeds, part(progress, 0.0, 0.4))
    if region.voxels.size == 0:
        raise UsageError(
            _("No click lies within the range to grow in."),
            _("The value there is {}, the range {:g} to {:g}.").format(volume.voxels[seeds[0]], low, high),
            _("Click a brighter or darker place, or widen the range."),
        )
    findings: tuple[Finding, ...] = ()
    if values["guard_mm"] > 0.0:
        region, findings = _guarded(volume, region, seeds, values["guard_mm"], part(progress, 0.4, 0.95))
    return Outcome({TARGET: union(BrickMask.of(mask), BrickMask.of(region))}, findings)


class _Inside:
    """Which voxels of a box have a value in the range and lie near enough to a click."""

    def __init__(self, volume: Volume, low: float, high: float, seeds: Sequence[Triple], radius_mm: float) -> None:
        self.volume, self.low, self.high = volume, low, high
        self.seeds, self.radius_mm = seeds, radius_mm

    def __call__(self, box: Box) -> Bools:
        found = in_range(self.volume, self.low, self.high, box)
        return found & self._near(box) if self.radius_mm > 0.0 else found

    def _near(self, box: Box) -> Bools:
        near = np.zeros([s.stop - s.start for s in box], np.bool_)
        axes = self.volume.geometry.lps_from_ijk.matrix[:3, :3].T[::-1]
        for seed in self.seeds:
            k, j, i = (
                np.arange(s.start - at, s.stop - at)[:, None] * axis
                for s, at, axis in zip(box, seed, axes, strict=True)
            )
            to = k[:, None, None] + j[:, None] + i
            near |= np.einsum("kjia,kjia->kji", to, to) <= self.radius_mm**2
        return near


def _range_round(volume: Volume, seeds: Sequence[Triple], spread_sd: float) -> tuple[float, float]:
    """Return mean ± `spread_sd` standard deviations of the values round the clicks."""
    # On coarse grids at least the neighbours within the slice.
    radius_mm = max(NEAR_MM, 1.5 * float(np.sort(volume.geometry.spacing_mm)[1]))
    found = []
    for seed in seeds:
        start, ball = grown(volume, MaskBox(seed, np.ones((1, 1, 1), np.bool_)), radius_mm, silent)
        found.append(volume.voxels[box_of(start, ball.shape)][ball])
    near = np.concatenate(found).astype(np.float64)
    near = near[np.isfinite(near)]
    if len(near) == 0:
        raise UsageError(_("There are no values where you clicked."), "", _("Click inside the structure."))
    half = spread_sd * float(near.std())
    return float(near.mean()) - half, float(near.mean()) + half


def _guarded(
    volume: Volume, region: MaskBox, seeds: Sequence[Triple], guard_mm: float, progress: Progress
) -> tuple[MaskBox, tuple[Finding, ...]]:
    """Return a region without the parts that only a neck narrower than the guard leads to, and what was left out."""
    inner = core(volume, region, guard_mm, part(progress, 0.0, 0.5))
    count, labels = runs.label(inner)
    own = {_nearest(volume, region, labels, seed, guard_mm) for seed in seeds} - {0}
    if not own:
        raise UsageError(
            _("The region is too narrow for the leak guard where you clicked."),
            _("A ball of {:g} mm radius does not fit in there.").format(guard_mm),
            _("Click where it is wider, or choose a smaller guard, 0 for none."),
        )
    if len(own) == count:
        return region, ()
    chosen = np.isin(np.arange(count + 1), list(own))
    start, back = grown(volume, cropped(chosen[labels], region.start_kji), BACK * guard_mm, part(progress, 0.5, 0.8))
    passed = MaskBox(start, back).within(region.start_kji, region.voxels.shape) & region.voxels
    count, pieces = runs.label(region.voxels & ~passed)
    behind = np.bincount(pieces.reshape(-1), minlength=count + 1)
    has_core = np.bincount(pieces[inner & ~passed], minlength=count + 1) > 0
    leaks = np.flatnonzero(has_core & (behind >= LEAK_SHARE * np.count_nonzero(passed)))
    if len(leaks) == 0:
        return region, ()
    rank = np.zeros(count + 1, np.uint8)
    rank[leaks[np.argsort(-behind[leaks])]] = np.minimum(np.arange(len(leaks)), MOST_PLACES) + 1
    left_out = rank[pieces]
    kept = region.voxels & (left_out == 0)
    return cropped(kept, region.start_kji), (_leak_risk(volume, region.start_kji, kept, left_out),)


def _nearest(volume: Volume, region: MaskBox, labels: Labels, seed: Triple, guard_mm: float) -> int:
    """Return the piece of the core that is nearest to a click, within two radii of the guard; 0 for none."""
    at = np.array(seed) - region.start_kji
    reach = np.ceil(reach_ijk(volume, 2 * guard_mm)).astype(int)[::-1]
    low, high = np.maximum(0, at - reach), np.maximum(0, at + reach + 1)
    near = labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    places = np.argwhere(near)
    if len(places) == 0:
        return 0
    mm = np.linalg.norm((places + low - at)[:, ::-1] @ volume.geometry.lps_from_ijk.matrix[:3, :3].T, axis=1)
    return int(near[tuple(places[mm.argmin()])]) if mm.min() <= 2 * guard_mm else 0


def _leak_risk(volume: Volume, start: Triple, kept: Bools, left_out: npt.NDArray[np.uint8]) -> Finding:
    """Return the finding: how large the openings are, and where each leak begins, the largest first.

    Parameters
    ----------
    start : tuple of int
        Of the box of the two arrays.
    left_out : ndarray of uint8
        1 in the largest leak, 2 in the next, and so on.
    """
    area, doors = 0.0, np.zeros_like(left_out)
    edges = volume.geometry.lps_from_ijk.matrix[:3, :3].T[::-1]
    for axis in range(3):
        one, two = (edges[n] for n in range(3) if n != axis)
        face_mm2 = float(np.linalg.norm(np.cross(one, two)))
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        for mine, theirs in ((low, high), (high, low)):
            touching = kept[mine] * left_out[theirs]
            area += face_mm2 * int(np.count_nonzero(touching))
            np.maximum(doors[theirs], touching, out=doors[theirs])
    places = []
    for leak in range(1, min(int(left_out.max()), MOST_PLACES) + 1):
        door = np.argwhere(doors == leak)
        middle = door[np.linalg.norm(door - door.mean(axis=0), axis=1).argmin()]
        places.append(lps_of(volume, (middle + start).tolist()))
    details: dict[str, str | float] = {"name": STRUCTURE, "area_mm2": area}
    return Finding(FindingKind.LEAK_RISK, Severity.WARNING, details=details, places_lps=tuple(places))
