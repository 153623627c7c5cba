"""Every format and frame, read by programs that did not write it: trimesh, assimp, admesh."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree

from arviewer.formats.export import export
from arviewer.formats.mesh_file import CHUNK_TRIANGLES, Notes, Part
from arviewer.formats.meshes import FORMATS, Format
from arviewer.model.surface import Surface, signed_volume_mm3

TOLERANCE_MM = 0.001
# What each frame means, stated here on its own: RAS is LPS with x and y turned round.
LPS_FROM_FILE = {"lps": np.diag([1.0, 1.0, 1.0]), "ras": np.diag([-1.0, -1.0, 1.0])}

every_format = pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
every_frame = pytest.mark.parametrize("frame", ["lps", "ras"])


def program(name: str) -> str:
    """Return the path of an independent reader; skip without it, but never in CI."""
    path = shutil.which(name)
    if path is None:
        assert os.environ.get("CI") != "true", f"{name} must be installed in CI"
        pytest.skip(f"{name} is not installed")
    return path


def run(*command: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True, errors="replace"
    ).stdout


def load(path: Path) -> trimesh.Trimesh:
    """Read with trimesh, points and triangles untouched and in the order of the file."""
    mesh = trimesh.load(path, process=False, force="mesh", maintain_order=True)
    assert isinstance(mesh, trimesh.Trimesh)
    return mesh


def corners_in_lps(mesh: trimesh.Trimesh, frame: str) -> npt.NDArray[np.float64]:
    return np.asarray(mesh.vertices)[np.asarray(mesh.faces)] @ LPS_FROM_FILE[frame].T


def residual_mm(model: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> float:
    """Return the largest distance left after the best rotation and shift, reflections excluded (Kabsch 1976)."""
    a, b = model - model.mean(axis=0), found - found.mean(axis=0)
    u, _values, vt = np.linalg.svd(b.T @ a)
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return float(np.linalg.norm(b @ (u @ proper @ vt) - a, axis=1).max())


@pytest.mark.hazard("H02")
@every_format
@every_frame
def test_trimesh_finds_the_model_in_place_and_outside_out(
    tmp_path: Path, l_block: Surface, entry: Format, frame: str
) -> None:
    """Corner for corner within 0.001 mm once the frame is undone; volume positive in the frame of the file."""
    path = tmp_path / f"block{entry.suffixes[0]}"
    export([l_block], path, frame=frame)
    mesh = load(path)
    model = l_block.points_lps[l_block.triangles]
    assert np.linalg.norm(corners_in_lps(mesh, frame) - model, axis=2).max() <= TOLERANCE_MM
    assert mesh.volume == pytest.approx(14 * 1.5 * 2.0 * 2.5, rel=1e-4)


@pytest.mark.hazard("H02")
@every_format
@every_frame
def test_the_chiral_block_keeps_its_hand(tmp_path: Path, l_block: Surface, entry: Format, frame: str) -> None:
    """A rotation alone lays file on model within 0.01 mm; a mirrored file would stay millimetres away."""
    path = tmp_path / f"block{entry.suffixes[0]}"
    export([l_block], path, frame=frame)
    mesh = load(path)
    found = np.asarray(mesh.vertices)[np.asarray(mesh.faces)].reshape(-1, 3)
    model = l_block.points_lps[l_block.triangles].reshape(-1, 3)
    assert residual_mm(model, found) <= 0.01
    for axis in range(3):
        mirrored = found.copy()
        mirrored[:, axis] *= -1
        assert residual_mm(model, mirrored) > 0.5


@pytest.mark.hazard("H02")
@every_format
@every_frame
def test_assimp_finds_the_model(tmp_path: Path, l_block: Surface, entry: Format, frame: str) -> None:
    """Read by assimp and handed on as its own binary STL: the same points, both ways, and the same volume."""
    path, passed_on = tmp_path / f"block{entry.suffixes[0]}", tmp_path / "assimp.stl"
    export([l_block], path, frame=frame)
    run(program("assimp"), "export", path, passed_on, "-fstlb")
    mesh = load(passed_on)
    found = corners_in_lps(mesh, frame).reshape(-1, 3)
    assert cKDTree(l_block.points_lps).query(found)[0].max() <= TOLERANCE_MM
    assert cKDTree(found).query(l_block.points_lps)[0].max() <= TOLERANCE_MM
    assert len(mesh.faces) == len(l_block.triangles)
    assert mesh.volume == pytest.approx(l_block.volume_ml * 1000, rel=1e-4)


@every_frame
def test_admesh_finds_a_closed_solid_with_nothing_to_repair(tmp_path: Path, l_block: Surface, frame: str) -> None:
    """Admesh connects every facet, fixes no normal, and measures the volume and bounds of the model."""
    path = tmp_path / "block.stl"
    export([l_block], path, frame=frame)
    said = run(program("admesh"), path)
    turned = l_block.points_lps @ LPS_FROM_FILE[frame]
    for axis, letter in enumerate("XYZ"):
        low, high = re.findall(rf"(?:Min|Max) {letter} = +(-?[\d.]+)", said)
        assert float(low) == pytest.approx(turned[:, axis].min(), abs=TOLERANCE_MM)
        assert float(high) == pytest.approx(turned[:, axis].max(), abs=TOLERANCE_MM)
    for trait in ("Normals fixed", "Backwards edges", "Facets reversed", "Degenerate facets", "Facets removed"):
        assert re.search(rf"{trait} +: +0\b", said), trait
    assert re.search(r"Total disconnected facets +: +0 +0\b", said)
    volume = re.search(r"Volume +: +([\d.]+)", said)
    assert volume is not None
    assert float(volume[1]) == pytest.approx(105.0, rel=1e-4)


@pytest.mark.hazard("H05")
@every_format
@every_frame
def test_a_rod_of_100_mm_is_100_mm_long_everywhere(tmp_path: Path, rod: Surface, entry: Format, frame: str) -> None:
    """100.0 mm in trimesh and in assimp, from every format and frame, and in what the export says."""
    path, passed_on = tmp_path / f"rod{entry.suffixes[0]}", tmp_path / "assimp.stl"
    exported = export([rod], path, frame=frame)
    run(program("assimp"), "export", path, passed_on, "-fstlb")
    for mesh in (load(path), load(passed_on)):
        assert np.asarray(mesh.extents) == pytest.approx([5.0, 8.0, 100.0], abs=TOLERANCE_MM)
    low, high = exported.files[0].bounds_lps_mm
    assert high[2] - low[2] == pytest.approx(100.0, abs=1e-9)
    assert exported.files[0].unit == "mm"
    assert b"UNIT=mm" in path.read_bytes()[:200]


@every_format
def test_several_structures_share_a_file(tmp_path: Path, l_block: Surface, rod: Surface, entry: Format) -> None:
    """Block and rod in one file: all triangles, the sum of the volumes; OBJ keeps them apart by name."""
    path = tmp_path / f"both{entry.suffixes[0]}"
    exported = export([l_block, rod], path)
    assert exported.to_json()["structure"] == "bone+rod"
    assert load(path).volume == pytest.approx(105.0 + 4000.0, rel=1e-4)
    found = entry.read(path.read_bytes(), path.name)
    assert found.groups == ((("bone", len(l_block.triangles)), ("rod", 12)) if "groups" in entry.carries else ())
    if "groups" in entry.carries:
        said = run(program("assimp"), "info", path)
        assert re.search(r"\(bone\)", said)
        assert re.search(r"\(rod\)", said)


@every_format
def test_the_file_states_frame_unit_state_and_error(tmp_path: Path, l_block: Surface, entry: Format) -> None:
    """The one line is there, in ASCII, near the start; a binary STL does not begin with "solid"."""
    path = tmp_path / f"block{entry.suffixes[0]}"
    export([l_block], path, frame="ras")
    start = path.read_bytes()[:200]
    assert re.search(rb"SPACE=RAS UNIT=mm STATE=proposed MAX_ERROR_MM=0\.2500", start)
    assert not start.startswith(b"solid")


def test_the_line_fits_the_header_at_its_longest() -> None:
    """Confirmed, with a long version and an error of metres, it still fits the 80 bytes of STL."""
    assert len(Notes("lps", "mm", "confirmed", 1999.9999, "10.20.30").line().encode("ascii")) <= 80


@every_format
def test_the_same_surface_gives_the_same_bytes(tmp_path: Path, l_block: Surface, entry: Format) -> None:
    """Two exports are equal byte by byte; the sidecars differ in the time alone."""
    for folder in ("one", "two"):
        export([l_block], tmp_path / folder / f"block{entry.suffixes[0]}")
    name = f"block{entry.suffixes[0]}"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    told = [json.loads((tmp_path / folder / "block.json").read_text()) for folder in ("one", "two")]
    for each in told:
        assert datetime.fromisoformat(each.pop("exported_at")).tzinfo is not None
    assert told[0] == told[1]


coordinates = arrays(np.float64, (7, 3), elements=st.floats(-2000, 2000, allow_nan=False, width=64))


@every_format
@settings(deadline=None, max_examples=60)
@given(points=coordinates, seed=st.integers(0, 2**32 - 1))
def test_any_mesh_comes_back(entry: Format, points: npt.NDArray[np.float64], seed: int) -> None:
    """Random points within 2 m and random triangles over them come back within 0.0002 mm, in order, by group."""
    rng = np.random.default_rng(seed)
    parts = [
        Part(name, points, rng.integers(0, len(points), (count, 3), dtype=np.int32))
        for name, count in (("a", 5), ("b", 2))
    ]
    data = bytes(entry.write(parts, Notes("lps", "mm", "proposed", 0.25, "0.1.0")))
    found = entry.read(data, "random")
    model = np.concatenate([points[part.triangles] for part in parts])
    assert np.abs(found.corners() - model).max() <= 0.0002
    assert found.groups == ((("a", 5), ("b", 2)) if "groups" in entry.carries else ())


def test_trimesh_and_the_model_agree_on_the_sign_of_volume(l_block: Surface) -> None:
    """The phantom itself is outside out: its signed volume is its number of cells times their size."""
    assert signed_volume_mm3(l_block.points_lps, l_block.triangles) == pytest.approx(14 * 7.5)


@every_format
def test_a_mesh_longer_than_one_piece_comes_back(entry: Format) -> None:
    """Points and triangles beyond the piece that is handled at once keep their order, their indices, their group."""
    rng = np.random.default_rng(7)
    points = rng.uniform(-900, 900, (CHUNK_TRIANGLES + 100, 3))
    parts = [
        Part(name, points, rng.integers(0, len(points), (2 * CHUNK_TRIANGLES + 7, 3), dtype=np.int32)) for name in "ab"
    ]
    found = entry.read(bytes(entry.write(parts, Notes("lps", "mm", "proposed", 0.25, "0.1.0"))), "long")
    model = np.concatenate([points[part.triangles] for part in parts])
    assert np.abs(found.corners() - model).max() <= 0.0001
    if "groups" in entry.carries:
        assert found.groups == (("a", 2 * CHUNK_TRIANGLES + 7), ("b", 2 * CHUNK_TRIANGLES + 7))
