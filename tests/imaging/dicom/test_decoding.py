"""Decoders in disposable processes: what kills them costs one slice, which is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

from arviewer.errors import Cancelled, MachineLacks, WorkLost
from arviewer.imaging.dicom import decoding, load, scan
from arviewer.model.findings import FindingKind
from arviewer.workers import memory
from arviewer.workers.crew import Crew
from arviewer.workers.worker import Limits

MATRIX = np.diag([0.7, 0.8, 2.0, 1.0])
FILL = "arviewer.imaging.dicom.decoding:fill_slices"


def compressed(folder, encode=imagecodecs.jpegls_encode, syntax="1.2.840.10008.1.2.4.80"):
    """Compress every file of a folder."""
    for path in folder.iterdir():
        ds = pydicom.dcmread(path)
        ds.PixelData = encapsulate([bytes(encode(ds.pixel_array.view(np.uint16)))])
        ds["PixelData"].VR = "OB"
        ds.file_meta.TransferSyntaxUID = syntax
        ds.save_as(path, enforce_file_format=True)
    return folder


@pytest.fixture
def noise():
    """Voxels that compress badly, different in every slice."""
    return np.random.default_rng(7).integers(0, 4000, (12, 300, 280)).astype(np.int16)


@pytest.mark.hazard("H22")
def test_a_killed_decoder_costs_no_good_slice(write_stack, noise):
    """kill -9 of a decoding process, as by a system short of memory: what it was doing is done again."""
    (series,) = scan(compressed(write_stack(noise, MATRIX))).series
    killed = []

    def shoot(fraction, what=""):
        if fraction > 0 and not killed:
            victim = decoding._kept[0]._workers[0].pid
            if victim is not None:
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

    volume = load(series, shoot)
    assert killed
    assert volume.slice_valid.all()
    np.testing.assert_array_equal(volume.voxels, noise)
    again = load(series)
    np.testing.assert_array_equal(again.voxels, noise)


@pytest.mark.hazard("H22")
def test_a_decoder_that_takes_too_long_is_ended_and_named(make_image, tmp_path):
    """Its processor time is counted by the kernel; the file is told, the caller lives, the next frame is decoded."""
    big = np.random.default_rng(1).integers(0, 65535, (3000, 3000)).astype(np.uint16)
    small = np.arange(400, dtype=np.uint16).reshape(20, 20)
    wanted = []
    for name, pixels in (("slow", big), ("quick", small)):
        (tmp_path / name).mkdir()
        make_image(pixels).save_as(tmp_path / name / name, enforce_file_format=True)
        (series,) = scan(compressed(tmp_path / name, encode_j2k, "1.2.840.10008.1.2.4.90")).series
        wanted.append(series.instances[0])
    crew = Crew(1, Limits(1 << 30, 1.0))
    told = {}
    try:
        for number, instance in enumerate(wanted):
            rows, columns = instance.stored.format.rows, instance.stored.format.columns
            voxels = memory.empty((1, rows, columns), np.float32)
            run(crew, instance, voxels, told, number, cpu_s=0.01 - 2.5)  # less what so large a frame is granted
    finally:
        crew.close()
    assert isinstance(told[0], WorkLost)
    assert "took more than" in told[0].why
    assert told[1] == ("", True)


def run(crew, instance, voxels, told, number, cpu_s):
    """Decode one instance."""
    crew.run(
        FILL,
        [(0, instance)],
        voxels,
        None,
        cpu_s,
        told=lambda _n, what: told.update({number: what}),
        origin=lambda n: n,
    )


def encode_j2k(pixels):
    """JPEG 2000 without loss."""
    return imagecodecs.jpeg2k_encode(pixels, codecformat="J2K", reversible=True)


@pytest.mark.hazard("H22")
def test_a_decoder_that_wants_too_much_memory_is_refused(write_stack):
    """Its private memory is capped; the shared volume does not count."""
    pixels = np.zeros((1, 6000, 6000), np.int16)
    pixels[0, ::7, ::11] = 5
    (series,) = scan(compressed(write_stack(pixels, MATRIX))).series
    voxels = memory.empty(pixels.shape, np.int16)
    crew, told = Crew(1, Limits(110 << 20, 3.0)), {}
    try:
        run(crew, series.instances[0], voxels, told, 0, cpu_s=3.0)
    finally:
        crew.close()
    why, _whole = told[0]
    assert "needs more memory" in why or "refused it" in why


def test_a_cancel_ends_the_decoders(write_stack, noise):
    """No process goes on with what nobody wants; the next load starts anew."""
    (series,) = scan(compressed(write_stack(noise, MATRIX))).series

    def stop(fraction, what=""):
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        load(series, stop)
    np.testing.assert_array_equal(load(series).voxels, noise)


def test_one_bad_frame_among_good_ones(write_stack, noise):
    """It is lost, marked and named; every other slice has its values."""
    folder = compressed(write_stack(noise, MATRIX))
    bad = folder / "005"
    ds = pydicom.dcmread(bad)
    ds.PixelData = encapsulate([b"\xff\xd8" + bytes(200) + b"\xff\xd9"])
    ds.save_as(bad, enforce_file_format=True)
    volume = load(scan(folder).series[0])
    assert list(np.flatnonzero(~volume.slice_valid)) == [5]
    np.testing.assert_array_equal(np.delete(volume.voxels, 5, 0), np.delete(noise, 5, 0))
    (finding,) = [one for one in volume.findings if one.kind is FindingKind.CORRUPT_SLICE]
    assert (finding.slices, finding.files) == ((5,), ("005",))


def test_a_process_that_cannot_start_is_no_corrupt_slice(write_stack, noise, monkeypatch):
    """The machine is out of processes: that is said, and no slice is blamed."""
    (series,) = scan(compressed(write_stack(noise, MATRIX))).series
    for crew in decoding._kept:
        for worker in crew._workers:
            worker.stop()

    def full(*_args, **_kwargs):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(decoding, "warm", lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", full)
        with pytest.raises(MachineLacks, match="Resource temporarily unavailable"):
            load(series)
    assert load(series).slice_valid.all()


@pytest.mark.parametrize("limit", ["ulimit -t 3600", "ulimit -d 1000000"])
def test_limits_that_a_process_was_started_under_are_kept(write_stack, noise, limit):
    """As clusters set them: ours are set within."""
    folder = compressed(write_stack(noise, MATRIX))
    code = "import sys, arviewer; print(arviewer.load(arviewer.scan(sys.argv[1])[0]).slice_valid.all())"
    done = subprocess.run(
        ["bash", "-c", f'{limit}; exec "$@"', "-", sys.executable, "-c", code, folder],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "True", done.stderr
