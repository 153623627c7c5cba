"""``python -m arviewer`` and the ``arviewer`` command."""

from __future__ import annotations

import os
import sys

CANCELLED = 130


def main() -> int:
    """Run the command line; return its exit code."""
    from arviewer.cli import run

    code = run(sys.argv[1:])
    if code == CANCELLED:
        # An interrupt that came while a module was being imported leaves a mark in the interpreter, which would end
        # the process by a signal although the interrupt was handled.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
