"""Each transfer syntax with its pinned decoder: right values, and damaged streams refused."""

from __future__ import annotations

import contextlib

import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.encaps import encapsulate, generate_frames

from arviewer.errors import InputRefused
from arviewer.imaging.dicom import load, scan
from arviewer.imaging.dicom.syntaxes import COMPRESSIONS, DamagedFrame, decode
from arviewer.model.findings import FindingKind
from arviewer.model.study import PixelFormat

NEMA = "08_transfer_syntaxes/nema"
RAMP = (np.arange(24 * 20, dtype=np.uint16).reshape(24, 20) * 7) % 4096
FORM = PixelFormat(24, 20, bits_stored=16)

ENCODERS = {
    "1.2.840.10008.1.2.4.57": imagecodecs.ljpeg_encode,
    "1.2.840.10008.1.2.4.70": imagecodecs.ljpeg_encode,
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_encode,
    "1.2.840.10008.1.2.4.90": lambda a: imagecodecs.jpeg2k_encode(a, codecformat="J2K", reversible=True),
    "1.2.840.10008.1.2.4.201": imagecodecs.htj2k_encode,
}


def volume_of(path):
    """The one slice of a file."""
    return load(scan(path).series[0])


@pytest.mark.parametrize("image", ["CT1", "MR3"])
@pytest.mark.parametrize("code", ["J2KR", "JLSL", "JPLL", "RLE"])
def test_lossless_syntaxes_equal_the_uncompressed_image(data, image, code):
    """JPEG 2000, JPEG-LS, JPEG lossless and RLE give the very values, signed ones too."""
    truth = volume_of(data / NEMA / f"{image}_UNC.dcm")
    found = volume_of(data / NEMA / f"{image}_{code}.dcm")
    np.testing.assert_array_equal(found.voxels, truth.voxels)
    assert FindingKind.LOSSY not in {finding.kind for finding in found.findings}


@pytest.mark.parametrize(("code", "ratio", "error"), [("JLSN", "6", 4), ("J2KI", "69", 500)])
def test_lossy_syntaxes_are_near_and_say_so(data, code, ratio, error):
    """Near-lossless JPEG-LS is within 4; the finding carries the ratio."""
    truth = volume_of(data / NEMA / "CT1_UNC.dcm").voxels.astype(int)
    found = volume_of(data / NEMA / f"CT1_{code}.dcm")
    assert np.abs(found.voxels - truth).max() <= error
    (finding,) = [one for one in found.findings if one.kind is FindingKind.LOSSY]
    assert finding.details["ratio"] == ratio


@pytest.mark.filterwarnings("ignore")
def test_twelve_bit_jpeg_equals_simpleitk(data):
    """JPEG Extended with 12 bits, which pydicom's plug-ins cannot read, to a rounding of the transform."""
    path = data / NEMA / "MR3_JPLY.dcm"
    other = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    assert np.abs(volume_of(path).voxels.astype(int) - other).max() <= 1


@pytest.mark.parametrize(
    "name",
    [
        "CT_small",
        "MR_small",
        "MR_small_implicit",
        "MR_small_bigendian",
        "MR_small_expb",
        "MR_small_RLE",
        "MR_small_jp2klossless",
        "MR_small_jpeg_ls_lossless",
    ],
)
def test_small_files_equal_pydicom(data, name):
    """Byte orders and VR forms: the values are pydicom's, rescaled."""
    path = data / "08_transfer_syntaxes/pydicom" / f"{name}.dcm"
    ds = pydicom.dcmread(path)
    truth = ds.pixel_array * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
    np.testing.assert_array_equal(volume_of(path).voxels[0], truth)


def test_a_parametric_map_of_floats(data):
    """Float pixel data in an enhanced object."""
    path = data / "08_transfer_syntaxes/pydicom/parametric_map_float.dcm"
    ds = pydicom.dcmread(path)
    np.testing.assert_array_equal(volume_of(path).voxels[0], np.frombuffer(ds.FloatPixelData, "<f4").reshape(128, 128))


def test_a_deflated_data_set(make_image, tmp_path):
    """Inflated in memory, pixels at their offset in the inflated set."""
    pixels = RAMP.astype(np.int16)
    make_image(pixels, syntax="1.2.840.10008.1.2.1.99").save_as(tmp_path / "a", enforce_file_format=True)
    np.testing.assert_array_equal(volume_of(tmp_path / "a").voxels[0], pixels)


@pytest.mark.parametrize("syntax", ENCODERS)
def test_what_was_encoded_comes_out(make_image, tmp_path, syntax):
    """Each lossless syntax through a file, with its pixels in several fragments."""
    frame = bytes(ENCODERS[syntax](RAMP))
    ds = make_image(RAMP, syntax=syntax)
    ds.PixelData = encapsulate([frame], fragments_per_frame=2)
    ds["PixelData"].VR = "OB"
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    np.testing.assert_array_equal(volume_of(tmp_path / "a").voxels[0], RAMP)


