"""The structures that a command names: found by recipes, or brought by files beside the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arviewer.errors import InputRefused, UsageError
from arviewer.formats import structures as files
from arviewer.formats.reading import load
from arviewer.imaging.dicom import load_resampled
from arviewer.imaging.recipes import RECIPES
from arviewer.model.segmentation import ParameterValue, Segment
from arviewer.model.study import Attachment, Contents, Scan, Series
from arviewer.model.surface import Surface
from arviewer.session.choice import choose
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

Built = tuple[Segment, Surface]

DEFAULT_LEVEL = 0.5
"""Fraction at which the boundary of a fractional segment lies."""


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
    at_lps : three floats, optional
        Where to begin, LPS mm, for a recipe that needs a click.
    """

    names: tuple[str, ...]
    series: str | None = None
    source: Path | None = None
    level: float = DEFAULT_LEVEL
    max_error_mm: float = 0.25
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    at_lps: Sequence[float] | None = None
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
    asked = [name for name in order.names if name not in brought.asked]
    recipes = list(dict.fromkeys(name.casefold() for name in asked))
    _require_fitting(order, brought, recipes)
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


def _require_fitting(order: Order, brought: _Brought, recipes: Sequence[str]) -> None:
    """Raise UsageError for options that the structures asked for would not obey."""
    whole = order.box is None and order.coarser == 1 and not order.resampling
    if brought.attachment is not None and (order.parameters or not whole):
        raise UsageError(
            _("--threshold, --box, --coarser and --resample go with a recipe, not with a structure from a file."),
            _("A file brings its structures on a grid of their own."),
            _("Export them one by one."),
        )
    if order.level != DEFAULT_LEVEL and brought.attachment is None:
        raise UsageError(
            _("--level goes with a structure from a file, not with a recipe."),
            "",
            _("Leave it out for {names}.").format(names=", ".join(recipes)),
        )


@dataclass(frozen=True, slots=True)
class _Brought:
    """Which file brings which of the structures.

    Attributes
    ----------
    names : tuple of str
        As the file has them; empty for all it holds.
    asked : tuple of str
        The same as they were asked for.
    """

    attachment: Attachment | None = None
    contents: Contents = Contents()  # noqa: RUF009 - an immutable value
    names: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


def _brought(scan: Scan, order: Order, progress: Progress) -> _Brought:
    wanted = [name for name in order.names if order.source is not None or name.casefold() not in RECIPES]
    if order.source is None and not wanted:
        return _Brought()
    candidates = [one for one in scan.attachments if one.kind in files.KINDS]
    if order.source is not None:
        candidates = [files.attachment_at(order.source)]
    told = files.listing(candidates, scan.series, progress)
    for one in told:
        if isinstance(one, InputRefused) and order.source is not None:
            raise one
    has = {one: found[0] for one, found in zip(candidates, told, strict=True) if isinstance(found, tuple)}
    if order.source is not None and not order.names:
        return _Brought(candidates[0], has[candidates[0]])
    return _matching(wanted, has)


def _matching(wanted: Sequence[str], has: dict[Attachment, Contents]) -> _Brought:
    """Return the one file that has every name that no recipe has; capital letters do not matter."""
    chosen: Attachment | None = None
    names: dict[str, str] = {}
    for name in wanted:
        found = [
            (one, own) for one, told in has.items() for own in told.structures if own.casefold() == name.casefold()
        ]
        if not found and name.casefold() in RECIPES:
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
        names[name] = own
    if chosen is None:
        return _Brought()
    return _Brought(chosen, has[chosen], tuple(dict.fromkeys(names.values())), tuple(names))


def _unknown(name: str, has: dict[Attachment, Contents]) -> UsageError:
    known = _("There are: {names}.").format(names=", ".join(RECIPES))
    in_files = list(dict.fromkeys(own for told in has.values() for own in told.structures))
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
        fitting = _referred(scan, brought.contents)
        if fitting is not None:
            return fitting
    return choose(scan, order.series, modalities if order.series is None else (), resampling=order.resampling)


def _referred(scan: Scan, contents: Contents) -> Series | None:
    """Return the first volume that a file refers to, else the first in its frame of reference; None without."""
    volumes = [one for one in scan.series if one.geometry is not None]
    named = [one for one in volumes if one.uid and one.uid in contents.series_uids]
    same_frame = [one for one in volumes if one.frame_of_reference_uid in contents.frame_of_reference_uids]
    return next(iter(named + same_frame), None)


def _require_all(brought: _Brought, built: Sequence[Built]) -> None:
    missing = set(brought.names) - {segment.name for segment, _surface in built}
    if missing or not built:
        assert brought.attachment is not None
        raise InputRefused(
            _("{name} has nothing to show of {missing}.").format(
                name=brought.attachment.name, missing=", ".join(sorted(missing or brought.contents.structures))
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
            at_lps=order.at_lps,
            **order.parameters,
        )
        for n, name in enumerate(recipes)
    ]
