"""``doctor``: what this machine has."""

from __future__ import annotations

import argparse

from arviewer.commands.command import Command
from arviewer.commands.terminal import print_json, say
from arviewer.words import _


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help=_("print one JSON document"))


def _run(options: argparse.Namespace) -> int:
    from arviewer.app import doctor

    report = doctor()
    if options.json:
        print_json(report)
    else:
        for check in report["checks"]:
            mark = _("ok") if check["ok"] else _("LACKS")
            say(f"{mark:<6} {check['name']}: {check['found']}")
            if check["remedy"]:
                say(f"       {check['remedy']}")
    return 0 if report["ok"] else 4


DOCTOR = Command("doctor", _("tell what this machine has, and what is missing"), _add_options, _run)
