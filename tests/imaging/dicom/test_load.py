"""From series to volume: values, types, losses, refusals."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from scipy.spatial.transform import Rotation

from arviewer.errors import Cancelled, InputRefused, TooLarge, UsageError
from arviewer.imaging.dicom import describe, load, scan
from arviewer.model.findings import FindingKind, Severity, Verdict

MATRIX = np.diag([0.7, 0.7, 2.0, 1.0])
MPEG = encapsulate([b"not read"])
RAMP = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def loaded(folder):
    """The volume of the only series."""
    (series,) = scan(folder).series
    return load(series)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [
        (1, 0, np.int16),
        (1, -1024, np.int16),
        (2, -1024, np.int16),
        (-1, 5, np.int16),
        (0.5, 0, np.float32),
        (1, 0.5, np.float32),
        (1, 40000, np.float32),
        (400, 0, np.float32),
    ],
)
def test_int16_where_exact_else_float32(write_stack, slope, intercept, dtype):
    """Integers that fit stay int16; everything else is float32; the values are the same."""
    volume = loaded(write_stack(RAMP, MATRIX, RescaleSlope=slope, RescaleIntercept=intercept))
    assert volume.voxels.dtype == dtype
    np.testing.assert_array_equal(volume.voxels, RAMP.astype(float) * slope + intercept)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
def test_every_sample_type(write_stack, dtype):
    """8 to 32 bits, signed and unsigned, at the ends of their ranges."""
    voxels = RAMP.astype(dtype)
    voxels[0, 0, 0], voxels[1, 1, 1] = np.iinfo(dtype).min, np.iinfo(dtype).max
    if dtype in (np.uint32, np.int32):
        voxels[0, 0, 0], voxels[1, 1, 1] = 0, 1 << 23
    volume = loaded(write_stack(voxels, MATRIX))
    np.testing.assert_array_equal(volume.voxels.astype(float), voxels.astype(float))
    assert volume.voxels.dtype == (np.int16 if dtype in (np.uint8, np.int8, np.int16) else np.float32)


def test_unsigned_values_beyond_int16_fit_after_the_intercept(write_stack):
    """60,000 − 32,768 is an int16: the sum is taken modulo 2¹⁶ without a detour."""
    voxels = (RAMP.astype(np.uint16) + 60_000).astype(np.uint16)
    volume = loaded(write_stack(voxels, MATRIX, RescaleIntercept=-32768))
    assert volume.voxels.dtype == np.int16
    np.testing.assert_array_equal(volume.voxels.astype(int), voxels.astype(int) - 32768)


def test_one_slice_that_does_not_fit_makes_the_whole_float(write_stack):
    """Slices that were already rescaled are not rescaled twice."""
    voxels = RAMP.astype(np.uint16)
    voxels[2] += 50_000
    volume = loaded(write_stack(voxels, MATRIX, RescaleIntercept=-10))
    assert volume.voxels.dtype == np.float32
    np.testing.assert_array_equal(volume.voxels, voxels.astype(float) - 10)


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("stored", "high"), [(12, 11), (12, 15), (10, 12)])
def test_garbage_beside_the_stored_bits_is_removed(write_stack, signed, stored, high):
    """Bits Stored up to High Bit count, sign included; overlays above or below do not."""
    truth = RAMP % (1 << (stored - 1)) - (60 if signed else 0)
    low = high + 1 - stored
    mask = ((1 << stored) - 1) << low
    garbage = np.random.default_rng(1).integers(0, 1 << 16, RAMP.shape) & ~mask
    raw = (((truth.astype(int) << low) & mask) | garbage).astype(np.uint16)
    folder = write_stack(raw, MATRIX, BitsStored=stored, HighBit=high, PixelRepresentation=int(signed))
    np.testing.assert_array_equal(loaded(folder).voxels, truth)


@pytest.mark.hazard("H11")
def test_padding_is_known_in_rescaled_values(write_stack):
    """The stored padding value goes through the rescale."""
    volume = loaded(write_stack(RAMP, MATRIX, PixelPaddingValue=-2000, RescaleIntercept=-24))
    assert volume.padding_value == -2024


@pytest.mark.hazard("H11")
def test_a_rescale_of_each_slice_is_used_and_said(write_stack):
    """Slopes that differ make float32, and a finding."""
    volume = loaded(write_stack(RAMP, MATRIX, vary=lambda k: {"RescaleSlope": f"{1.5 + k}"}))
    truth = RAMP * np.array([1.5, 2.5, 3.5, 4.5])[:, None, None]
    np.testing.assert_allclose(volume.voxels, truth)
    assert volume.voxels.dtype == np.float32
    assert {finding.kind for finding in volume.findings} == {FindingKind.RESCALE_VARIES}


@pytest.mark.parametrize("kind", ["FloatPixelData", "DoubleFloatPixelData"])
def test_float_pixels(write_stack, kind):
    """Float and double pixel data are values as they are."""
    dtype = np.float32 if kind == "FloatPixelData" else np.float64
    values = RAMP.astype(dtype) / 7
    folder = write_stack(
        RAMP,
        MATRIX,
        vary=lambda k: {kind: values[k].tobytes(), "BitsAllocated": dtype().itemsize * 8},
        PixelData=None,
    )
    np.testing.assert_allclose(loaded(folder).voxels, values, rtol=1e-6)


@pytest.mark.hazard("H07")
def test_missing_slices_are_marked_and_hold_the_lowest_value(write_stack):
    """An empty place is not tissue."""
    volume = loaded(write_stack(np.repeat(RAMP, 3, axis=0), MATRIX, vary=lambda k: None if k == 5 else {}))
    assert volume.slice_valid.tolist() == [k != 5 for k in range(12)]
    assert (volume.voxels[5] == 0).all()
    (finding,) = volume.findings
    assert (finding.kind, finding.severity, finding.slices) == (FindingKind.MISSING_SLICES, Severity.ERROR, (5,))


@pytest.mark.hazard("H07")
def test_a_slice_cut_short_costs_that_slice(write_stack):
    """The others are whole; the file is named; nothing is filled in."""
    folder = write_stack(RAMP, MATRIX)
    data = (folder / "002").read_bytes()
    (folder / "002").write_bytes(data[:-7])
    volume = loaded(folder)
    assert volume.slice_valid.tolist() == [True, True, False, True]
    np.testing.assert_array_equal(volume.voxels[[0, 1, 3]], RAMP[[0, 1, 3]])
    (finding,) = volume.findings
    assert (finding.kind, finding.slices, finding.files) == (FindingKind.CORRUPT_SLICE, (2,), ("002",))
    assert "002: it is cut short: 53 of 60 bytes" in finding.details["why"]


def test_of_two_copies_the_whole_one_is_used(write_stack):
    """A file cut short beside its complete copy costs nothing, whatever their names."""
    folder = write_stack(RAMP, MATRIX)
    data = (folder / "001").read_bytes()
    (folder / "001").write_bytes(data[:-9])
    (folder / "zzz").write_bytes(data)
    found = scan(folder)
    np.testing.assert_array_equal(load(found.series[0]).voxels, RAMP)
    assert [(one.file, one.why) for one in found.skipped] == [("001", "it is a copy of zzz")]


def test_a_series_of_nothing_but_ruins_is_refused(write_stack):
    """No slice decodes: refused with file and reason."""
    folder = write_stack(RAMP[:1], MATRIX)
    data = (folder / "000").read_bytes()
    (folder / "000").write_bytes(data[:-20])
    (series,) = scan(folder).series
    with pytest.raises(InputRefused) as refusal:
        load(series)
    assert "000: it is cut short: 40 of 60 bytes of pixels" in refusal.value.why
    assert refusal.value.remedy


def test_a_file_exchanged_after_the_scan_is_noticed(write_stack):
    """Old offsets into a new file would be noise taken for anatomy."""
    folder = write_stack(RAMP, MATRIX)
    (series,) = scan(folder).series
    (folder / "001").write_bytes((folder / "001").read_bytes() + b"\0\0")
    volume = load(series)
    assert volume.slice_valid.tolist() == [True, False, True, True]
    assert "changed since it was scanned" in volume.findings[0].details["why"]


def test_a_file_gone_after_the_scan_costs_its_slice(write_stack):
    """The medium may be gone at any time."""
    folder = write_stack(RAMP, MATRIX)
    (series,) = scan(folder).series
    (folder / "001").unlink()
    assert load(series).slice_valid.tolist() == [True, False, True, True]


def test_a_series_without_positions_is_refused(write_stack):
    """Listed with its verdict, refused as a volume with the remedy."""
    folder = write_stack(RAMP, MATRIX, ImagePositionPatient=None, ImageOrientationPatient=None)
    (series,) = scan(folder).series
    assert series.verdict is Verdict.NO_GEOMETRY
    with pytest.raises(InputRefused) as refusal:
        load(series)
    assert refusal.value.why.startswith("The images carry no position or orientation in the patient. (000, ")
    assert "Image Position" in refusal.value.remedy


def test_an_uneven_series_beyond_the_tolerance_is_refused_with_its_numbers(write_stack):
    """Maximum, RMS and tolerance in mm."""
    places = np.cumsum([0, 2.0, 3.1, 1.2, 2.9, 2.2, 1.1, 3.0])

    def vary(k):
        return {"ImagePositionPatient": [0, 0, places[k]]}

    (series,) = scan(write_stack(np.repeat(RAMP, 2, axis=0), MATRIX, vary=vary)).series
    assert series.verdict is Verdict.UNEVEN
    with pytest.raises(InputRefused, match=r"deviate from even spacing by up to 0\.\d{3} mm \(RMS 0\.\d{3} mm\)"):
        load(series)


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"PhotometricInterpretation": "RGB"}, "in color (RGB)"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "in color (PALETTE COLOR)"),
        ({"SamplesPerPixel": 3}, "Samples per Pixel (0028,0002) is 3"),
        ({"BitsAllocated": 12}, "Bits Allocated (0028,0100) is 12"),
        ({"BitsStored": 20}, "contradict each other"),
        ({"Rows": 0}, "Rows (0028,0010)"),
        ({"RescaleSlope": 0}, "Rescale Slope (0028,1053)"),
        ({"NumberOfFrames": 3}, "3 frames without a position"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "a mosaic of several slices"),
        ({"NumberOfFrames": 2**31 - 1}, "Number of Frames (0028,0008) is 2147483647"),
        ({"PixelSpacing": None}, "Pixel Spacing (0028,0030) is absent"),
        ({"PixelSpacing": [0, 0]}, "Pixel Spacing (0028,0030)"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "not at a right angle"),
        ({"syntax": "1.2.840.10008.1.2.4.100", "PixelData": MPEG}, "syntax 1.2.840.10008.1.2.4.100 is not supported"),
    ],
)
def test_what_cannot_be_a_volume_is_refused_by_name(write_stack, elements, reason):
    """The series is listed as refused, its finding says why, and load says the same."""
    (series,) = scan(write_stack(RAMP, MATRIX, **elements)).series
    assert series.verdict is Verdict.REFUSED
    assert reason in describe_findings(series)
    with pytest.raises(InputRefused) as refusal:
        load(series)
    assert reason in refusal.value.why
    assert "000" in refusal.value.why
    assert refusal.value.remedy


def describe_findings(series):
    """All sentences about a series."""
    from arviewer.model.study import Scan

    return " ".join(one["message"] for one in describe(Scan((series,)))["series"][0]["findings"])


def test_one_image_of_another_kind_is_set_apart(write_stack):
    """A color image among gray ones is a part of its own; the gray ones stay a volume and say so."""
    folder = write_stack(
        np.repeat(RAMP, 2, axis=0), MATRIX, vary=lambda k: {"PhotometricInterpretation": "RGB"} if k == 7 else {}
    )
    main, other = scan(folder).series
    assert (main.verdict, other.verdict) == (Verdict.REGULAR, Verdict.REFUSED)
    assert "1 image was set apart: the images are in color (RGB)" in describe_findings(main)


def test_a_size_that_the_file_cannot_hold_allocates_nothing(write_stack, make_image, tmp_path):
    """65,535² pixels promised by 60 bytes are refused before the array is made."""
    ds = make_image(RAMP[0], Rows=65535, Columns=65535)
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(InputRefused, match="cut short: 60 of"):
        loaded(tmp_path / "a")


def test_a_series_larger_than_the_memory_is_said_with_numbers(write_stack, monkeypatch):
    """TooLarge, with what is needed, what is free, and the coarser grid that would fit, before anything is read."""
    monkeypatch.setattr("arviewer.imaging.dicom.reading.available_bytes", lambda: 256 << 20)
    with pytest.raises(TooLarge, match="256 MiB are free") as refusal:
        loaded(write_stack(RAMP, MATRIX))
    assert "one voxel in 7" in refusal.value.remedy


def test_loading_can_be_cancelled(write_stack):
    """The threads end and the person's Cancelled comes out."""

    def stop(fraction, what=""):
        raise Cancelled

    (series,) = scan(write_stack(RAMP, MATRIX)).series
    with pytest.raises(Cancelled):
        load(series, stop)


