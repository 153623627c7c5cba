"""The command line: public and stable, people and scripts rely on it.

Exit codes: 0 done; 1 unexpected (a bug); 2 wrong usage; 3 the input is refused; 4 something this machine lacks;
130 cancelled. Errors go to stderr as what / why / remedy, never a traceback; ``--json`` gives one JSON document on
stdout; progress goes to stderr and only on a terminal. Each command imports its rooms when it runs.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import arviewer
from arviewer import arguments
from arviewer.errors import ArviewerError, Cancelled, UsageError
from arviewer.interrupts import Stop
from arviewer.words import _
from arviewer.words.printable import printable

if TYPE_CHECKING:
    from arviewer.model.study import Scan, Series
    from arviewer.session.making import Built

DEFAULT_SIZE = (1280, 960)
PROGRESS_INTERVAL_S = 0.1


def run(words: Sequence[str]) -> int:
    """Run one command; return its exit code. Every error is shown here, once."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show must not end the program
    stop = Stop()
    try:
        return _dispatch(words)
    except KeyboardInterrupt:
        return _show(_cancelled())
    except ArviewerError as error:
        return _show(error)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: nothing to say to nobody
        return 0
    except Exception as error:  # noqa: BLE001  (the last line of defence: a bug must be reported, not printed raw)
        return _show(_cancelled()) if stop.asked else _show_bug(error)


def _cancelled() -> Cancelled:
    return Cancelled(_("Cancelled."), "", _("Nothing was written."))


def _dispatch(words: Sequence[str]) -> int:
    if words and (words[0] in COMMANDS or words[0] in ("-h", "--help", "--version")):
        options = _parser().parse_args(words)
        result: int = options.command(options)
        return result
    for word in words:
        if word.startswith("-"):
            raise UsageError(_("There is no option {name!r} here.").format(name=word), "", _("See `arviewer --help`."))
    from arviewer.app import open_window

    return open_window([Path(a) for a in words])


# ---- what each command does ------------------------------------------------------------------------------------


def _info(options: argparse.Namespace) -> int:
    arguments.require_whole(options)
    if options.dump or options.report:
        return _inspect(options)
    from arviewer.formats.structures import listing

    found = _scan(options.path)
    with Bar(not options.json) as bar:
        contents = listing(found.attachments, found.series, bar)
    if options.json:
        from arviewer.formats.description import describe

        _print_json(describe(found, contents))
        return 0
    from arviewer.session.summary import summary

    _say(summary(found, options.path, contents))
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from arviewer.session.inspection import inspect

    with Bar() as bar:
        described, text = inspect(options.path, options.instance, options.series, _scan, options.report, bar)
    if options.json:
        _print_json(described)
    else:
        _say(text)
    return 0


def _export(options: argparse.Namespace) -> int:
    from arviewer.formats.export import export, require_possible
    from arviewer.session.summary import file_line

    require_possible(options.output, options.frame, options.format, options.accept)
    series, made = _made(options)
    surfaces = [surface for _segment, surface in made]
    with Bar(not options.json) as bar:
        exported = export(
            surfaces, options.output, frame=options.frame, format=options.format, accept=options.accept, progress=bar
        )
    if options.json:
        _print_json(exported.to_json())
        return 0
    _say(_("Series {number}: {description}").format(number=series.number, description=series.description))
    for file in exported.to_json()["files"]:
        _say(file_line(file))
    return 0


def _render(options: argparse.Namespace) -> int:
    from arviewer.model.scene import Look
    from arviewer.render.opengl import require_opengl
    from arviewer.render.picture import draw, picture_to_png

    require_opengl()
    if options.output.suffix.lower() != ".png":
        raise UsageError(_("Pictures are written as PNG."), str(options.output), _("Name the file NAME.png."))
    _series, made = _made(options)
    looks = {segment.name: Look(segment.color) for segment, _surface in made if segment.color is not None}
    surfaces = [surface for _segment, surface in made]
    picture = draw(surfaces, view=options.view, stereo=options.stereo, size=options.size, looks=looks)
    picture_to_png(picture, options.output)
    _say(
        _("{path}: {width} × {height} pixels").format(
            path=options.output, width=options.size[0], height=options.size[1]
        )
    )
    return 0


def _demo(options: argparse.Namespace) -> int:
    from arviewer.app import demo

    with Bar() as bar:
        return demo(options.output, _say, bar)


def _doctor(options: argparse.Namespace) -> int:
    from arviewer.app import doctor

    report = doctor()
    if options.json:
        _print_json(report)
    else:
        for check in report["checks"]:
            mark = _("ok") if check["ok"] else _("LACKS")
            print(f"{mark:<6} {check['name']}: {check['found']}")  # noqa: T201
            if check["remedy"]:
                print(f"       {check['remedy']}")  # noqa: T201
    return 0 if report["ok"] else 4


# ---- shared by the commands --------------------------------------------------------------------------------------


def _scan(path: Path) -> Scan:
    from arviewer.formats.reading import scan

    with Bar() as bar:
        return scan(path, progress=bar)


