"""Take the pictures of the docs from the real window: ``python -m tools.screenshots --output docs/pictures``.

Runs on the screen that DISPLAY names (a virtual one will do). ``--real FOLDER`` adds one of a real CT, with the
identity hidden.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QDeadlineTimer, QEventLoop, QPoint, QRect, Qt, QTimer
from PyQt6.QtGui import QColor, QImage, QPixmap
from PyQt6.QtWidgets import QApplication, QWidget
from scipy.spatial import cKDTree
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkImagingColor import vtkImageQuantizeRGBToIndex

from arviewer.session.document import Document
from arviewer.session.jobs import Jobs
from arviewer.session.view_state import ViewState
from arviewer.ui import theme
from arviewer.ui.application import create_application
from arviewer.ui.dialogs.export import ExportDialog
from arviewer.ui.main_thread import MainThread
from arviewer.ui.main_window import MainWindow

STRUCTURES = ("bone", "skin", "vessels", "lungs")
SIZE = (1280, 800)
MAX_BYTES = 150_000
ATTEMPTS = ((230, 1.0), (128, 1.0), (64, 1.0), (64, 0.85), (64, 0.7), (32, 0.6))
"""Colors of a palette and scale, tried in turn until the file is small enough."""
ACCENTS = np.array(
    [
        QColor(name).getRgb()[:3]
        for name in (theme.ACCENT, theme.GOOD, theme.WARNING, theme.DANGER, *theme.PLANE_COLORS.values())
    ]
)
"""Colors with a meaning: small in area, but never to be averaged away."""
WAIT_MS = 600_000
SETTLE_MS = 400


def live(duration_ms: int) -> None:
    """Let the window live for a while."""
    loop = QEventLoop()
    QTimer.singleShot(duration_ms, loop.quit)
    loop.exec()


def wait_for(condition: Callable[[], bool]) -> None:
    """Let the window live until something is so."""
    deadline = QDeadlineTimer(WAIT_MS)
    while not condition():
        if deadline.hasExpired():
            raise SystemExit("The window did not become ready within ten minutes.")
        live(20)
    live(SETTLE_MS)


def opened(folder: Path, structures: tuple[str, ...], *, hidden: bool = False) -> MainWindow:
    """Return the real window with a folder open and its structures found."""
    document = Document()
    window = MainWindow(document, ViewState(), Jobs(MainThread()))
    window.resize(*SIZE)
    window.move(0, 0)
    window.show()
    if hidden:
        window.hide_identity(True)
    window.open_paths([folder], structures)
    wait_for(lambda: document.scene.volume is not None)
    wait_for(lambda: not window.job_bar.busy)
    for dialog in QApplication.topLevelWidgets():
        if dialog is not window and dialog.isVisible():
            dialog.close()  # a structure this scan does not show
    window.grid.view_3d.stand("anterior")
    live(SETTLE_MS)
    return window


def on_screen(window: QWidget) -> QPixmap:
    """Return what the screen shows at the window's place, dialogs over it included."""
    screen = window.screen()
    assert screen is not None
    place = QRect(window.mapToGlobal(QPoint(0, 0)), window.size())
    whole: Any = 0  # the stub knows no integer
    return screen.grabWindow(whole, place.x(), place.y(), place.width(), place.height())


def save(pixmap: QPixmap, path: Path) -> None:
    """Write a picture as PNG with a palette, small enough for the docs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixmap.toImage()
    for colors, scale in ATTEMPTS:
        width = round(image.width() * scale)
        smaller = image if scale == 1 else image.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
        if not quantized(smaller, colors).save(str(path), "PNG", 0):
            raise SystemExit(f"{path} could not be written.")
        if path.stat().st_size <= MAX_BYTES:
            print(f"{path}  {smaller.width()} × {smaller.height()}  {path.stat().st_size / 1000:.0f} kB")
            return
    raise SystemExit(f"{path} stays above {MAX_BYTES} bytes.")


def quantized(image: QImage, colors: int) -> QImage:
    """Return a picture with a palette of its own."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    width, height = plain.width(), plain.height()
    memory = plain.constBits()
    assert memory is not None
    memory.setsize(plain.sizeInBytes())
    rows = np.frombuffer(memory, np.uint8).reshape(height, plain.bytesPerLine())[:, : width * 3]  # type: ignore[call-overload]
    source = vtkImageData()
    source.SetDimensions(width, height, 1)
    source.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(rows).reshape(-1, 3), deep=True))
    quantize = vtkImageQuantizeRGBToIndex()
    quantize.SetNumberOfColors(colors)
    quantize.SetInputData(source)
    quantize.Update()
    table = quantize.GetLookupTable()
    found = [table.GetTableValue(index)[:3] for index in range(table.GetNumberOfTableValues())]
    palette = np.vstack([np.round(np.array(found) * 255), ACCENTS])
    shown, places = np.unique(rows.reshape(-1, 3), axis=0, return_inverse=True)
    nearest = np.asarray(cKDTree(palette).query(shown)[1], dtype=np.uint8)
    result = QImage(width, height, QImage.Format.Format_Indexed8)
    result.setColorTable([_packed(color) for color in palette])
    target = result.bits()
    assert target is not None
    target.setsize(result.sizeInBytes())
    lines: Any = np.frombuffer(target, np.uint8)  # type: ignore[call-overload]
    lines.reshape(height, result.bytesPerLine())[:, :width] = nearest[places.reshape(-1)].reshape(height, width)
    return result


def _packed(color: npt.NDArray[Any]) -> int:
    red, green, blue = (int(part) for part in color)
    return 0xFF000000 | red << 16 | green << 8 | blue


def take_sample(folder: Path, output: Path) -> None:
    """Window, 3D and export dialog of the sample patient."""
    window = opened(folder, STRUCTURES)
    save(on_screen(window), output / "window.png")
    window.grid.toggle_large("3d")
    for name in window.structures.rows:
        if name != "bone":
            window.structures.select(name)
            window.structures.toggle_visible()
    window.grid.view_3d.stand("anterior")
    window.grid.view_3d.turn(-25, 8)
    live(4 * SETTLE_MS)
    save(window.grid.view_3d.grab(), output / "bone.png")
    window.grid.toggle_large("3d")
    for _ in range(len(window.structures.rows) - 1):
        window.document.undo()
    window.exporting.ask()
    dialog = window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    dialog.target.setText("/home/surgeon/case/structures.stl")  # no path of the machine that takes the picture
    live(2 * SETTLE_MS)
    save(on_screen(window), output / "export.png")
    window.close()


def take_real(folder: Path, output: Path) -> None:
    """Window of a real CT, identity hidden; bone and lungs only, so that no face is shown."""
    window = opened(folder, ("bone", "lungs"), hidden=True)
    save(on_screen(window), output / "real-ct.png")
    window.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--sample", type=Path, default=Path("sample_dicom"), help="folder of the sample patient")
    parser.add_argument("--real", type=Path, help="folder of a real CT whose license allows its picture")
    wanted = parser.parse_args()
    application = create_application(sys.argv[:1])
    application.setQuitOnLastWindowClosed(False)
    take_sample(wanted.sample, wanted.output)
    if wanted.real:
        take_real(wanted.real, wanted.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
