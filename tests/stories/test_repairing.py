"""From proposed to confirmed in the real window: propose, repair, undo all, redo all, confirm, export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nrrd
import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest

from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.masks import MaskBox
from arviewer.model.scene import Item, Look
from arviewer.model.segmentation import CodedTerm, Provenance, Segment, State
from arviewer.model.surface import Surface, SurfaceError
from arviewer.session.edits import AddStructures
from arviewer.ui.dialogs.confirm import ConfirmDialog
from arviewer.ui.dialogs.error import ErrorDialog
from arviewer.ui.dialogs.export import ExportDialog
from arviewer.ui.dialogs.exported import ExportedDialog
from arviewer.ui.panels.checks import places_of
from tests.windows import CENTER, Hands, pixels, press, write_phantom

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NAME = "Dr. Ada Chirurg"


@pytest.fixture(scope="session")
def oblique(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an oblique CT of the chiral phantom."""
    return write_phantom(tmp_path_factory.mktemp("oblique"), "oblique")


def sha256(hands: Hands) -> str:
    return hands.document.scene.item("bone").segment.mask.sha256()


def take_up(hands: Hands, tool: str) -> None:
    hands.click(hands.window.structures.modes["repair"])
    hands.click(hands.window.structures.tools.buttons[tool])


def export(hands: Hands, target: Path) -> None:
    hands.key(Qt.Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    dialog.target.selectAll()
    QTest.keyClicks(dialog.target, str(target))
    for box in dialog.acceptances.values():
        box.setChecked(True)
    hands.click(dialog.export_button)
    hands.dialog(ExportedDialog)
    press(hands.dialog(ExportedDialog), "OK")


def test_bone_is_proposed_repaired_confirmed_and_exported(hands: Hands, oblique: Path, tmp_path: Path) -> None:
    """Three tools, each one step; all undone and redone, voxel by voxel; a name; the name is in the files."""
    hands.open(oblique)
    hands.find_bone()
    window, document = hands.window, hands.document
    hashes = [sha256(hands)]
    assert not document.scene.item("bone").segment.edits

    take_up(hands, "paint")
    view = window.grid.slices["axial"]
    middle = view.rect().center()
    hands.draw(view, [middle + QPoint(-50, 30), middle + QPoint(0, 45), middle + QPoint(40, 30)])
    hashes.append(sha256(hands))
    take_up(hands, "cut-inside")
    view_3d = window.grid.view_3d
    x, y = view_3d.camera.project(np.add(CENTER, (39.0, 0, 0)), (view_3d.width(), view_3d.height()))[0]
    ball = QPoint(round(x), round(y))
    hands.draw(view_3d, [ball + QPoint(*p) for p in ((-25, -25), (25, -25), (25, 25), (-25, 25), (-25, -20))])
    hands.idle()
    hashes.append(sha256(hands))
    take_up(hands, "grow-by")
    window.structures.tools.fields.set_value("margin_mm", 2.0)
    hands.click(window.structures.tools.apply_button)
    hands.idle()
    hashes.append(sha256(hands))
    assert len(set(hashes)) == 4
    assert [edit.tool for edit in document.scene.item("bone").segment.edits] == ["paint", "cut-inside", "grow-by"]

    for expected in reversed(hashes[:-1]):
        hands.key(Qt.Key.Key_Z, CTRL)
        assert sha256(hands) == expected
    for expected in hashes[1:]:
        hands.key(Qt.Key.Key_Z, CTRL | SHIFT)
        assert sha256(hands) == expected
    hands.remade()
    assert sha256(hands) == hashes[-1], "the surface follows the voxels, not the other way round"

    export(hands, tmp_path / "proposed.stl")
    assert b"PROPOSED" in (tmp_path / "proposed.stl").read_bytes()[:80].upper()
    row = window.structures.rows["bone"]
    assert "proposed" in row.state_button.text()
    hands.key(Qt.Key.Key_C)
    dialog = hands.dialog(ConfirmDialog)
    dialog.person.clear()
    assert not dialog.confirm_button.isEnabled(), "nobody is named"
    QTest.keyClicks(dialog.person, NAME)
    hands.click(dialog.confirm_button)

    segment = document.scene.item("bone").segment
    assert segment.state is State.CONFIRMED
    assert segment.confirmation.by == NAME
    assert document.undo_words == "Confirm bone"
    assert "confirmed" in row.state_button.text()
    assert NAME in row.state_button.toolTip()
    export(hands, tmp_path / "confirmed.stl")
    header = (tmp_path / "confirmed.stl").read_bytes()[:80].upper()
    assert b"CONFIRMED" in header
    assert b"PROPOSED" not in header
    told = (tmp_path / "confirmed.json").read_text(encoding="utf-8")
    assert NAME in told
    assert hashes[-1] in told
    assert json.loads(told)

    take_up(hands, "keep-largest")
    hands.click(window.structures.tools.apply_button)
    hands.idle()
    assert document.scene.item("bone").segment.state is State.PROPOSED, "an edit takes the word back"
    assert "proposed" in row.state_button.text()
    hands.key(Qt.Key.Key_Z, CTRL)
    assert document.scene.item("bone").segment.state is State.CONFIRMED
    hands.remade()


def test_the_name_is_asked_once(hands: Hands, phantom: Path) -> None:
    """The second time it stands there already."""
    hands.open(phantom)
    hands.find_bone()
    for offered in (None, NAME):
        hands.click(hands.window.structures.rows["bone"].state_button)
        dialog = hands.dialog(ConfirmDialog)
        if offered is not None:
            assert dialog.person.text() == offered
        dialog.person.setText(NAME)
        hands.click(dialog.confirm_button)
        hands.key(Qt.Key.Key_Z, CTRL)


def test_proposed_looks_different(hands: Hands, phantom: Path) -> None:
    """Dashed on the slices, hatched and named in 3D, until it is confirmed."""
    hands.open(phantom)
    hands.find_bone()
    axial, view_3d = hands.window.grid.slices["axial"], hands.window.grid.view_3d
    slices, picture = pixels(axial), pixels(view_3d)
    hands.click(hands.window.structures.rows["bone"].state_button)
    dialog = hands.dialog(ConfirmDialog)
    dialog.person.setText(NAME)
    hands.click(dialog.confirm_button)

    color = np.array(hands.document.scene.item("bone").look.color) * 255

    def ink(picture: np.ndarray) -> int:
        return int((np.abs(picture - color).max(axis=2) < 25).sum())

    assert ink(pixels(axial)) > 1.3 * ink(slices), "the line has no gaps any more"
    now = pixels(view_3d)
    left_top = np.s_[26:44, 8:60]
    assert picture[left_top].max() > 200, "the words"
    assert now[left_top].max() < 120
    middle = np.s_[view_3d.height() // 4 : -view_3d.height() // 4, view_3d.width() // 4 : -view_3d.width() // 4]
    assert now[middle].mean() > picture[middle].mean(), "no stripes any more"


def test_a_stale_surface_is_not_exported(hands: Hands, phantom: Path) -> None:
    """Gray in 3D, "updating" in the list, refused by name with what to do; then it is made anew by itself."""
    hands.open(phantom)
    hands.find_bone()
    window = hands.window
    window.reviewing.remaking.hold()
    take_up(hands, "grow-by")
    window.structures.tools.fields.set_value("margin_mm", 2.0)
    hands.click(window.structures.tools.apply_button)
    hands.idle()
    row = window.structures.rows["bone"]
    assert row.volume.text() == "updating…"
    assert not row.state_button.isEnabled()
    picture = pixels(window.grid.view_3d).astype(int)
    middle = picture[picture.shape[0] // 2 - 5 : picture.shape[0] // 2 + 5, picture.shape[1] // 2]
    assert np.ptp(middle, axis=1).max() < 12, "gray"

    hands.key(Qt.Key.Key_E, CTRL)
    dialog = hands.dialog(ErrorDialog)
    assert "Bone cannot be exported yet" in dialog.what.text()
    press(dialog, "OK")
    volume_ml = hands.document.scene.item("bone").surface.volume_ml
    window.reviewing.remaking.release()
    hands.remade()
    assert hands.document.scene.item("bone").surface.volume_ml > volume_ml * 1.1
    assert row.volume.text().endswith("ml")


def test_places_are_offered_the_gravest_first() -> None:
    """The places of the structure, then what else is doubtful, each finding once."""
    note = Finding(FindingKind.THIN, Severity.NOTE, places_lps=((1.0, 2, 3), (4, 5, 6)))
    warning = Finding(FindingKind.LEAK_RISK, Severity.WARNING, places_lps=((7, 8, 9),))

    nowhere = Finding(FindingKind.TOUCHING, Severity.WARNING)

    mask = MaskBox((0, 0, 0), np.ones((2, 2, 2), bool))
    segment = Segment("bone", CodedTerm("", "", ""), mask, Provenance("bone"), findings=(note, warning))
    corners, sides = np.eye(4, 3), np.array([[0, 1, 2]])
    error = SurfaceError(0, 0, 0)
    surface = Surface("bone", corners, sides, segment.term, segment.made_by, "1", error, True, 1.0,
                      findings=(replace(note), nowhere, warning))  # fmt: skip

    found = places_of(Item(segment, surface, Look()))

    assert found == [(warning, (7, 8, 9)), (note, (1, 2, 3)), (note, (4, 5, 6)), (nowhere, None)]


def test_places_are_gone_through_by_keys(hands: Hands, phantom: Path) -> None:
    """N and P take the crosshair to each place and say why; after the last comes the first."""
    hands.open(phantom)
    hands.find_bone()
    item = hands.document.scene.item("bone")
    thin = Finding(FindingKind.THIN, Severity.WARNING, details={"name": "bone", "share_percent": 7.0,
                   "thickness_mm": 1.5}, places_lps=((20.0, -30, 141), (5.0, -40, 138)))  # fmt: skip
    hands.document.apply(AddStructures((replace(item, segment=replace(item.segment, findings=(thin,))),)))
    start = hands.view_state.cursor_lps.copy()
    seen = []
    for key in (Qt.Key.Key_N, Qt.Key.Key_N, Qt.Key.Key_P):
        hands.key(key)
        seen.append(tuple(hands.view_state.cursor_lps))
    assert seen == [(20.0, -30, 141), (5.0, -40, 138), (20.0, -30, 141)]
    assert start.tolist() not in seen
    checks = hands.window.structures.checks
    assert checks.why.isVisible()
    assert "no thicker than 1.5 mm" in checks.why.text()


def test_structures_leave_as_voxels_and_with_fewer_triangles(hands: Hands, oblique: Path, tmp_path: Path) -> None:
    """From the one dialog: what has no triangles cannot spare any; a bound in mm spares most of them."""
    hands.open(oblique)
    hands.find_bone()
    item = hands.document.scene.item("bone")

    def ask(format_name: str) -> ExportDialog:
        hands.key(Qt.Key.Key_E, CTRL)
        dialog = hands.dialog(ExportDialog)
        names = [dialog.format.itemData(n).name for n in range(dialog.format.count())]
        dialog.format.setCurrentIndex(names.index(format_name))
        dialog.target.selectAll()
        QTest.keyClicks(dialog.target, str(tmp_path / f"bone{dialog.format.currentData().suffixes[0]}"))
        return dialog

    def go(dialog: ExportDialog) -> str:
        hands.click(dialog.export_button)
        hands.idle()
        told = hands.dialog(ExportedDialog)
        words = str(told.lines[0])
        press(told, "OK")
        return words

    dialog = ask("nrrd")
    assert not dialog.simplify.isEnabled()
    assert not dialog.frame.isEnabled()
    assert "voxels" in go(dialog)
    header, found = nrrd.read(str(tmp_path / "bone.seg.nrrd"))[::-1]
    assert header["space"] == "left-posterior-superior"
    assert np.count_nonzero(found) == np.count_nonzero(item.segment.mask.box().voxels)

    dialog = ask("stl")
    hands.click(dialog.simplify)
    dialog.max_error.setValue(0.3)
    go(dialog)
    told = json.loads((tmp_path / "bone.stl.json").read_text(encoding="utf-8"))["files"][
        0
    ]  # bone.json is about the voxels
    assert told["triangles"] < 0.6 * len(item.surface.triangles)
    assert 0 < told["error_mm"]["max"] <= 0.3