def _made(options: argparse.Namespace) -> tuple[Series, list[Built]]:
    """Scan, choose, load and build every structure that was asked for."""
    from arviewer.session.making import Order, make, threshold

    names = tuple(dict.fromkeys(options.structure))
    if not names and options.source is None:
        raise UsageError(_("Which structure is meant?"), "", _("Name it with --structure, or a file with --from."))
    order = Order(
        names=names,
        series=options.series,
        source=options.source,
        level=options.level,
        max_error_mm=options.max_error_mm,
        parameters=threshold(options.threshold, names),
        at_lps=options.at,
        box=options.box,
        coarser=options.coarser,
        resampling=options.resample,
    )
    scan = _scan(options.path)
    with Bar() as bar:
        return make(scan, order, bar)


class Bar:
    """A progress bar on stderr, drawn only on a terminal and at most ten times a second."""

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._last = 0.0

    def __enter__(self) -> Bar:
        return self

    def __call__(self, fraction: float, what: str = "") -> None:
        """See `arviewer.workers.progress.Progress`."""
        now = time.monotonic()
        if self._shown and now - self._last >= PROGRESS_INTERVAL_S:
            self._last = now
            filled = round(30 * min(max(fraction, 0.0), 1.0))
            sys.stderr.write(f"\r\x1b[K[{'█' * filled}{'·' * (30 - filled)}] {fraction:4.0%} {what}")
            sys.stderr.flush()

    def __exit__(self, *exception: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _say(text: str) -> None:
    print(printable(text))  # noqa: T201


def _print_json(document: object) -> None:
    print(json.dumps(document, indent=2))  # noqa: T201 - ASCII: what steers a terminal is written out, and still JSON


def _show(error: ArviewerError) -> int:
    sys.stderr.write(f"arviewer: {printable(str(error))}\n")
    return error.exit_code


def _show_bug(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="arviewer-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    why = f"{type(error).__name__}: {error}"
    return _show(
        ArviewerError(_("Something unforeseen happened."), why, _("Please report it with {log}.").format(log=log.name))
    )


# ---- the words it understands ------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors have the form and exit code of all others."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` instead of exiting."""
        raise UsageError(message, "", _("See `{command} --help`.").format(command=self.prog))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="arviewer",
        description=_("DICOM in, measured and side-safe 3D anatomy out. Not for diagnostic use."),
        epilog=_("Without a command, `arviewer [PATH ...]` opens the window on a folder, file, DICOMDIR or zip."),
    )
    parser.add_argument("--version", action="version", version=f"arviewer {arviewer.__version__}")
    commands = parser.add_subparsers(title=_("commands"), required=True, parser_class=_Parser, metavar="COMMAND")
    for name, (function, text, add_options) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        add_options(command)
        command.set_defaults(command=function)
    return parser


def _info_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=arguments.place, metavar="PATH", help=_("folder, file, DICOMDIR or zip"))
    arguments.add_one_file(command)
    command.add_argument("--json", action="store_true", help=_("print one JSON document"))


def _structure_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=arguments.place, metavar="PATH", help=_("folder, file, DICOMDIR or zip"))
    command.add_argument(
        "--structure",
        action="append",
        default=[],
        metavar="NAME",
        help=_("bone, skin, lungs, vessels, or the name of one in a file (see `info`); may be repeated"),
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
        help=_("where a recipe that needs a click begins, LPS in mm; written --at=X,Y,Z"),
    )
    command.add_argument("--threshold", metavar="LOW:HIGH", help=_("in HU, in place of the recipe's own way"))
    command.add_argument(
        "--max-error-mm",
        type=arguments.millimeters,
        default=0.25,
        metavar="X",
        help=_("how far smoothing may move the surface, in mm (default 0.25)"),
    )


def _export_options(command: argparse.ArgumentParser) -> None:
    _structure_options(command)
    command.add_argument("--frame", default="lps", metavar="lps|ras", help=_("patient axes of the file (default lps)"))
    command.add_argument("--format", metavar="stl|ply|obj", help=_("for a folder; a file says it by its suffix"))
    command.add_argument(
        "--accept", action="append", default=[], metavar="KIND", help=_("export in spite of findings of this kind")
    )
    command.add_argument("-o", "--output", required=True, type=str, metavar="FILE|FOLDER", help=_("where to"))
    command.add_argument("--json", action="store_true", help=_("print one JSON document"))


def _render_options(command: argparse.ArgumentParser) -> None:
    _structure_options(command)
    command.add_argument(
        "--view", default="anterior", metavar="SIDE", help=_("anterior, posterior, left, right, head, feet")
    )
    command.add_argument(
        "--stereo", default="off", metavar="KIND", help=_("off, side-by-side, top-bottom, anaglyph (default off)")
    )
    command.add_argument(
        "--size", type=arguments.size, default=DEFAULT_SIZE, metavar="WxH", help=_("in pixels (default 1280x960)")
    )
    command.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.png", help=_("where to"))


def _demo_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("out"),
        metavar="FOLDER",
        help=_("where pictures and meshes go when there is no screen (default out/)"),
    )


def _doctor_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help=_("print one JSON document"))


Options = Callable[[argparse.ArgumentParser], None]
COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], str, Options]] = {
    "demo": (_demo, _("open the sample patient; without a screen, leave pictures and meshes"), _demo_options),
    "info": (_info, _("tell which series are there, their geometry, what is doubtful about them"), _info_options),
    "export": (_export, _("make surfaces of structures and write them as STL, PLY or OBJ"), _export_options),
    "render": (_render, _("make a picture of structures, mono or stereo"), _render_options),
    "doctor": (_doctor, _("tell what this machine has, and what is missing"), _doctor_options),
}
