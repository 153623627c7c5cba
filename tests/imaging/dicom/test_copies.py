"""Two files that bear one UID: the same image, or not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from arviewer.imaging.dicom import copies, scan
from arviewer.model.findings import FindingKind
from tests.imaging.dicom.test_volumes import enhanced, frame

DEFLATED = "1.2.840.10008.1.2.1.99"
RANDOM = np.random.default_rng(5).integers(0, 4096, (3, 32, 40)).astype(np.int16)
MATRIX = np.diag([0.7, 0.8, 2.0, 1.0])


def kinds(folder: Path) -> set[FindingKind]:
    return {one.kind for series in scan(folder).series for one in series.findings}


def test_padding_behind_the_pixels_makes_no_other_image(write_stack) -> None:
    """Only the pixels count."""
    folder = write_stack(RANDOM, MATRIX)
    ds = pydicom.dcmread(folder / "000")
    ds.add_new(0xFFFCFFFC, "OB", b"\0" * 100)
    ds.save_as(folder / "copy", enforce_file_format=True)

    assert FindingKind.CONFLICTING_COPIES not in kinds(folder)
    assert FindingKind.DUPLICATE_INSTANCE in kinds(folder)


@pytest.mark.hazard("H12")
def test_one_other_pixel_makes_another_image(write_stack) -> None:
    """The last of them."""
    folder = write_stack(RANDOM, MATRIX)
    ds = pydicom.dcmread(folder / "000")
    ds.PixelData = ds.PixelData[:-1] + bytes([ds.PixelData[-1] ^ 1])
    ds.save_as(folder / "copy", enforce_file_format=True)

    assert FindingKind.CONFLICTING_COPIES in kinds(folder)


def test_deflated_copies_are_not_accused(write_stack) -> None:
    """Another header packs the same pixels otherwise: without inflating nothing can be said."""
    folder = write_stack(RANDOM, MATRIX, syntax=DEFLATED)
    ds = pydicom.dcmread(folder / "000")
    ds.InstitutionName = "Elsewhere"
    ds.save_as(folder / "copy", enforce_file_format=True)

    assert FindingKind.CONFLICTING_COPIES not in kinds(folder)


def test_a_file_of_many_frames_is_compared_once(make_image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame by frame, a file of a thousand would be read a thousand times."""
    folder = tmp_path / "a"
    folder.mkdir()
    path = enhanced(make_image, folder / "one", [frame(0, k, 2.0 * k) for k in range(6)])
    shutil.copy(path, folder / "two")
    calls = []
    plain = copies._differ
    monkeypatch.setattr(copies, "_differ", lambda one, other: calls.append(1) or plain(one, other))

    assert FindingKind.DUPLICATE_INSTANCE in kinds(folder)
    assert len(calls) == 1
