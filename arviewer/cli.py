"""The command line: public and stable, people and scripts rely on it.

Exit codes: 0 done; 1 unexpected (a bug); 2 wrong usage; 3 the input is refused; 4 something this machine lacks;
130 cancelled. Errors go to stderr as what / why / remedy, never a traceback; ``--json`` gives one JSON document on
stdout; progress goes to stderr and only on a terminal. What each command does: `arviewer.commands`.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import arviewer
from arviewer.commands.demo import DEMO
from arviewer.commands.doctor import DOCTOR
from arviewer.commands.export import EXPORT
from arviewer.commands.info import INFO
from arviewer.commands.render import RENDER
from arviewer.commands.segment import SEGMENT
from arviewer.errors import ArviewerError, Cancelled, UsageError
from arviewer.interrupts import Stop
from arviewer.words import _
from arviewer.words.printable import printable

COMMANDS = {command.name: command for command in (DEMO, INFO, SEGMENT, EXPORT, RENDER, DOCTOR)}
"""Every command by name, in the order of the help."""


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
        options = _parser(words[0]).parse_args(words)
        result: int = options.command(options)
        return result
    for word in words:
        if word.startswith("-"):
            raise UsageError(_("There is no option {name!r} here.").format(name=word), "", _("See `arviewer --help`."))
    from arviewer.app import open_window

    return open_window([Path(a) for a in words])


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


def _parser(chosen: str) -> argparse.ArgumentParser:
    """Return the parser, with the options of the chosen command only: their help loads what they are about."""
    parser = _Parser(
        prog="arviewer",
        description=_("DICOM in, measured and side-safe 3D anatomy out. Not for diagnostic use."),
        epilog=_("Without a command, `arviewer [PATH ...]` opens the window on a folder, file, DICOMDIR or zip."),
    )
    parser.add_argument("--version", action="version", version=f"arviewer {arviewer.__version__}")
    commands = parser.add_subparsers(title=_("commands"), required=True, parser_class=_Parser, metavar="COMMAND")
    for each in COMMANDS.values():
        command = commands.add_parser(each.name, help=each.text, description=each.text)
        if each.name == chosen:
            each.add_options(command)
        command.set_defaults(command=each.run)
    return parser
