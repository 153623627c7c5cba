"""The structures that a command names: found by recipes, or brought by files beside the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arviewer.errors import InputRefused, UsageError
from arviewer.formats import structures as files
from arviewer.formats.reading import load
from arviewer.imaging.dicom import load_resampled
from arviewer.imaging.recipes import RECIPES
from arviewer.model.segmentation import ParameterValue, Segment
from arviewer.model.study import Attachment, Scan, Series
from arviewer.model.surface import Surface
from arviewer.session.choice import choose
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

Built = tuple[Segment, Surface]
Finder = Callable[[Progress], Scan]


@dataclass(frozen=True, slots=True)
class Order:
    """What a command asks for.

    Attributes
    ----------
    names : tuple of str
        Recipes, or names of structures in files; empty for all structures of `source`.
    series : str or None
        UID or number; None for the one that is meant.
    source : Path or None
        The file that brings the structures; None for whichever file beside the images has the name.
    level : float
        Fraction at which the boundary of a fractional segment lies.
    parameters : mapping
        Of the recipe.
    """

    names: tuple[str, ...]
    series: str | None = None
    source: Path | None = None
    level: float = 0.5
    max_error_mm: float = 0.25
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    box: Sequence[tuple[int, int]] | None = None
    coarser: int = 1
    resampling: bool = False


def make(scan: Scan, order: Order, progress: Progress = silent) -> tuple[Series, list[Built]]:
    """Return the series that is meant and every structure asked for, with its surface.

    Raises
    ------
    UsageError
        When no recipe and no file has a structure of that name, or several files have it.
    InputRefused
        When a file does not belong to the images, or cannot be read.
    """
    brought = _brought(scan, order, part(progress, 0.0, 0.1))
    recipes = [name for name in order.names if name in RECIPES and name not in brought.names]
    if order.parameters and brought.names:
        raise UsageError(
            _("A threshold goes with a recipe, not with a structure from a file."), "", _("Export them one by one.")
        )
    series = _series_for(scan, order, brought, recipes)
    built: list[Built] = []
    if brought.attachment is not None:
        share = part(progress, 0.1, 0.4 if recipes else 1.0)
        present = [instance.sop_instance_uid for one in scan.series for instance in one.instances]
        built = files.build_all(
            brought.attachment, series, order.level, order.max_error_mm, present, brought.names, share
        )
        _require_all(brought, built)
    return series, built + _found(series, order, recipes, part(progress, 0.4, 1.0))


def threshold(text: str | None, names: Sequence[str]) -> dict[str, ParameterValue]:
    """Return the parameters of a recipe that a threshold "LOW:HIGH" in HU means; none without a text.

    Raises
    ------
    UsageError
        When it is no threshold, or meant for several structures.
    """
    if text is None:
        return {}
    if len(names) > 1:
        raise UsageError(_("--threshold goes with one structure at a time."), "", _("Export them one by one."))
    low, separator, high = text.partition(":")
    try:
        limits: dict[str, ParameterValue] = {}
        if low.strip():
            limits["low_hu"] = float(low)
        if high.strip():
            limits["high_hu"] = float(high)
    except ValueError:
        limits = {}
    if not limits or not separator:
        raise UsageError(
            _("{text!r} is no threshold.").format(text=text), "", _("Write LOW:HIGH in HU, such as 250:2000 or 250:")
        )
    return limits


@dataclass(frozen=True, slots=True)
class _Brought:
    """Which file brings which of the structures."""

    attachment: Attachment | None = None
    names: tuple[str, ...] = ()


def _brought(scan: Scan, order: Order, progress: Progress) -> _Brought:
    wanted = [name for name in order.names if order.source is not None or name not in RECIPES]
    if order.source is None and not wanted:
        return _Brought()
    candidates = [one for one in scan.attachments if one.kind in files.KINDS]
    if order.source is not None:
        candidates = [files.attachment_at(order.source)]
    told = files.listing(candidates, scan.series, progress)
    for one in told:
        if isinstance(one, InputRefused) and order.source is not None:
            raise one
    has = {one: found[0].structures for one, found in zip(candidates, told, strict=True) if isinstance(found, tuple)}
    if order.source is not None and not order.names:
        return _Brought(candidates[0], has[candidates[0]])
    return _matching(wanted, has)


def _matching(wanted: Sequence[str], has: dict[Attachment, tuple[str, ...]]) -> _Brought:
    """Return the one file that has every name that no recipe has; capital letters do not matter."""
    chosen: Attachment | None = None
    names: list[str] = []
    for name in wanted:
        found = [(one, own) for one, all_of in has.items() for own in all_of if own.casefold() == name.casefold()]
        if not found and name in RECIPES:
            continue
        if not found:
            raise _unknown(name, has)
        if len({one for one, _own in found}) > 1 and chosen not in [one for one, _own in found]:
            listed = "\n".join(f"  {one.name}" for one, _own in found)
            raise UsageError(
                _("Several files have a structure {name!r}.").format(name=name),
                "",
                _("Choose one with --from:") + "\n" + listed,
            )
        one, own = next(((o, w) for o, w in found if o is chosen), found[0])
        if chosen not in (None, one):
            raise UsageError(_("The structures are in different files."), "", _("Export them one by one."))
        chosen = one
        names.append(own)
    return _Brought(chosen, tuple(names))


def _unknown(name: str, has: dict[Attachment, tuple[str, ...]]) -> UsageError:
    known = _("There are: {names}.").format(names=", ".join(RECIPES))
    in_files = list(dict.fromkeys(own for all_of in has.values() for own in all_of))
    if in_files:
        known += " " + _("Files bring: {names}.").format(names=", ".join(in_files[:40]))
    return UsageError(_("There is no structure {name!r}.").format(name=name), "", known)


def _series_for(scan: Scan, order: Order, brought: _Brought, recipes: Sequence[str]) -> Series:
    """Return the series that is named, that a recipe needs, or that the file refers to; else the one that is meant."""
    if not scan.series:
        raise InputRefused(
            _("There are no images here that the structures could be laid over."),
            _("Without them nothing says whose they are and where they lie."),
            _("Name the folder with the images, and this file with --from."),
        )
    modalities = set.intersection(*(set(RECIPES[name].modalities) for name in recipes)) if recipes else set()
    if order.series is None and brought.attachment is not None and not recipes:
        fitting = _referred(scan, brought.attachment)
        if fitting is not None:
            return fitting
    return choose(scan, order.series, modalities if order.series is None else (), resampling=order.resampling)


def _referred(scan: Scan, attachment: Attachment) -> Series | None:
    """Return the first volume that a file refers to, else the first in its frame of reference; None without."""
    (told,) = files.listing([attachment], scan.series)
    if not isinstance(told, tuple):
        return None
    contents = told[0]
    volumes = [one for one in scan.series if one.geometry is not None]
    named = [one for one in volumes if one.uid and one.uid in contents.series_uids]
    same_frame = [one for one in volumes if one.frame_of_reference_uid in contents.frame_of_reference_uids]
    return next(iter(named + same_frame), None)


def _require_all(brought: _Brought, built: Sequence[Built]) -> None:
    missing = set(brought.names) - {segment.name for segment, _surface in built}
    if missing:
        assert brought.attachment is not None
        raise InputRefused(
            _("{name} has nothing to show of {missing}.").format(
                name=brought.attachment.name, missing=", ".join(sorted(missing))
            ),
            _("It is empty there, or lies in another frame of reference."),
        )


def _found(series: Series, order: Order, recipes: Sequence[str], progress: Progress) -> list[Built]:
    from arviewer.imaging.structure import build

    if not recipes:
        return []
    read = load_resampled if order.resampling else load
    volume = read(series, part(progress, 0.0, 0.4), box=order.box, coarser=order.coarser)
    share = 0.6 / len(recipes)
    return [
        build(
            volume,
            name,
            max_error_mm=order.max_error_mm,
            progress=part(progress, 0.4 + n * share, 0.4 + (n + 1) * share),
            **order.parameters,
        )
        for n, name in enumerate(recipes)
    ]
