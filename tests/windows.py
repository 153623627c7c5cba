"""The real window for tests: started on real processes, driven by mouse and keys, closed without a trace."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QDeadlineTimer, QEvent, QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QImage, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QDialog, QPushButton, QWidget

from arviewer.imaging.dicom.write import CtHeader, derived_uid, write_ct_series
from arviewer.imaging.phantoms.simple import chiral
from arviewer.model.geometry import Affine
from arviewer.model.study import Patient
from arviewer.model.volume import VolumeGeometry
from arviewer.session.document import Document
from arviewer.session.jobs import Jobs
from arviewer.session.view_state import ViewState
from arviewer.ui import theme
from arviewer.ui.dialogs.error import ErrorDialog
from arviewer.ui.main_thread import MainThread
from arviewer.ui.main_window import MainWindow

T = TypeVar("T", bound=QDialog)

WAIT_MS = 20_000
CENTER = (12.0, -35.0, 140.0)
"""Of the phantom, in LPS mm: far from the origin, so that a lost offset is seen."""
SPACING = (1.3, 1.1, 1.7)
NO_KEYS = Qt.KeyboardModifier.NoModifier
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton

ACQUISITIONS = {
    # Columns: where i, j and k go in the patient.
    "axial": np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]).T,
    "sagittal": np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]]).T,
    "oblique": np.linalg.qr(np.array([[0.90, -0.25, 0.30], [0.30, 0.93, -0.18], [-0.22, 0.24, 0.94]]))[0],
}


def right_handed(axes: np.ndarray) -> np.ndarray:
    """Columns along the given ones as far as possible, and no mirror."""
    axes = axes * np.sign(np.diag(axes)) if np.all(np.diag(axes) != 0) else axes
    assert np.linalg.det(axes) > 0
    return axes


def geometry(acquisition: str = "axial", extent_mm: float = 100.0) -> VolumeGeometry:
    """A grid around the phantom, of distinct spacing on each axis."""
    axes = right_handed(ACQUISITIONS[acquisition])
    counts = [round(extent_mm / step) for step in SPACING]
    matrix = np.eye(4)
    matrix[:3, :3] = axes * SPACING
    matrix[:3, 3] = np.array(CENTER) - matrix[:3, :3] @ ((np.array(counts) - 1) / 2)
    return VolumeGeometry((counts[2], counts[1], counts[0]), Affine(matrix, to_space=derived_uid("frame")))


def write_phantom(folder: Path, acquisition: str = "axial", patient: str = "Probe^Ada", number: int = 1) -> Path:
    """A CT of the chiral phantom."""
    grid = geometry(acquisition)
    header = CtHeader(
        Patient(name=patient, id=f"ID-{patient}", birth_date="19800229", sex="F"),
        derived_uid("study", patient), derived_uid("series", patient, acquisition, number),
        number=number, description=f"{acquisition} phantom",
    )  # fmt: skip
    write_ct_series(chiral(CENTER).voxels(grid), grid, folder, header, compression="none")
    return folder


@dataclass
class Hands:
    """A window and what a person does with it."""

    window: MainWindow
    document: Document
    view_state: ViewState

    def wait(self, condition: Callable[[], bool], why: str = "") -> None:
        """Let the window live until something is so."""
        deadline = QDeadlineTimer(WAIT_MS)
        while not condition():
            active = QApplication.activeModalWidget()
            told = str(active.error) if isinstance(active, ErrorDialog) else str(active)
            assert not deadline.hasExpired(), f"waited in vain for {why or condition}; on top: {told}"
            QTest.qWait(10)

    def idle(self) -> None:
        """Let all jobs end."""
        self.wait(lambda: not self.window.job_bar.busy, "jobs to end")

    def remade(self) -> None:
        """Let all jobs end, and all surfaces be made anew."""
        self.idle()
        self.wait(
            lambda: not any(item.is_stale for item in self.document.scene.items.values()), "surfaces to be made anew"
        )

    def draw(self, view: QWidget, line: list[QPoint], keys: Qt.KeyboardModifier = NO_KEYS) -> None:
        """Press at the first place of a line, move along it, let go at the last."""
        QTest.mousePress(view, LEFT, keys, line[0])
        for place in line[1:]:
            QTest.mouseMove(view, place)
            QCoreApplication.processEvents()
        QTest.mouseRelease(view, LEFT, keys, line[-1])
        QCoreApplication.processEvents()

    def open(self, *paths: Path) -> None:
        """Open paths as Ctrl+O does once the folder is chosen, and wait."""
        self.window.open_paths(list(paths))
        self.idle()

    def drop(self, path: Path) -> None:
        """Drop a folder on the window, as the desktop does."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        place = QPointF(self.window.rect().center())
        enter = QDragEnterEvent(place.toPoint(), Qt.DropAction.CopyAction, data, LEFT, NO_KEYS)
        QApplication.sendEvent(self.window, enter)
        assert enter.isAccepted()
        drop = QDropEvent(place, Qt.DropAction.CopyAction, data, LEFT, NO_KEYS)
        QApplication.sendEvent(self.window, drop)

    def drag(self, view: QWidget, button: Qt.MouseButton, start: QPoint, by: QPoint) -> None:
        """Press, move in two steps, let go."""
        QTest.mousePress(view, button, NO_KEYS, start)
        QTest.mouseMove(view, start + by / 2)
        QTest.mouseMove(view, start + by)
        QTest.mouseRelease(view, button, NO_KEYS, start + by)
        QCoreApplication.processEvents()

    def wheel(self, view: QWidget, notches: int, place: QPointF, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
        """Turn the wheel over a place of a view."""
        event = QWheelEvent(
            place, view.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, keys,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(view, event)
        QCoreApplication.processEvents()

    def dialog(self, kind: type[T]) -> T:
        """The open dialog of a kind."""
        self.wait(lambda: isinstance(QApplication.activeModalWidget(), kind), kind.__name__)
        found = QApplication.activeModalWidget()
        assert isinstance(found, kind)
        return found

    def click(self, button: QWidget) -> None:
        """Click in the middle of a button."""
        assert button.isEnabled()
        QTest.mouseClick(button, LEFT, NO_KEYS, QPoint(min(button.width() // 2, 10), button.height() // 2))
        QCoreApplication.processEvents()

    def ask_bone(self) -> None:
        """Type a threshold, which the recipe then takes as it is, keep small pieces, and press Find Bone."""
        form = self.window.structures.form
        self.click(form.buttons["bone"])
        for name, text in (("low_hu", "300"), ("min_island_ml", "0.05")):
            form.inputs[name].selectAll()
            QTest.keyClicks(form.inputs[name], text)
        self.click(form.find_button)

    def find_bone(self) -> None:
        """Find bone and wait until it is on stage."""
        recipe = "bone"
        self.ask_bone()
        self.idle()
        problems = [f"{dialog.what.text()} {dialog.why.text()}" for dialog in self.window.findChildren(ErrorDialog)]
        assert recipe in self.document.scene.items, problems

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = NO_KEYS, widget: QWidget | None = None) -> None:
        """Press a key in the window, or where the focus is meant to be."""
        if widget is None and QApplication.activeModalWidget() is None:
            self.window.activateWindow()  # without a window manager nobody else does it after a dialog
            self.wait(self.window.isActiveWindow, "the window to be active")
        QTest.keyClick(widget or self.window, key, keys)
        QCoreApplication.processEvents()


def pixels(widget: QWidget) -> np.ndarray:
    """What a widget shows now, shape (H, W, 3), uint8."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    memory = image.constBits()
    memory.setsize(image.sizeInBytes())
    rows = np.frombuffer(memory, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def press(dialog: QDialog, words: str) -> None:
    """Click the button of a dialog that bears these words."""
    button = next(b for b in dialog.findChildren(QPushButton) if b.text().replace("&", "") == words)
    QTest.mouseClick(button, LEFT)
    QCoreApplication.processEvents()


def let_go() -> None:
    """Let deleted windows be deleted."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    gc.collect()


@pytest.fixture(scope="session")
def dressed(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> QApplication:
    """The application with its look, and settings that are no person's."""
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path_factory.mktemp("settings")))
    theme.dress(qapp)
    qapp.setQuitOnLastWindowClosed(False)
    return qapp


@pytest.fixture
def new_window(dressed: QApplication) -> Iterator[Callable[[], Hands]]:
    """Opens windows, and closes them at the end."""
    opened: list[Hands] = []

    def make(sample: Path | None = None) -> Hands:
        document, view_state = Document(), ViewState()
        window = MainWindow(document, view_state, Jobs(MainThread()), sample)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        window.resize(1280, 800)
        window.show()
        assert QTest.qWaitForWindowExposed(window)
        window.activateWindow()
        opened.append(Hands(window, document, view_state))
        return opened[-1]

    yield make
    for hands in opened:
        for dialog in hands.window.findChildren(QDialog):
            dialog.close()
        hands.window.close()
        hands.window.deleteLater()
    opened.clear()
    let_go()


@pytest.fixture
def hands(new_window: Callable[[], Hands]) -> Hands:
    """One empty window."""
    return new_window()


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an axial CT of the chiral phantom."""
    return write_phantom(tmp_path_factory.mktemp("phantom"))


@pytest.fixture(scope="session")
def two_patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a series each of two patients."""
    folder = tmp_path_factory.mktemp("two")
    write_phantom(folder / "a", patient="Probe^Ada", number=1)
    write_phantom(folder / "b", patient="Zwei^Bo", number=2)
    return folder
