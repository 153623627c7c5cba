"""Small volumes on every kind of grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arviewer.model.volume import Volume, VolumeGeometry
from tests.imaging.tools.scenes import KINDS


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def small(ct: Callable[..., Volume], grid: Callable[..., VolumeGeometry]) -> Callable[..., Volume]:
    """A volume of one value (or of given ones) on a grid of a kind, 0.7 × 0.9 × 1.6 mm unless told."""

    def make(kind: str = "straight", spacing_mm: Any = (0.7, 0.9, 1.6), half_mm: float = 9.0, **changes: Any) -> Volume:
        geometry = grid(kind, half_mm=half_mm, spacing_mm=spacing_mm, center=(3.0, -5.0, 7.0))
        return ct(np.zeros(geometry.shape_kji, np.int16), geometry, **changes)

    return make
