"""Between painted slices: shapes of which every slice is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arviewer.errors import NothingFound
from arviewer.model.volume import Volume
from tests.imaging.tools.scenes import done


def cone(volume: Volume, axis: int, slant: float) -> np.ndarray:
    """Round in every plane of an axis (in mm), wider and farther aside from plane to plane."""
    spacing = volume.geometry.spacing_mm[::-1]
    grid = [np.arange(n) * s for n, s in zip(volume.geometry.shape_kji, spacing, strict=True)]
    mm = np.stack(np.meshgrid(*grid, indexing="ij"), -1)
    along = mm[..., axis]
    others = [n for n in range(3) if n != axis]
    middle = mm.reshape(-1, 3).max(axis=0) / 2
    u, v = mm[..., others[0]] - middle[others[0]], mm[..., others[1]] - middle[others[1]]
    return np.asarray(np.hypot(u - slant * (along - middle[axis]), v) <= 2.5 + 0.15 * along)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("slant", [0.0, 0.45])
def test_every_third_or_fourth_slice_is_enough(
    small: Callable[..., Volume], kind: str, axis: int, slant: float
) -> None:
    volume = small(kind, spacing_mm=(0.7, 0.9, 1.1), half_mm=11.0)
    truth = np.moveaxis(cone(volume, axis, slant), axis, 0)
    sparse = np.zeros_like(truth)
    planes = [1, 4, 8, len(truth) - 3]
    sparse[planes] = truth[planes]
    made = np.moveaxis(done(volume, np.moveaxis(sparse, 0, axis), "interpolate"), axis, 0)
    assert np.array_equal(made[planes], truth[planes])
    assert not made[0].any()
    assert not made[-1].any()
    inner = slice(1, planes[-1] + 1)
    dice = 2 * (made[inner] & truth[inner]).sum() / (made[inner].sum() + truth[inner].sum())
    assert dice > 0.95


def test_shapes_that_do_not_overlap_are_joined(small: Callable[..., Volume]) -> None:
    """A thin vessel that runs aslant: without moving along it there would be nothing in between."""
    volume = small()
    sparse = np.zeros(volume.voxels.shape, bool)
    sparse[2, 4:7, 3:6] = True
    sparse[6, 12:15, 15:18] = True
    made = done(volume, sparse, "interpolate")
    assert made[4, 8:11, 9:12].all()
    assert 0 < made[4].sum() <= 12


def test_lost_slices_stay_empty(small: Callable[..., Volume]) -> None:
    valid = np.ones(len(small().voxels), bool)
    valid[4] = False
    volume = small(slice_valid=valid)
    sparse = np.zeros(volume.voxels.shape, bool)
    sparse[[2, 6], 4:9, 5:9] = True
    assert done(volume, sparse, "interpolate").any(axis=(1, 2)).tolist() == [
        2 <= k <= 6 and k != 4 for k in range(len(valid))
    ]


def test_nothing_between_is_said(small: Callable[..., Volume]) -> None:
    volume = small()
    whole = np.zeros(volume.voxels.shape, bool)
    whole[3:6, 4:9, 4:9] = True
    with pytest.raises(NothingFound, match="nothing to fill"):
        done(volume, whole, "interpolate")


def test_halfway_is_where_the_distances_in_mm_are_equal(small: Callable[..., Volume]) -> None:
    """Voxels four times as wide as long: a plate that turns into one across it, by its definition."""
    volume = small(spacing_mm=(0.5, 2.0, 1.0), half_mm=10.0)
    ends = np.zeros((2, *volume.geometry.shape_kji[1:]), bool)
    ends[0, 4:7, 4:29] = True  # middles at row 5, column 16
    ends[1, 2:9, 12:21] = True
    sparse = np.zeros(volume.geometry.shape_kji, bool)
    sparse[3], sparse[5] = ends
    j, i = np.indices(ends.shape[1:])
    points = np.stack((2.0 * j, 0.5 * i), -1)
    signed = 0.0
    for end in ends:
        inside = np.linalg.norm(points[:, :, None] - points[~end], axis=-1).min(axis=-1)
        outside = np.linalg.norm(points[:, :, None] - points[end], axis=-1).min(axis=-1)
        signed = signed + np.where(end, inside, -outside)
    made = done(volume, sparse, "interpolate")
    assert np.array_equal(made[4], signed > 0.0)
    assert not np.array_equal(made[4], ends[0] & ends[1])
