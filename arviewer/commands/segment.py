"""``segment``: structures as voxels."""

from __future__ import annotations

import argparse

from arviewer import arguments
from arviewer.commands.command import Command
from arviewer.commands.structures import add_accept, add_making, require_not_for, segmented
from arviewer.commands.terminal import Bar, print_json, say
from arviewer.words import _


def _add_options(command: argparse.ArgumentParser) -> None:
    from arviewer.imaging.recipes.table import RECIPES

    command.add_argument("path", type=arguments.place, metavar="PATH", help=_("folder, file, DICOMDIR or zip"))
    command.add_argument(
        "--recipe",
        action="append",
        required=True,
        metavar="NAME",
        help=_("{names}; may be repeated").format(names=", ".join(RECIPES)),
    )
    add_making(command)
    command.add_argument("--format", metavar="nrrd|nifti|nii|seg", help=_("for a folder; a file says it by its suffix"))
    add_accept(command)
    command.add_argument(
        "-o",
        "--output",
        required=True,
        type=str,
        metavar="FILE|FOLDER",
        help=_("where to: NAME.seg.nrrd, NAME.nii.gz, NAME.nii, NAME.dcm, or a folder"),
    )
    command.add_argument("--json", action="store_true", help=_("print one JSON document"))


def _run(options: argparse.Namespace) -> int:
    from arviewer.formats.export_voxels import export_voxels, require_possible
    from arviewer.formats.meshes import FORMATS as MESHES
    from arviewer.session.summary import series_line, voxels_line

    require_not_for("export", options.output, MESHES)
    require_possible(options.output, options.format, options.accept)
    series, found = segmented(options)
    with Bar(not options.json) as bar:
        exported = export_voxels(
            found.segments, found.volume, options.output, format=options.format, accept=options.accept, progress=bar
        )
    if options.json:
        print_json(exported.to_json())
        return 0
    say(series_line(series))
    for file in exported.to_json()["files"]:
        say(voxels_line(file))
    return 0


SEGMENT = Command(
    "segment", _("find structures and write them as voxels: 3D Slicer's NRRD, NIfTI or DICOM SEG"), _add_options, _run
)
