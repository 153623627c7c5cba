"""Every tool goes through one door: parameters and needs checked, the edit recorded, untouched bricks shared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.phantoms.simple import sphere
from arviewer.imaging.tools import TARGET, TOOLS, apply
from arviewer.model.masks import BrickMask, MaskBox
from arviewer.model.volume import Volume, VolumeGeometry


@pytest.fixture
def volume(scanned: Callable[..., Volume], grid: Callable[..., VolumeGeometry]) -> Volume:
    return scanned(sphere(radius_mm=20.0), grid("oblique", spacing_mm=(0.7, 0.8, 1.1)))


def two_pieces(volume: Volume) -> MaskBox:
    voxels = np.zeros(volume.geometry.shape_kji, np.bool_)
    voxels[:34, :20, :20] = True
    voxels[-3:, -3:, -3:] = True
    return MaskBox((0, 0, 0), voxels)


def test_the_edit_is_recorded_and_untouched_bricks_are_shared(volume: Volume) -> None:
    before = BrickMask.of(two_pieces(volume))
    applied = apply(volume, before, "drop-small", {"min_island_ml": 0.1})
    after = applied.masks[TARGET]
    assert (applied.edit.tool, applied.edit.parameters) == ("drop-small", {"min_island_ml": 0.1})
    assert isinstance(after, BrickMask)
    assert after.touched(before) == 0, "only the brick that vanished changed"
    assert int(after.box().voxels.sum()) == 34 * 20 * 20


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("no-such-tool", {}), ("drop-small", {"min_island": 1.0}), ("drop-small", {"min_island_ml": float("nan")})],
)
def test_what_is_not_in_the_table_is_refused(volume: Volume, name: str, parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        apply(volume, two_pieces(volume), name, parameters)


def test_a_tool_that_leaves_nothing_says_so(volume: Volume) -> None:
    with pytest.raises(NothingFound, match="left"):
        apply(volume, two_pieces(volume), "drop-small", {"min_island_ml": 1000.0})


def test_names_are_unique_words() -> None:
    assert all(name == tool.name and name.replace("-", "").isalpha() for name, tool in TOOLS.items())