def test_baseline_jpeg_is_lossy_and_near(make_image, tmp_path):
    """8 bits, within what the quantization allows, with the finding."""
    smooth = np.add.outer(np.arange(32), np.arange(40)).astype(np.uint8)
    ds = make_image(smooth, syntax="1.2.840.10008.1.2.4.50")
    ds.PixelData = encapsulate([bytes(imagecodecs.jpeg8_encode(smooth, level=95))])
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    found = volume_of(tmp_path / "a")
    assert np.abs(found.voxels[0].astype(int) - smooth).max() <= 3
    assert FindingKind.LOSSY in {finding.kind for finding in found.findings}


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("syntax", ENCODERS)
def test_a_frame_cut_short_is_refused(syntax, share):
    """No decoder gets to guess the rest: some would, with half the pixels wrong."""
    frame = bytes(ENCODERS[syntax](RAMP))
    with pytest.raises(DamagedFrame):
        decode(frame[: int(len(frame) * share)], syntax, FORM)


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("code", ["J2KR", "J2KI", "JLSL", "JLSN", "JPLL", "JPLY", "RLE"])
def test_a_real_frame_cut_short_is_refused(data, code, share):
    """The same with the frames of real encoders."""
    ds = pydicom.dcmread(data / NEMA / f"MR3_{code}.dcm")
    frame = next(generate_frames(ds.PixelData, number_of_frames=1))
    form = PixelFormat(ds.Rows, ds.Columns, bits_stored=ds.BitsStored, high_bit=ds.HighBit, signed=True)
    with pytest.raises(DamagedFrame):
        decode(frame[: int(len(frame) * share)], str(ds.file_meta.TransferSyntaxUID), form)


@pytest.mark.parametrize("syntax", [*ENCODERS, "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50"])
def test_noise_is_refused_in_one_way(syntax):
    """Whatever a native decoder raises, one error comes out."""
    for seed in range(20):
        noise = np.random.default_rng(seed).bytes(2000)
        with pytest.raises(DamagedFrame):
            decode(noise, syntax, FORM)


@pytest.mark.parametrize("syntax", ENCODERS)
def test_flipped_bytes_raise_nothing_else(syntax):
    """A changed byte is decoded or refused, never a crash or a foreign exception, and never another size."""
    frame = bytearray(ENCODERS[syntax](RAMP))
    random = np.random.default_rng(7)
    for _round in range(60):
        bad = bytearray(frame)
        bad[int(random.integers(len(bad)))] = int(random.integers(256))
        with contextlib.suppress(DamagedFrame):
            assert decode(bytes(bad), syntax, FORM).shape == (24, 20)


@pytest.mark.parametrize("syntax", ENCODERS)
def test_a_stream_of_another_size_is_refused_before_decoding(syntax):
    """The size in the codestream must be the one in the header, whatever it promises."""
    frame = bytes(ENCODERS[syntax](RAMP))
    with pytest.raises(DamagedFrame, match="24 × 20 pixels, the header says 20 × 24"):
        decode(frame, syntax, PixelFormat(20, 24))


def test_every_syntax_has_exactly_one_decoder_and_a_check():
    """The table is the only place where a decoder is chosen."""
    assert all(callable(one.decode) and callable(one.size) and one.name for one in COMPRESSIONS.values())
    assert len(COMPRESSIONS) == 12


@pytest.mark.parametrize("folder", ["12_malformed_found", "13_malformed_crafted", "10_encapsulated_stl"])
def test_malformed_files_are_read_or_refused_and_nothing_else(data, folder):
    """No traceback, no hang: every file gives volumes or an error with what and why."""
    files = sorted(file for file in (data / folder).rglob("*") if file.is_file())
    assert files
    for file in files:
        with contextlib.suppress(InputRefused):
            for series in scan(file).series:
                assert series.geometry or series.findings, file.name
                load(series)


def test_a_folder_of_malformed_files_is_scanned_to_the_end(data):
    """One hostile file does not hide the others: all are series or skipped with a reason."""
    folder = data / "13_malformed_crafted"
    found = scan(folder)
    assert all(one.why for one in found.skipped)
    used = len(found.attachments) + sum(len(one.instances) for one in found.series)
    assert len(found.skipped) + used == len(list(folder.iterdir()))


JPEG2000 = "1.2.840.10008.1.2.4.90"


def jpeg2000(pixels):
    """A reversible codestream."""
    return bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="J2K", reversible=True, level=0))


@pytest.mark.hazard("H12")
def test_a_stream_whose_packets_are_lost_is_no_blank_slice():
    """OpenJPEG makes signed zeros of it without a word; here it is refused, and a slice that is blank is believed."""
    rng = np.random.default_rng(3)
    noise = rng.integers(-2000, 2000, (128, 128)).astype(np.int16)
    form = PixelFormat(128, 128, signed=True)
    stream = jpeg2000(noise)
    start = stream.index(b"\xff\x93") + 2
    emptied = stream[:start] + bytes(len(stream) - start - 2) + stream[-2:]
    assert not np.asarray(imagecodecs.jpeg2k_decode(emptied)).any()

    with pytest.raises(DamagedFrame, match="nothing but 0"):
        decode(emptied, JPEG2000, form)

    assert np.array_equal(decode(stream, JPEG2000, form), noise)
    for value in (0, -1000, 31000):
        blank = np.full((512, 512), value, np.int16)
        assert np.array_equal(decode(jpeg2000(blank), JPEG2000, PixelFormat(512, 512, signed=True)), blank)


@pytest.mark.hazard("H12")
def test_a_stream_of_too_few_bits_contradicts_its_header():
    """One flipped byte in SIZ made samples of one bit, all zero; 12 of 16 bits are what real files have."""
    stream = jpeg2000(RAMP)
    assert stream[42] == 15
    damaged = stream[:42] + b"\0" + stream[43:]
    with pytest.raises(DamagedFrame, match="1 bits, the header says 16"):
        decode(damaged, JPEG2000, FORM)
    twelve = bytes(imagecodecs.jpeg2k_encode(RAMP, codecformat="J2K", reversible=True, level=0, bitspersample=12))
    assert twelve[42] == 11
    assert np.array_equal(decode(twelve, JPEG2000, FORM), RAMP)
