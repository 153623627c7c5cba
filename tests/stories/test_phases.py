"""A 4D series in the real window: its volumes are gone through, the place and the structures stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest

from arviewer.errors import GeometryError
from arviewer.imaging.dicom import load, scan
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.scene import Scene
from arviewer.session.document import Document
from arviewer.ui.dialogs.error import ErrorDialog
from arviewer.ui.viewports.slice_frame import value_at
from tests.windows import LEFT, NO_KEYS, Hands, pixels, press, write_phantom

TIMES = ("101500", "101545", "101705")
BRIGHTER = 300


@pytest.fixture
def beating(tmp_path) -> Path:
    """Three time points in one series, each brighter than the one before; only their times tell them apart."""
    write_phantom(tmp_path / "0", "oblique")
    folder = tmp_path / "series"
    folder.mkdir()
    files = sorted((tmp_path / "0").rglob("*.dcm"))
    for number, time in enumerate(TIMES):
        for file in files:
            ds = pydicom.dcmread(file)
            ds.PixelData = (ds.pixel_array + BRIGHTER * number).astype(ds.pixel_array.dtype).tobytes()
            ds.ContentTime = ds.AcquisitionTime = time
            ds.InstanceNumber = int(ds.InstanceNumber) + 1000 * number
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{ds.SOPInstanceUID}.{number}"[-64:]
            ds.save_as(folder / f"{number}-{file.name}", enforce_file_format=True)
    return folder


@pytest.mark.hazard("H10")
def test_the_volumes_of_a_series_are_gone_through(hands: Hands, beating) -> None:
    """Key, arrow button and slider change the volume; cursor, window and structures stay where they are."""
    window = hands.window
    hands.open(beating)
    first, _second, third = window.series_panel.series
    window.opening.open_series(first)
    hands.idle()
    assert window.phase_bar.isVisible()
    assert window.phase_bar.words.text() == "time 1 of 3, 0 s"
    window.building.start("bone", {"low_hu": -200})
    hands.idle()
    axial = window.grid.slices["axial"]
    QTest.mouseClick(axial, LEFT, NO_KEYS, QPoint(axial.width() // 2 + 31, axial.height() // 2 - 17))
    hands.view_state.set_window(300, 2000)
    axial.zoom(2.0)
    frame = axial.frame
    cursor, structure = hands.view_state.cursor_lps.copy(), hands.document.scene.items["bone"]
    value, bright = value_at(hands.document.scene.volume, cursor), pixels(axial).mean()

    QTest.keyClick(axial, Qt.Key.Key_BracketRight)
    hands.wait(lambda: shown(hands) is not first)
    QTest.mouseClick(window.phase_bar.later, LEFT)
    hands.wait(lambda: shown(hands) is third)

    assert window.phase_bar.words.text() == "time 3 of 3, 125 s"
    assert not window.phase_bar.later.isEnabled()
    np.testing.assert_array_equal(hands.view_state.cursor_lps, cursor)
    assert hands.view_state.window == (300, 2000)
    assert hands.document.scene.items["bone"] is structure
    assert value_at(hands.document.scene.volume, cursor) == value + 2 * BRIGHTER
    assert pixels(axial).mean() > bright + 5
    assert axial.frame == frame

    hands.document.undo()
    assert "bone" not in hands.document.scene.items
    assert shown(hands) is third
    window.phase_bar.slider.setValue(0)
    hands.wait(lambda: shown(hands) is first)


def opened(hands: Hands, folder: Path):
    """The window with the first of three volumes on show; returns all three."""
    hands.open(folder)
    volumes = hands.window.series_panel.series
    hands.window.opening.open_series(volumes[0])
    hands.idle()
    return volumes


def keep_busy(hands: Hands, seconds: float) -> None:
    """Start a job that does nothing for a while."""
    hands.window.job_bar.start(
        "Wait", "arviewer.workers.echo:echo", 1, done=lambda _: None, failed=lambda _: None,
        parameters={"duration_s": seconds},
    )  # fmt: skip


def test_who_goes_back_meanwhile_stays(hands: Hands, beating) -> None:
    """A volume that is still being opened is not wanted any more once the person has gone back."""
    first, _second, _third = opened(hands, beating)
    bar = hands.window.phase_bar
    keep_busy(hands, 0.6)
    bar.slider.setValue(1)
    hands.wait(lambda: len(hands.window.job_bar._waiting) == 2, "the second volume to be asked for")

    bar.slider.setValue(0)
    hands.idle()

    assert shown(hands) is first
    assert (bar.slider.value(), bar.words.text()) == (0, "time 1 of 3, 0 s")


@pytest.mark.hazard("H10")
def test_the_bar_never_names_a_volume_that_is_not_on_show(hands: Hands, beating) -> None:
    """One that cannot be read: the bar goes back at once, whatever else is at work."""
    first, _second, third = opened(hands, beating)
    for instance in third.instances:
        instance.path.unlink()
    bar = hands.window.phase_bar
    bar.slider.setValue(2)
    hands.wait(lambda: hands.window.job_bar.busy, "the third volume to be asked for")
    keep_busy(hands, 30.0)

    press(hands.dialog(ErrorDialog), "OK")

    assert hands.window.job_bar.busy
    assert shown(hands) is first
    assert (bar.slider.value(), bar.words.text()) == (0, "time 1 of 3, 0 s")
    hands.window.job_bar.cancel_all()


def test_the_volumes_beside_a_coarse_one_are_as_coarse(hands: Hands, beating) -> None:
    """Every second voxel of the next volume, so that structures and grid fit."""
    window = hands.window
    hands.open(beating)
    first, second, _third = window.series_panel.series
    window.opening._load(first, coarser=2)
    hands.idle()

    QTest.mouseClick(window.phase_bar.later, LEFT)
    hands.wait(lambda: shown(hands) is second)

    np.testing.assert_array_equal(hands.document.scene.volume.voxels, load(second).voxels[::2, ::2, ::2])


def test_a_resampled_volume_stands_alone(hands: Hands, beating) -> None:
    """The others, as they are, do not fit its grid."""
    volumes = opened(hands, beating)
    volume = hands.document.scene.volume
    assert hands.window.phase_bar.isVisible()
    told = Finding(FindingKind.RESAMPLED, Severity.NOTE, details={"angle_deg": 12.0, "uneven_mm": 0.4, "gap_mm": 2.0})

    hands.document.open(Scene(replace(volume, findings=(told,))))

    assert len(volumes) == 3
    assert not hands.window.phase_bar.isVisible()


def shown(hands: Hands):
    """The series of the volume on show."""
    volume = hands.document.scene.volume
    assert volume is not None
    return volume.series


def test_a_series_of_one_volume_has_no_bar(hands: Hands, phantom) -> None:
    """Nothing to go through, nothing to see."""
    hands.open(phantom)
    assert not hands.window.phase_bar.isVisible()


def test_a_volume_on_another_grid_is_not_exchanged(phantom, beating) -> None:
    """Structures would lie elsewhere: it must be opened."""
    one, other = load(scan(phantom).series[0]), load(scan(beating).series[0])
    with pytest.raises(GeometryError):
        Document(Scene(one)).exchange_volume(other)
