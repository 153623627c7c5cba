"""``info``: what is there, and what is doubtful about it; or one file, element by element."""

from __future__ import annotations

import argparse

from arviewer import arguments
from arviewer.commands.command import Command
from arviewer.commands.structures import scan_path
from arviewer.commands.terminal import Bar, print_json, say
from arviewer.words import _


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=arguments.place, metavar="PATH", help=_("folder, file, DICOMDIR or zip"))
    arguments.add_one_file(command)
    command.add_argument("--json", action="store_true", help=_("print one JSON document"))


def _run(options: argparse.Namespace) -> int:
    arguments.require_whole(options)
    if options.dump or options.report:
        return _inspect(options)
    from arviewer.formats.structures import listing

    found = scan_path(options.path)
    with Bar(not options.json) as bar:
        contents = listing(found.attachments, found.series, bar)
    if options.json:
        from arviewer.formats.description import describe

        print_json(describe(found, contents))
        return 0
    from arviewer.session.summary import summary

    say(summary(found, options.path, contents))
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from arviewer.session.inspection import inspect

    with Bar() as bar:
        described, text = inspect(options.path, options.instance, options.series, scan_path, options.report, bar)
    if options.json:
        print_json(described)
    else:
        say(text)
    return 0


INFO = Command(
    "info", _("tell which series are there, their geometry, what is doubtful about them"), _add_options, _run
)
