"""The structures that a command names: found by recipes, or brought by files beside the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arviewer.errors import InputRefused, UsageError
from arviewer.formats import structures as files
from arviewer.formats.reading import load
from arviewer.imaging.dicom import load_resampled
from arviewer.imaging.recipes import RECIPES
from arviewer.imaging.tools import TOOLS, Need
from arviewer.model.segmentation import Segment, Segmentation
from arviewer.model.study import Attachment, Contents, Scan, Series
from arviewer.model.surface import Surface
from arviewer.session.choice import choose
from arviewer.session.order import DEFAULT_LEVEL, Order
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

Built = tuple[Segment, Surface]


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
            brought.attachment, series, order.level, order.max_error_mm, present, brought.names, share,
            simplify=order.simplify, capped=order.capped,
        )  # fmt: skip
        _require_all(brought, built)
    return series, built + _found(series, order, recipes, part(progress, 0.4, 1.0))


def _require_fitting(order: Order, brought: _Brought, recipes: Sequence[str]) -> None:
    """Raise UsageError for options that the structures asked for would not obey."""
    whole = order.box is None and order.coarser == 1 and not order.resampling
    if brought.attachment is not None and (order.parameters or order.then or not whole):
        raise UsageError(
            _(
                "--threshold, --set, --then, --box, --coarser and --resample go with a recipe, not with a structure"
                " from a file."
            ),
            _("A file brings its structures on a grid of their own."),
            _("Export them one by one."),
        )
    if order.level != DEFAULT_LEVEL and brought.attachment is None:
        raise UsageError(
            _("--level goes with a structure from a file, not with a recipe."),
            "",
            _("Leave it out for {names}.").format(names=", ".join(recipes)),
        )
    _require_click_wanted(order, recipes)


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


def segmented(scan: Scan, order: Order, progress: Progress = silent) -> tuple[Series, Segmentation]:
    """Return the series that is meant and what recipes find in it, repaired as ordered; see `require_recipes`."""
    recipes = require_recipes(order)
    series = _series_for(scan, order, _Brought(), recipes)
    return series, _repaired(series, order, recipes, progress)


def require_recipes(order: Order) -> list[str]:
    """Return the recipes that are ordered; raise `UsageError` when there is no such recipe, or a click for nothing."""
    recipes = list(dict.fromkeys(name.casefold() for name in order.names))
    unknown = [name for name in recipes if name not in RECIPES]
    if unknown:
        raise UsageError(
            _("There is no recipe {name!r}.").format(name=unknown[0]),
            "",
            _("There are: {names}.").format(names=", ".join(RECIPES)),
        )
    _require_click_wanted(order, recipes)
    return recipes


def _repaired(series: Series, order: Order, recipes: Sequence[str], progress: Progress) -> Segmentation:
    from arviewer.imaging.structure import repaired

    read = load_resampled if order.resampling else load
    volume = read(series, part(progress, 0.0, 0.3), box=order.box, coarser=order.coarser)
    share = 0.7 / len(recipes)
    segments: list[Segment] = []
    for n, name in enumerate(recipes):
        within = part(progress, 0.3 + n * share, 0.3 + (n + 1) * share)
        given = order.parameters.get(name, {})
        segments += repaired(volume, name, order.then, within, order.at_lps, **given).segments
    return Segmentation(volume, tuple(segments))


def _found(series: Series, order: Order, recipes: Sequence[str], progress: Progress) -> list[Built]:
    from arviewer.imaging.meshing import surface

    if not recipes:
        return []
    segmentation = _repaired(series, order, recipes, part(progress, 0.0, 0.6))
    built: list[Built] = []
    share = 0.4 / len(segmentation.segments)
    for n, one in enumerate(segmentation.segments):
        within = part(progress, 0.6 + n * share, 0.6 + (n + 1) * share)
        surface_of_it = surface(segmentation, one.name, order.max_error_mm, within, order.simplify, order.capped)
        built.append((one, surface_of_it))
    return built


def _require_click_wanted(order: Order, recipes: Sequence[str]) -> None:
    wanted = any(RECIPES[name].click for name in recipes) or any(Need.CLICK in TOOLS[s.tool].needs for s in order.then)
    if order.at_lps is not None and not wanted:
        raise UsageError(
            _("--at goes with a recipe or a tool that needs a click."),
            _("None of these does: {names}.").format(names=", ".join([*recipes, *(step.tool for step in order.then)])),
        )
