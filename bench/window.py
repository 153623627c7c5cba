"""``python -m bench window [FOLDER]``: how long the window stands still, idle and while a job works beside it.

The same hands do the same things three times on the real window (scrolling all slices, turning 3D): with nothing else
going on, with a job at work, and when its result arrives. A timer of 5 ms tells how long the window answered to
nothing. Run it on a screen, a virtual one will do. The bar: a job lengthens the worst gap by at most 50 ms beyond
the same frame drawn idle; the arrival is held against the first full frame of the same structures drawn idle.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import QTimer

from arviewer.model.scene import Scene
from arviewer.ui.application import create_application
from arviewer.ui.main_window import MainWindow
from tools.screenshots import live, opened

ROOT = Path(__file__).parents[1]
BEAT_MS = 5
PHASE_S = 12.0
REST_MS = 1500
BAR_MS = 50.0


class Heart:
    """Beats as often as the window lets it; remembers when, and the gap before each beat."""

    def __init__(self) -> None:
        self.beats: list[tuple[float, float]] = []
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(BEAT_MS)

    def _beat(self) -> None:
        now = time.perf_counter()
        self.beats.append((now, (now - self._last) * 1000))
        self._last = now

    def between(self, start: float, stop: float) -> tuple[float, float]:
        """Return the median and the worst gap in ms that ended between two times."""
        gaps = [gap for at, gap in self.beats if start < at <= stop]
        return statistics.median(gaps), max(gaps)


def hands(window: MainWindow, until: Callable[[], bool]) -> tuple[float, float]:
    """Scroll and turn as a person would until something is so; return when it began and ended."""
    start, step = time.perf_counter(), 0
    while not until():
        step += 1
        window.grid.slices["axial"].scroll(1 if step % 60 < 30 else -1)
        if step % 4 == 0:
            window.grid.view_3d.turn(3.0, 0.0)
        live(15)
    return start, time.perf_counter()


def main(arguments: Sequence[str]) -> int:
    """Print the gaps; return 1 when the bar is missed."""
    folder = Path(arguments[0]) if arguments else ROOT / "sample_dicom"
    application = create_application(["bench"])  # kept: Qt ends with its last reference
    window = opened(folder, ("bone",))
    heart = Heart()
    changes: list[float] = []

    def changed(_before: Scene, _after: Scene) -> None:
        changes.append(time.perf_counter())

    window.document.watch(changed)
    idle = hands(window, _passed(PHASE_S))
    window.building.start("lungs", {})
    began, _ended = hands(window, lambda: bool(changes))
    live(REST_MS)
    window.document.undo()
    live(REST_MS)
    window.document.redo()
    live(REST_MS)
    arrival, _undone, shown_again = changes
    rows = {
        "idle": heart.between(*idle),
        "a job at work": heart.between(began, arrival),
        "its result arrives": heart.between(arrival, arrival + REST_MS / 1000),
        "the same shown again, idle": heart.between(shown_again, shown_again + REST_MS / 1000),
    }
    window.close()
    application.processEvents()
    print(f"{'gap in ms':28}{'median':>8}{'worst':>8}")
    for name, (median, worst) in rows.items():
        print(f"{name:28}{median:8.1f}{worst:8.1f}")
    gaps = [gap for _median, gap in rows.values()]
    at_work, on_arrival = gaps[1] - gaps[0], gaps[2] - gaps[3]
    print(
        f"a job lengthens the worst gap by {at_work:.0f} ms at work, {on_arrival:.0f} ms on arrival; bar {BAR_MS:.0f}"
    )
    return int(max(at_work, on_arrival) > BAR_MS)


def _passed(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end
