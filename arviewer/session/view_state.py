"""Where a person looks: saved, shared by all views, and not a matter of undo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from arviewer.model.geometry import Float
from arviewer.model.volume import Volume

DEFAULT_WINDOWS: dict[str, tuple[float, float]] = {"CT": (40.0, 400.0)}
"""Center and width by modality, where the files propose none: soft tissue."""

MIN_WINDOW_WIDTH = 1.0
"""PS3.3 C.11.2.1.2: a window is at least one value wide."""


class ViewState:
    """The cursor and the window, watched by every view.

    Attributes
    ----------
    cursor_lps : ndarray, shape (3,), mm
        The point the linked slices go through.
    window : (center, width)
        In the volume's unit.
    """

    def __init__(self) -> None:
        self.cursor_lps: Float = np.zeros(3)
        self.window: tuple[float, float] = (40.0, 400.0)
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after every change; returns how to stop it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def look_at(self, volume: Volume) -> None:
        """Put the cursor in the middle of a volume and take its window."""
        self.cursor_lps = volume.geometry.center_lps
        self.window = volume.series.window or DEFAULT_WINDOWS.get(volume.series.modality) or _full_window(volume)
        self._tell()

    def move_cursor(self, to_lps: Float) -> None:
        """Put the cursor at a point, shape (3,), mm."""
        self.cursor_lps = np.asarray(to_lps, dtype=np.float64)
        self._tell()

    def set_window(self, center: float, width: float) -> None:
        """Show `center` ± `width`/2; narrower than one value is not possible."""
        self.window = (float(center), max(float(width), MIN_WINDOW_WIDTH))
        self._tell()

    def _tell(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()


def _full_window(volume: Volume) -> tuple[float, float]:
    """Return a window over the middle 98 % of the values, from about every 8th voxel along each axis."""
    there = np.flatnonzero(volume.slice_valid)
    low, high = np.percentile(volume.voxels[there[:: -(-len(there) // 64)], ::8, ::8], (1, 99))
    return float(low + high) / 2, max(float(high - low), MIN_WINDOW_WIDTH)
