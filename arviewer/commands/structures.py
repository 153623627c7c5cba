"""What the commands that make structures share: which series, which structures, how they are made and repaired."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from arviewer import arguments
from arviewer.commands.terminal import Bar
from arviewer.errors import UsageError
from arviewer.words import _

if TYPE_CHECKING:
    from arviewer.formats.format import FileFormat
    from arviewer.model.segmentation import Segmentation
    from arviewer.model.study import Scan, Series
    from arviewer.session.making import Built
    from arviewer.session.order import Order


def scan_path(path: Path) -> Scan:
    """Return what is in a folder, file, DICOMDIR or archive."""
    from arviewer.formats.reading import scan

    with Bar() as bar:
        return scan(path, progress=bar)


def made(options: argparse.Namespace) -> tuple[Series, list[Built]]:
    """Scan, choose, load and build every structure that was asked for, with its surface."""
    from arviewer.session.making import make

    names = tuple(dict.fromkeys(options.structure))
    if not names and options.source is None:
        raise UsageError(_("Which structure is meant?"), "", _("Name it with --structure, or a file with --from."))
    order = _order(options, names, source=options.source, level=options.level, max_error_mm=options.max_error_mm,
                   simplify=options.simplify, capped=not options.uncapped)  # fmt: skip
    scan = scan_path(options.path)
    with Bar() as bar:
        return make(scan, order, bar)


def segmented(options: argparse.Namespace) -> tuple[Series, Segmentation]:
    """Scan, choose, load and find every structure that was asked for."""
    from arviewer.session.making import require_recipes
    from arviewer.session.making import segmented as run

    order = _order(options, tuple(dict.fromkeys(options.recipe)))
    require_recipes(order)
    scan = scan_path(options.path)
    with Bar() as bar:
        return run(scan, order, bar)


def _order(options: argparse.Namespace, names: tuple[str, ...], **more: object) -> Order:
    from arviewer.session.order import Order, parameters_of, steps_of

    return Order(
        names=names,
        series=options.series,
        parameters=parameters_of(names, options.set, options.threshold),
        then=steps_of(options.then, has_click=options.at is not None),
        at_lps=options.at,
        box=options.box,
        coarser=options.coarser,
        resampling=options.resample,
        **more,  # type: ignore[arg-type]
    )


def require_not_for(command: str, output: str, formats: Sequence[FileFormat]) -> None:
    """Raise UsageError for a file of a kind that another command writes."""
    from arviewer.formats.format import suffix_of

    if suffix_of(output, formats):
        raise UsageError(
            _("Files such as {name} are written by another command.").format(name=Path(output).name),
            "",
            _("Use `arviewer {command}`.").format(command=command),
        )


def add_structures(command: argparse.ArgumentParser) -> None:
    """Let a command make surfaces of structures: by recipes, or from files."""
    from arviewer.imaging.recipes.table import RECIPES

    command.add_argument("path", type=arguments.place, metavar="PATH", help=_("folder, file, DICOMDIR or zip"))
    command.add_argument(
        "--structure",
        action="append",
        default=[],
        metavar="NAME",
        help=_("{names}, or the name of one in a file (see `info`); may be repeated").format(names=", ".join(RECIPES)),
    )
    command.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help=_("take structures from this SEG, RTSTRUCT or label map"),
    )
    command.add_argument(
        "--level", type=float, default=0.5, metavar="X", help=_("where a fractional segment ends (default 0.5)")
    )
    add_making(command)
    command.add_argument(
        "--max-error-mm",
        type=arguments.millimeters,
        default=0.25,
        metavar="X",
        help=_("how far the surface may end up from that of the voxels, in mm (default 0.25)"),
    )
    command.add_argument(
        "--simplify", action="store_true", help=_("spare triangles, as many as --max-error-mm allows; takes longer")
    )
    command.add_argument(
        "--uncapped", action="store_true", help=_("leave the surface open where the structure leaves the scan")
    )


def add_making(command: argparse.ArgumentParser) -> None:
    """Let a command say which images, and how recipes and tools work on them."""
    command.add_argument(
        "--series", metavar="UID|NUMBER", help=_("which series; default: the only suitable or largest")
    )
    command.add_argument(
        "--box",
        type=arguments.box,
        metavar="I0:I1,J0:J1,K0:K1",
        help=_("load these voxels only: columns, rows, slices"),
    )
    command.add_argument(
        "--coarser",
        type=arguments.step,
        default=1,
        metavar="N",
        help=_("load every Nth voxel along each axis only, to save memory"),
    )
    command.add_argument(
        "--resample", action="store_true", help=_("interpolate a tilted or uneven series onto an even, upright grid")
    )
    command.add_argument(
        "--at",
        type=arguments.point,
        metavar="X,Y,Z",
        help=_("where a recipe or tool that needs a click begins, LPS in mm; written --at=X,Y,Z"),
    )
    command.add_argument("--threshold", metavar="LOW:HIGH", help=_("in HU, in place of the recipe's own way"))
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="[RECIPE.]NAME=VALUE",
        help=_("a parameter of the recipe, such as low_hu=200; may be repeated"),
    )
    command.add_argument(
        "--then",
        action="append",
        default=[],
        metavar="TOOL[:NAME=VALUE,...]",
        help=_("run this tool on what was found, such as keep-largest; may be repeated, in order"),
    )


def add_accept(command: argparse.ArgumentParser) -> None:
    """Let a command be told which doubts are accepted."""
    command.add_argument(
        "--accept", action="append", default=[], metavar="KIND", help=_("export in spite of findings of this kind")
    )
