"""Tools at work in the real window: what the hand showed is what changed, at its place in the patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QPoint, QPointF, Qt
from PyQt6.QtTest import QTest

from arviewer.model.segmentation import Segment, State
from arviewer.session.edits import AddStructures
from arviewer.ui.dialogs.error import ErrorDialog
from arviewer.ui.viewports.pictures import vivid
from tests.windows import CENTER, LEFT, NO_KEYS, SPACING, Hands, pixels, press, write_phantom

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture(scope="session")
def oblique(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an oblique CT of the chiral phantom, of distinct spacing on each axis."""
    return write_phantom(tmp_path_factory.mktemp("oblique"), "oblique")


@pytest.fixture
def found(hands: Hands, oblique: Path) -> Hands:
    """A window with the bone of the oblique phantom."""
    hands.open(oblique)
    hands.find_bone()
    return hands


def bone(hands: Hands) -> Segment:
    return hands.document.scene.item("bone").segment


def dense(hands: Hands, name: str = "bone") -> np.ndarray:
    volume = hands.document.scene.volume
    return hands.document.scene.item(name).segment.mask.within((0, 0, 0), volume.geometry.shape_kji)


def places(hands: Hands) -> np.ndarray:
    """Every voxel's place in the patient, shape (K, J, I, 3)."""
    geometry = hands.document.scene.volume.geometry
    k, j, i = np.indices(geometry.shape_kji)
    matrix = geometry.lps_from_ijk.matrix
    return np.stack((i, j, k), axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]


def take_up(hands: Hands, tool: str) -> None:
    """Click Repair and the tool's button."""
    hands.click(hands.window.structures.modes["repair"])
    hands.click(hands.window.structures.tools.buttons[tool])
    assert hands.window.structures.tools.tool.name == tool


