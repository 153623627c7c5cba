"""``render``: a picture of structures."""

from __future__ import annotations

import argparse
from pathlib import Path

from arviewer import arguments
from arviewer.commands.command import Command
from arviewer.commands.structures import add_structures, made
from arviewer.commands.terminal import say
from arviewer.errors import UsageError
from arviewer.words import _

DEFAULT_SIZE = (1280, 960)


def _add_options(command: argparse.ArgumentParser) -> None:
    add_structures(command)
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


def _run(options: argparse.Namespace) -> int:
    from arviewer.model.scene import Look
    from arviewer.render.opengl import require_opengl
    from arviewer.render.picture import draw, picture_to_png

    require_opengl()
    if options.output.suffix.lower() != ".png":
        raise UsageError(_("Pictures are written as PNG."), str(options.output), _("Name the file NAME.png."))
    _series, built = made(options)
    looks = {segment.name: Look(segment.color) for segment, _surface in built if segment.color is not None}
    surfaces = [surface for _segment, surface in built]
    picture = draw(surfaces, view=options.view, stereo=options.stereo, size=options.size, looks=looks)
    picture_to_png(picture, options.output)
    say(
        _("{path}: {width} × {height} pixels").format(
            path=options.output, width=options.size[0], height=options.size[1]
        )
    )
    return 0


RENDER = Command("render", _("make a picture of structures, mono or stereo"), _add_options, _run)
