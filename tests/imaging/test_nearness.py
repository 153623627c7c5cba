"""Growing and wearing off by mm equal the exact distance transform, on any spacing."""

import numpy as np
import pytest
from scipy import ndimage

from arviewer.imaging.nearness import closed, deep, near


@pytest.mark.parametrize("seed", range(12))
def test_near_and_deep_equal_the_exact_distance(seed):
    """Voxel by voxel, for random masks, sizes, spacings and reaches; whole mm make exact ties."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 26, 3)
    edges = rng.uniform(0.3, 5.0, 3) if seed % 2 else rng.integers(1, 4, 3).astype(float)
    reach = rng.uniform(0.5, 12.0) if seed % 3 else float(rng.integers(1, 10))
    mask = rng.random(shape) > rng.uniform(0.9, 0.998)
    mask.flat[0] = True
    assert np.array_equal(near(mask, reach, edges), ndimage.distance_transform_edt(~mask, sampling=edges) <= reach)
    assert np.array_equal(deep(~mask, reach, edges), ndimage.distance_transform_edt(~mask, sampling=edges) > reach)


def test_nothing_is_near_nothing_and_all_is_deep_in_all():
    """An empty mask stays empty, a full one full: the border of the array is no outside."""
    empty = np.zeros((4, 5, 6), dtype=bool)
    assert not near(empty, 9.0, (1.0, 1.0, 1.0)).any()
    assert deep(~empty, 9.0, (1.0, 1.0, 1.0)).all()
    assert near(~empty, 0.0, (1.0, 1.0, 1.0)).all()


def test_closing_fills_gaps_up_to_twice_its_reach_also_at_the_border():
    """A gap of 4 mm between two blocks that leave the array is closed by 2.5 mm, and not by 1 mm."""
    mask = np.zeros((6, 20, 8), dtype=bool)
    mask[:, :8] = mask[:, 12:] = True
    assert closed(mask, 2.5, (2.0, 1.0, 1.0)).all()
    assert np.array_equal(closed(mask, 1.0, (2.0, 1.0, 1.0)), mask)
    alone = np.zeros((6, 20, 8), dtype=bool)
    alone[2:4, 5:9, 2:6] = True
    assert np.array_equal(closed(alone, 2.5, (2.0, 1.0, 1.0)), alone)
