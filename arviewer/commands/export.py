"""``export``: surfaces of structures as meshes."""

from __future__ import annotations

import argparse

from arviewer.commands.command import Command
from arviewer.commands.structures import add_accept, add_structures, made, require_not_for
from arviewer.commands.terminal import Bar, print_json, say
from arviewer.words import _


def _add_options(command: argparse.ArgumentParser) -> None:
    add_structures(command)
    command.add_argument("--frame", default="lps", metavar="lps|ras", help=_("patient axes of the file (default lps)"))
    command.add_argument("--format", metavar="stl|ply|obj", help=_("for a folder; a file says it by its suffix"))
    add_accept(command)
    command.add_argument("-o", "--output", required=True, type=str, metavar="FILE|FOLDER", help=_("where to"))
    command.add_argument("--json", action="store_true", help=_("print one JSON document"))


def _run(options: argparse.Namespace) -> int:
    from arviewer.formats.export import export, require_possible
    from arviewer.formats.voxels import FORMATS as VOXELS
    from arviewer.session.summary import file_line, series_line

    require_not_for("segment", options.output, VOXELS)
    require_possible(options.output, options.frame, options.format, options.accept)
    series, built = made(options)
    surfaces = [surface for _segment, surface in built]
    with Bar(not options.json) as bar:
        exported = export(
            surfaces, options.output, frame=options.frame, format=options.format, accept=options.accept, progress=bar
        )
    if options.json:
        print_json(exported.to_json())
        return 0
    say(series_line(series))
    for file in exported.to_json()["files"]:
        say(file_line(file))
    return 0


EXPORT = Command("export", _("make surfaces of structures and write them as STL, PLY or OBJ"), _add_options, _run)