def test_progress_reaches_the_end(write_stack):
    """Fractions never fall and end at one."""
    seen = []
    (series,) = scan(write_stack(RAMP, MATRIX)).series
    load(series, lambda fraction, what="": seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_voxels_cannot_be_written(write_stack):
    """A volume is immutable."""
    with pytest.raises(ValueError, match="read-only"):
        loaded(write_stack(RAMP, MATRIX)).voxels[0, 0, 0] = 1


TURN = Rotation.from_euler("xyz", (20, -35, 50), degrees=True).as_matrix()
OBLIQUE = np.block([[TURN * (0.7, 0.9, 2.5), np.array([[-30.0], [40.0], [7.0]])], [np.zeros((1, 3)), np.ones((1, 1))]])


def rewrite_as_jpeg_ls(folder):
    """Compress every file of a folder without loss."""
    for path in folder.iterdir():
        ds = pydicom.dcmread(path)
        ds.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(ds.pixel_array.view(np.uint16)))])
        ds["PixelData"].VR = "OB"
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.80"
        ds.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("box", "coarser"), [(((1, 5), (2, 5), (1, 4)), 1), (None, 2), (((1, 6), (0, 5), (1, 4)), 2)])
def test_a_part_of_the_voxels_stays_where_it_is(write_stack, box, coarser, compressed):
    """A box, or every second voxel: each has the value that the whole volume has at its place in the patient."""
    folder = write_stack(RAMP, OBLIQUE)
    if compressed:
        rewrite_as_jpeg_ls(folder)
    (series,) = scan(folder).series
    whole, part = load(series), load(series, box=box, coarser=coarser)
    k, j, i = np.indices(part.voxels.shape).reshape(3, -1)
    ijk = np.linalg.inv(whole.geometry.lps_from_ijk.matrix) @ part.geometry.lps_from_ijk.matrix
    at = (ijk @ np.stack([i, j, k, np.ones_like(i)]))[:3]
    np.testing.assert_allclose(at, np.rint(at), atol=1e-9)
    i, j, k = np.rint(at).astype(int)
    np.testing.assert_array_equal(part.voxels.ravel(), whole.voxels[k, j, i])
    assert 0 < part.voxels.size < whole.voxels.size
    kinds = {finding.kind for finding in part.findings}
    assert (FindingKind.CROPPED in kinds, FindingKind.COARSER in kinds) == (box is not None, coarser > 1)


