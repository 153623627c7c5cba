"""Bad input: what / why / remedy on stderr, the documented exit code, nothing half-written, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import pytest

import arviewer as arviewer_package
from arviewer.errors import InputRefused
from tests.cli.conftest import Command, write_phantom


def assert_refused(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Assert the form of an error."""
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    assert result.stderr.startswith("arviewer: ")
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) >= 2, result.stderr
    for word in words:
        assert word.lower() in result.stderr.lower(), result.stderr


def test_no_such_path(arviewer: Command, tmp_path: Path) -> None:
    """The path is named."""
    assert_refused(arviewer("info", tmp_path / "nowhere"), 3, "nowhere")


def test_an_empty_folder(arviewer: Command, tmp_path: Path) -> None:
    """An empty folder is no series."""
    (tmp_path / "empty").mkdir()

    assert_refused(arviewer("info", tmp_path / "empty"), 3, "empty")


def test_a_folder_without_dicom(arviewer: Command, tmp_path: Path) -> None:
    """Other files are no series either."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/letter.txt").write_text("Dear colleague", encoding="utf-8")

    assert_refused(arviewer("export", tmp_path / "folder", "--structure", "bone", "-o", "bone.stl"), 3, "DICOM")
    assert not (tmp_path / "bone.stl").exists()


def test_a_file_cut_short_costs_its_slice_and_is_named(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """The rest is there, the loss is told by file, and a mesh that touches it is refused unless accepted."""
    folder = tmp_path / "cut"
    shutil.copytree(series, folder)
    victim = sorted(folder.iterdir())[24]
    victim.write_bytes(victim.read_bytes()[:-500])
    arguments = ("export", folder, "--structure", "bone", "--threshold", "250:", "-o", tmp_path / "bone.stl")

    assert_refused(arviewer(*arguments), 3, victim.name, "--accept corrupt-slice")

    assert not (tmp_path / "bone.stl").exists()
    accepted = arviewer(*arguments, "--accept", "corrupt-slice", "--accept", "missing-slices")
    assert accepted.returncode == 0, accepted.stderr


def test_two_patients_are_never_merged(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """Both are listed without their names, and one must be chosen."""
    folder = tmp_path / "both"
    shutil.copytree(series, folder / "a")
    write_phantom(folder / "b", patient="Other^Two", number=7)

    result = arviewer("export", folder, "--structure", "bone", "-o", "bone.stl")

    assert_refused(result, 2, "several patients", "--series")
    assert "Other" not in result.stderr
    chosen = arviewer("export", folder, "--structure", "bone", "--threshold", "250:", "--series", "7", "-o", "bone.stl")
    assert chosen.returncode == 0, chosen.stderr


def test_a_series_without_positions(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """No place in the patient, no 3D."""
    folder = tmp_path / "nowhere"
    shutil.copytree(series, folder)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        del dataset.ImagePositionPatient
        dataset.save_as(path)

    assert_refused(arviewer("export", folder, "--structure", "bone", "-o", "bone.stl"), 3, "position")


def test_bone_in_an_mr(arviewer: Command, data: Path) -> None:
    """A structure this modality cannot show."""
    folder = data / "05_mr_dce_4d_seg_ucsfbr06/mr_3_timepoints"

    assert_refused(arviewer("export", folder, "--structure", "bone", "-o", "bone.stl"), 3, "CT", "MR")


def test_a_structure_that_is_not_in_the_volume(arviewer: Command, series: Path) -> None:
    """The phantom has no contrast-filled vessel."""
    assert_refused(arviewer("export", series, "--structure", "lungs", "-o", "lungs.stl"), 3, "lungs")


def test_an_unknown_structure(arviewer: Command, series: Path) -> None:
    """The names that exist are told."""
    assert_refused(arviewer("export", series, "--structure", "wing", "-o", "wing.stl"), 2, "wing", "bone")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--structure", "bone", "-o", "bone.xyz"],
        ["--structure", "bone", "-o", "bone.stl", "--frame", "xyz"],
        ["--structure", "bone", "-o", "bone.stl", "--threshold", "250"],
        ["--structure", "bone", "-o", "bone.stl", "--max-error-mm", "-1"],
        ["--structure", "bone", "-o", "bone.stl", "--accept", "everything"],
        ["--structure", "bone", "-o", "bone.stl", "--series", "99"],
        ["--structure", "bone"],
        ["-o", "bone.stl"],
        ["--structure", "bone", "-o", "bone.stl", "--bogus"],
    ],
)
def test_wrong_usage(arviewer: Command, series: Path, tmp_path: Path, arguments: list[str]) -> None:
    """Exit 2, the word at fault, and nothing written."""
    result = arviewer("export", series, *arguments)

    assert_refused(result, 2)
    assert not (tmp_path / "bone.stl").exists()


def test_an_unknown_word_is_taken_for_a_path(arviewer: Command) -> None:
    """A misspelled option is told as one."""
    assert_refused(arviewer("--bogus"), 2, "--bogus")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only folder needs root")
def test_an_output_that_cannot_be_written(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """A read-only folder: exit 4, with the reason of the system."""
    folder = tmp_path / "fixed"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], check=True)
    try:
        result = arviewer("export", series, "--structure", "bone", "--threshold", "250:", "-o", folder / "bone.stl")
    finally:
        subprocess.run(["umount", str(folder)], check=True)

    assert_refused(result, 4, "bone.stl", "read-only")


def test_a_folder_in_the_way(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """A picture cannot replace a folder."""
    (tmp_path / "pair.png").mkdir()

    assert_refused(
        arviewer("render", series, "--structure", "bone", "--threshold", "250:", "-o", "pair.png"), 4, "pair.png"
    )


def wait_until_loading(process: subprocess.Popen[str]) -> None:
    """Return when the process holds more memory than its imports take: the volume is being read."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        resident = [line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS")]
        if resident and int(resident[0].split()[1]) > 120_000:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_half_way_leaves_nothing(sample: Path, tmp_path: Path, signal_number: int) -> None:
    """Exit 130 within seconds, no file, no part of one."""
    target = tmp_path / "out" / "skin.stl"
    arguments = ["export", str(sample / "ct"), "--structure", "skin", "-o", str(target)]
    # `env`: a test run that was started in the background would hand down that interrupts are ignored.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "arviewer", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until_loading(process)
        process.send_signal(signal_number)
        _out, told = process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 130, told
    assert told.startswith("arviewer: Cancelled")
    assert "Traceback" not in told
    assert list(tmp_path.rglob("*.*")) == []


