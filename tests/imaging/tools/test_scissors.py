"""Scissors against a point-in-polygon test of another library, voxel by voxel, in parallel and in perspective."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage.measure import label, points_in_poly

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.tools import apply, scissors
from arviewer.imaging.tools.scissors import crossings_odd
from arviewer.model.intent import Hand, Lasso, Slab
from arviewer.model.masks import MaskBox
from arviewer.model.volume import Volume
from tests.imaging.tools.scenes import centres_lps, done, random_blobs

POLYGON = np.array([[-0.5, -0.45], [0.1, -0.6], [0.55, -0.1], [0.2, 0.05], [0.4, 0.5], [-0.1, 0.2], [-0.6, 0.35]])


def camera(perspective: bool) -> np.ndarray:
    """From above right, turned: the phantom's middle lies at the middle of the picture."""
    right, down = np.array([0.8, 0.6, 0.0]), np.array([0.36, -0.48, 0.8])
    into = np.cross(right, down)
    middle = np.array([3.0, -5.0, 7.0])
    matrix = np.zeros((4, 4))
    for row, direction, scale in ((0, right, 0.12), (1, down, 0.1), (2, into, 0.05)):
        matrix[row] = *(scale * direction), -scale * direction @ middle
    matrix[3] = (*(0.04 * into), 1.0 - 0.04 * into @ middle) if perspective else (0, 0, 0, 1)
    return matrix


def within(volume: Volume, lasso: Lasso) -> np.ndarray:
    points = centres_lps(volume)
    clip = np.concatenate((points, np.ones((*points.shape[:3], 1))), -1) @ lasso.clip_from_lps.T
    with np.errstate(divide="ignore", invalid="ignore"):
        xy = clip[..., :2] / clip[..., 3:]
    inside = points_in_poly(np.nan_to_num(xy, posinf=9e9, neginf=9e9).reshape(-1, 2), lasso.polygon)
    inside = inside.reshape(points.shape[:3]) & (clip[..., 3] > 0)
    if lasso.slab is not None:
        inside &= np.abs((points - lasso.slab.origin_lps) @ lasso.slab.normal_lps) <= lasso.slab.half_mm
    return np.asarray(inside)


@pytest.mark.parametrize("perspective", [False, True])
@pytest.mark.parametrize("slab", [None, Slab(np.array([2.0, -5.5, 8.0]), np.array([0.6, 0.0, 0.8]), 2.5)])
def test_cuts_take_exactly_the_voxels_within_the_line(
    small: Callable[..., Volume], kind: str, perspective: bool, slab: Slab | None
) -> None:
    volume = small(kind)
    before = random_blobs(volume, 11)
    lasso = Lasso(camera(perspective), POLYGON, slab)
    inside = within(volume, lasso)
    assert 50 < (before & inside).sum() < 0.7 * before.sum()
    assert np.array_equal(done(volume, before, "cut-inside", Hand(lasso=lasso)), before & ~inside)
    assert np.array_equal(done(volume, before, "cut-outside", Hand(lasso=lasso)), before & inside)


def test_what_lies_behind_the_eye_is_not_cut(small: Callable[..., Volume]) -> None:
    """In perspective the same line, mirrored through the eye, would meet it."""
    volume = small("oblique")
    matrix = camera(True)
    matrix[3] = matrix[3] * 0.0
    matrix[3, :3] = 0.04 * np.cross([0.8, 0.6, 0.0], [0.36, -0.48, 0.8])
    matrix[3, 3] = -matrix[3, :3] @ (3.0, -5.0, 7.0)  # the eye is in the middle of the phantom
    before = np.ones(volume.geometry.shape_kji, bool)
    lasso = Lasso(matrix, np.array([[-50.0, -50], [50, -50], [50, 50], [-50, 50]]))
    cut = done(volume, before, "cut-outside", Hand(lasso=lasso))
    behind = (centres_lps(volume) @ matrix[3, :3] + matrix[3, 3]) <= 0
    assert behind.sum() > 0.3 * behind.size
    assert not cut[behind].any()
    assert np.array_equal(cut, within(volume, lasso))


def test_pieces_mostly_within_the_line_stay_whole(small: Callable[..., Volume]) -> None:
    volume = small("flipped")
    before = random_blobs(volume, 5, share=0.12)
    lasso = Lasso(camera(True), POLYGON)
    inside = within(volume, lasso)
    labels = label(before, connectivity=1)
    meant = [n for n in range(1, labels.max() + 1) if inside[labels == n].mean() > 0.5]
    assert 1 < len(meant) < labels.max() - 1
    assert np.array_equal(done(volume, before, "lasso-keep", Hand(lasso=lasso)), np.isin(labels, meant))


def test_a_line_that_crosses_itself_is_even_odd() -> None:
    star = np.array([[0.0, 1.0], [0.6, -0.8], [-0.95, 0.3], [0.95, 0.3], [-0.6, -0.8]])
    points = np.random.default_rng(1).uniform(-1, 1, (4000, 2))
    points = points[np.argsort(points[:, 1])]
    assert np.array_equal(crossings_odd(star, points[:, 0], points[:, 1]), points_in_poly(points, star))


def test_a_line_beside_the_structure_and_no_line_are_refused(small: Callable[..., Volume]) -> None:
    volume = small()
    mask = MaskBox((0, 0, 0), random_blobs(volume, 5))
    aside = Hand(lasso=Lasso(camera(False), POLYGON + 90.0))
    for tool in ("cut-inside", "cut-outside", "lasso-keep"):
        with pytest.raises(NothingFound, match="within the line"):
            apply(volume, mask, tool, {}, aside)
        with pytest.raises(UsageError, match="needs a line"):
            apply(volume, mask, tool, {})
    flat = Hand(lasso=Lasso(camera(False), np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])))
    with pytest.raises(NothingFound, match="within the line"):
        apply(volume, mask, "cut-inside", {}, flat)
    everything = Hand(lasso=Lasso(camera(False), 90.0 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])))
    with pytest.raises(NothingFound, match="would be left"):
        apply(volume, mask, "cut-inside", {}, everything)


def test_points_beside_the_line_are_told_exactly() -> None:
    """Points within a hair of it, on both sides: the table of cells never answers for them."""
    rng = np.random.default_rng(4)
    a = np.repeat(POLYGON, 6000, axis=0)
    b = np.repeat(np.roll(POLYGON, -1, axis=0), 6000, axis=0)
    points = a + rng.random((len(a), 1)) * (b - a) + rng.normal(0, 0.002, a.shape)
    lookup = scissors._Lookup(POLYGON)
    in_cells = np.column_stack((points, np.ones(len(points)))) @ lookup.cells_from_plane.T
    found = lookup.inside(in_cells[:, 0], in_cells[:, 1])
    assert np.array_equal(found, points_in_poly(points, POLYGON))
