"""`arviewer segment`: recipes, their parameters, tools after them, files of voxels; and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import highdicom
import nibabel
import nrrd
import numpy as np
import pytest
from scipy import ndimage

from arviewer.imaging.phantoms.simple import chiral
from tests.cli.conftest import Command, write_phantom
from tests.cli.test_bad_input import assert_refused, wait_until_loading

BONE = ("--recipe", "bone", "--threshold", "250:")


@pytest.mark.hazard("H01", "H02", "H05")
def test_a_recipe_becomes_a_file_for_slicer(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """From folder to .seg.nrrd: pynrrd finds volume and place of the phantom; the JSON says what was written."""
    result = arviewer("segment", series, *BONE, "-o", "out/bone.seg.nrrd", "--json")

    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    (file,) = told["files"]
    assert (told["structure"], file["format"], file["frame"], file["state"]) == ("bone", "nrrd", "lps", "proposed")
    labels, header = nrrd.read(str(tmp_path / "out/bone.seg.nrrd"))
    directions, origin = header["space directions"], header["space origin"]
    lps = np.argwhere(labels == 1) @ directions + origin
    assert len(lps) == file["voxels"]
    assert len(lps) * 0.96 * 1.0 * 2.0 / 1000 == pytest.approx(file["volume_ml"])
    pieces, count = ndimage.label(labels == 1)
    middles = [np.argwhere(pieces == n).mean(axis=0) @ directions + origin for n in range(1, count + 1)]
    for name in ("left", "anterior"):
        nearest = min(np.linalg.norm(middle - chiral().parts[name].centroid_lps) for middle in middles)
        assert nearest < 0.3
    sidecar = json.loads((tmp_path / "out/bone.json").read_text())
    assert sidecar["structures"][0]["parameters"]["low_hu"] == 250
    assert len(sidecar["instances"]) == 48


def test_a_person_reads_what_was_written(arviewer: Command, series: Path) -> None:
    """One line for a file, with its state."""
    result = arviewer("segment", series, *BONE, "-o", "bone.dcm")

    assert result.returncode == 0, result.stderr
    assert "bone.dcm: bone; " in result.stdout
    assert "LPS, proposed" in result.stdout


def test_several_recipes_share_a_file_or_a_folder(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """Skin encloses bone: in layers, in a SEG; as NIfTI only apart."""
    both = ("--recipe", "bone", "--recipe", "skin", "--set", "bone.low_hu=250", "--set", "skin.min_island_ml=1")
    for target in ("a.seg.nrrd", "a.dcm"):
        assert arviewer("segment", series, *both, "-o", target).returncode == 0
    refused = arviewer("segment", series, *both, "-o", "a.nii.gz")
    apart = arviewer("segment", series, *both, "-o", "out/", "--format", "nifti")

    assert nrrd.read_header(str(tmp_path / "a.seg.nrrd"))["Segment1_Layer"] == "1"
    assert highdicom.seg.segread(tmp_path / "a.dcm").number_of_segments == 2
    assert_refused(refused, 2, "overlap", "bone", "skin")
    assert not (tmp_path / "a.nii.gz").exists()
    assert apart.returncode == 0, apart.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "bone.json", "bone.nii.gz", "skin.json", "skin.nii.gz",
    ]  # fmt: skip


def test_tools_repair_what_a_recipe_found(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """In order, each remembered as an edit; the largest piece alone is left."""
    steps = ("--then", "drop-small:min_island_ml=0.1", "--then", "keep-largest")
    whole = arviewer("segment", series, *BONE, "-o", "whole.nii.gz", "--json")
    result = arviewer("segment", series, *BONE, *steps, "-o", "one.nii.gz", "--json")

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["files"][0]["voxels"] < json.loads(whole.stdout)["files"][0]["voxels"]
    (structure,) = json.loads((tmp_path / "one.json").read_text())["structures"]
    assert [edit["tool"] for edit in structure["edits"]] == ["drop-small", "keep-largest"]
    assert structure["edits"][0]["parameters"]["min_island_ml"] == 0.1
    comments = [e.get_content() for e in nibabel.load(tmp_path / "one.nii.gz").header.extensions if e.get_code() == 6]
    assert json.loads(comments[0])["structures"][0]["edits"] == structure["edits"]


def test_a_click_says_which_piece_is_meant(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """--at goes to the tool; the piece at that side is left, as another program finds it."""
    place = chiral().parts["left"].centroid_lps
    at = "--at=" + ",".join(f"{value:.1f}" for value in place)

    result = arviewer("segment", series, *BONE, "--then", "keep-clicked", at, "-o", "one.nii.gz")

    assert result.returncode == 0, result.stderr
    image = nibabel.load(tmp_path / "one.nii.gz")
    ras = nibabel.affines.apply_affine(image.affine, np.argwhere(np.asarray(image.dataobj) == 1)).mean(axis=0)
    assert np.linalg.norm(ras * (-1, -1, 1) - place) < 0.5


def test_a_tool_that_parts_a_structure_makes_two(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """Split into left and right: each is a structure of its own, on its side."""
    result = arviewer("segment", series, *BONE, "--then", "split-left-right", "-o", "a.seg.nrrd", "--json")

    assert result.returncode == 0, result.stderr
    told = json.loads((tmp_path / "a.json").read_text())["structures"]
    assert [one["name"] for one in told] == ["bone left", "bone right"]
    assert all(one["edits"][-1]["tool"] == "split-left-right" for one in told)
    left, right = (np.array(one["bounds_lps_mm"]) for one in told)
    assert left[:, 0].max() > right[:, 0].max()


def test_a_mesh_is_made_of_what_the_tools_left(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """The same words for `export`; its surface remembers the edits, and says its error and against what."""
    result = arviewer(
        "export", series, "--structure", "bone", "--set", "low_hu=250", "--then", "keep-largest",
        "--max-error-mm", "0.25", "-o", "bone.ply", "--json",
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    error = json.loads(result.stdout)["files"][0]["error_mm"]
    assert 0 < error["mean"] <= error["p95"] <= error["max"] <= 0.25
    assert error["label"] == "mesh against voxels, not anatomy"
    (structure,) = json.loads((tmp_path / "bone.json").read_text())["structures"]
    assert [edit["tool"] for edit in structure["edits"]] == ["keep-largest"]
    assert b"mesh against voxels, not anatomy" in (tmp_path / "bone.ply").read_bytes()[:4000]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--recipe", "wing"], 2, ["wing", "bone", "skin"]),
        (["--recipe", "bone", "--set", "low_hu"], 2, ["low_hu", "NAME=VALUE"]),
        (["--recipe", "bone", "--set", "wings=2"], 2, ["wings", "low_hu"]),
        (["--recipe", "bone", "--set", "low_hu=tall"], 2, ["low_hu", "tall", "range"]),
        (["--recipe", "bone", "--set", "low_hu=1e9"], 2, ["low_hu", "range"]),
        (["--recipe", "bone", "--set", "skin.low_hu=1"], 2, ["skin", "not among"]),
        (["--recipe", "bone", "--recipe", "skin", "--set", "low_hu=1"], 2, ["which", "RECIPE.low_hu"]),
        (["--recipe", "bone", "--threshold", "900:200"], 2, ["wrong way round"]),
        (["--recipe", "bone", "--then", "wings"], 2, ["wings", "keep-largest"]),
        (["--recipe", "bone", "--then", "drop-small:min_island_ml"], 2, ["NAME=VALUE"]),
        (["--recipe", "bone", "--then", "drop-small:min_island_ml=-4"], 2, ["min_island_ml", "range"]),
        (["--recipe", "bone", "--at=1,2,3"], 2, ["--at", "click"]),
        (["--recipe", "bone", "--then", "paint"], 2, ["paint", "window", "keep-largest"]),
        (["--recipe", "bone", "--then", "keep-clicked"], 2, ["keep-clicked", "--at"]),
        ([], 2, ["--recipe"]),
        (["--recipe", "bone", "-o", "a.mha"], 2, ["a.mha", ".seg.nrrd", ".nii.gz", ".dcm"]),
        (["--recipe", "bone", "-o", "out/", "--format", "mha"], 2, ["mha", "nifti"]),
        (["--recipe", "bone", "-o", "a.dcm", "--accept", "everything"], 2, ["everything"]),
        (["--recipe", "bone", "--series", "99"], 2, ["99"]),
        (["--recipe", "lungs"], 3, ["lungs"]),
    ],
)
def test_what_cannot_be_is_said(
    arviewer: Command, series: Path, tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    """Exit code and words, never a trace, and nothing is written."""
    output = [] if "-o" in arguments else ["-o", "a.seg.nrrd"]

    assert_refused(arviewer("segment", series, *arguments, *output), code, *words)
    assert list(tmp_path.iterdir()) == []


def test_two_patients_in_a_folder(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """One must be chosen."""
    shutil.copytree(series, tmp_path / "both/a")
    write_phantom(tmp_path / "both/b", patient="Other^Two", number=7)

    assert_refused(arviewer("segment", tmp_path / "both", *BONE, "-o", "a.dcm"), 2, "several patients", "--series")


def test_a_file_cut_short(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """Exit 3 unless the loss is accepted; then the SEG has no frame on the lost slice."""
    shutil.copytree(series, tmp_path / "cut")
    victim = sorted((tmp_path / "cut").iterdir())[24]
    victim.write_bytes(victim.read_bytes()[:-500])
    arguments = ("segment", tmp_path / "cut", *BONE, "-o", "a.dcm")

    assert_refused(arviewer(*arguments), 3, victim.name, "--accept corrupt-slice")
    done = arviewer(*arguments, "--accept", "corrupt-slice", "--accept", "missing-slices")
    assert done.returncode == 0, done.stderr
    groups = highdicom.seg.segread(tmp_path / "a.dcm").PerFrameFunctionalGroupsSequence
    heights = {float(group.PlanePositionSequence[0].ImagePositionPatient[2]) for group in groups}
    assert -44.0 + 24 * 2.0 not in heights
    assert {-44.0 + 23 * 2.0, -44.0 + 25 * 2.0} <= heights


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small or read-only folder needs root")
@pytest.mark.parametrize(("mount", "words"), [("ro", "read-only"), ("size=4k", "MB free")])
def test_a_disk_that_takes_nothing(arviewer: Command, series: Path, tmp_path: Path, mount: str, words: str) -> None:
    """Read-only, or full: exit 4 with the reason, and nothing there."""
    folder = tmp_path / "fixed"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", mount, "tmpfs", str(folder)], check=True)
    try:
        result = arviewer("segment", series, *BONE, "-o", folder / "bone.nii")
        left = list(folder.iterdir())
    finally:
        subprocess.run(["umount", str(folder)], check=True)

    assert_refused(result, 4, "bone.nii", words)
    assert left == []


def test_an_earlier_file_is_replaced_whole(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """And one that is no file is told."""
    (tmp_path / "a.seg.nrrd").write_bytes(b"earlier")
    (tmp_path / "b.seg.nrrd").mkdir()

    assert arviewer("segment", series, *BONE, "-o", "a.seg.nrrd").returncode == 0
    assert (tmp_path / "a.seg.nrrd").read_bytes().startswith(b"NRRD")
    assert_refused(arviewer("segment", series, *BONE, "-o", "b.seg.nrrd"), 4, "b.seg.nrrd")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_half_way_it_leaves_nothing(sample: Path, tmp_path: Path, number: int) -> None:
    """Ctrl-C: exit 130 and no file; killed outright: no file of that name either."""
    target = tmp_path / "out" / "skin.seg.nrrd"
    command = [sys.executable, "-m", "arviewer", "segment", str(sample / "ct"), "--recipe", "skin", "-o", str(target)]
    process = subprocess.Popen(["env", "--default-signal=INT", *command], stderr=subprocess.PIPE, text=True)
    try:
        wait_until_loading(process)
        time.sleep(0.1)
        process.send_signal(number)
        _out, told = process.communicate(timeout=60)
    finally:
        process.kill()

    assert list(tmp_path.rglob("skin*")) == []
    if number != signal.SIGKILL:
        assert process.returncode == 130, told
        assert told.startswith("arviewer: Cancelled")


@pytest.mark.parametrize(
    ("command", "name", "other"), [("export", "bone.seg.nrrd", "segment"), ("segment", "bone.stl", "export")]
)
def test_a_file_of_the_other_kind_names_the_other_command(
    arviewer: Command, series: Path, command: str, name: str, other: str
) -> None:
    which = "--structure" if command == "export" else "--recipe"
    result = arviewer(command, series, which, "bone", "-o", name)

    assert result.returncode == 2
    assert f"arviewer {other}" in result.stderr
