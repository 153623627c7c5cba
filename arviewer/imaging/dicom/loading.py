"""From a series to a volume: every slice at its place, in measured values, with every doubt kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from arviewer.errors import InputRefused, UsageError
from arviewer.imaging.dicom import decoding, fingerprints
from arviewer.imaging.dicom.filling import Window
from arviewer.imaging.dicom.reading import Reading, Wanted, coarsest_needed, require_room
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.study import Series, StoredPixels
from arviewer.model.volume import Region, Volume, VolumeGeometry
from arviewer.words import _, findings
from arviewer.workers.memory import available_bytes
from arviewer.workers.progress import Progress, silent

Preview = Callable[[Volume], None]


def load(
    series: Series,
    progress: Progress = silent,
    *,
    box: Sequence[tuple[int, int]] | None = None,
    coarser: int = 1,
    preview: Preview | None = None,
) -> Volume:
    """Read a series into a volume.

    Parameters
    ----------
    series : Series
        As `scan` gave it.
    progress : Progress
    box : three pairs of int, optional
        First voxel and the one behind the last along i, j and k: only these are loaded.
    coarser : int
        Load every n-th voxel along each axis only; each stays where it is and has its own value.
    preview : callable, optional
        Called once, as soon as a slice near the middle is there, with a volume whose other slices arrive in its
        memory later: ``slice_valid`` becomes True for each that has. To be looked at only.

    Returns
    -------
    Volume
        ``voxels[k, j, i]``, slices ascending along row × column. int16 where the rescaled values are integers that
        fit, else float32. Lost slices keep their place with ``slice_valid`` False and the lowest value there is.

    Raises
    ------
    InputRefused
        When the series cannot be a volume, or none of its slices can be decoded; the reason names file or tag.
    TooLarge
        When the volume does not fit into memory; the remedy is a box or a coarser grid.
    UsageError
        When the box is not inside the series.
    Cancelled
        When `progress` says so.
    """
    if series.geometry is None:
        raise _refused(series)
    stored = [instance.stored for instance in series.instances]
    pixels = [one for one in stored if one is not None]
    if len(pixels) < len(stored):
        raise InputRefused(_("The series cannot be loaded."), _("Its pixels were not found by a scan."))
    region = _region(series.geometry.shape_kji, box, coarser)
    geometry = series.geometry if region is None else series.geometry.part(region)
    wanted = _wanted(series, pixels, region)
    if not wanted:
        raise InputRefused(_("The series cannot be loaded."), _("All its slices there are missing."))
    require_room(geometry.shape_kji, pixels)
    if any(decoding.needs_a_worker(one.instance, one.stored) for one in wanted):
        decoding.warm()
    reading = Reading(geometry.shape_kji, wanted, _window(region), progress, shared=preview is not None)
    doubts = _doubts(series, region)
    if preview is not None:
        early = _volume(series, geometry, reading, doubts)
        reading.on_first = lambda: preview(early)
    reading.run()
    fingerprints.begin([one.instance for one in wanted])
    return _volume(series, geometry, reading, doubts + reading.corrupt())


def fitting_step(series: Series) -> int:
    """Return how coarse a series must be loaded to fit into memory; 1 when it fits as it is."""
    geometry = series.geometry
    if geometry is None:
        return 1
    stored = [instance.stored for instance in series.instances if instance.stored is not None]
    return coarsest_needed(geometry.shape_kji, stored, available_bytes())


def _refused(series: Series) -> InputRefused:
    """Say why a series has no geometry, with its gravest finding."""
    grave = [one for one in series.findings if one.severity is Severity.ERROR] or list(series.findings)
    why = " ".join(findings.message(one.kind, one.details) for one in grave[:2])
    files = ", ".join(dict.fromkeys(name for one in grave[:2] for name in one.files[:3]))
    remedy = findings.remedy(grave[0].kind, grave[0].details) if grave else ""
    return InputRefused(_("The series cannot be a volume."), f"{why} ({files})" if files else why, remedy)


def _region(shape_kji: tuple[int, int, int], box: Sequence[tuple[int, int]] | None, step: int) -> Region | None:
    """Return which voxels are wanted; None for all."""
    if box is None and step == 1:
        return None
    if box is not None and (len(box) != 3 or any(len(pair) != 2 for pair in box)):
        raise UsageError(_("A box has a first and a last voxel along i, j and k."), repr(box))
    k, j, i = [(0, size) for size in shape_kji] if box is None else list(box)[::-1]
    region = Region((k[0], j[0], i[0]), (k[1], j[1], i[1]), step)
    region.require_inside(shape_kji)
    return region


def _window(region: Region | None) -> Window | None:
    if region is None:
        return None
    (j0, i0), (j1, i1) = region.start_kji[1:], region.stop_kji[1:]
    return Window((j0, j1, region.step), (i0, i1, region.step))


def _place(k: int, region: Region | None) -> int | None:
    """Return where slice k goes in the part that is wanted; None when it is not part of it."""
    if region is None:
        return k
    place, rest = divmod(k - region.start_kji[0], region.step)
    return place if rest == 0 and region.start_kji[0] <= k < region.stop_kji[0] else None


def _wanted(series: Series, pixels: Sequence[StoredPixels], region: Region | None) -> list[Wanted]:
    """Return the images to read, from the middle of the volume outwards: what is shown first comes first."""
    found = [
        Wanted(place, instance, stored)
        for k, instance, stored in zip(series.places, series.instances, pixels, strict=True)
        if (place := _place(k, region)) is not None
    ]
    middle = max((one.place for one in found), default=0) / 2
    return sorted(found, key=lambda one: abs(one.place - middle))


def _doubts(series: Series, region: Region | None) -> tuple[Finding, ...]:
    """Return the findings of the series, as they are for the part that is loaded, and what was left out."""
    if region is None or series.geometry is None:
        return series.findings
    kept = []
    for finding in series.findings:
        slices = tuple(place for k in finding.slices if (place := _place(k, region)) is not None)
        if slices or not finding.slices:
            kept.append(replace(finding, slices=slices))
    whole = series.geometry.shape_kji
    size = tuple(stop - start for start, stop in zip(region.start_kji, region.stop_kji, strict=True))
    if size != whole:
        words: dict[str, str | int | float] = {"size": _by(size), "whole": _by(whole)}
        kept.append(Finding(FindingKind.CROPPED, Severity.NOTE, details=words))
    if region.step > 1:
        detail = 2.0 * region.step * float(series.geometry.spacing_mm.max())
        kept.append(Finding(FindingKind.COARSER, Severity.WARNING, details={"step": region.step, "detail_mm": detail}))
    return tuple(kept)


def _by(shape_kji: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape_kji[::-1])


def _volume(series: Series, geometry: VolumeGeometry, reading: Reading, doubts: tuple[Finding, ...]) -> Volume:
    return Volume(
        voxels=reading.voxels,
        geometry=geometry,
        series=series,
        unit=series.unit,
        slice_valid=reading.valid,
        findings=doubts,
        padding_value=reading.padding(),
    )