def from_axis(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance of points from the segment between a and b."""
    way = b - a
    along = np.clip((points - a) @ way / (way @ way), 0, 1)
    return np.linalg.norm(points - a - along[..., None] * way, axis=-1)


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_stroke_paints_the_voxels_under_it(found: Hands, plane: str) -> None:
    """On an oblique grid, in each plane: a disc swept along the way, one slice thick, and nothing else."""
    view = found.window.grid.slices[plane]
    before = dense(found)
    take_up(found, "paint")
    found.window.structures.tools.fields.set_value("radius_mm", 4.0)
    start, stop = QPoint(view.width() // 2 - 45, view.height() // 2 + 38), QPoint(view.width() // 2 + 30, 60)
    cursor = found.view_state.cursor_lps
    a, b = (view.frame.lps_at(p.x(), p.y(), view.extent, cursor) for p in (start, stop))

    found.draw(view, [start, (start + stop) / 2, stop])

    gained = dense(found) & ~before
    assert not (before & ~dense(found)).any(), "nothing was taken"
    points = places(found)
    normal = view.frame.axes_lps()[2]
    height = (points - a) @ normal
    flat = points - height[..., None] * normal
    away = from_axis(flat, a, b)
    tolerance_mm = view.frame.mm_per_pixel  # the middle of the way is a whole pixel
    sure = (away < 4.0 - tolerance_mm) & (np.abs(height) < 0.4 * min(SPACING))
    assert sure.sum() > 100
    assert (dense(found) | ~sure).all()
    assert (away[gained] <= 4.0 + tolerance_mm).all()
    assert (np.abs(height[gained]) <= 0.75 * max(SPACING)).all()
    assert found.document.undo_words == "Paint: bone"
    assert found.view_state.cursor_lps == pytest.approx(cursor), "the crosshair stays"
    found.key(Qt.Key.Key_Z, CTRL)
    assert np.array_equal(dense(found), before)
    found.remade()


def test_a_stroke_is_seen_with_the_next_frame_and_can_be_taken_back(found: Hands) -> None:
    """While the button is down the veil follows; Esc takes it back, with no step of undo."""
    view = found.window.grid.slices["axial"]
    take_up(found, "paint")
    start = QPoint(view.width() // 2 - 60, view.height() // 2 + 60)
    words = found.document.undo_words
    bare = pixels(view)[start.y(), start.x() + 20].astype(int)
    QTest.mousePress(view, LEFT, NO_KEYS, start)
    QTest.mouseMove(view, start + QPoint(40, 0))

    shown = pixels(view)[start.y(), start.x() + 20].astype(int)

    veil = np.array(vivid(found.document.scene.item("bone").look.color)) * 255
    assert (np.abs(shown - (bare * 0.67 + veil * 0.33)) < 12).all()
    assert found.document.undo_words == words, "nothing is done yet"
    stepwise = pixels(view)
    view.renew()
    assert np.array_equal(stepwise, pixels(view)), "drawn in parts or as a whole, it is the same picture"
    found.key(Qt.Key.Key_Escape)
    assert (np.abs(pixels(view)[start.y(), start.x() + 20].astype(int) - bare) < 3).all()
    QTest.mouseRelease(view, LEFT, NO_KEYS, start)
    assert found.document.undo_words == words
    assert found.window.structures.tools.tool is not None, "the brush is still in the hand"
    found.key(Qt.Key.Key_Escape)
    assert found.window.structures.tools.tool is None


def test_ctrl_erases_and_a_range_limits(found: Hands) -> None:
    """Ctrl turns painting into erasing; limits keep what lies outside them."""
    view = found.window.grid.slices["axial"]
    before = dense(found)
    take_up(found, "paint")
    middle = view.rect().center()

    found.draw(view, [middle, middle + QPoint(6, 0)], CTRL)

    erased = before & ~dense(found)
    assert erased.sum() > 20
    assert found.document.undo_words == "Erase: bone"
    assert found.document.scene.item("bone").is_stale
    found.window.structures.tools.fields.set_value("low", 300)
    found.draw(view, [middle + QPoint(-80, 0), middle])
    values = found.document.scene.volume.voxels
    gained = dense(found) & ~(before & ~erased)
    assert gained.sum() > 10
    assert (values[gained] >= 300).all()
    found.remade()


def test_brush_size_by_wheel_and_keys(found: Hands) -> None:
    """Shift and the wheel, and the bracket keys; the rim drawn is of that size in mm."""
    view = found.window.grid.slices["axial"]
    take_up(found, "paint")
    fields = found.window.structures.tools.fields
    radius = fields.values()["radius_mm"]
    found.wheel(view, 2, QPointF(view.rect().center()), SHIFT)
    assert fields.values()["radius_mm"] > radius * 1.2
    view.setFocus()
    found.key(Qt.Key.Key_BracketLeft)
    found.key(Qt.Key.Key_BracketLeft)
    assert fields.values()["radius_mm"] == pytest.approx(radius, abs=0.03)
    fields.set_value("radius_mm", 10.0)
    found.window.toggle_crosshair()
    place = QPoint(view.width() // 2 + 90, view.height() // 2)
    QTest.mouseMove(view, QPoint(60, 60))
    without = pixels(view)[place.y()].astype(int)
    QTest.mouseMove(view, place)
    QCoreApplication.processEvents()
    changed = np.abs(pixels(view)[place.y()] - without).max(axis=1) > 60
    rim = [x for x in range(place.x() - 60, place.x() + 60) if changed[x] and abs(x - place.x()) > 4]
    reach = 10.0 / view.frame.mm_per_pixel
    assert min(rim) == pytest.approx(place.x() - reach, abs=2)
    assert max(rim) == pytest.approx(place.x() + reach, abs=2)


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("view_name", ["anterior", "left", "feet"])
def test_a_lasso_in_3d_cuts_what_it_was_drawn_round(found: Hands, view_name: str) -> None:
    """The ball at the patient's left goes, and exactly the voxels that stand within the line on the picture."""
    view = found.window.grid.view_3d
    view.stand(view_name)
    ball = {"anterior": (39.0, 0, 0), "left": (0, -33.0, 0), "feet": (0, -33.0, 0)}[view_name]
    size = view.width(), view.height()
    x, y = view.camera.project(np.add(CENTER, ball), size)[0]
    ring = [QPoint(round(x + 22 * np.cos(t)), round(y + 22 * np.sin(t))) for t in np.linspace(0, 2 * np.pi, 40)[:-1]]
    before = dense(found)
    take_up(found, "cut-inside")

    found.draw(view, ring)
    found.idle()

    after = dense(found)
    assert not (after & ~before).any()
    flat = view.camera.project(places(found)[before], size) + 0.5 - (x, y)
    away = np.linalg.norm(flat, axis=1)
    gone = ~after[before]
    assert gone.sum() > 50
    assert gone[away < 20].all()
    assert not gone[away > 24].any()
    assert found.document.undo_words == "Cut inside: bone"
    found.remade()


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_lasso_in_a_slice_cuts_this_slice_or_all(found: Hands, plane: str) -> None:
    """Exactly what stands within the line on the view: through all, or through a slab as thick as a slice."""
    view = found.window.grid.slices[plane]
    width, height = view.extent
    left, top, right, bottom = width // 2 - 90, height // 2 - 40, width // 2 + 20, height // 2 + 25
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top + 5))
    take_up(found, "cut-inside")
    panel = found.window.structures.tools
    before = dense(found)
    points = places(found)[before]
    across, along, normal = view.frame.axes_lps()
    x = (points @ across - view.frame.center_mm[0]) / view.frame.mm_per_pixel + width / 2
    y = (points @ along - view.frame.center_mm[1]) / view.frame.mm_per_pixel + height / 2
    deep = np.abs((points - found.view_state.cursor_lps) @ normal)
    within = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    for through_all in (False, True):
        panel.reach.setCurrentIndex(panel.reach.findData(through_all))
        found.draw(view, [QPoint(*corner) for corner in corners])
        found.idle()
        gone = ~dense(found)[before]
        thick = np.inf if through_all else min(SPACING) / 2
        assert gone[(within > 1) & (deep < thick)].all()
        assert not gone[within < -1].any()
        assert not gone[deep > (np.inf if through_all else max(SPACING) / 2)].any()
        assert gone.sum() > (200 if through_all else 30)
        found.key(Qt.Key.Key_Z, CTRL)
    found.remade()


