"""What a newcomer does in the first hour: the commands of the README on the sample patient, and the same in Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

import arviewer


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command without a screen."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    return subprocess.run(
        [sys.executable, "-m", "arviewer", *map(str, arguments)],
        cwd=folder, env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_info_finds_two_regular_series_and_no_doubt(sample: Path, tmp_path: Path) -> None:
    """The sample patient is beyond doubt, and lies where TRUTH.json says."""
    result = run("info", sample, "--json", folder=tmp_path)

    document = json.loads(result.stdout)
    truth = json.loads((sample / "TRUTH.json").read_text(encoding="utf-8"))
    assert [(s["verdict"], s["findings"]) for s in document["series"]] == [("regular", [])] * 2
    for series, name in zip(document["series"], ("ct", "sagittal"), strict=True):
        told = truth["series"][name]
        assert series["size_ijk"] == told["size_ijk"]
        assert np.allclose(series["lps_from_ijk"], told["lps_from_ijk"], atol=1e-4)
        assert series["frame_of_reference_uid"] == truth["frame_of_reference_uid"]


@pytest.mark.hazard("H01", "H02", "H05")
def test_the_exported_bone_is_the_patients(sample: Path, tmp_path: Path) -> None:
    """Another program finds the bone's volume within 3 %, its centroid within 0.5 mm, and the pin on the left."""
    result = run("export", sample, "--structure", "bone", "-o", "out/bone.stl", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    truth = json.loads((sample / "TRUTH.json").read_text(encoding="utf-8"))
    bone = truth["structures"]["bone"]
    mesh = trimesh.load(tmp_path / "out/bone.stl")
    assert mesh.is_watertight
    assert mesh.volume / 1000 == pytest.approx(bone["volume_ml"], rel=0.03)
    assert np.linalg.norm(mesh.center_mass - bone["centroid_lps_mm"]) <= 0.5
    pin = np.array(truth["marked_rib"]["pin_center_lps_mm"])
    mirrored = pin * (-1, 1, 1) + (2 * truth["midline_x_lps_mm"], 0, 0)
    near_pin, near_mirror = ((np.linalg.norm(mesh.vertices - place, axis=1) < 14.0).sum() for place in (pin, mirrored))
    assert near_pin > 1.2 * near_mirror  # the callus makes the left rib thicker


def test_the_stereo_pair_is_drawn(sample: Path, tmp_path: Path) -> None:
    """Two eyes side by side, alike but not the same."""
    result = run(
        "render", sample, "--structure", "bone", "--view", "anterior", "--stereo", "side-by-side",
        "--size", "960x540", "-o", "out/pair.png", folder=tmp_path,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    pair = np.asarray(Image.open(tmp_path / "out/pair.png").convert("L"), dtype=float)
    left, right = pair[:, :480], pair[:, 480:]
    assert pair.shape == (540, 960)
    assert 0 < np.abs(left - right).mean() < 40


def test_demo_without_a_screen_leaves_pictures_and_meshes(sample: Path, tmp_path: Path) -> None:
    """`make run` on a server does the same job off screen and says so."""
    result = run("demo", "-o", "out", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    assert "No screen" in result.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {f"{name}.{kind}" for name in ("bone", "skin", "lungs", "vessels") for kind in ("stl", "json")}
    assert names >= {"anterior.png", "left.png", "stereo-pair.png"}
    assert not [name for name in names if name.startswith(".")]


def test_the_verbs_of_python(sample: Path, tmp_path: Path) -> None:
    """The README's lines, on the small oblique series."""
    series = arviewer.scan(sample)[1]
    volume = arviewer.load(series)
    surface = arviewer.surface(arviewer.segment(volume, "skin"), "skin", max_error_mm=0.25)
    exported = arviewer.export(surface, tmp_path / "skin.ply")
    picture = arviewer.draw([surface], view="left", stereo="top-bottom", size=(320, 480))

    assert volume.voxels.dtype == np.int16
    assert surface.error_mm.max <= 0.25
    assert exported.to_json()["files"][0]["closed"]
    assert picture.shape == (480, 320, 3)
    assert picture.dtype == np.uint8