@pytest.mark.parametrize(
    "box", [((0, 7), (0, 5), (0, 4)), ((2, 2), (0, 5), (0, 4)), ((0, 6), (0, 5)), ((-1, 6), (0, 5), (0, 4))]
)
def test_a_box_outside_the_series_is_a_wrong_call(write_stack, box):
    """Nothing is clipped silently."""
    (series,) = scan(write_stack(RAMP, MATRIX)).series
    with pytest.raises(UsageError):
        load(series, box=box)


def test_lost_slices_are_told_for_the_part_that_is_loaded(write_stack):
    """Slice indices of findings count in the part; a gap outside it is not its finding."""
    voxels = np.repeat(RAMP, 3, axis=0)
    (series,) = scan(write_stack(voxels, MATRIX, vary=lambda k: None if k == 7 else {})).series
    inside, outside = load(series, box=((0, 6), (0, 5), (5, 12))), load(series, box=((0, 6), (0, 5), (0, 5)))
    (missing,) = [one for one in inside.findings if one.kind is FindingKind.MISSING_SLICES]
    assert missing.slices == (2,)
    assert not inside.slice_valid[2]
    assert inside.slice_valid.sum() == 6
    assert FindingKind.MISSING_SLICES not in {one.kind for one in outside.findings}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_slice_is_on_show_before_the_last_is_read(write_stack, compressed):
    """The preview comes once, with a slice from the middle; the others arrive in its memory."""
    voxels = np.repeat(RAMP, 8, axis=0)
    folder = write_stack(voxels, MATRIX)
    if compressed:
        rewrite_as_jpeg_ls(folder)
    (series,) = scan(folder).series
    seen = []

    def look(volume):
        valid = np.flatnonzero(volume.slice_valid)
        seen.append((volume, valid, volume.voxels[valid].copy()))

    final = load(series, preview=look)
    ((early, valid, first),) = seen
    assert 0 < len(valid) < len(voxels)
    assert abs(valid - len(voxels) / 2).min() <= 1
    np.testing.assert_array_equal(first, voxels[valid])
    np.testing.assert_array_equal(early.voxels, voxels)
    assert early.slice_valid.all()
    assert early.geometry is final.geometry


