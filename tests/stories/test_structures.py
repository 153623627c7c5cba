"""Structures that came in files, in the real window: listed under their patient, brought, colored, taken back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from arviewer.ui.dialogs.error import ErrorDialog
from arviewer.ui.panels.series import SERIES
from tests.structure_files import Case, circle, closed, write_images, write_structure_set
from tests.windows import LEFT, NO_KEYS, Hands, pixels, press

CTRL = Qt.KeyboardModifier.ControlModifier
PLANES = range(20, 32)


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    """The phantom's images, and a structure set with two regions drawn on them."""
    for source in case.folder.glob("*.dcm"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    rings = {
        "Tumor_1": closed(*(circle(case, k, 14.0, (9, 4)) for k in PLANES)),
        "Rand": closed(*(circle(case, k, 6.0, (-20, 0)) for k in PLANES)),
    }
    write_structure_set(case, tmp_path / "rt.dcm", rings)
    return tmp_path


def click_structures(hands: Hands, name: str) -> None:
    """Double-click the line of a file with structures."""
    tree = hands.window.series_panel.tree
    item = next(
        item
        for item in hands.window.series_panel._items()
        if getattr(item.data(0, SERIES), "name", "") == name
    )  # fmt: skip
    tree.scrollToItem(item)
    place = tree.visualItemRect(item).center()
    QTest.mouseClick(tree.viewport(), LEFT, NO_KEYS, place)
    QTest.mouseDClick(tree.viewport(), LEFT, NO_KEYS, place)


def test_a_structure_set_is_brought_and_taken_back(hands: Hands, folder: Path) -> None:
    """Double-click: both regions in their colors, in 3D and on the slices; one step back takes both away."""
    hands.open(folder)
    window, document = hands.window, hands.document
    bare_3d, bare_axial = pixels(window.grid.view_3d), pixels(window.grid.slices["axial"])

    click_structures(hands, "rt.dcm")
    assert window.job_bar.busy
    hands.idle()

    assert list(document.scene.items) == ["Tumor_1", "Rand"]
    tumor = document.scene.item("Tumor_1")
    assert tumor.look.color == pytest.approx((1.0, 128 / 255, 0.0))
    assert tumor.surface.volume_ml == pytest.approx(np.pi * 196 * len(PLANES) * 1.9 / 1000, rel=0.02)
    assert window.structures.rows["Tumor_1"].visible_box.text() == "Tumor_1"
    assert "Imported" in window.structures.rows["Tumor_1"].notes.toolTip()
    orange = np.abs(pixels(window.grid.view_3d).astype(int) - bare_3d).max(axis=2) > 40
    assert orange.mean() > 0.01
    hands.view_state.move_cursor(tumor.surface.points_lps.mean(axis=0))
    assert np.abs(pixels(window.grid.slices["axial"]).astype(int) - bare_axial).max(axis=2).astype(bool).sum() > 100
    assert document.undo_words == "Add 2 structures"

    hands.key(Qt.Key.Key_Z, CTRL)
    assert not document.scene.items
    hands.key(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert document.scene.item("Tumor_1") is tumor


def test_bringing_it_twice_renews_it(hands: Hands, folder: Path) -> None:
    """The same file again is the same structures; a look that was given stays."""
    hands.open(folder)
    click_structures(hands, "rt.dcm")
    hands.idle()
    row = hands.window.structures.rows["Rand"]
    hands.click(row.visible_box)

    click_structures(hands, "rt.dcm")
    hands.idle()

    assert list(hands.document.scene.items) == ["Tumor_1", "Rand"]
    assert not hands.document.scene.item("Rand").look.visible


def test_a_cancel_leaves_nothing(hands: Hands, folder: Path) -> None:
    """Esc while structures are read: none, no dialog, no step of undo."""
    hands.open(folder)

    click_structures(hands, "rt.dcm")
    hands.key(Qt.Key.Key_Escape)
    hands.idle()

    assert not hands.document.scene.items
    assert hands.document.undo_words == ""
    assert not hands.window.findChildren(ErrorDialog)


@pytest.mark.hazard("H03", "H04")
def test_structures_of_another_patient_are_listed_apart_and_refused(hands: Hands, case: Case, folder: Path) -> None:
    """They stand under their own patient; brought to the images of another one, they are refused by name."""
    write_images(folder / "other", case.geometry, patient="Zwei^Bo")
    hands.open(folder)
    panel = hands.window.series_panel
    assert len(panel.headings()) == 2
    other = next(one for one in panel.series if one.patient.id == "ID-Zwei^Bo")
    hands.window.opening.open_series(other)
    hands.idle()

    click_structures(hands, "rt.dcm")
    dialog = hands.dialog(ErrorDialog)

    assert "rt.dcm is of another patient" in dialog.what.text()
    assert "Patient ID" in dialog.why.text()
    press(dialog, "OK")
    assert not hands.document.scene.items


def test_without_images_on_show_there_is_nothing_to_bring_them_to(hands: Hands, case: Case, folder: Path) -> None:
    """The button says so until a series is open."""
    write_images(folder / "other", case.geometry, patient="Zwei^Bo")
    hands.open(folder)
    panel = hands.window.series_panel

    click_structures(hands, "rt.dcm")

    assert not hands.window.job_bar.busy
    assert panel.open_button.text() == "Show Structures"
    assert not panel.open_button.isEnabled()
    assert "Open a series first" in panel.open_button.toolTip()


def test_hidden_identity_hides_names_of_files(hands: Hands, folder: Path) -> None:
    """A label or a file name may hold the patient's name."""
    hands.open(folder)
    hands.key(Qt.Key.Key_H, CTRL)

    texts = " ".join(item.text(0) + item.toolTip(0) for item in hands.window.series_panel._items())

    assert "rt.dcm" not in texts
    assert "Plan" not in texts
    assert "Structure set" in texts
