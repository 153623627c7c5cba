"""Whole sessions in the real window, by mouse and keys."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QColor
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QColorDialog, QLabel, QMessageBox

from arviewer.errors import Cancelled
from arviewer.model.scene import Scene
from arviewer.render.slices import HATCH_GRAYS
from arviewer.ui.dialogs.error import ErrorDialog
from arviewer.ui.dialogs.export import ExportDialog
from arviewer.ui.dialogs.exported import ExportedDialog
from arviewer.ui.dialogs.findings import FindingsDialog
from arviewer.ui.viewports.slice_frame import value_at
from tests.windows import CENTER, LEFT, MIDDLE, NO_KEYS, RIGHT, SPACING, Hands, pixels, press, write_phantom

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_a_folder_is_dropped_and_read(hands: Hands, phantom) -> None:
    """An empty window invites; a dropped folder fills the list, the banner and the slices."""
    window = hands.window
    assert window.empty.isVisible()
    assert not window.grid.isVisible()

    hands.drop(phantom)
    hands.wait(lambda: window.job_bar.busy)
    assert window.job_bar.cancel_button.isVisible()
    hands.idle()

    assert window.grid.isVisible()
    assert [s.description for s in window.series_panel.series] == ["axial phantom"]
    selected = window.series_panel.selected()
    assert selected is not None
    assert selected.uid == hands.document.scene.volume.series.uid
    assert window.series_panel.tree.currentItem().font(0).bold(), "the one on show stands out"
    told = window.banner.texts()
    assert (told["name"], told["birth_date"], told["sex"], told["modality"]) == (
        "Probe, Ada", "1980-02-29", "Female", "CT",
    )  # fmt: skip
    assert "axial phantom" in window.windowTitle()
    for view in window.grid.slices.values():
        assert pixels(view).max(axis=2).mean() > 20
        assert len(np.unique(pixels(view)[:, :, 0])) > 10


def test_slices_follow_the_crosshair(hands: Hands, phantom) -> None:
    """A click in one slice takes the other two to that very point of the patient."""
    hands.open(phantom)
    axial = hands.window.grid.slices["axial"]
    place = QPoint(axial.width() // 2 + 57, axial.height() // 2 - 31)
    height = hands.view_state.cursor_lps[2]

    QTest.mouseClick(axial, LEFT, NO_KEYS, place)

    scale = axial.frame.mm_per_pixel
    expected = (CENTER[0] + 57 * scale, CENTER[1] - 31 * scale, height)
    assert hands.view_state.cursor_lps == pytest.approx(expected, abs=min(SPACING) / 2)
    for name in ("coronal", "sagittal"):
        view = hands.window.grid.slices[name]
        x, y = view.frame.xy_of(hands.view_state.cursor_lps, view.extent)
        line = pixels(view)[:, round(x)].astype(int)
        assert np.ptp(line, axis=1).mean() > 40, "the colored line of the crosshair stands at the point"
        assert 0 < y < view.height()


def test_wheel_keys_and_drags(hands: Hands, phantom) -> None:
    """Wheel and keys scroll by the spacing; right drag sets the window, middle drag moves, Ctrl+wheel zooms."""
    hands.open(phantom)
    state = hands.view_state
    axial, coronal = hands.window.grid.slices["axial"], hands.window.grid.slices["coronal"]
    start = state.cursor_lps.copy()
    middle = QPointF(axial.rect().center())

    hands.wheel(axial, 1, middle)
    assert state.cursor_lps - start == pytest.approx([0, 0, SPACING[2]])
    hands.wheel(coronal, -2, QPointF(20, 20))
    assert state.cursor_lps - start == pytest.approx([0, -2 * SPACING[1], SPACING[2]])
    coronal.setFocus()
    hands.key(Qt.Key.Key_PageUp, widget=coronal)
    assert state.cursor_lps[1] - start[1] == pytest.approx(8 * SPACING[1])
    hands.key(Qt.Key.Key_Right, SHIFT, widget=coronal)
    assert state.cursor_lps[0] - start[0] == pytest.approx(SPACING[0])

    center, width = state.window
    hands.drag(axial, RIGHT, middle.toPoint(), QPoint(60, 0))
    assert state.window[1] > width
    assert state.window[0] == pytest.approx(center)
    hands.drag(axial, RIGHT, middle.toPoint(), QPoint(0, -40))
    assert state.window[0] > center
    before = axial.frame
    hands.drag(axial, MIDDLE, middle.toPoint(), QPoint(30, 12))
    moved = np.subtract(before.center_mm, axial.frame.center_mm) / before.mm_per_pixel
    assert moved == pytest.approx([30, 12])
    point = axial.frame.lps_at(100, 50, axial.extent, state.cursor_lps)
    hands.wheel(axial, 3, QPointF(100, 50), CTRL)
    assert axial.frame.mm_per_pixel < before.mm_per_pixel
    assert axial.frame.lps_at(100, 50, axial.extent, state.cursor_lps) == pytest.approx(point)

    hands.key(Qt.Key.Key_W)
    assert state.window == (40, 400)
    hands.key(Qt.Key.Key_W)
    assert state.window == (-600, 1500)


def test_bone_is_found_shown_changed_and_brought_back(hands: Hands, phantom) -> None:
    """Find Bone: progress, surface and outline; hide, color, opacity, delete, and each of them undone."""
    hands.open(phantom)
    window, document = hands.window, hands.document
    view_3d, axial = window.grid.view_3d, window.grid.slices["axial"]
    empty_3d, bare_axial = pixels(view_3d), pixels(axial)

    hands.ask_bone()
    assert window.job_bar.isVisible()
    assert window.job_bar.bar.isVisible()
    hands.idle()

    item = document.scene.item("bone")
    assert item.surface.volume_ml > 4
    assert item.segment.made_by.parameters["low_hu"] == 300
    assert np.abs(pixels(view_3d).astype(int) - empty_3d).max(axis=2).astype(bool).mean() > 0.02
    outlined = pixels(axial)
    assert np.abs(outlined.astype(int) - bare_axial).max(axis=2).astype(bool).sum() > 200
    assert f"{item.surface.volume_ml:.1f} ml" in window.structures.rows["bone"].volume.text()

    row = window.structures.rows["bone"]
    hands.click(row.visible_box)
    assert not document.scene.item("bone").look.visible
    assert (pixels(axial) == bare_axial).all()
    hands.key(Qt.Key.Key_Z, CTRL)
    assert document.scene.item("bone") is item
    hands.key(Qt.Key.Key_Z, CTRL | SHIFT)
    assert not document.scene.item("bone").look.visible
    axial.setFocus()
    hands.key(Qt.Key.Key_Space, widget=axial)
    assert document.scene.item("bone").look.visible

    hands.click(row.color_button)
    chooser = hands.dialog(QColorDialog)
    chooser.setCurrentColor(QColor(200, 30, 60))
    press(chooser, "OK")
    assert document.scene.item("bone").look.color == pytest.approx((200 / 255, 30 / 255, 60 / 255), abs=0.01)
    assert document.scene.item("bone").surface is item.surface
    assert document.undo_words == "Color of bone"
    assert "Color of bone" in window.menus.actions["undo"].text()

    steps_before = document.undo_words
    hands.drag(row.opacity, LEFT, QPoint(row.opacity.width() - 8, row.opacity.height() // 2), QPoint(-40, 0))
    assert document.scene.item("bone").look.opacity < 0.9
    hands.key(Qt.Key.Key_Z, CTRL)
    assert document.scene.item("bone").look.opacity == 1.0, "one drag is one step"
    assert document.undo_words == steps_before

    hands.click(row.delete_button)
    assert not document.scene.items
    hands.key(Qt.Key.Key_Z, CTRL)
    assert document.scene.item("bone").surface is item.surface
    assert "bone" in window.structures.rows


def test_a_cancel_leaves_nothing(hands: Hands, phantom) -> None:
    """Esc while bone is being found: no structure, no dialog, no step of undo; the next one works."""
    hands.open(phantom)

    hands.ask_bone()
    hands.key(Qt.Key.Key_Escape)
    hands.idle()

    assert not hands.document.scene.items
    assert hands.document.undo_words == ""
    assert not hands.window.findChildren(ErrorDialog)
    hands.find_bone()


def test_late_results_of_a_closed_series_are_dropped(hands: Hands, phantom, tmp_path_factory) -> None:
    """Bone of one series never lands on another that was opened meanwhile."""
    hands.open(phantom)
    other = write_phantom(tmp_path_factory.mktemp("other"), "sagittal", number=7)

    hands.ask_bone()
    hands.window.open_paths([other])
    hands.idle()
    assert hands.document.scene.volume.series.number == 7
    assert not hands.document.scene.items

    hands.ask_bone()
    hands.document.open(Scene())
    hands.idle()
    assert not hands.document.scene.items


@pytest.mark.hazard("H03")
def test_two_patients_are_never_chosen_for_you(hands: Hands, two_patients) -> None:
    """A folder of two patients is listed by patient; Enter on a series opens it, and the banner says whose it is."""
    hands.open(two_patients)
    window = hands.window
    assert hands.document.scene.volume is None
    assert window.series_panel.headings() == ["Probe, Ada  ·  ID-Probe^Ada", "Zwei, Bo  ·  ID-Zwei^Bo"]
    assert "2 patients" in window.series_panel.question.text()
    assert window.banner.texts()["name"] == "–"

    told = []
    for _ in range(2):
        hands.key(Qt.Key.Key_Down, widget=window.series_panel.tree)
        selected = window.series_panel.selected()
        hands.key(Qt.Key.Key_Return, widget=window.series_panel.tree)
        hands.idle()
        assert hands.document.scene.volume.series.uid == selected.uid
        told.append((window.banner.texts()["name"], selected.patient.name))
    assert {name for name, _ in told} == {"Probe, Ada", "Zwei, Bo"}
    assert all(shown == true for shown, true in told)


def test_structures_are_not_lost_unasked(hands: Hands, two_patients) -> None:
    """Opening another series asks first when there are structures; Cancel keeps everything."""
    hands.open(two_patients / "a")
    hands.find_bone()

    hands.window.open_paths([two_patients / "b"])
    box = hands.dialog(QMessageBox)
    press(box, "Cancel")
    assert "bone" in hands.document.scene.items
    assert hands.window.banner.texts()["name"] == "Probe, Ada"

    hands.window.open_paths([two_patients / "b"])
    press(hands.dialog(QMessageBox), "Open")
    hands.idle()
    assert not hands.document.scene.items
    assert hands.window.banner.texts()["name"] == "Zwei, Bo"


def test_a_bad_folder_is_explained(hands: Hands, tmp_path) -> None:
    """A folder without DICOM: what, why, what to do; then the window goes on."""
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")

    hands.window.open_paths([tmp_path])
    dialog = hands.dialog(ErrorDialog)

    assert "No DICOM images" in dialog.what.text()
    assert "notes.txt" in dialog.why.text()
    assert dialog.remedy.text()
    assert "Traceback" not in dialog.why.text()
    press(dialog, "OK")
    assert not hands.window.job_bar.busy


def test_an_export_is_written_and_told(hands: Hands, phantom, tmp_path) -> None:
    """Ctrl+E, a target, Enter: the file is there, and the window says what is in it."""
    hands.open(phantom)
    hands.find_bone()
    triangles = len(hands.document.scene.item("bone").surface.triangles)

    hands.key(Qt.Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    dialog.format.setFocus()
    hands.key(Qt.Key.Key_P, widget=dialog.format)
    assert dialog.target.text().endswith(".ply")
    dialog.target.selectAll()
    QTest.keyClicks(dialog.target, str(tmp_path / "femur.ply"))
    hands.key(Qt.Key.Key_Return, widget=dialog.target)
    hands.idle()
    told = hands.dialog(ExportedDialog)

    assert (tmp_path / "femur.ply").read_bytes().startswith(b"ply")
    assert (tmp_path / "femur.json").exists()
    assert str(tmp_path / "femur.ply") in told.lines[0]
    assert f"{triangles:,} triangles" in told.lines[0]
    assert "LPS, mm" in told.lines[0]


def test_keys_alone_reach_everything(hands: Hands, phantom) -> None:
    """Tab goes round all controls and comes back; standard views, one view large and back, by keys."""
    hands.open(phantom)
    window = hands.window
    window.grid.slices["axial"].setFocus()
    reached = []
    for _ in range(60):
        widget = window.focusWidget()
        if widget in reached:
            break
        reached.append(widget)
        hands.key(Qt.Key.Key_Tab, widget=widget)
    for part in (window.grid.view_3d, window.series_panel.tree, window.structures.form.find_button,
                 *window.grid.slices.values()):  # fmt: skip
        assert part in reached

    for key, toward in ((Qt.Key.Key_1, (0, -1, 0)), (Qt.Key.Key_3, (1, 0, 0)), (Qt.Key.Key_5, (0, 0, 1))):
        hands.key(key)
        camera = window.grid.view_3d.camera
        direction = np.subtract(camera.position_lps, camera.focal_lps)
        assert direction / np.linalg.norm(direction) == pytest.approx(toward)
    sagittal = window.grid.slices["sagittal"]
    small = sagittal.size()
    sagittal.setFocus()
    hands.key(Qt.Key.Key_Return, widget=sagittal)
    hands.wait(lambda: sagittal.width() > 1.9 * small.width() and sagittal.height() > 1.9 * small.height())
    assert not window.grid.view_3d.isVisible()
    hands.key(Qt.Key.Key_Escape)
    assert window.grid.view_3d.isVisible()
    hands.wait(lambda: sagittal.size() == small)


def test_cancelled_is_an_error_without_a_dialog(hands: Hands) -> None:
    """What a person stopped is not reported back to them."""
    hands.window.show_failed(Cancelled())

    assert not hands.window.findChildren(ErrorDialog)


@pytest.mark.hazard("H07")
def test_a_lost_slice_is_seen_and_must_be_accepted(hands: Hands, tmp_path) -> None:
    """One file is gone: a badge in every view, a list with the remedy, and no export until it is accepted by name."""
    folder = write_phantom(tmp_path / "images")
    (folder / "0030.dcm").unlink()
    hands.open(folder)
    window = hands.window
    assert all(badge.isVisible() for badge in window.grid.badges)

    hands.click(window.grid.badges[0])
    listed = hands.dialog(FindingsDialog)
    told = " ".join(label.text() for label in listed.findChildren(QLabel))
    assert "missing" in told
    assert "Fetch the series again" in told
    press(listed, "Close")

    hands.find_bone()
    assert "▲" in window.structures.rows["bone"].notes.text()
    hands.key(Qt.Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    dialog.target.selectAll()
    QTest.keyClicks(dialog.target, str(tmp_path / "bone.stl"))
    assert not dialog.export_button.isEnabled()
    assert "Accept" in dialog.export_button.toolTip()
    hands.click(dialog.acceptances["missing-slices"])
    hands.click(dialog.export_button)
    hands.idle()
    hands.dialog(ExportedDialog)

    assert json.loads((tmp_path / "bone.json").read_text())["accepted"] == ["missing-slices"]


def test_a_lost_slice_has_no_value(hands: Hands, tmp_path) -> None:
    """Where a slice is lost the view says "no data" and shows stripes, never a guess."""
    folder = write_phantom(tmp_path)
    (folder / "0030.dcm").unlink()
    hands.open(folder)
    volume = hands.document.scene.volume
    lost = int(np.flatnonzero(~volume.slice_valid)[0])
    at_lost = volume.geometry.lps_from_ijk.matrix @ [30.0, 40.0, lost, 1.0]

    hands.view_state.move_cursor(at_lost[:3])

    assert value_at(volume, at_lost[:3]) is None
    axial = hands.window.grid.slices["axial"]
    stripes = pixels(axial)[60:-60, 100:-100, 0]
    assert set(np.unique(stripes)) >= set(HATCH_GRAYS)


def test_two_series_in_one_window_change_the_banner(hands: Hands, tmp_path) -> None:
    """The banner belongs to the images on show, whatever is selected in the list."""
    write_phantom(tmp_path / "a", "axial", number=1)
    write_phantom(tmp_path / "b", "sagittal", number=2)
    hands.open(tmp_path)
    window = hands.window
    assert hands.document.scene.volume is None, "two of the same size: the person chooses"

    hands.key(Qt.Key.Key_Down, widget=window.series_panel.tree)
    hands.click(window.series_panel.open_button)
    hands.idle()
    first = window.banner.texts()["description"]
    hands.key(Qt.Key.Key_Down, widget=window.series_panel.tree)
    assert window.banner.texts()["description"] == first
    hands.click(window.series_panel.open_button)
    hands.idle()

    assert {first, window.banner.texts()["description"]} == {"1 · axial phantom", "2 · sagittal phantom"}


def test_identity_can_be_hidden_everywhere(hands: Hands, phantom) -> None:
    """Ctrl+H: no widget of the window shows name, ID or dates of the patient; again brings them back."""
    hands.open(phantom)
    window = hands.window

    def said() -> str:
        widgets = [w.text() + w.toolTip() for w in window.findChildren(QLabel)]
        return " ".join([*widgets, *window.series_panel.headings(), window.windowTitle()])

    assert "Ada" in said()
    hands.key(Qt.Key.Key_H, CTRL)
    assert not any(secret in said() for secret in ("Ada", "ID-Probe", "1980-02-29", "2026-01-02"))
    assert "hidden" in said()
    hands.key(Qt.Key.Key_H, CTRL)
    assert "Ada" in said()
