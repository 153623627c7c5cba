"""Small series on disk, and the command as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from arviewer.imaging.dicom.write import CtHeader, derived_uid, write_ct_series
from arviewer.imaging.phantoms.simple import chiral
from arviewer.model.geometry import Affine
from arviewer.model.study import Patient
from arviewer.model.volume import VolumeGeometry
from tests.structure_files import case

__all__ = ["case"]

Command = Callable[..., subprocess.CompletedProcess[str]]


def write_phantom(folder: Path, *, patient: str = "Test^One", number: int = 1, slices: int = 48) -> Path:
    """The chiral phantom as a CT series: 0.96 × 1 × 2 mm."""
    matrix = np.diag([0.96, 1.0, 2.0, 1.0])
    matrix[:3, 3] = (-45.0, -52.0, -44.0)
    geometry = VolumeGeometry((slices, 104, 110), Affine(matrix, derived_uid(patient, "frame"), "grid"))
    header = CtHeader(
        Patient(patient, f"ID-{patient}", "", "19700101", "O"),
        derived_uid(patient, "study"),
        derived_uid(patient, "series", number),
        number=number,
        description="chiral phantom",
    )
    write_ct_series(chiral().voxels(geometry), geometry, folder, header)
    return folder


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small CT series."""
    return write_phantom(tmp_path_factory.mktemp("series"))


@pytest.fixture
def arviewer(tmp_path: Path) -> Command:
    """Run ``arviewer ARGUMENTS`` without a screen, in an empty folder."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
        return subprocess.run(
            [sys.executable, "-m", "arviewer", *map(str, arguments)],
            cwd=tmp_path,
            env={**kept, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return run
