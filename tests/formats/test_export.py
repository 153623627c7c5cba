"""The one door: what it writes, where, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from arviewer.formats.export import export
from arviewer.formats.stl import read_stl
from arviewer.model.surface import Surface


def test_a_file_and_its_sidecar_appear_together_and_nothing_else(tmp_path: Path, l_block: Surface) -> None:
    """One surface to NAME.stl gives NAME.stl and NAME.json, and no other file."""
    exported = export([l_block], tmp_path / "new" / "bone.stl")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["bone.json", "bone.stl"]
    assert exported.files[0].path == tmp_path / "new" / "bone.stl"
    found = read_stl(exported.files[0].path.read_bytes(), "bone.stl")
    assert np.abs(found.points[found.triangles] - l_block.points_lps[l_block.triangles]).max() < 1e-4
    assert json.loads((tmp_path / "new" / "bone.json").read_text())["describes"] == "bone.stl"
