"""Headers, reports and documents in the real window, by mouse and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QContextMenuEvent, QGuiApplication
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QLabel, QMenu

from arviewer.ui.dialogs.error import ErrorDialog
from arviewer.ui.dialogs.header import HeaderDialog
from arviewer.ui.dialogs.pages import PagesDialog
from arviewer.ui.dialogs.report import ReportDialog
from tests.imaging.dicom.documents import TWO_RECTANGLES, content, encapsulated, pdf, report, write
from tests.windows import LEFT, NO_KEYS, SPACING, Hands, pixels, press, write_phantom

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT of Ada with a report and a letter of hers, and a report and a letter of Bo."""
    folder = tmp_path_factory.mktemp("study")
    write_phantom(folder / "ct")
    finding = content("TEXT", "Finding", TextValue="Fracture of the left hip")
    write(report(finding, SeriesDescription="CT report"), folder / "report.dcm")
    write(encapsulated(pdf(TWO_RECTANGLES, b"0 1 0 rg 0 0 100 100 re f")), folder / "letter.dcm")
    bo = ("Zwei^Bo", "ID-Zwei^Bo", "19800229", "M")
    write(report(content("TEXT", "Finding", TextValue="secret"), patient=bo), folder / "other.dcm")
    write(encapsulated(pdf(TWO_RECTANGLES), patient=bo, DocumentTitle="Letter about Bo"), folder / "other_letter.dcm")
    return folder


def rows(dialog: HeaderDialog) -> list[list[str]]:
    """What the table shows."""
    return [
        [str(dialog.shown.index(row, column).data()).strip() for column in range(4)]
        for row in range(dialog.shown.rowCount())
    ]


def opened_header(hands: Hands) -> HeaderDialog:
    """The header dialog by its key, filled."""
    hands.key(Qt.Key.Key_F3)
    dialog = hands.dialog(HeaderDialog)
    hands.wait(lambda: bool(dialog.model.rows), "the header")
    return dialog


def test_the_header_of_the_slice_under_the_crosshair(hands: Hands, phantom: Path) -> None:
    """F3: the file of the slice on show; typing finds tag, keyword or value; the slider steps; rows are copied."""
    hands.open(phantom)
    moved = np.add(hands.view_state.cursor_lps, (0, 0, 4 * SPACING[2]))
    hands.view_state.move_cursor(moved)
    dialog = opened_header(hands)

    def position() -> list[str]:
        (found,) = [row for row in rows(dialog) if row[1] == "ImagePositionPatient"]
        return found[3].split("\\")

    assert float(position()[2]) == pytest.approx(moved[2], abs=SPACING[2] / 2)
    number = dialog.number.value()
    shown = pydicom.dcmread(phantom / dialog.file.text())
    assert [str(value) for value in shown.ImagePositionPatient] == position()
    assert len(rows(dialog)) == len(dialog.model.rows) > 40

    for words, keyword in (("(0028,0030)", "PixelSpacing"), ("00280030", "PixelSpacing"), ("pixelsp", "PixelSpacing"),
                           ("19800229", "PatientBirthDate"), ("0028, 0030", "PixelSpacing")):  # fmt: skip
        dialog.search.clear()
        QTest.keyClicks(dialog.search, words)
        assert [row[1] for row in rows(dialog)] == [keyword], words
    assert dialog.count.text() == f"1 of {len(dialog.model.rows)} rows"
    hands.click(dialog.copy_button)
    assert QGuiApplication.clipboard().text().split("\t")[:3] == ["(0028,0030)", "PixelSpacing", "DS"]

    dialog.search.clear()
    dialog.number.stepUp()
    hands.wait(lambda: dialog.file.text() == f"{number:04d}.dcm" and "reading" not in dialog.file.text(), "next file")
    assert float(position()[2]) - moved[2] == pytest.approx(SPACING[2], abs=SPACING[2] / 2 + 0.01)
    dialog.slider.setValue(1)
    hands.wait(lambda: dialog.file.text() == "0000.dcm", "the first file")
    press(dialog, "Close")


