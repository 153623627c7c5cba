"""The matrix of hazards on paper is the one in the tests."""

from __future__ import annotations

import pytest

from tests.hazards import HAZARDS, PAGE, HazardMatrix


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    """docs/hazards.md is what `pytest --write-hazards` would write (when the whole suite was collected)."""
    matrix = request.config.pluginmanager.get_plugin("hazard-matrix")
    if not matrix.whole_suite:
        pytest.skip("only part of the suite was collected")

    assert PAGE.read_text(encoding="utf-8") == matrix.page()


def test_a_built_control_without_a_passing_test_is_seen() -> None:
    """A marked test that did not pass proves nothing."""
    matrix = HazardMatrix()
    matrix.marked["H01"].add("test_a.py::test_x")
    assert "H01" in matrix.unproved()

    matrix.passed.add("test_a.py::test_x")

    assert "H01" not in matrix.unproved()
    assert set(matrix.unproved()) == {name for name, hazard in HAZARDS.items() if hazard.built} - {"H01"}
