"""Rooms import downwards only, and each contract is seen to fail when it is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OFFENCES = {
    "arviewer/model/volume.py": ("import scipy", "Model knows numpy"),
    "arviewer/imaging/__init__.py": ("from arviewer.formats import export", "Rooms import downwards"),
    "arviewer/render/__init__.py": ("from PyQt6 import QtCore", "Qt lives in ui"),
    "arviewer/session/__init__.py": ("import vtk", "The umbrella vtk"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "PATH": ""}
    )


def test_the_contracts_hold() -> None:
    """The package as it is keeps all of them."""
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("module", OFFENCES)
def test_a_broken_contract_is_seen(module: str, tmp_path: Path) -> None:
    """A copy of the package with one offending line fails, by the name of the contract."""
    line, contract = OFFENCES[module]
    shutil.copytree(ROOT / "arviewer", tmp_path / "arviewer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    result = lint_imports(tmp_path)

    assert result.returncode == 1, result.stdout + result.stderr
    broken = [text for text in result.stdout.splitlines() if text.endswith("BROKEN")]
    assert any(text.startswith(contract) for text in broken), result.stdout


def test_a_room_without_a_place_is_seen(tmp_path: Path) -> None:
    """The layers are exhaustive: a new room must be given its place in the order."""
    shutil.copytree(ROOT / "arviewer", tmp_path / "arviewer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "arviewer" / "attic.py").write_text('"""A room nobody planned."""\n', encoding="utf-8")

    assert lint_imports(tmp_path).returncode == 1
