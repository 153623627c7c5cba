"""The type checker itself refuses the three classic mistakes with frames."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """\
import numpy as np
from arviewer.model.geometry import Affine, Ijk, Lps, Points, View

lps_from_ijk: Affine[Lps, Ijk] = Affine(np.eye(4))
view_from_lps: Affine[View, Lps] = Affine(np.eye(4))
voxel: Points[Ijk] = Points(np.zeros((1, 3)))
place: Points[Lps] = Points(np.zeros((1, 3)))
"""

RIGHT = """\
view_from_ijk: Affine[View, Ijk] = view_from_lps @ lps_from_ijk
on_screen: Points[View] = view_from_ijk(voxel)
back: Points[Ijk] = lps_from_ijk.inverse()(place)
"""

MISTAKES = {
    "maps composed in the wrong order": "lps_from_ijk @ view_from_lps\n",
    "a point of another frame": "lps_from_ijk(place)\n",
    "a forgotten inverse": "index: Points[Ijk] = lps_from_ijk(place)\n",
}


def check(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "frames_example.py"
    file.write_text(HEAD + source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])


def test_right_use_passes(tmp_path: Path) -> None:
    """The same lines used rightly are accepted, so that a refusal below means something."""
    result = check(RIGHT, tmp_path)

    assert result.returncode == 0, result.stdout


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_classic_mistake_is_a_type_error(mistake: str, tmp_path: Path) -> None:
    """Each mistake is refused, and on its own line."""
    result = check(MISTAKES[mistake], tmp_path)

    assert result.returncode == 1
    line = len(HEAD.splitlines()) + 1
    assert f"frames_example.py:{line}: error" in result.stdout
