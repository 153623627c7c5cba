"""The commands do what their help says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from arviewer.imaging.phantoms.simple import chiral
from tests.cli.conftest import Command


def test_info_prints_the_documented_json(arviewer: Command, series: Path) -> None:
    """Every documented key is there, with values a script can use."""
    result = arviewer("info", series, "--json")

    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    (only,) = document["series"]
    assert set(only) >= {
        "uid", "study_uid", "patient", "frame_of_reference_uid", "number", "modality", "description", "slices",
        "size_ijk", "spacing_mm", "lps_from_ijk", "verdict", "findings",
    }  # fmt: skip
    assert (only["verdict"], only["findings"], only["size_ijk"]) == ("regular", [], [110, 104, 48])
    assert np.allclose(only["spacing_mm"], (0.96, 1.0, 2.0))
    assert np.allclose(np.array(only["lps_from_ijk"])[:3, 3], (-45, -52, -44))
    assert document["skipped"] == []


def test_info_tells_a_person_without_identity(arviewer: Command, series: Path) -> None:
    """Geometry and verdict in words; no name on the terminal."""
    result = arviewer("info", series)

    assert "110 × 104 × 48 voxels of 0.96 × 1 × 2 mm" in result.stdout
    assert "regular" in result.stdout
    assert "Test" not in result.stdout


@pytest.mark.hazard("H01", "H02", "H05")
def test_export_puts_the_mesh_at_its_place(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """From folder to STL: another program finds the phantom's volume, and its markers at their sides."""
    result = arviewer("export", series, "--structure", "bone", "--threshold", "250:", "-o", "out/bone.stl", "--json")

    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["structure"] == "bone"
    (file,) = told["files"]
    assert (file["unit"], file["frame"], file["closed"]) == ("mm", "lps", True)
    mesh = trimesh.load(tmp_path / "out/bone.stl")
    assert mesh.is_watertight
    assert mesh.volume / 1000 == pytest.approx(file["volume_ml"], rel=1e-4)
    parts = {round(part.volume): part.center_mass for part in mesh.split()}
    for name in ("left", "anterior"):  # the head marker is smaller than the smallest piece kept
        truth = chiral().parts[name].centroid_lps
        nearest = min(parts.values(), key=lambda center, truth=truth: np.linalg.norm(center - truth))
        assert np.linalg.norm(nearest - truth) < 0.1


def test_several_structures_go_to_a_folder(arviewer: Command, sample: Path, tmp_path: Path) -> None:
    """One file each, one sidecar each."""
    result = arviewer(
        "export", sample / "ct", "--structure", "bone", "--structure", "lungs", "-o", "out/", "--format", "ply"
    )

    assert result.returncode == 0, result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["bone.json", "bone.ply", "lungs.json", "lungs.ply"]


@pytest.mark.parametrize(("stereo", "size"), [("off", "320x240"), ("side-by-side", "640x240")])
def test_render_makes_a_picture(arviewer: Command, series: Path, tmp_path: Path, stereo: str, size: str) -> None:
    """A PNG of that size, with something on it."""
    result = arviewer(
        "render", series, "--structure", "bone", "--threshold", "250:", "--stereo", stereo, "--size", size,
        "-o", "out/pair.png",
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    picture = Image.open(tmp_path / "out/pair.png")
    assert f"{picture.width}x{picture.height}" == size
    assert np.ptp(np.asarray(picture)) > 100


def test_doctor_reports_what_is_there(arviewer: Command) -> None:
    """On a machine that can run the tests nothing is missing."""
    result = arviewer("doctor", "--json")

    document = json.loads(result.stdout)
    assert result.returncode == 0, result.stdout
    assert document["ok"]
    assert {"OpenGL", "Image decoders", "Worker process"} <= {check["name"] for check in document["checks"]}
    for check in document["checks"]:
        assert check["found"]


def test_every_command_has_help(arviewer: Command) -> None:
    """`--help` works everywhere and names the units."""
    assert "not for diagnostic use" in arviewer("--help").stdout.lower()
    for command in ("demo", "info", "export", "render", "doctor"):
        assert arviewer(command, "--help").returncode == 0
    assert "mm" in arviewer("export", "--help").stdout


@pytest.mark.hazard("H14")
def test_fewer_triangles_within_the_error_that_was_asked_for(arviewer: Command, series: Path, tmp_path: Path) -> None:
    """Both ways from folder to STL: the bound holds, the error is told in the JSON and in the file itself."""
    command = ("export", series, "--structure", "bone", "--max-error-mm", "0.25", "--json")
    every = json.loads(arviewer(*command, "-o", "every.stl").stdout)["files"][0]
    result = arviewer(*command, "--simplify", "-o", "spared.stl")

    assert result.returncode == 0, result.stderr
    spared = json.loads(result.stdout)["files"][0]
    assert spared["triangles"] < 0.5 * every["triangles"]
    for file in (every, spared):
        error = file["error_mm"]
        assert 0 < error["mean"] < error["p95"] < error["max"] <= 0.25
        assert (error["label"], error["samples_per_mm2"] >= 4) == ("mesh against voxels, not anatomy", True)
    assert spared["volume_ml"] == pytest.approx(every["volume_ml"], rel=0.005)
    assert trimesh.load(tmp_path / "spared.stl").is_watertight
    assert f"{spared['error_mm']['max']:.4f}".encode() in (tmp_path / "spared.stl").read_bytes()[:80]
    assert json.loads(Path(tmp_path / spared["sidecar"]).read_text())["files"][0]["error_mm"] == spared["error_mm"]