def test_a_click_is_a_point_of_the_patient(found: Hands) -> None:
    """Keep the clicked piece: the ball at the head's side alone is left."""
    take_up(found, "keep-clicked")
    ball = np.add(CENTER, (0, 0, 27.0))
    found.view_state.move_cursor(ball)
    view = found.window.grid.slices["sagittal"]
    x, y = view.frame.xy_of(ball, view.extent)

    QTest.mouseClick(view, LEFT, NO_KEYS, QPoint(round(x), round(y)))
    found.idle()

    left = places(found)[dense(found)]
    assert len(left) > 10
    assert (np.linalg.norm(left - ball, axis=1) < 5).all()
    found.remade()


def test_a_threshold_is_seen_before_it_is_applied(found: Hands) -> None:
    """Pixels in the range are veiled, and a rough surface stands in 3D; Apply makes it so; the wrong way is refused."""
    view = found.window.grid.slices["axial"]
    bare, bare_3d = pixels(view), pixels(found.window.grid.view_3d)
    take_up(found, "threshold")
    fields = found.window.structures.tools.fields
    fields.set_value("low", 800)
    QTest.qWait(300)
    assert (pixels(found.window.grid.view_3d) != bare_3d).any()
    fields.set_value("low", -2000)
    veiled = np.abs(pixels(view).astype(int) - bare).max(axis=2) > 20
    assert veiled.mean() > 0.2, "everything lies in the range"
    fields.set_value("low", 800)
    found.click(found.window.structures.tools.apply_button)
    found.idle()
    values = found.document.scene.volume.voxels
    assert np.array_equal(dense(found), values >= 800)
    fields.set_value("high", 300)
    found.click(found.window.structures.tools.apply_button)
    assert "wrong way round" in found.dialog(ErrorDialog).what.text()
    press(found.dialog(ErrorDialog), "OK")
    assert np.array_equal(dense(found), values >= 800)
    found.remade()


def test_a_new_structure_is_painted(hands: Hands, oblique: Path) -> None:
    """Without any structure a brush begins one; it comes with a surface, proposed, as one step."""
    hands.open(oblique)
    take_up(hands, "paint")
    assert not hands.window.structures.tools.buttons["smooth"].isEnabled()
    view = hands.window.grid.slices["axial"]
    middle = view.rect().center()

    hands.draw(view, [middle + QPoint(-30, 40), middle + QPoint(30, 40)])
    hands.idle()

    item = hands.document.scene.item("Structure 1")
    assert item.segment.state is State.PROPOSED
    assert item.segment.made_by.recipe == "paint"
    assert dense(hands, "Structure 1").sum() > 50
    assert hands.document.undo_words == "Add Structure 1"
    assert not hands.window.structures.tools.makes_new, "the next stroke goes on with it"


def test_others_are_protected(found: Hands) -> None:
    """What another structure has stays its own, when that was chosen."""
    take_up(found, "paint")
    panel = found.window.structures.tools
    panel.result.setCurrentIndex(panel.result.findData(True))
    view = found.window.grid.slices["axial"]
    middle = view.rect().center()
    found.draw(view, [middle + QPoint(-60, 40), middle + QPoint(0, 40)])
    found.idle()
    other = dense(found)
    panel.overlap.setCurrentIndex(panel.overlap.findData("protect"))
    assert found.window.structures.selected == "Structure 1"

    found.draw(view, [middle + QPoint(0, 40), middle])

    mine = dense(found, "Structure 1")
    assert (mine & ~other).any()
    assert not (mine & other).any()
    assert np.array_equal(dense(found), other)
    found.remade()


def test_alt_gives_the_button_back(found: Hands) -> None:
    """With Alt the crosshair moves, and the 3D view turns, while a tool is at work."""
    take_up(found, "paint")
    view, words = found.window.grid.slices["axial"], found.document.undo_words
    before = found.view_state.cursor_lps.copy()
    QTest.mouseClick(view, LEFT, ALT, view.rect().center() + QPoint(30, 0))
    assert found.view_state.cursor_lps[0] - before[0] > 5
    assert found.document.undo_words == words


def test_a_structure_on_a_grid_of_its_own_says_why_not(found: Hands) -> None:
    """No tool can be taken up, the panel says why, and offers what helps."""
    item = found.document.scene.item("bone")
    geometry = found.document.scene.volume.geometry
    own = replace(item.segment, name="brought", geometry=geometry)
    found.document.apply(AddStructures((replace(item, segment=own, surface=replace(item.surface, name="brought")),)))
    found.click(found.window.structures.modes["repair"])
    panel = found.window.structures.tools
    assert found.window.structures.selected == "brought"
    assert "grid of its own" in panel.why.text()
    assert panel.why.isVisible()
    assert not panel.buttons["smooth"].isEnabled()
    found.click(panel.lay_button)
    found.idle()
    assert found.document.scene.item("brought").segment.geometry is None
    assert panel.buttons["smooth"].isEnabled()
    assert not panel.why.text()
    assert not panel.lay_button.isVisible()
    found.remade()


def test_an_undo_while_the_brush_is_down_takes_the_stroke_back(found: Hands) -> None:
    """The stroke was drawn on voxels that are no more; nothing of it is kept, nothing undone comes back."""
    view = found.window.grid.slices["axial"]
    take_up(found, "paint")
    start = QPoint(view.width() // 2 - 60, view.height() // 2 + 60)
    found.draw(view, [start, start + QPoint(20, 0)])
    QTest.mousePress(view, LEFT, NO_KEYS, start + QPoint(0, 20))
    QTest.mouseMove(view, start + QPoint(40, 20))

    found.key(Qt.Key.Key_Z, CTRL)
    undone = dense(found)
    QTest.mouseMove(view, start + QPoint(60, 20))
    QTest.mouseRelease(view, LEFT, NO_KEYS, start + QPoint(60, 20))

    assert np.array_equal(dense(found), undone)
    assert found.document.undo_words == "Add bone"
    found.remade()
