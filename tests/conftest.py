"""What every test may use: the real-data folder, and the rule that hazards must be proved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("ARVIEWER_TEST_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real and crafted DICOM (ARVIEWER_TEST_DATA); tests that need it skip where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no real test data: set ARVIEWER_TEST_DATA to their folder (looked in {DATA.name}/)")
    return DATA


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample patient's folder."""
    return ROOT / "sample_dicom"