def test_no_screen_is_said_with_the_way_out(arviewer: Command, series: Path) -> None:
    """Opening a window without a screen names the commands that need none."""
    assert_refused(arviewer(series), 4, "screen", "arviewer render")


def test_a_broken_display_is_no_screen(arviewer: Command, series: Path) -> None:
    """A DISPLAY nobody answers on does not abort the process."""
    assert_refused(arviewer(series, DISPLAY=":987"), 4, "screen")


@pytest.mark.parametrize("library", ["libX11.so.6", "libGL.so.1"])
def test_a_missing_library_is_told_before_vtk_dies(
    arviewer: Command, series: Path, tmp_path: Path, library: str
) -> None:
    """Without libX11 or libGL the VTK wheel would die of a segmentation fault; we name the package instead."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / library).write_bytes(b"")  # found first by the loader, and no library

    result = arviewer(
        "render", series, "--structure", "bone", "-o", "bone.png", LD_LIBRARY_PATH=str(tmp_path / "broken")
    )

    assert_refused(result, 4, library, "apt-get install", "libgl1")
    assert not (tmp_path / "bone.png").exists()


def test_names_cannot_steer_the_terminal(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """Escape sequences, direction overrides and bytes that are no text are written out, wherever they are shown."""
    folder = tmp_path / "named"
    folder.mkdir()
    first, *rest = sorted(series.iterdir())[:4]
    for path in rest:
        shutil.copy(path, folder)
    (folder / "a\x1b[2Jb\u202ec").write_bytes(first.read_bytes())
    (folder / "z").write_bytes(first.read_bytes())
    (folder / os.fsdecode(b"x\xff")).write_bytes(b"junk")

    shown = arviewer("info", folder, PYTHONIOENCODING="utf-8:strict")
    listed = arviewer("info", folder, "--json", PYTHONIOENCODING="utf-8:strict")
    narrow = arviewer("info", folder, PYTHONIOENCODING="ascii")
    refused = arviewer("info", tmp_path / "no\x1b[2J\u202e")

    assert shown.returncode == listed.returncode == narrow.returncode == 0, (shown.stderr, narrow.stderr)
    assert "a\\x1b[2Jb\\u202ec" in shown.stdout
    assert "x\udcff" in {one["file"] for one in json.loads(listed.stdout)["skipped"]}
    assert_refused(refused, 3, "no\\x1b[2j\\u202e")
    for text in (shown.stdout, narrow.stdout, refused.stderr):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_an_empty_word_opens_nothing(arviewer: Command, series: Path) -> None:
    """A variable that was never set is no folder, least of all the one the shell is in."""
    assert_refused(arviewer("info", ""), 2, "empty")
    with pytest.raises(InputRefused, match="No path"):
        arviewer_package.scan("")
