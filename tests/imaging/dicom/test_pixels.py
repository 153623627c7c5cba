"""Frames out of encapsulated pixel data, and multi-frame files read frame by frame."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from arviewer.errors import InputRefused
from arviewer.imaging.dicom import load, scan
from arviewer.imaging.dicom.pixels import Frames
from arviewer.imaging.dicom.syntaxes import DamagedFrame
from arviewer.model.findings import FindingKind, Verdict

FRAMES = [b"first___", b"second", b"third_", b"4th_"]
VOXELS = (np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6) * 31) % 4000


@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize("fragments", [1, 2])
def test_frames_are_told_apart(fragments, has_table):
    """By fragment where there is one each, by the offset table where there are more."""
    data = encapsulate(FRAMES, fragments_per_frame=fragments, has_bot=has_table)
    if fragments == 1 or has_table:
        assert [Frames(data, 4)[n].rstrip(b"\0") for n in range(4)] == FRAMES
    else:
        with pytest.raises(DamagedFrame, match="8 fragments for 4 frames"):
            Frames(data, 4)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no compressed frame"),
        (encapsulate([b"abcd"])[:-2], "cut short"),
        (b"\x08\x00\x05\x00\x00\x00\x00\x00", "damaged"),
        (struct.pack("<HHL", 0xFFFE, 0xE000, 0), "no compressed frame"),
        (struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFF00), "cut short"),
    ],
)
def test_damaged_items_are_refused(data, reason):
    """Cut short, no items, or lengths beyond the end."""
    with pytest.raises(DamagedFrame, match=reason):
        Frames(data, 1)


def enhanced(make_image, pixels, **elements):
    """An enhanced multi-frame CT whose frames are stored in reversed order, each with its own rescale."""
    ds = make_image(pixels, ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None, **elements)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    ds.NumberOfFrames = len(pixels)
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, orientation.ImageOrientationPatient = [0.5, 0.7], [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for n in range(len(pixels)):
        group, position, transform = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, -2.0 * n]
        transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 1 + n, -10, "HU"
        group.PlanePositionSequence = Sequence([position])
        group.PixelValueTransformationSequence = Sequence([transform])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return ds


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"])
def test_an_enhanced_object_is_a_volume(make_image, tmp_path, syntax):
    """Frames by their own position and rescale, uncompressed and compressed."""
    ds = enhanced(make_image, VOXELS, syntax=syntax)
    if syntax.endswith(".80"):
        ds.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(plane)) for plane in VOXELS])
    elif syntax.endswith(".5"):
        ds.compress("1.2.840.10008.1.2.5", VOXELS, encoding_plugin="pydicom", generate_instance_uid=False)
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    (series,) = scan(tmp_path / "a").series
    volume = load(series)
    truth = np.stack([plane * (1.0 + n) - 10 for n, plane in enumerate(VOXELS)])[::-1]
    np.testing.assert_array_equal(volume.voxels.astype(float), truth)
    np.testing.assert_allclose(volume.geometry.spacing_mm, (0.7, 0.5, 2.0))
    assert volume.geometry.lps_from_ijk.matrix[2, 3] == -6.0
    assert (series.verdict, volume.unit) == (Verdict.REGULAR, "HU")


def test_one_damaged_frame_costs_that_frame(make_image, tmp_path):
    """The other frames of the file are whole."""
    frames = [bytes(imagecodecs.jpegls_encode(plane)) for plane in VOXELS]
    frames[1] = frames[1][: len(frames[1]) // 2]
    ds = enhanced(make_image, VOXELS, syntax="1.2.840.10008.1.2.4.80")
    ds.PixelData = encapsulate(frames)
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    volume = load(scan(tmp_path / "a").series[0])
    assert volume.slice_valid.tolist() == [True, True, False, True]
    assert volume.findings[-1].kind is FindingKind.CORRUPT_SLICE


def test_groups_that_are_not_one_per_frame_are_refused(make_image, tmp_path):
    """Four frames, three positions: which is which cannot be known."""
    ds = enhanced(make_image, VOXELS)
    del ds.PerFrameFunctionalGroupsSequence[3]
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(InputRefused, match=r"Number of Frames \(0028,0008\) is 4, its functional groups are 3"):
        scan(tmp_path / "a")
