"""Structures of files on the command line: listed, exported by name, refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from tests.cli.conftest import Command
from tests.structure_files import Case, circle, closed, write_structure_set

PLANES = range(20, 32)


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    place = tmp_path / "images"
    place.mkdir()
    for source in case.folder.glob("*.dcm"):
        (place / source.name).write_bytes(source.read_bytes())
    write_structure_set(case, place / "rt.dcm", {"Tumor": closed(*(circle(case, k, 14.0, (9, 4)) for k in PLANES))})
    return place


def test_info_lists_what_files_hold(arviewer: Command, folder: Path) -> None:
    """Names, references, findings; on the terminal and as JSON."""
    told = json.loads(arviewer("info", folder, "--json").stdout)

    (one,) = told["attachments"]
    assert (one["kind"], one["structures"], one["problem"]) == ("structure-set", ["Tumor"], "")
    assert one["references"]["frame_of_reference_uids"] == [told["series"][0]["frame_of_reference_uid"]]
    text = arviewer("info", folder).stdout
    assert "1 structure: Tumor" in text
    assert "in the frame of reference of series 1" in text


def test_a_structure_is_exported_by_its_name(arviewer: Command, folder: Path, tmp_path: Path) -> None:
    """Capital letters do not matter; the mesh has the volume and the place of the contours; the sidecar its source."""
    result = arviewer("export", folder, "--structure", "tumor", "-o", "out/tumor.stl", "--json")

    assert result.returncode == 0, result.stderr
    mesh = trimesh.load(tmp_path / "out/tumor.stl")
    assert mesh.volume == pytest.approx(np.pi * 196 * len(PLANES) * 1.9, rel=0.02)
    sidecar = json.loads((tmp_path / "out/tumor.json").read_text())
    assert sidecar["structures"][0]["recipe"] == "import"
    assert len(sidecar["structures"][0]["parameters"]["source_sha256"]) == 64
    assert sidecar["instances"][0]["sha256"] == sidecar["structures"][0]["parameters"]["source_sha256"]


def test_all_structures_of_a_file(arviewer: Command, folder: Path, tmp_path: Path) -> None:
    """--from without names takes everything; render draws it."""
    result = arviewer("render", folder, "--from", folder / "rt.dcm", "-o", "out/a.png", "--size", "320x240")

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out/a.png").exists()


def test_an_empty_region_keeps_no_other_from_leaving(arviewer: Command, case: Case, folder: Path) -> None:
    """Isocenters and regions that nobody drew are ordinary; asked for by name, they are refused."""
    drawn = closed(*(circle(case, k, 14.0, (9, 4)) for k in PLANES))
    write_structure_set(case, folder / "rt.dcm", {"Isocenter": [], "Tumor": drawn})

    every = arviewer("export", folder, "--from", folder / "rt.dcm", "-o", "out/", "--json")
    alone = arviewer("export", folder, "--structure", "isocenter", "-o", "out/i.stl")

    assert every.returncode == 0, every.stderr
    assert json.loads(every.stdout)["structures"] == ["Tumor"]
    assert (alone.returncode, "Isocenter" in alone.stderr) == (3, True)
    write_structure_set(case, folder / "rt.dcm", {"Isocenter": []})
    assert arviewer("export", folder, "--from", folder / "rt.dcm", "-o", "out/").returncode == 3


def test_a_name_means_the_file_before_the_recipe(arviewer: Command, case: Case, folder: Path, tmp_path: Path) -> None:
    """With --from, "bone" is the Bone of the file, once; without, it is the recipe, however it is written."""
    drawn = closed(*(circle(case, k, 14.0, (9, 4)) for k in PLANES))
    write_structure_set(case, folder / "rt.dcm", {"Bone": drawn})

    result = arviewer("export", folder, "--from", folder / "rt.dcm", "--structure", "bone", "-o", "out/", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["structures"] == ["Bone"]
    found = arviewer("export", folder, "--structure", "BONE", "--threshold=-200:", "-o", "out/b.stl")
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "out/b.json").read_text())["structures"][0]["recipe"] == "bone"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--structure", "wing"], 2, ["wing", "bone", "Tumor"]),
        (["--from", "nothing.dcm"], 3, ["nothing.dcm"]),
        (["--from", "images/0001.dcm"], 2, ["holds no structures"]),
        ([], 2, ["--structure", "--from"]),
        (["--structure", "Tumor", "--level", "7"], 2, ["fraction"]),
        (["--structure", "Tumor", "--threshold", "250:"], 2, ["threshold"]),
        (["--structure", "Tumor", "--coarser", "4"], 2, ["--coarser", "grid of their own"]),
        (["--structure", "Tumor", "--box", "0:9,0:9,0:9"], 2, ["--box"]),
        (["--structure", "Tumor", "--resample"], 2, ["--resample"]),
        (["--structure", "bone", "--level", "0.7"], 2, ["--level"]),
    ],
)
def test_what_cannot_be_is_said(
    arviewer: Command, folder: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    """Exit code and words, never a trace."""
    result = arviewer("export", folder, *arguments, "-o", "out/x.stl")

    assert result.returncode == code, result.stderr
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr
