"""Command line options that need words of their own: from words to values, or an error that says how to write them."""

from __future__ import annotations

import argparse
from pathlib import Path

from arviewer.errors import UsageError
from arviewer.words import _


def place(text: str) -> Path:
    """Return a path; an empty word, such as a variable of a script that was never set, names nothing."""
    if not text:
        raise argparse.ArgumentTypeError(_("a name is needed, it is empty"))
    return Path(text)


def size(text: str) -> tuple[int, int]:
    """Return width and height in pixels of "1920x1080"."""
    width, _x, height = text.lower().partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(_("write WIDTHxHEIGHT, such as 1920x1080")) from None


def millimeters(text: str) -> float:
    """Return a distance from 0 to 10 mm."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 10.0:
        raise argparse.ArgumentTypeError(_("a distance between 0 and 10 mm is needed"))
    return value


def step(text: str) -> int:
    """Return a whole number from 1 to 64."""
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(_("a whole number from 1 to 64 is needed"))
    return int(text)


def box(text: str) -> list[tuple[int, int]]:
    """Return the first voxel and the one behind the last along i, j and k of "I0:I1,J0:J1,K0:K1"."""
    pairs = [pair.split(":") for pair in text.split(",")]
    if len(pairs) != 3 or any(len(pair) != 2 or not all(end.isdigit() for end in pair) for pair in pairs):
        raise argparse.ArgumentTypeError(_("write I0:I1,J0:J1,K0:K1, such as 100:400,120:380,0:90"))
    return [(int(first), int(behind)) for first, behind in pairs]


def add_one_file(command: argparse.ArgumentParser) -> None:
    """Let a command speak of one file in place of the whole: ``--dump`` or ``--report``, and of which."""
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--dump", action="store_true", help=_("print every element of one file: tag, VR, keyword, value")
    )
    which.add_argument("--report", action="store_true", help=_("print a structured report as text"))
    command.add_argument(
        "--instance",
        metavar="NAME|UID",
        help=_("of which file; default: the first image of the series, or the only report"),
    )
    command.add_argument("--series", metavar="UID|NUMBER", help=_("dump the first image of this series"))


def require_whole(options: argparse.Namespace) -> None:
    """Raise UsageError where one file is named, but nothing that is wanted of it goes with the naming."""
    if options.series and not options.dump:
        raise UsageError(_("--series goes with --dump."), "", _("See `arviewer info --help`."))
    if options.instance and not (options.dump or options.report):
        raise UsageError(_("--instance goes with --dump or --report."), "", _("See `arviewer info --help`."))


def point(text: str) -> tuple[float, float, float]:
    """Return "X,Y,Z" as a point in mm; LPS."""
    try:
        x, y, z = (float(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            _("{text!r} is no point; write X,Y,Z in mm (LPS), such as 12.5,-80,340").format(text=text)
        ) from None
    return x, y, z
