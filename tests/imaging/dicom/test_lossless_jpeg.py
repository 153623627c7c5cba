"""A lossless JPEG stream that gave other pixels than were encoded is told from one that is whole."""

from __future__ import annotations

from random import Random

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arviewer.imaging.dicom.lossless_jpeg import is_whole
from arviewer.imaging.dicom.syntaxes import DamagedFrame, decode
from arviewer.model.study import PixelFormat

SHAPE = (75, 31)
LOSSLESS = "1.2.840.10008.1.2.4.70"


def plane(kind, seed=0):
    """Pixels of a kind: noise, a ramp, a constant, the two ends of the range."""
    rng = np.random.default_rng(seed)
    return {
        "noise": rng.integers(0, 65536, SHAPE).astype(np.uint16),
        "twelve bits": rng.integers(0, 4096, SHAPE).astype(np.uint16),
        "bytes": rng.integers(0, 256, SHAPE).astype(np.uint8),
        "ramp": (np.arange(75 * 31).reshape(SHAPE) * 37 % 5000).astype(np.uint16),
        "constant": np.full(SHAPE, 1000, np.uint16),
        "ends": np.where(rng.random(SHAPE) < 0.5, 0, 32768).astype(np.uint16),
    }[kind]


@pytest.mark.parametrize("kind", ["noise", "twelve bits", "bytes", "ramp", "constant", "ends"])
@pytest.mark.parametrize("predictor", range(1, 8))
def test_a_whole_stream_is_believed(kind, predictor):
    """Of each predictor there is, by two encoders; 32768 is the difference of category 16."""
    pixels = plane(kind)
    bits = pixels.dtype.itemsize * 8
    streams = [imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor, bitspersample=bits)]
    streams += [imagecodecs.ljpeg_encode(pixels)]
    for stream in streams:
        decoded = np.asarray(imagecodecs.jpeg8_decode(bytes(stream)))
        assert np.array_equal(decoded, pixels)
        assert is_whole(bytes(stream), decoded)


def test_real_streams_are_believed(data):
    """The lossless ones of NEMA and pydicom, written by other programs."""
    import pydicom
    from pydicom.encaps import generate_frames

    seen = 0
    for path in sorted((data / "08_transfer_syntaxes").rglob("*")):
        if not path.is_file() or path.suffix == ".md":
            continue
        dataset = pydicom.dcmread(path, force=True)
        if str(dataset.file_meta.get("TransferSyntaxUID", ""))[-3:] not in (".57", ".70"):
            continue
        for frame in generate_frames(dataset.PixelData, number_of_frames=1):
            samples = np.asarray(imagecodecs.jpeg8_decode(frame))
            if samples.ndim == 2:
                seen += 1
                assert is_whole(frame, samples), path.name
    assert seen >= 2


@pytest.mark.hazard("H12")
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 30), kind=st.sampled_from(["noise", "twelve bits", "bytes", "ramp"]))
def test_a_stream_cut_or_patched_is_refused(seed, kind):
    """Cut short and ended as it should be, or with a stretch left out or repeated: never other pixels."""
    pixels, rng = plane(kind, seed), Random(seed)
    stream = bytes(imagecodecs.ljpeg_encode(pixels))
    start = stream.index(b"\xff\xda") + 10
    a, b = sorted(rng.sample(range(start, len(stream) - 2), 2))
    damaged = rng.choice((stream[:a].rstrip(b"\xff") + b"\xff\xd9", stream[:a] + stream[b:], stream[:b] + stream[a:]))
    form = PixelFormat(*SHAPE, bits_allocated=pixels.dtype.itemsize * 8)
    try:
        decoded = decode(damaged, LOSSLESS, form)
    except DamagedFrame:
        return
    # A bit stream that is out of step can need as many bits by chance alone, within the slack of two bytes: the rarer,
    # the longer the stretch.
    assert np.array_equal(decoded, pixels) or b - a <= 8
