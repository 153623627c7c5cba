"""`python -m bench scan load` runs from end to end, and nothing wrong passes for equal."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from pydicom import dcmread

from bench import load, load_jobs, measure, scan, scan_jobs
from bench.headers import ENCODERS
from bench.inputs import TINY, Folder, Inputs, slices_hu, voxel_hash
from bench.race import Differs, Line, Race, Runs, evict, is_there, resident_share

OUTSIDE = [argument for peer in ("gdcm", "itk", "dcm2niix") for argument in ("--without", peer)]
"""Peers that are no dependencies of the tests; those that are there are held to the truth below."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Tiny inputs, made once."""
    return Inputs(tmp_path_factory.mktemp("inputs"), TINY)


def test_both_print_their_table_and_exit_0_whatever_the_time(inputs, capsys):
    """Real processes, one round: rows with ratio, bar and verdict, and the machine."""
    arguments = ["--data", str(inputs.root), "--tiny", "--rounds", "1", *OUTSIDE]
    assert scan.main([*arguments, "--only", "flat"]) == 0
    assert load.main([*arguments, "--only", "cold"]) == 0
    said = capsys.readouterr().out
    assert "scan 40 files in one flat folder" in said
    assert "growth 20 → 40 files" in said
    assert "12 × 64² uncompressed, cold" in said
    assert "VOID" not in said
    assert "machine: " in said
    assert said.count("results equal") == 2
    assert said.count("met") + said.count("MET") >= 3


@pytest.mark.parametrize("name", sorted({*scan_jobs.JOBS} - {"limit"}))
def test_every_scanner_there_is_finds_the_truth(inputs, name):
    """The series and files that were written, in nested folders; each in its own process: GDCM and ITK share none."""
    if not is_there(name):
        pytest.skip(f"{name} is not installed (dependency group bench)")
    told = Race("check", scan.JOBS, inputs.nested(), (name,), scan.COMPARED).once(name)
    assert {"series", "files"} <= set(told)


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("name", ["ours", "sitk", "dcm2niix"])
def test_every_loader_there_is_makes_the_volume_that_was_written(inputs, name, encoding):
    """Each value at its place in the patient, whatever order rows and slices have in memory."""
    if not is_there(name):
        pytest.skip(f"{name} is not installed (dependency group bench)")
    made = inputs.volume(TINY.slices, encoding)
    told = load_jobs.tell(load_jobs.JOBS[name](str(made.path))())
    assert told["voxels"] == made.truth.voxels
    assert tuple(told["lps_from_ijk"]) == made.truth.lps_from_ijk


def test_the_truth_is_what_was_drawn(inputs):
    """The hash is that of the values, k along +z; pydicom reads them, with the rescale, from the files."""
    made = inputs.volume(TINY.slices)
    drawn = np.stack(list(slices_hu(TINY.slices, TINY.matrix)))
    assert made.truth.voxels == voxel_hash(drawn)
    read = sorted((dcmread(path) for path in made.path.iterdir()), key=lambda ds: ds.ImagePositionPatient[2])
    np.testing.assert_array_equal([ds.pixel_array + int(ds.RescaleIntercept) for ds in read], drawn)
    assert len({voxel_hash(np.flip(drawn, axes)) for axes in ((), 0, 1, 2, (0, 1), (1, 2), (0, 2), (0, 1, 2))}) == 8


def test_one_changed_voxel_voids_the_race(inputs, tmp_path):
    """Broken on purpose: one bit of one pixel of one file."""
    made = inputs.volume(TINY.slices)
    shutil.copytree(made.path, tmp_path / "copy")
    victim = sorted((tmp_path / "copy").iterdir())[5]
    raw = bytearray(victim.read_bytes())
    raw[-777] ^= 1
    victim.write_bytes(raw)
    race = Race("broken", load.JOBS, Folder(tmp_path / "copy", made.truth), ("ours",), load.COMPARED)
    with pytest.raises(Differs, match="voxels is"):
        race.once("ours")


def test_one_file_too_few_voids_the_race(inputs, tmp_path):
    """Broken on purpose: a file is gone."""
    made = inputs.flat(2)
    shutil.copytree(made.path, tmp_path / "copy")
    next((tmp_path / "copy").iterdir()).unlink()
    race = Race("broken", scan.JOBS, Folder(tmp_path / "copy", made.truth), ("pydicom",), scan.COMPARED)
    with pytest.raises(Differs, match=r"files is 19, in truth 20|listing is"):
        race.once("pydicom")


