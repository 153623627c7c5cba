"""What stands at the edges of the views is true: letters read back from pixels, against a body of known sides."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor, QImage, QPainter
from PyQt6.QtTest import QTest
from scipy.ndimage import binary_erosion, distance_transform_edt

from arviewer.render.letters import EdgeLetters
from arviewer.ui.viewports import overlay
from tests.windows import CENTER, Hands, pixels, write_phantom

LETTERS = "RLAPHF"
# Which ball of the phantom is seen alone in which view: its side, and a window in which only it is white.
BALLS = {"axial": ("A", (0, -33, 0)), "coronal": ("H", (0, 0, 27)), "sagittal": ("H", (0, 0, 27))}
WINDOWS = {"axial": (1050.0, 100.0), "coronal": (1350.0, 100.0), "sagittal": (1350.0, 100.0)}
EDGES = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


def read_letters(picture: np.ndarray) -> dict[str, str]:
    """The letter at each edge, by comparing pixels with each letter drawn there by the same pen."""
    height, width = picture.shape[:2]
    found = {}
    for edge in EDGES:
        scores = {}
        for letter in LETTERS:
            image = QImage(width, height, QImage.Format.Format_RGB888)
            image.fill(QColor(0, 0, 0))
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            blank = dict.fromkeys(EDGES, "") | {edge: letter}
            overlay.letters(painter, QRectF(0, 0, width, height), EdgeLetters(**blank))
            painter.end()
            memory = image.constBits()
            memory.setsize(image.sizeInBytes())
            drawn = np.frombuffer(memory, np.uint8).reshape(height, image.bytesPerLine())[:, : width * 3 : 3] > 128
            seen = picture[..., 0] > 200
            # Both ways: the letter's own pixels are lit, and a pixel's breadth around them is not.
            rows, columns = np.nonzero(drawn)
            box = np.s_[rows.min() - 1 : rows.max() + 2, columns.min() - 1 : columns.max() + 2]
            scores[letter] = float((seen[box] == drawn[box]).mean())
        found[edge] = max(scores, key=scores.__getitem__)
    return found


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("acquisition", ["axial", "sagittal", "oblique"])
def test_the_letter_names_the_side_that_the_body_shows(hands: Hands, tmp_path, acquisition: str) -> None:
    """In all three slices of any acquisition, a ball on a known side lies toward the edge that bears its letter."""
    hands.open(write_phantom(tmp_path, acquisition))
    hands.window.toggle_crosshair()
    hands.view_state.move_cursor(np.array(CENTER))

    for name, (side, offset) in BALLS.items():
        view = hands.window.grid.slices[name]
        hands.view_state.set_window(40, 400)
        letters = read_letters(pixels(view))
        assert (
            letters
            == {
                "axial": {"left": "R", "right": "L", "top": "A", "bottom": "P"},
                "coronal": {"left": "R", "right": "L", "top": "H", "bottom": "F"},
                "sagittal": {"left": "A", "right": "P", "top": "H", "bottom": "F"},
            }[name]
        )
        hands.view_state.set_window(*WINDOWS[name])
        x, y = view.frame.xy_of(np.array(CENTER), view.extent)
        inner = pixels(view)[30:-40, 30:-30, 0] > 200
        rows, columns = np.nonzero(inner)
        at = np.array([np.median(columns) + 30.5 - x, np.median(rows) + 30.5 - y])
        edge = next(edge for edge, letter in letters.items() if letter == side)
        distance = np.linalg.norm(offset) / view.frame.mm_per_pixel
        assert at == pytest.approx(np.array(EDGES[edge]) * distance, abs=1.5)


@pytest.mark.hazard("H01")
def test_left_is_right_of_the_picture(hands: Hands, tmp_path) -> None:
    """The ball on the patient's left (900 HU) is seen toward the L in axial and coronal slices, by its own gray."""
    hands.open(write_phantom(tmp_path, "oblique"))
    hands.window.toggle_crosshair()
    hands.view_state.move_cursor(np.array(CENTER))
    hands.view_state.set_window(750, 1500)

    for name in ("axial", "coronal"):
        view = hands.window.grid.slices[name]
        gray = pixels(view)[30:-40, 30:-30, 0].astype(int)
        rows, columns = np.nonzero(abs(gray - 153) <= 5)
        x, y = view.frame.xy_of(np.array(CENTER), view.extent)
        assert np.median(columns) + 30.5 - x == pytest.approx(39 / view.frame.mm_per_pixel, abs=3)
        assert np.median(rows) + 30.5 - y == pytest.approx(0, abs=3)


@pytest.mark.hazard("H01")
def test_3d_shows_left_at_the_right_from_the_front(hands: Hands, phantom) -> None:
    """From the front the long arm (left) reaches to the right of the picture; from behind to the left."""
    hands.open(phantom)
    hands.find_bone()
    view = hands.window.grid.view_3d

    reach = {}
    for key, side in (("1", "front"), ("2", "behind")):
        QTest.keyClicks(hands.window, key)
        picture = pixels(view).astype(int)
        warm = (picture[..., 0] - picture[..., 2] > 12) & (picture[..., 0] > 90)  # bone is yellowish, the rest is blue
        warm[: view.height() // 8], warm[-view.height() // 6 :] = False, False
        columns = np.nonzero(warm.any(axis=0))[0]
        rows = np.nonzero(warm.sum(axis=1) > 3)[0]
        assert len(columns) > 50
        assert len(rows) > 50
        block = np.median(np.nonzero(warm)[1])
        reach[side] = (columns.max() - block) - (block - columns.min())
    assert reach["front"] > 30
    assert reach["behind"] < -30


@pytest.mark.hazard("H14")
@pytest.mark.parametrize("acquisition", ["axial", "sagittal", "oblique"])
def test_the_outline_lies_on_the_border_of_the_anatomy(hands: Hands, tmp_path, acquisition: str) -> None:
    """On all three slices the outline runs where the gray values cross the threshold, and everywhere there."""
    hands.open(write_phantom(tmp_path, acquisition))
    hands.find_bone()
    hands.window.toggle_crosshair()
    hands.view_state.move_cursor(np.add(CENTER, (1.0, 2.0, -1.0)))
    hands.view_state.set_window(300, 2)

    for view in hands.window.grid.slices.values():
        hands.window.grid.show_outlines(False)
        bare = pixels(view)[40:-40, 40:-40].astype(int)
        hands.window.grid.show_outlines(True)
        drawn = np.abs(pixels(view)[40:-40, 40:-40].astype(int) - bare).max(axis=2) > 60
        inside = bare[..., 0] > 128
        border = inside ^ binary_erosion(inside)
        assert border.sum() > 100
        assert drawn.sum() > border.sum()
        assert distance_transform_edt(~border)[drawn].max() <= 4
        assert np.percentile(distance_transform_edt(~drawn)[border], 99) <= 2