def test_inverted_images_keep_their_values_and_say_so(write_stack):
    """MONOCHROME1 is about display: values are as stored, the series says how it is meant to be shown."""
    volume = loaded(write_stack(RAMP, MATRIX, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(volume.voxels, RAMP)
    assert volume.series.inverted
    assert FindingKind.INVERTED_DISPLAY in {finding.kind for finding in volume.findings}


def lut(first, values, bits=16, unit="HU"):
    """A Modality LUT Sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(values) % 65536, first, bits])
    item.LUTData = np.asarray(values, "<u2").tobytes()
    item["LUTData"].VR = "OW"
    item.ModalityLUTType = unit
    return Sequence([item])


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("top", [3000, 60000])
def test_a_modality_lut_takes_the_place_of_the_rescale(write_stack, signed, top):
    """Values in its range go through it, those below and above take its ends; PS3.3 C.11.1.1."""
    table = (np.arange(50) ** 2) % 3001
    table[-1] = top
    first = -20 if signed else 30
    voxels = RAMP - 30 if signed else RAMP.astype(np.uint16)
    volume = loaded(
        write_stack(voxels, MATRIX, RescaleSlope=None, RescaleIntercept=None, ModalityLUTSequence=lut(first, table))
    )
    truth = table[np.clip(voxels.astype(int) - first, 0, 49)]
    np.testing.assert_array_equal(volume.voxels, truth)
    assert volume.voxels.dtype == (np.int16 if top == 3000 else np.float32)
    assert volume.unit == "HU"


def test_a_damaged_modality_lut_is_refused_by_name(write_stack):
    """Fewer entries than its descriptor says."""
    sequence = lut(0, np.arange(50))
    sequence[0].LUTData = sequence[0].LUTData[:20]
    (series,) = scan(write_stack(RAMP, MATRIX, ModalityLUTSequence=sequence)).series
    with pytest.raises(InputRefused, match="holds 10 of 50 entries"):
        load(series)


@pytest.mark.parametrize(("vr", "swapped"), [("OW", True), ("OB", False)])
def test_eight_bits_in_big_endian_order(make_image, tmp_path, vr, swapped):
    """As words, two bytes change places; as bytes, none does; PS3.5 8.1.2."""
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    ds = make_image(pixels, syntax="1.2.840.10008.1.2.2")
    ds.PixelData = pixels.reshape(-1, 2)[:, ::-1].tobytes() if swapped else pixels.tobytes()
    ds["PixelData"].VR = vr
    pydicom.dcmwrite(tmp_path / "a", ds, little_endian=False, implicit_vr=False, force_encoding=True)
    np.testing.assert_array_equal(loaded(tmp_path / "a").voxels[0], pixels)


def test_a_preview_shows_no_value_before_it_is_measured(write_stack):
    """Stored values that int16 cannot hold would be shown as others; they come once they are right."""
    (series,) = scan(write_stack(np.full((4, 8, 9), 40000, np.uint16), np.diag([0.7, 0.8, 2.0, 1.0]))).series
    seen = []

    final = load(series, preview=lambda early: seen.append(early.voxels[early.slice_valid].tolist()))

    assert (final.voxels == 40000).all()
    assert final.slice_valid.all()
    assert all((np.array(values) == 40000).all() for values in seen)