def test_a_moved_volume_is_not_equal(inputs):
    """The same voxels, a slice further up."""
    made = inputs.volume(TINY.slices)
    loaded = load_jobs.JOBS["sitk"](str(made.path))()
    loaded.lps_from_ijk[2, 3] += 1.25
    told = load_jobs.tell(loaded)
    assert told["voxels"] == made.truth.voxels
    with pytest.raises(Differs, match="lps_from_ijk"):
        Race("moved", load.JOBS, made, ("sitk",), load.COMPARED).require_equal("sitk", told)


def test_a_race_whose_results_differ_has_no_row_and_exit_1(inputs, monkeypatch, capsys):
    """Said as VOID with program, folder and what differs."""
    made = inputs.flat()
    wrong = Folder(made.path, dataclasses.replace(made.truth, series=5))
    monkeypatch.setattr(Inputs, "flat", lambda self, share=1: wrong)
    arguments = ["--data", str(inputs.root), "--tiny", "--rounds", "1", *OUTSIDE, "--only", "flat"]
    assert scan.main(arguments) == 1
    said = capsys.readouterr().out
    assert "VOID, arviewer on flat40: series is 4, in truth 5" in said
    assert "growth" not in said


def test_inputs_are_made_once_and_again_when_they_should_differ(tmp_path):
    """The note beside a folder says with what it was made."""
    first = Inputs(tmp_path, TINY).flat(2)
    stamp = first.path.stat().st_mtime_ns
    assert Inputs(tmp_path, TINY).flat(2) == first
    assert first.path.stat().st_mtime_ns == stamp
    other = Inputs(tmp_path, dataclasses.replace(TINY, flat_matrix=8)).flat(2)
    assert other.truth.bytes < first.truth.bytes


def test_inputs_that_do_not_fit_on_the_disk_are_not_begun(tmp_path):
    """It says how much is missing and what to do."""
    with pytest.raises(SystemExit, match="Choose another folder with --data"):
        Inputs(tmp_path, dataclasses.replace(TINY, matrix=1 << 24)).volume(12)
    assert list(tmp_path.iterdir()) == []


def test_files_are_cold_after_they_are_thrown_out(inputs):
    """By the kernel's own account; a file system that keeps everything in memory cannot do it."""
    path = inputs.volume(TINY.slices).path
    for file in path.iterdir():
        file.read_bytes()
    assert resident_share(path) == 1
    evict(path)
    if resident_share(path) > load.MAX_RESIDENT:
        pytest.skip("this file system keeps its files in memory")


def test_memory_of_a_tree_counts_shared_memory_once():
    """A memory file held by two processes is there once, mapped or not."""
    import mmap
    import os
    import subprocess
    import sys

    before = measure.tree_mib(os.getpid())
    file = os.memfd_create("bench")
    os.truncate(file, 64 << 20)
    with mmap.mmap(file, 0) as block:
        block[:] = b"\1" * len(block)
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"],
            pass_fds=[file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        child.stdout.readline()
        grown = measure.tree_mib(os.getpid()) - before
        child.communicate()
    os.close(file)
    assert 64 <= grown < 64 + 40


def test_lines_say_met_and_not_met_as_they_are():
    """At the bar is met; what was not measured says so."""
    assert str(Line("w", "p", 0.5, 0.5, 0.25)).endswith("  met")
    assert str(Line("w", "p", 0.25, 0.5, 0.25)).endswith("  met, aim too")
    assert str(Line("w", "p", 0.51, 0.5, 0.25)).endswith("  NOT MET")
    results = {"ours": Runs([{"seconds": 1.0}]), "gdcm": Runs([{"seconds": 4.0}]), "itk": Runs([{"seconds": 3.0}])}
    best = Line.to_best("w", results, ("gdcm", "itk", "dcm2niix"), 0.5, 0.25)
    assert (best.against, round(best.ratio, 3)) == ("ITK GDCMSeriesFileNames", 0.333)
    assert "not measured" in str(Line.to_best("w", results, ("dcm2niix",), 0.5, 0.25))
