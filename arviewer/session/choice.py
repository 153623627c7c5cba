"""Which series a person means, when they did not say."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from arviewer.errors import InputRefused, UsageError
from arviewer.model.findings import Verdict
from arviewer.model.study import Scan, Series
from arviewer.session.summary import phase_words
from arviewer.words import _, counted
from arviewer.words.findings import message

CLEARLY_LARGER = 2.0
"""How many times the voxels of the next one make a series the clearly largest."""

MAX_LISTED = 20
"""How many series a message lists."""


def choose(
    scan: Scan, wanted: str | None = None, modalities: Collection[str] = (), *, resampling: bool = False
) -> Series:
    """Return the series that is meant.

    Parameters
    ----------
    scan : Scan
    wanted : str or None
        A series UID or number, with ``:2`` behind it for the second of several volumes that share it; None for the
        only suitable one, or the one clearly largest regular one.
    modalities : collection of str
        Of which modalities it may be, such as {"CT"}; empty for any.
    resampling : bool
        Whether a series that is too uneven to be a volume as it is counts as suitable.

    Raises
    ------
    UsageError
        When it is not clear which one is meant; the remedy lists them.
    InputRefused
        When none is suitable; the reason says why.
    """
    if wanted is not None:
        return _named(scan.series, wanted)
    volumes = [s for s in scan.series if s.geometry is not None or (resampling and s.verdict is Verdict.UNEVEN)]
    suitable = [s for s in volumes if not modalities or s.modality in modalities]
    if not suitable:
        raise _none_suitable(scan.series, volumes, modalities)
    if len({s.patient.key for s in suitable}) > 1:
        raise UsageError(
            _("The folder holds images of several patients; none is chosen for you."),
            "",
            _("Choose one with --series:") + "\n" + listing(suitable),
        )
    if len(suitable) == 1:
        return suitable[0]
    largest, following = sorted(suitable, key=_voxels, reverse=True)[:2]
    if largest.verdict is Verdict.REGULAR and _voxels(largest) >= CLEARLY_LARGER * _voxels(following):
        return largest
    raise UsageError(
        _("It is not clear which series is meant."), "", _("Choose one with --series:") + "\n" + listing(suitable)
    )


def listing(series: Sequence[Series]) -> str:
    """Return one line for each of the first series, without any identity."""
    return listed([f"  {_line(s)}" for s in series])


def listed(lines: Sequence[str]) -> str:
    """Return as many lines as a message holds, and how many more there are."""
    more = len(lines) - MAX_LISTED
    rest = [_("  and {count} more; `arviewer info` lists all.").format(count=more)] if more > 0 else []
    return "\n".join([*lines[:MAX_LISTED], *rest])


def _line(series: Series) -> str:
    number = "-" if series.number is None else str(series.number)
    uid = series.uid if series.part[1] == 1 else f"{series.uid}:{series.part[0]}"
    slices = counted(_("1 slice"), _("{count} slices"), len(series.instances))
    what = f"{series.description}{phase_words(series.phase, '  ')}"
    return f"{number:>5}  {series.modality:<3} {slices:>12}  {series.verdict.value:<15} {what}  {uid}"


def _named(series: Sequence[Series], wanted: str) -> Series:
    found = [s for s in series if wanted in (s.uid, str(s.number), f"{s.uid}:{s.part[0]}", f"{s.number}:{s.part[0]}")]
    if len(found) == 1:
        return found[0]
    what = _("There is no series {wanted!r} here.") if not found else _("Several series answer to {wanted!r}.")
    raise UsageError(what.format(wanted=wanted), "", _("There are:") + "\n" + listing(found or series))


def _none_suitable(series: Sequence[Series], volumes: Sequence[Series], modalities: Collection[str]) -> Exception:
    if volumes:
        there = ", ".join(sorted({s.modality or "?" for s in volumes}))
        return InputRefused(
            _("No series here is suitable."),
            _("It must be {wanted}; there is {there}.").format(wanted=" or ".join(sorted(modalities)), there=there),
            _("Choose a structure for this modality, or name a series with --series."),
        )
    reasons = [message(f.kind, f.details) for s in series for f in s.findings]
    return InputRefused(
        _("No series here can be a volume."),
        " ".join(dict.fromkeys(reasons)),
        _("`arviewer info` tells what is wrong with each."),
    )


def _voxels(series: Series) -> int:
    if series.geometry is None:
        return 0
    k, j, i = series.geometry.shape_kji
    return k * j * i
