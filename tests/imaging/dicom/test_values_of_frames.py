"""Numbers that decide what a voxel means: rescale in a box, tables, functional groups, windows, single slices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from arviewer.imaging.dicom import load, scan
from arviewer.imaging.dicom.syntaxes import COMPRESSIONS
from arviewer.model.findings import FindingKind, Verdict
from arviewer.model.study import PhaseKind
from tests.imaging.dicom.test_load import MATRIX, RAMP, loaded, lut
from tests.imaging.dicom.test_volumes import MATRIX as STACK
from tests.imaging.dicom.test_volumes import VOXELS, enhanced, frame, moved, require_pure

BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NO_RESCALE: dict[str, Any] = {"RescaleSlope": None, "RescaleIntercept": None}

Write = Callable[..., Path]
Make = Callable[..., pydicom.FileDataset]


@pytest.mark.hazard("H11")
def test_a_box_of_fractional_values(write_stack: Write) -> None:
    """Slope and intercept hold for a part as for the whole."""
    (series,) = scan(write_stack(RAMP, MATRIX, RescaleSlope=0.5, RescaleIntercept=-7.25)).series
    part = load(series, box=((1, 5), (2, 5), (1, 4)))
    np.testing.assert_array_equal(part.voxels, RAMP[1:4, 2:5, 1:5] * 0.5 - 7.25)


def test_what_was_left_out_is_told_in_numbers(write_stack: Write) -> None:
    """The size of the box along i, j and k, and the coarsest detail: step by the widest spacing."""
    (series,) = scan(write_stack(RAMP, MATRIX)).series
    part = load(series, box=((1, 6), (0, 3), (1, 3)), coarser=2)
    told = {one.kind: one.details for one in part.findings}
    assert told[FindingKind.CROPPED] == {"size": "5 × 3 × 2", "whole": "6 × 5 × 4"}
    assert told[FindingKind.COARSER] == {"step": 2, "detail_mm": pytest.approx(8.0)}


@pytest.mark.hazard("H11")
def test_a_table_in_big_endian_words(make_image: Make, tmp_path: Path) -> None:
    """The words of a Modality LUT are turned as the file says."""
    table = np.arange(50) * 300
    pixels = RAMP[0].astype(np.uint16)
    ds = make_image(pixels, syntax=BIG_ENDIAN, **NO_RESCALE, ModalityLUTSequence=lut(0, table))
    ds.ModalityLUTSequence[0].LUTData = table.astype(">u2").tobytes()
    ds.ModalityLUTSequence[0]["LUTData"].VR = "OW"
    ds.PixelData = pixels.astype(">u2").tobytes()
    pydicom.dcmwrite(tmp_path / "a", ds, little_endian=False, implicit_vr=False, force_encoding=True)
    np.testing.assert_array_equal(loaded(tmp_path / "a").voxels[0], table[np.clip(pixels, 0, 49)])


@pytest.mark.hazard("H11")
def test_bits_beyond_the_entries_of_a_table(write_stack: Write) -> None:
    """Entries of 12 bits in words of 16: the four others mean nothing."""
    table = (np.arange(50) * 80) % 4096
    folder = write_stack(RAMP.astype(np.uint16), MATRIX, **NO_RESCALE, ModalityLUTSequence=lut(0, table | 0xF000, 12))
    np.testing.assert_array_equal(loaded(folder).voxels, table[np.clip(RAMP, 0, 49)])


@pytest.mark.hazard("H11")
def test_a_table_of_packed_bytes(write_stack: Write) -> None:
    """Entries of 8 bits, two in a word."""
    table = (np.arange(50) * 5).astype(np.uint8)
    sequence = lut(0, table, 8)
    sequence[0].LUTData = table.tobytes()
    folder = write_stack(RAMP.astype(np.uint16), MATRIX, **NO_RESCALE, ModalityLUTSequence=sequence)
    np.testing.assert_array_equal(loaded(folder).voxels, table[np.clip(RAMP, 0, 49)])


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", DEFLATED])
def test_pixel_data_that_ends_early_is_a_lost_slice(write_stack: Write, syntax: str) -> None:
    """Whatever follows it in the file, also where the file is deflated and its size tells nothing."""
    assert syntax not in COMPRESSIONS
    folder = write_stack(RAMP, MATRIX, syntax=syntax)
    path = folder / "001"
    ds = pydicom.dcmread(path)
    ds.PixelData = ds.PixelData[: len(ds.PixelData) // 4 * 2]
    ds.add_new(0xFFFCFFFC, "OB", b"\x33" * 400)
    ds.save_as(path, enforce_file_format=True)

    volume = loaded(folder)

    assert volume.slice_valid.tolist() == [True, False, True, True]
    assert FindingKind.CORRUPT_SLICE in {one.kind for one in volume.findings}


# Enhanced multi-frame


@pytest.mark.hazard("H06")
def test_the_spacing_of_frames_names_rows_first(make_image: Make, tmp_path: Path) -> None:
    """0.72 mm from row to row is the second axis."""
    (series,) = scan(enhanced(make_image, tmp_path / "x", [frame(0, k, 2.0 * k) for k in range(6)])).series
    assert series.geometry is not None
    np.testing.assert_allclose(series.geometry.spacing_mm, (0.7, 0.72, 2.0))


@pytest.mark.hazard("H11")
def test_what_a_frame_says_goes_before_what_all_share(make_image: Make, tmp_path: Path) -> None:
    """Each frame with a rescale of its own."""
    name = "PixelValueTransformationSequence"
    own = [frame(0, k, 2.0 * k, **{name: {"RescaleSlope": 2, "RescaleIntercept": k}}) for k in range(6)]
    shared = {name: {"RescaleSlope": 1, "RescaleIntercept": 0}}
    (series,) = scan(enhanced(make_image, tmp_path / "x", own, shared)).series
    np.testing.assert_array_equal(load(series).voxels, VOXELS * 2 + np.arange(6)[:, None, None])


def test_window_and_unit_of_frames(make_image: Make, tmp_path: Path) -> None:
    """Center before width; the rescale type is the unit."""
    shared = {
        "FrameVOILUTSequence": {"WindowCenter": 40, "WindowWidth": 400},
        "PixelValueTransformationSequence": {"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "OD"},
    }
    (series,) = scan(enhanced(make_image, tmp_path / "x", [frame(0, k, 2.0 * k) for k in range(6)], shared)).series
    assert (series.window, series.unit) == ((40.0, 400.0), "OD")


@pytest.mark.hazard("H10")
def test_a_time_offset_alone_tells_volumes_apart(make_image: Make, tmp_path: Path) -> None:
    """(0020,930D) where there is no index."""
    frames = [
        frame(n, k, 2.0 * k, TemporalPositionSequence={"TemporalPositionTimeOffset": 2.5 * n})
        for k in range(6)
        for n in range(2)
    ]
    found = scan(enhanced(make_image, tmp_path / "x", frames)).series
    assert [one.phase.kind for one in found if one.phase] == [PhaseKind.TEMPORAL_POSITION] * 2


def test_parts_of_one_file_have_findings_of_their_own(make_image: Make, tmp_path: Path) -> None:
    """All frames share a file name: a part is told why it was set apart, not why another one was."""
    turned = {"PlaneOrientationSequence": {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}}
    aslant = {"PlaneOrientationSequence": {"ImageOrientationPatient": [0.8, 0.6, 0, -0.6, 0.8, 0]}}
    frames = [frame(0, k, 2.0 * k, **({} if k < 3 else turned if k < 5 else aslant)) for k in range(6)]
    found = scan(enhanced(make_image, tmp_path / "x", frames)).series
    counts = [
        [one.details["count"] for one in series.findings if one.kind is FindingKind.MIXED_ORIENTATION]
        for series in found
    ]
    assert sorted(counts) == [[1], [2], [2, 1]]


# Stacks


@pytest.mark.hazard("H06")
def test_a_lone_slice_is_taken_for_a_millimetre_thick(write_stack: Write) -> None:
    """Its thickness is not known from positions; the finding says so."""
    (series,) = scan(write_stack(VOXELS[:1], STACK)).series
    assert series.geometry is not None
    np.testing.assert_allclose(series.geometry.spacing_mm, (0.7, 0.72, 1.0))


def test_echo_times_that_differ_by_rounding_are_one(write_stack: Write) -> None:
    """Each within reach of the next: a chain of three is one stack."""
    folder = write_stack(VOXELS, STACK, vary=lambda k: {"EchoTime": ("4.50", "4.57", "4.64")[k % 3]})
    (series,) = scan(folder).series
    assert (series.verdict, series.phase, len(series.instances)) == (Verdict.REGULAR, None, 6)


@pytest.mark.hazard("H10")
@pytest.mark.parametrize("along", ["x", "y"])
def test_stacks_beside_each_other(write_stack: Write, tmp_path: Path, along: str) -> None:
    """Along the rows or along the columns: two volumes."""
    for n in range(2):
        write_stack(VOXELS + 1000 * n, moved(**{along: 120.0 * n}), f"a/{n}", InstanceNumber=1)
    assert require_pure(scan(tmp_path / "a")) == [0, 1]


@pytest.mark.hazard("H10")
def test_a_series_may_last_over_midnight(write_stack: Write, tmp_path: Path) -> None:
    """Twenty seconds from 23:59:50 to 00:00:10, not a day back."""
    for n, (day, time) in enumerate((("20240101", "235950"), ("20240102", "000010"))):
        write_stack(
            VOXELS + 1000 * n, STACK, f"a/{n}", AcquisitionDate=day, AcquisitionTime=time, SeriesTime="235950",
            vary=lambda k, n=n: {"InstanceNumber": 6 * n + k + 1},
        )  # fmt: skip

    found = scan(tmp_path / "a").series

    assert [one.phase.value for one in found if one.phase] == [0, 20]
    assert [int(load(one).voxels.min()) // 1000 for one in found] == [0, 1]


def test_a_trigger_time_that_is_no_number_loses_nothing(write_stack: Write, tmp_path: Path) -> None:
    """The series is told by what else there is; the folder is still read."""
    with pydicom.config.disable_value_validation():
        for n in range(2):
            write_stack(
                VOXELS + 1000 * n, STACK, f"a/{n}",
                vary=lambda k, n=n: {"TriggerTime": None, "InstanceNumber": 2 * k + n + 1},
            )  # fmt: skip
            for k, path in enumerate(sorted((tmp_path / f"a/{n}").iterdir())):
                ds = pydicom.dcmread(path)
                ds.add_new(0x00181060, "CS", f"{2 * k + n},5")
                ds.save_as(path)

    assert sum(len(one.instances) for one in scan(tmp_path / "a").series) == 2 * len(VOXELS)
