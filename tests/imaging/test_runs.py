"""Run-length components against scipy.ndimage, voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from arviewer.errors import Cancelled, UsageError
from arviewer.imaging import runs

MASKS = arrays.arrays(
    np.bool_,
    arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7),
    elements=st.booleans(),
    fill=st.nothing(),
)


@given(MASKS)
def test_runs_give_the_mask_back(mask):
    """Finding the runs and painting them returns every voxel."""
    assert np.array_equal(runs.mask_of(runs.runs_of(mask)), mask)


@given(MASKS)
def test_background_is_what_is_not_set(mask):
    """The runs between the runs are those of the inverted mask."""
    background = runs.background_of(runs.runs_of(mask))
    expected = runs.runs_of(~mask)
    assert np.array_equal(background.starts, expected.starts)
    assert np.array_equal(background.ends, expected.ends)


@given(MASKS, st.integers(1, 6))
def test_dust_is_cleared_in_place(mask, least):
    """Clearing a mask in place leaves what the copy has, and returns the runs of it."""
    expected = runs.remove_small(mask, least)
    stays = runs.remove_small_from(mask, least)
    assert np.array_equal(mask, expected)
    assert np.array_equal(runs.mask_of(stays), expected)


@given(MASKS)
def test_labels_are_scipys_up_to_their_numbers(mask):
    """The components are those of scipy.ndimage.label with 6 neighbours, none merged, none parted."""
    count, labels = runs.label(mask)
    reference, expected = ndimage.label(mask)
    assert count == expected
    assert np.array_equal(labels > 0, mask)
    assert len({*zip(labels[mask].tolist(), reference[mask].tolist(), strict=True)}) == expected


@given(MASKS)
def test_largest_has_the_size_of_scipys_largest(mask):
    """The largest component is one component of the greatest size."""
    reference, count = ndimage.label(mask)
    sizes = np.bincount(reference[mask], minlength=count + 1)
    found = runs.largest(mask)
    if count == 0:
        assert not found.any()
        return
    assert found.sum() == sizes.max()
    assert len(np.unique(reference[found])) == 1


@given(MASKS)
def test_all_but_the_largest_are_cleared_in_place(mask):
    """As the copy has it, and the runs that stay are its runs."""
    expected = runs.largest(mask)
    stays = runs.remove_all_but_largest_from(mask)
    assert np.array_equal(mask, expected)
    assert np.array_equal(runs.mask_of(stays), expected)


@given(MASKS)
def test_filled_holes_are_scipys(mask):
    """Cavities are filled in space, and holes slice by slice, as scipy fills them."""
    assert np.array_equal(runs.fill_holes(mask), ndimage.binary_fill_holes(mask))
    expected = np.stack([ndimage.binary_fill_holes(plane) for plane in mask])
    assert np.array_equal(runs.fill_holes_across(mask), expected)


@given(MASKS, st.integers(1, 6))
def test_small_holes_only(mask, limit):
    """With a limit, holes of a slice beyond it stay open."""
    for plane, filled in zip(mask, runs.fill_holes_across(mask, max_voxels=limit), strict=True):
        labels, _ = ndimage.label(ndimage.binary_fill_holes(plane) & ~plane)
        sizes = np.bincount(labels.reshape(-1))
        assert np.array_equal(filled, plane | ((labels > 0) & (sizes <= limit)[labels]))


@given(MASKS, st.integers(1, 8))
def test_small_pieces_go(mask, least):
    """Pieces below the limit go, those at it stay."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    assert np.array_equal(runs.remove_small(mask, least), (sizes >= least)[labels])


@given(arrays.arrays(np.int16, (4, 5, 6), elements=st.integers(0, 3)), st.integers(0, 119))
def test_growing_finds_the_seeds_component(voxels, at):
    """Region growing returns the component of the range that holds the seed."""
    seed = tuple(int(n) for n in np.unravel_index(at, voxels.shape))
    low = int(voxels[seed])
    labels, _ = ndimage.label((voxels >= low) & (voxels <= 2 + low))
    assert np.array_equal(runs.region_grow(voxels, low, 2 + low, seed), labels == labels[seed])


@given(MASKS)
def test_bounds_hold_the_mask_tightly(mask):
    """The box holds every set voxel and no empty face."""
    box = runs.bounds(mask)
    if box is None:
        assert not mask.any()
        return
    assert mask[box].sum() == mask.sum()
    for axis in range(3):
        faces = np.moveaxis(mask[box], axis, 0)
        assert faces[0].any()
        assert faces[-1].any()


def test_a_cavity_far_from_the_first_voxel_is_filled_where_it_is():
    """Holes are sought in the box of the mask and found at their place in the array."""
    mask = np.zeros((9, 10, 11), dtype=bool)
    mask[2:7, 3:8, 4:10] = True
    whole = mask.copy()
    mask[4, 5, 6:8] = False
    assert np.array_equal(runs.fill_holes(mask), whole)
    assert np.array_equal(runs.fill_holes_across(mask), whole)


def test_a_seed_must_lie_in_the_volume_and_in_the_range():
    """A seed outside, or of another brightness, is refused with the reason."""
    voxels = np.zeros((2, 3, 4), dtype=np.int16)
    with pytest.raises(UsageError, match="outside the volume"):
        runs.region_grow(voxels, 0, 1, (2, 0, 0))
    with pytest.raises(UsageError, match="outside the range"):
        runs.region_grow(voxels, 5, 9, (0, 0, 0))


def test_runs_longer_than_a_painting_step_are_painted_whole():
    """Large volumes are painted in steps; nothing is lost between them."""
    mask = np.ones((3, 1500, 1500), dtype=bool)
    mask[1, 700, 700] = False
    assert np.array_equal(runs.mask_of(runs.runs_of(mask)), mask)


def test_only_contiguous_arrays_are_painted():
    """Painting a view that cannot be flattened would be lost; it is refused."""
    found = runs.runs_of(np.ones((2, 2, 2), dtype=bool))
    with pytest.raises(UsageError, match="contiguous"):
        runs.paint(np.zeros((2, 2, 2), dtype=bool).T[:, ::-1], found)


def test_a_cancel_is_heard():
    """Progress may stop the search for runs."""

    def stop(fraction, what=""):
        raise Cancelled

    with pytest.raises(Cancelled):
        runs.runs_of(np.ones((2, 2, 2), dtype=bool), stop)
