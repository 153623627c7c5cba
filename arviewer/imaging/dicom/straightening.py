"""Tilted and uneven series on an even, upright grid: by name only, and said so in a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from arviewer.imaging.dicom.loading import load
from arviewer.imaging.dicom.series import made_up_frame
from arviewer.imaging.resampling import resampled
from arviewer.model.findings import Verdict
from arviewer.model.geometry import Float
from arviewer.model.study import Series
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.workers.progress import Progress, part, silent

LOADING_SHARE = 0.7
"""Share of the time that reading takes; the rest is interpolation."""


def can_be_resampled(series: Series) -> bool:
    """Whether `load_resampled` makes a volume of a series: of any that is one, and of any uneven one."""
    return series.geometry is not None or (series.verdict is Verdict.UNEVEN and series.pixel_steps_lps is not None)


def load_resampled(
    series: Series,
    progress: Progress = silent,
    *,
    box: Sequence[tuple[int, int]] | None = None,
    coarser: int = 1,
) -> Volume:
    """Read a series onto an even grid whose slices stand upright on each other.

    Also a series whose spacing is so uneven that it is no volume as it is. Slices are interpolated linearly from
    where each really lies; gaps of more than twice the median gap stay empty and invalid.

    Parameters
    ----------
    series : Series
        As `scan` gave it.
    progress : Progress
    box, coarser
        See `load`; they count the voxels before the resampling, slices of a series that is no volume in their order.

    Returns
    -------
    Volume
        With a finding ``resampled``; the series as it is where it is upright and even already.

    Raises
    ------
    InputRefused
        When the series can be no volume for another reason than its spacing.
    TooLarge
        When it does not fit into memory.
    Cancelled
        When `progress` says so.
    """
    fit = series.fit
    if series.geometry is not None and (fit is None or (fit.max_mm <= fit.regular_mm and not fit.tilt_deg)):
        return load(series, progress, box=box, coarser=coarser)
    readable = series if series.geometry is not None else _numbered(series)
    volume = load(readable, part(progress, 0.0, LOADING_SHARE), box=box, coarser=coarser)
    # A tilted stack within the regular tolerance keeps its planes: rounding of positions is not interpolated away.
    positions = None if fit is not None and fit.max_mm <= fit.regular_mm else _positions(readable, box, coarser)
    return resampled(replace(volume, series=series), positions, part(progress, LOADING_SHARE, 1.0))


def _numbered(series: Series) -> Series:
    """Return the series with its slices counted, at places that only say their order; as it is if it cannot be."""
    first = series.instances[0].stored
    if not can_be_resampled(series) or series.pixel_steps_lps is None or first is None:
        return series
    matrix = np.eye(4)
    matrix[:3, :2] = series.pixel_steps_lps
    normal = np.cross(matrix[:3, 0], matrix[:3, 1])
    matrix[:3, 2] = normal / np.linalg.norm(normal)
    matrix[:3, 3] = series.instances[0].position_lps
    count = len(series.instances)
    space = series.frame_of_reference_uid or made_up_frame(
        series.study_uid, series.uid, series.part, series.instances[0]
    )
    shape = (count, first.format.rows, first.format.columns)
    return replace(
        series,
        places=tuple(range(count)),
        geometry=VolumeGeometry.of_grid(shape, matrix, space),
    )


def _positions(series: Series, box: Sequence[tuple[int, int]] | None, coarser: int) -> Float:
    """Return where the first voxel of each slice that is loaded lies; those of lost slices as the grid says."""
    assert series.geometry is not None
    matrix = series.geometry.lps_from_ijk.matrix
    positions = matrix[:3, 3] + np.arange(series.geometry.shape_kji[0])[:, None] * matrix[:3, 2]
    for place, instance in zip(series.places, series.instances, strict=True):
        if instance.position_lps is not None:
            positions[place] = instance.position_lps
    if box is None:
        return np.asarray(positions[::coarser])
    (i, _i), (j, _j), (first, last) = box
    return np.asarray(positions[first:last:coarser] + matrix[:3, :2] @ (i, j))
