"""``python -m bench paint``: from a move of the brush to the frame that shows it, on 512 × 512 × 400 voxels.

The real window paints with real mouse events; a frame counts when the three slices have been painted, and the veil is
looked for behind the brush. No surface is made meanwhile, as always while a brush is down. The bar: 33 ms, the
next frame of a screen at 30 a second.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest

from arviewer.model.geometry import Affine
from arviewer.model.scene import Scene
from arviewer.model.study import Patient, Series
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.render.camera import rotation
from arviewer.session.document import Document
from arviewer.session.jobs import Jobs
from arviewer.session.view_state import ViewState
from arviewer.ui.application import create_application
from arviewer.ui.main_thread import MainThread
from arviewer.ui.main_window import MainWindow
from tools.screenshots import live

SHAPE_KJI = (400, 512, 512)
SPACING_MM = (0.7, 0.75, 0.8)
MOVES = 40
BAR_MS = 33.0
SIZES = ((1280, 800), (1920, 1080))
LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
HANDS: Any = QTest  # whose stub takes its static methods for bound ones


def volume(*, oblique: bool) -> Volume:
    """Return noise on a grid, along the patient or askew in it."""
    axes = np.diag(SPACING_MM)
    if oblique:
        axes = rotation((0.6, 0.48, 0.64), 20.0) @ axes
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    voxels = np.random.default_rng(1).integers(-100, 100, SHAPE_KJI, dtype=np.int16)
    series = Series("1.2.3.4", "1.2", "1.2.3", Patient(), 1, "CT", "bench")
    geometry = VolumeGeometry(SHAPE_KJI, Affine(matrix, "1.2.3", "grid"))
    return Volume(voxels, geometry, series, "HU", np.ones(SHAPE_KJI[0], np.bool_))


def stroke(window: MainWindow, name: str) -> list[float]:
    """Draw a stroke across a view; return the time of each move to its frame, ms."""
    view = window.grid.slices[name]
    place = view.rect().center() - QPoint(2 * MOVES, 20)
    HANDS.mousePress(view, LEFT, NO_KEYS, place)
    took = []
    for _move in range(MOVES):
        place += QPoint(4, 1)
        started = time.perf_counter()
        HANDS.mouseMove(view, place)
        for each in window.grid.slices.values():
            if each.isVisible():
                each.repaint()
        took.append((time.perf_counter() - started) * 1000)
    color = view.grab().toImage().pixelColor(place - QPoint(8, 2))
    if color.saturationF() < 0.1:
        raise SystemExit("The stroke is not to be seen behind the brush.")
    window.cancel()
    HANDS.mouseRelease(view, LEFT, NO_KEYS, place)
    return took


def main(arguments: Sequence[str]) -> int:
    """Print the times; return 1 when the bar is missed."""
    application = create_application(["bench"])  # kept: Qt ends with its last reference
    document, view_state = Document(), ViewState()
    window = MainWindow(document, view_state, Jobs(MainThread()))
    window.show()
    worst = 0.0
    print(f"{'move of the brush to its frame, ms':52}{'median':>8}{'95 %':>8}")
    for oblique in (False, True):
        shown = volume(oblique=oblique)
        document.open(Scene(shown))
        view_state.look_at(shown)
        for size, large in zip(SIZES, ("", "axial"), strict=True):
            window.resize(*size)
            if large != window.grid.large:
                window.grid.toggle_large("axial")
            live(300)
            window.reviewing.take_up("paint")
            for ball in (False, True):
                for radius_mm in (5.0, 15.0):
                    panel = window.structures.tools
                    panel.brush.setCurrentIndex(int(ball))
                    panel.fields.set_value("radius_mm", radius_mm)
                    took = stroke(window, "axial")
                    median, p95 = np.median(took), np.percentile(took, 95)
                    worst = max(worst, float(median))
                    kind = f"{'ball' if ball else 'disc'} of {radius_mm:g} mm, "
                    kind += ("one large view" if large else "four views") + (", askew" if oblique else "")
                    print(f"{kind:52}{median:8.1f}{p95:8.1f}")
            window.reviewing.let_go()
        if window.grid.large:
            window.grid.toggle_large("axial")
    window.close()
    application.processEvents()
    print(f"worst median {worst:.1f} ms; bar {BAR_MS:.0f}")
    return int(worst > BAR_MS)
