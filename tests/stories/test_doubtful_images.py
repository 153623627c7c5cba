"""What a person sees of doubtful images: marks in every view, volumes of one series told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor

from arviewer.model.findings import FindingKind, Severity
from arviewer.ui import theme
from tests.windows import Hands, write_phantom


def rewritten(folder: Path, **elements: object) -> Path:
    """Set elements in every file."""
    for file in folder.iterdir():
        ds = dcmread(file)
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        ds.save_as(file)
    return folder


def pixels_near(widget: object, color: str) -> int:
    """How many pixels of a widget's picture are of a color, as drawn."""
    picture = widget.grab().toImage()  # type: ignore[attr-defined]
    wanted = QColor(color)
    return sum(
        max(abs(one.red() - wanted.red()), abs(one.green() - wanted.green()), abs(one.blue() - wanted.blue())) < 12
        for x in range(picture.width())
        for y in range(picture.height())
        for one in [picture.pixelColor(x, y)]
    )


@pytest.mark.hazard("H13")
def test_images_compressed_with_loss_are_badged_in_every_view(hands: Hands, tmp_path: Path) -> None:
    """Each view draws a mark in the color of a warning, whose tip says what it is; without loss there is none."""
    write_phantom(tmp_path / "plain")
    hands.open(tmp_path / "plain")
    for badge in hands.window.grid.badges:  # its pixels are not square, which is a note
        assert pixels_near(badge, theme.WARNING) == 0

    lossy = rewritten(write_phantom(tmp_path / "lossy"), LossyImageCompression="01", LossyImageCompressionRatio="9")
    hands.open(lossy)
    found = {one.kind: one.severity for one in hands.document.scene.volume.findings}
    assert found[FindingKind.LOSSY] is Severity.WARNING
    assert len(hands.window.grid.badges) == 4
    for badge in hands.window.grid.badges:
        assert badge.isVisible()
        assert "compressed with loss (ratio 9)" in badge.toolTip()
        assert pixels_near(badge, theme.WARNING) > 20


@pytest.mark.hazard("H03")
def test_the_name_is_drawn_in_the_banner_of_the_images_on_show(hands: Hands, two_patients: Path) -> None:
    """Pixels of the banner differ between the patients, and are the same again for the same one."""
    pictures = []
    for name in ("a", "b", "a", "b", "a"):  # the first is drawn before all columns have their width
        hands.open(two_patients / name)
        assert hands.window.banner.isVisible()
        pictures.append(hands.window.banner._fields["name"].grab().toImage())
    assert pictures[1] == pictures[3]
    assert pictures[2] == pictures[4]
    assert pictures[1] != pictures[2]
    for name in ("axial", "3d"):  # one view fills the window: whose it is stays in sight
        hands.window.grid.toggle_large(name)
        shown = hands.window.banner._fields["name"]
        assert not shown.visibleRegion().isEmpty()
        assert hands.window.banner.texts()["name"] == "Probe, Ada"
        hands.window.grid.toggle_large(name)


@pytest.mark.hazard("H10")
def test_two_times_of_one_series_are_told_apart_in_the_list_and_in_the_banner(hands: Hands, tmp_path: Path) -> None:
    """One series of two times: two lines that say which, and the banner says which is on show."""
    rewritten(write_phantom(tmp_path / "a"), AcquisitionTime="101500")
    rewritten(write_phantom(tmp_path / "b"), AcquisitionTime="101625")
    for file in (tmp_path / "b").iterdir():
        ds = dcmread(file)
        ds.InstanceNumber += 1000
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID + ".1"
        ds.save_as(file)
    hands.open(tmp_path)
    window = hands.window
    lines = [item.text(0) for item, _series in window.series_panel._lines()]
    assert ["time 1 of 2, 0 s" in lines[0], "time 2 of 2, 85 s" in lines[1]] == [True, True]

    for words in ("time 1 of 2, 0 s", "time 2 of 2, 85 s"):
        hands.key(Qt.Key.Key_Down, widget=window.series_panel.tree)
        hands.key(Qt.Key.Key_Return, widget=window.series_panel.tree)
        hands.idle()
        assert window.banner.texts()["description"].endswith(words)
