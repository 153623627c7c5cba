"""What every test may use: the real-data folder, the sample patient, and the rule that hazards must be proved."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
DATA = Path(os.environ.get("ARVIEWER_TEST_DATA", ROOT.parent / "shared" / "data"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-hazards", action="store_true", help="write docs/hazards.md from the marks of the tests")


def pytest_configure(config: pytest.Config) -> None:
    from tests.hazards import HazardMatrix

    config.pluginmanager.register(HazardMatrix(), "hazard-matrix")


WINDOWS = ("tests/ui/", "tests/stories/", "tests/render/")
"""Where tests open windows: they share one screen, so one process runs them all."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        """Gives each test to the next free process, those with windows together."""

        def _split_scope(self, nodeid: str) -> str:
            return "windows" if nodeid.startswith(WINDOWS) else nodeid

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real and crafted DICOM (ARVIEWER_TEST_DATA); tests that need it skip where it is absent."""
    if not DATA.is_dir():
        pytest.skip("no real test data: set ARVIEWER_TEST_DATA to their folder")
    return DATA


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample patient's folder."""
    return ROOT / "sample_dicom"
