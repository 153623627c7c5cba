"""The smallest job there is: it proves that a worker lives and that values travel unharmed."""

from __future__ import annotations

import time

from arviewer.workers.progress import Progress, silent

STEP_S = 0.01


def echo(value: object, duration_s: float = 0.0, progress: Progress = silent) -> object:
    """Return `value` after `duration_s` seconds, with progress on the way."""
    start = time.monotonic()
    while (spent := time.monotonic() - start) < duration_s:
        progress(spent / duration_s, "Waiting")
        time.sleep(STEP_S)
    return value
