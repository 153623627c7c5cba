"""``demo``: the sample patient."""

from __future__ import annotations

import argparse
from pathlib import Path

from arviewer.commands.command import Command
from arviewer.commands.terminal import Bar, say
from arviewer.words import _


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("out"),
        metavar="FOLDER",
        help=_("where pictures and meshes go when there is no screen (default out/)"),
    )


def _run(options: argparse.Namespace) -> int:
    from arviewer.app import demo

    with Bar() as bar:
        return demo(options.output, say, bar)


DEMO = Command("demo", _("open the sample patient; without a screen, leave pictures and meshes"), _add_options, _run)
