"""Large series in the real window: seen while they are read, cancelled without a trace, opened coarser."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from PyQt6.QtCore import QPoint
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QMessageBox

from arviewer.imaging.dicom.write import CtHeader, derived_uid, write_ct_series
from arviewer.model.findings import FindingKind
from arviewer.model.geometry import Affine
from arviewer.model.study import Patient
from arviewer.model.volume import VolumeGeometry
from tests.windows import LEFT, NO_KEYS, Hands, press, write_phantom

SLICES = 90


@pytest.fixture(scope="module")
def slow(tmp_path_factory) -> Path:
    """A series that takes a second to decode: noise in JPEG 2000."""
    folder = tmp_path_factory.mktemp("slow")
    grid = VolumeGeometry((SLICES, 256, 240), Affine(np.diag([0.9, 0.8, 1.5, 1.0]), to_space=derived_uid("slow")))
    noise = np.random.default_rng(3).integers(-200, 300, grid.shape_kji).astype(np.int16)
    header = CtHeader(Patient(name="Slow^Sam", id="S"), derived_uid("s1"), derived_uid("s2"), description="slow")
    write_ct_series(noise, grid, folder, header, compression="none")
    for path in folder.iterdir():
        ds = pydicom.dcmread(path)
        pixels = ds.pixel_array
        ds.PixelData = encapsulate([bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="J2K", reversible=True))])
        ds["PixelData"].VR = "OB"
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
        ds.save_as(path, enforce_file_format=True)
    return folder


def test_slices_are_seen_while_the_others_are_read(hands: Hands, slow) -> None:
    """The banner names the patient, slices come one by one, the person looks round and stays where they went."""
    window = hands.window
    window.open_paths([slow])
    hands.wait(lambda: window._preview is not None, "the first slice")

    assert window.job_bar.busy
    assert hands.document.scene.volume is None
    assert window.banner.texts()["name"] == "Slow, Sam"
    assert not window.structures.isEnabled()
    early = window.grid.slices["axial"].volume
    assert early is not None
    assert 0 < early.slice_valid.sum() < SLICES
    axial = window.grid.slices["axial"]
    QTest.mouseClick(axial, LEFT, NO_KEYS, QPoint(axial.width() // 2 + 40, axial.height() // 2 - 20))
    went = hands.view_state.cursor_lps.copy()

    hands.idle()
    volume = hands.document.scene.volume
    assert volume is not None
    assert volume.slice_valid.all()
    assert axial.volume is volume
    assert window.structures.isEnabled()
    np.testing.assert_array_equal(hands.view_state.cursor_lps, went)


def test_a_cancel_while_slices_arrive_brings_back_what_was_there(hands: Hands, slow, phantom) -> None:
    """The earlier series, its structures, where the person looked: nothing is lost."""
    hands.open(phantom)
    before, cursor = hands.document.scene, hands.view_state.cursor_lps.copy()
    window = hands.window
    window.open_paths([slow])
    hands.wait(lambda: window._preview is not None, "the first slice")

    window.cancel()
    hands.idle()

    assert hands.document.scene is before
    assert window.grid.slices["axial"].volume is before.volume
    assert window.banner.texts()["name"] == "Probe, Ada"
    np.testing.assert_array_equal(hands.view_state.cursor_lps, cursor)
    assert window._preview is None


def write_huge(folder: Path) -> Path:
    """A series twice as large as the memory that takes no room on the disk: its pixels are holes."""
    size = 2 * 35_000 * 32_000
    for k in range(2 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // size + 1):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{k}"
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        ds.Modality, ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "CT", "H", "1.2", "1.3"
        ds.FrameOfReferenceUID, ds.PixelSpacing = "1.4", [0.01, 0.01]
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, k], [1, 0, 0, 0, 1, 0]
        ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 35_000, 32_000, 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.PixelData = b"\0\0"
        path = folder / f"{k:02d}"
        ds.save_as(path, enforce_file_format=True)
        with path.open("r+b") as stream:
            stream.seek(-6, os.SEEK_END)
            stream.write(struct.pack("<L", size))
            stream.truncate(stream.tell() + size)
    return folder


def test_a_series_that_does_not_fit_is_offered_coarser(hands: Hands, phantom, tmp_path) -> None:
    """The numbers are told before anything is read; the series on show stays if the person does not want it."""
    window = hands.window
    hands.open(phantom)
    before = hands.document.scene
    window.open_paths([write_huge(tmp_path)])
    box = hands.dialog(QMessageBox)

    assert "does not fit into memory" in box.text()
    need, free = (int(number) for number in re.findall(r"(\d+) MiB", box.informativeText()))
    assert need > free > 0
    assert "One voxel in" in box.informativeText()
    press(box, "Cancel")
    assert hands.document.scene is before


def test_a_coarser_series_says_so_in_every_view(hands: Hands, phantom) -> None:
    """Every second voxel stays at its place; a finding is on every badge."""
    window = hands.window
    hands.open(phantom)
    whole = hands.document.scene.volume
    assert whole is not None
    window.opening._load(window.series_panel.series[0], coarser=2)
    hands.idle()
    coarse = hands.document.scene.volume
    assert coarse is not None
    np.testing.assert_array_equal(coarse.voxels, whole.voxels[::2, ::2, ::2])
    assert FindingKind.COARSER in {finding.kind for finding in coarse.findings}
    assert all(badge.isVisible() and "one voxel in 2" in badge.toolTip() for badge in window.grid.badges)


def write_uneven(folder: Path) -> Path:
    """Slices 1.7 mm apart, from the twentieth on 2.6 mm: no even grid fits."""
    write_phantom(folder / "even")
    for number, path in enumerate(sorted((folder / "even").rglob("*.dcm"))):
        ds = pydicom.dcmread(path)
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x, y, float(z) + (0.9 * (number - 20) if number > 20 else 0)]
        ds.save_as(path, enforce_file_format=True)
    return folder / "even"


def test_an_uneven_series_is_resampled_only_when_the_person_says_so(hands: Hands, tmp_path) -> None:
    """It is refused with the reason and the way out; what comes of it says so in every view."""
    window = hands.window
    window.open_paths([write_uneven(tmp_path)])
    box = hands.dialog(QMessageBox)
    assert "too uneven" in box.text()
    assert "mm" in box.informativeText()
    press(box, "Resample and Open")
    hands.idle()
    volume = hands.document.scene.volume
    assert volume is not None
    assert FindingKind.RESAMPLED in {finding.kind for finding in volume.findings}
    assert all(badge.isVisible() for badge in window.grid.badges)
    assert not window.can_resample
