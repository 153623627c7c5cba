"""Planes of structures on a lattice: whatever their order and direction, each where it was given."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.formats.planes import lattice, slice_normal
from tests.structure_files import Case


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("sign", [1, -1])
def test_planes_that_run_with_and_against_the_slices(case: Case, sign: int) -> None:
    """Their places, and whether there is room before the first and behind the last."""
    images = case.series.geometry
    assert images is not None
    normal = sign * slice_normal(images)
    matrix, count = images.lps_from_ijk.matrix, images.shape_kji[0]
    for slices in ([0, 3, 1], [5, 4, 9], [count - 1, count - 3]):
        along = np.array([(matrix[:3, 3] + k * matrix[:3, 2]) @ normal for k in slices])
        found = lattice(along, normal, images)
        np.testing.assert_allclose(found.start_mm + found.places * found.step_mm, along, atol=1e-6)
        assert found.places.min() == 0
        ends = (min(slices) > 0, max(slices) < count - 1)
        assert found.room == (ends if sign > 0 else ends[::-1])


@pytest.mark.hazard("H06")
def test_a_lone_plane_is_as_thick_as_declared() -> None:
    """2.5 mm, where positions say nothing."""
    assert lattice(np.array([5.0, 5.0]), np.array([0.0, 0, 1]), None, 2.5).step_mm == 2.5