@pytest.mark.hazard("H23")
def test_the_header_hides_who_it_is(hands: Hands, phantom: Path) -> None:
    """With the identity hidden no cell, label, tooltip or copy tells name, ID or dates; searching finds none."""
    hands.open(phantom)
    hands.key(Qt.Key.Key_H, CTRL)
    dialog = opened_header(hands)

    cells = " ".join(" ".join(row) for row in rows(dialog))
    labels = " ".join(label.text() + label.toolTip() for label in dialog.findChildren(QLabel))
    dialog.copy()
    for said in (cells, labels, QGuiApplication.clipboard().text()):
        assert not any(secret in said for secret in ("Ada", "Probe", "1980", "20260102", ".dcm"))
    assert ["(0010,0010)", "PatientName", "PN", "hidden"] in rows(dialog)
    assert any(row[1] == "PixelSpacing" and row[3] == "1.1\\1.3" for row in rows(dialog))
    QTest.keyClicks(dialog.search, "probe")
    assert rows(dialog) == []


@pytest.mark.hazard("H03")
def test_documents_of_the_patient_on_show_only(hands: Hands, study: Path) -> None:
    """Ada's report and letter are listed, Bo's are counted and not named; nothing is listed while nothing is open."""
    window = hands.window
    assert not window.documents.isVisible()
    hands.open(study)

    assert window.documents.isVisible()
    assert window.documents.texts() == ["PDF · Surgical letter", "Report · CT report"]
    assert "2 more, not of this patient" in window.documents.others.text()
    assert "Zwei" not in " ".join(label.text() for label in window.findChildren(QLabel))
    hands.key(Qt.Key.Key_H, CTRL)
    assert window.documents.texts() == ["PDF · 1", "Report · 2"]
    window.records.open_document(window.documents.documents[0])
    refusal = hands.dialog(ErrorDialog)
    assert "identity is hidden" in refusal.what.text()
    press(refusal, "OK")


def test_a_report_is_read(hands: Hands, study: Path) -> None:
    """Enter on the report: title, state, and what it says; the text is copied."""
    hands.open(study)
    documents = hands.window.documents
    documents.list.setCurrentRow(1)
    hands.key(Qt.Key.Key_Return, widget=documents.list)

    dialog = hands.dialog(ReportDialog)
    hands.wait(lambda: bool(dialog.text.toPlainText()), "the report")

    assert dialog.title.text() == "Chest CT Report"
    assert "Verification: not verified" in dialog.facts.text()
    assert dialog.text.toPlainText() == "Finding: Fracture of the left hip"
    assert dialog.text.isReadOnly()
    hands.click(dialog.copy_button)
    assert QGuiApplication.clipboard().text().startswith("Chest CT Report\nDate:")
    press(dialog, "Close")


def test_a_letter_is_paged_and_zoomed(hands: Hands, study: Path) -> None:
    """Double click on the letter: red at the left, blue at the right; page 2; larger, smaller, fitted."""
    hands.open(study)
    documents = hands.window.documents
    place = documents.list.visualItemRect(documents.list.item(0)).center()
    viewport = documents.list.viewport()
    QTest.mouseClick(viewport, LEFT, NO_KEYS, place)
    QTest.mouseDClick(viewport, LEFT, NO_KEYS, place)
    dialog = hands.dialog(PagesDialog)
    hands.wait(lambda: dialog.page.pixmap().width() > 100, "the page")

    picture = pixels(dialog.page).astype(int)
    red = np.argwhere((picture[:, :, 0] > 200) & (picture[:, :, 1:].max(axis=2) < 60))
    blue = np.argwhere((picture[:, :, 2] > 200) & (picture[:, :, :2].max(axis=2) < 60))
    assert red[:, 1].max() < blue[:, 1].min(), "red stands at the left"
    assert red[:, 0].min() > blue[:, 0].max(), "and below blue"

    width = dialog.page.width()
    dialog.zoom_by(1.25)
    assert dialog.page.width() == pytest.approx(1.25 * width, abs=2)
    hands.key(Qt.Key.Key_0, CTRL, dialog)
    assert dialog.page.width() == pytest.approx(width, abs=2)
    assert not dialog.back.isEnabled()
    hands.click(dialog.on)
    hands.wait(lambda: pixels(dialog.page)[5, 5].tolist() == [0, 255, 0], "page 2")
    assert dialog.number.text() == "Page 2 of 2"
    assert not dialog.on.isEnabled()
    hands.key(Qt.Key.Key_PageUp, widget=dialog)
    hands.wait(lambda: pixels(dialog.page)[5, 5].tolist() == [255, 255, 255], "page 1")
    press(dialog, "Close")


