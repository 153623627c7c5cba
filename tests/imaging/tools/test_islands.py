"""Pieces of a structure, against scipy's labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from arviewer.errors import NothingFound, UsageError
from arviewer.model.intent import Hand
from arviewer.model.volume import Volume
from tests.imaging.tools.scenes import at, done, random_blobs


def test_largest_small_and_clicked_pieces(small: Callable[..., Volume], kind: str) -> None:
    volume = small(kind)
    before = random_blobs(volume, 21, share=0.1)
    labels, count = ndimage.label(before)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    assert count > 5
    assert np.array_equal(done(volume, before, "keep-largest"), labels == sizes.argmax())
    limit = int(np.sort(sizes)[-3])
    ml = limit * volume.geometry.voxel_volume_mm3 / 1000.0
    assert np.array_equal(done(volume, before, "drop-small", min_island_ml=ml), (sizes >= limit)[labels])
    two = [np.argwhere(labels == n)[0] for n in (2, 4)]
    clicks = np.concatenate([at(volume, *where) for where in two])
    assert np.array_equal(done(volume, before, "keep-clicked", Hand(clicks)), np.isin(labels, (2, 4)))


def test_a_click_just_off_the_surface_means_the_piece_and_farther_off_none(small: Callable[..., Volume]) -> None:
    volume = small("oblique", spacing_mm=(0.7, 0.9, 1.6))
    before = np.zeros(volume.geometry.shape_kji, bool)
    before[4:7, 4:9, 4:9] = True
    before[4:7, 4:9, 12:15] = True
    kept = done(volume, before, "keep-clicked", Hand(at(volume, 5, 6, 10.6)))
    assert kept[5, 6, 12]
    assert not kept[5, 6, 8], "three voxels to one piece, one to the other"
    with pytest.raises(NothingFound, match="no piece"):
        done(volume, before, "keep-clicked", Hand(at(volume, 9, 6, 6)))
    with pytest.raises(UsageError, match="outside the images"):
        done(volume, before, "keep-clicked", Hand(at(volume, 5, 6, -4)))


def test_near_is_meant_in_mm(small: Callable[..., Volume]) -> None:
    """Two columns are nearer than one slice; a corner of the box that is searched is not near."""
    volume = small("oblique", spacing_mm=(0.7, 0.9, 1.6))
    before = np.zeros(volume.geometry.shape_kji, bool)
    before[6, 8:10, 8:10] = True
    before[5, 8, 4:7] = True
    kept = done(volume, before, "keep-clicked", Hand(at(volume, 5, 8, 8)))
    assert kept[5, 8, 6]
    assert not kept[6, 8, 8]
    with pytest.raises(NothingFound, match="no piece"):
        done(volume, before, "keep-clicked", Hand(at(volume, 7, 12, 12)))
