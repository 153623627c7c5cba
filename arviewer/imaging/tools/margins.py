"""Change a structure by mm: grow, shrink, smooth, hollow; fill what it encloses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from arviewer.errors import NothingFound
from arviewer.imaging import runs
from arviewer.imaging.tools.ball import core, grown
from arviewer.imaging.tools.places import lps_of, widened
from arviewer.imaging.tools.tool import MOST_PLACES, STRUCTURE, TARGET, Outcome
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask, Bools, cropped
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part

REACH_SD = 3.0
"""Standard deviations that the bell of a blur is cut at."""

LEVELS = (0.3, 0.7)
"""Where the boundary of a blurred structure may be sought: beyond, it is no boundary but a part that dissolves."""


def grow_by(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Add all within ``margin_mm`` of the structure."""
    start, voxels = grown(volume, mask.box(), values["margin_mm"], progress)
    return Outcome({TARGET: cropped(voxels, start)})


def shrink_by(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Remove all within ``margin_mm`` of its surface; where the scan ends there is no surface."""
    box = mask.box()
    return Outcome({TARGET: cropped(core(volume, box, values["margin_mm"], progress), box.start_kji)})


def hollow(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Leave a wall of ``wall_mm`` inside the surface."""
    box = mask.box()
    inner = core(volume, box, values["wall_mm"], progress)
    if not inner.any():
        raise NothingFound(
            _("The structure is nowhere thick enough to be hollow."),
            _("No voxel lies farther than {:g} mm inside it.").format(values["wall_mm"]),
            _("Choose a thinner wall."),
        )
    return Outcome({TARGET: cropped(box.voxels & ~inner, box.start_kji)})


def fill_holes(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Fill what the structure encloses, in space or slice by slice."""
    box = mask.box()
    fill = runs.fill_holes_across if values["each_slice"] >= 0.5 else runs.fill_holes
    valid = volume.slice_valid[box.slices[0], None, None]
    return Outcome({TARGET: cropped(fill(box.voxels, progress) & valid, box.start_kji)})


def smooth(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    """Blur the structure and cut it where its volume is the same as before.

    A Gaussian of ``blur_mm``; on a sheared grid its bell is sheared too, by as much as the grid.
    """
    box, blur_mm = mask.box(), values["blur_mm"]
    start, shape = widened(volume, box, REACH_SD * blur_mm)
    before = box.within(start, shape)
    progress(0.1)
    sigmas = blur_mm / volume.geometry.spacing_mm[::-1]
    blurred = before.astype(np.float32)
    for axis, sigma in enumerate(sigmas):
        blurred = ndimage.gaussian_filter1d(blurred, sigma, axis, mode="nearest", truncate=REACH_SD)
        progress(0.1 + 0.2 * (axis + 1))
    after = blurred >= _level(blurred, int(np.count_nonzero(before)))
    after &= volume.slice_valid[start[0] : start[0] + shape[0], None, None]
    findings = _dissolved(volume, before, after, start, blur_mm, part(progress, 0.7, 0.9))
    return Outcome({TARGET: cropped(after, start)}, findings)


def _level(blurred: npt.NDArray[np.float32], count: int) -> float:
    """Return the value that `count` voxels reach, within `LEVELS`."""
    low, high = LEVELS
    band = blurred[(blurred >= low) & (blurred < high)]
    wanted = count - int(np.count_nonzero(blurred >= high))
    if wanted <= 0:
        return high
    if wanted >= len(band):
        return low
    return float(np.partition(band, len(band) - wanted)[len(band) - wanted])


def _dissolved(
    volume: Volume, before: Bools, after: Bools, start: tuple[int, int, int], blur_mm: float, progress: Progress
) -> tuple[Finding, ...]:
    """Return the finding that whole pieces are gone."""
    found = runs.runs_of(before, progress)
    count, labels = runs.label_runs(found)
    size = runs.sizes(found, labels, count)
    stays = labels[found.holding(runs.runs_of(before & after).starts)]
    gone = np.flatnonzero(np.bincount(stays, minlength=count) == 0)
    if len(gone) == 0:
        return ()
    first = np.full(count, len(labels))
    np.minimum.at(first, labels, np.arange(len(labels)))
    kji = np.stack(found.kji(), axis=1)[first[gone[np.argsort(-size[gone])]]] + start
    details: dict[str, str | float] = {
        "name": STRUCTURE,
        "share_percent": 100.0 * float(size[gone].sum()) / float(size.sum()),
        "thickness_mm": 2.0 * blur_mm,
    }
    places = tuple(lps_of(volume, at.tolist()) for at in kji[:MOST_PLACES])
    return (Finding(FindingKind.THIN, Severity.WARNING, details=details, places_lps=places),)