def test_a_right_click_offers_the_header(hands: Hands, study: Path) -> None:
    """On a series and on a document."""
    hands.open(study)
    window = hands.window
    for widget, keyword in ((window.series_panel.tree, "ImagePositionPatient"),
                            (window.documents.list, "EncapsulatedDocument")):  # fmt: skip
        viewport = widget.viewport()
        item = widget.currentItem() or widget.topLevelItem(1)
        QTest.mouseClick(viewport, LEFT, NO_KEYS, widget.visualItemRect(item).center())
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(9, 9), viewport.mapToGlobal(QPoint(9, 9)))
        QApplication.sendEvent(viewport, event)
        hands.wait(lambda: isinstance(QApplication.activePopupWidget(), QMenu), "the menu")
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        hands.key(Qt.Key.Key_Down, widget=menu)
        hands.key(Qt.Key.Key_Return, widget=menu)
        dialog = hands.dialog(HeaderDialog)
        hands.wait(lambda dialog=dialog: bool(dialog.model.rows), "the header")
        assert keyword in [row[1] for row in rows(dialog)]
        press(dialog, "Close")


@pytest.mark.hazard("H22")
def test_a_hostile_document_leaves_the_window_alone(hands: Hands, tmp_path: Path) -> None:
    """A letter that is no PDF, and a report cut short: told in the dialog; then the next header is shown."""
    write_phantom(tmp_path / "ct")
    write(encapsulated(b"%PDF-1.7 rubble" + bytes(2000), DocumentTitle="Bad letter"), tmp_path / "a_letter.dcm")
    cut = write(report(content("TEXT", "Finding", TextValue="gone " * 90)), tmp_path / "b_report.dcm")
    cut.write_bytes(cut.read_bytes()[:-300])
    hands.open(tmp_path)
    letter, sr = hands.window.documents.documents

    hands.window.records.open_document(letter)
    pages = hands.dialog(PagesDialog)
    hands.wait(pages.problem.isVisible, "the refusal")
    assert "a_letter.dcm is not shown" in pages.problem.text()
    assert "cut short" in pages.problem.text()
    press(pages, "Close")
    hands.window.records.open_document(sr)
    text = hands.dialog(ReportDialog)
    hands.wait(text.remarks.isVisible, "the remark")
    assert "claims" in text.remarks.text()
    press(text, "Close")
    assert opened_header(hands).model.rows


def test_a_slider_that_runs_ends_at_the_last_file(hands: Hands, phantom: Path) -> None:
    """Twenty steps at once: only the last one counts, and its header is the one that is shown."""
    hands.open(phantom)
    dialog = opened_header(hands)

    for number in range(1, 21):
        dialog.slider.setValue(number)

    hands.wait(lambda: dialog.file.text() == "0019.dcm", "the last file")
    uid = pydicom.dcmread(phantom / "0019.dcm").SOPInstanceUID
    assert uid in [row[3] for row in rows(dialog)]


def test_a_closed_dialog_is_not_written_to(hands: Hands, phantom: Path) -> None:
    """Closing while the file is being read: nothing happens, and the next dialog works."""
    hands.open(phantom)
    hands.key(Qt.Key.Key_F3)
    hands.dialog(HeaderDialog).close()
    QTest.qWait(300)

    assert opened_header(hands).model.rows
