"""What is written to a terminal: lines, one JSON document, a progress bar."""

from __future__ import annotations

import json
import sys
import time

from arviewer.words.printable import printable

PROGRESS_INTERVAL_S = 0.1


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


def say(text: str) -> None:
    """Print a line for a person."""
    print(printable(text))  # noqa: T201


def print_json(document: object) -> None:
    """Print one JSON document for a script."""
    print(json.dumps(document, indent=2))  # noqa: T201 - ASCII: what steers a terminal is written out, and still JSON
