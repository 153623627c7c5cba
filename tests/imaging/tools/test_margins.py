"""Margins in mm against the plain definition, on every grid; volumes of what is smoothed; walls; holes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from arviewer.errors import NothingFound
from arviewer.imaging.tools import apply
from arviewer.model.findings import FindingKind
from arviewer.model.masks import MaskBox
from arviewer.model.volume import Volume
from tests.imaging.tools.scenes import at, centres_lps, done, random_blobs


def nearest_mm(volume: Volume, voxels: np.ndarray) -> np.ndarray:
    """From every voxel's centre to the nearest of some voxels', mm, by a search tree in patient space."""
    points = centres_lps(volume)
    return np.asarray(cKDTree(points[voxels]).query(points.reshape(-1, 3))[0]).reshape(voxels.shape)


def islands(volume: Volume) -> np.ndarray:
    """Asymmetric, some of it at the border."""
    voxels = random_blobs(volume, 8, share=0.02)
    voxels[0, :3, :4] = True
    return voxels


@pytest.mark.parametrize("mm", [0.5, 1.7, 3.9])
def test_growing_adds_all_within_the_margin(small: Callable[..., Volume], kind: str, mm: float) -> None:
    volume = small(kind)
    before = islands(volume)
    expected = nearest_mm(volume, before) <= mm + 1e-6
    assert np.array_equal(done(volume, before, "grow-by", margin_mm=mm), expected)


@pytest.mark.parametrize("mm", [0.8, 1.7])
def test_shrinking_removes_all_within_the_margin_but_not_from_the_border(
    small: Callable[..., Volume], kind: str, mm: float
) -> None:
    volume = small(kind)
    before = ~islands(volume)
    expected = before & (nearest_mm(volume, ~before) > mm + 1e-6)
    assert expected[-1].any(), "the scan ends there, the structure need not"
    assert np.array_equal(done(volume, before, "shrink-by", margin_mm=mm), expected)
    wall = done(volume, before, "hollow", wall_mm=mm)
    assert np.array_equal(wall, before & ~expected)


def test_voxels_ten_times_as_long_as_wide(small: Callable[..., Volume]) -> None:
    volume = small("oblique", spacing_mm=(0.5, 0.5, 5.0), half_mm=14.0)
    before = islands(volume)
    for mm in (2.0, 7.3):
        expected = nearest_mm(volume, before) <= mm + 1e-6
        assert np.array_equal(done(volume, before, "grow-by", margin_mm=mm), expected)


def test_lost_slices_are_never_filled_and_no_surface(small: Callable[..., Volume]) -> None:
    valid = np.ones(len(small().voxels), bool)
    valid[6] = False
    volume = small(slice_valid=valid)
    before = np.zeros(volume.voxels.shape, bool)
    before[3:10, 5:15, 5:15] = True
    before[6] = False
    grown = done(volume, before, "grow-by", margin_mm=2.0)
    assert not grown[6].any()
    assert grown[5, 4, 9]
    shrunk = done(volume, before, "shrink-by", margin_mm=2.0)
    assert shrunk[5, 9, 9], "next to the lost slice, deep inside"
    assert not shrunk[3, 9, 9]


def ball(volume: Volume, radius_mm: float) -> np.ndarray:
    return np.asarray(np.linalg.norm(centres_lps(volume) - volume.geometry.center_lps, axis=-1) <= radius_mm)


def test_smoothing_keeps_the_volume_within_one_percent_and_takes_the_noise(
    small: Callable[..., Volume], kind: str
) -> None:
    volume = small(kind, half_mm=14.0)
    smooth = ball(volume, 10.0)
    rng = np.random.default_rng(2)
    rim = (ndimage.binary_dilation(smooth) & ~smooth) | (smooth & ~ndimage.binary_erosion(smooth))
    rough = smooth ^ (rim & (rng.random(smooth.shape) < 0.4))
    after = done(volume, rough, "smooth", blur_mm=1.2)
    assert abs(int(after.sum()) - int(rough.sum())) < 0.01 * rough.sum()
    reference = ball(volume, 10.0 * (rough.sum() / smooth.sum()) ** (1 / 3))
    assert (after ^ reference).sum() < 0.3 * (rough ^ reference).sum()


def test_smoothing_says_what_dissolved(small: Callable[..., Volume]) -> None:
    volume = small("oblique")
    voxels = ball(volume, 5.0)
    voxels[1, 1, 1] = True  # a crumb
    applied = apply(volume, MaskBox((0, 0, 0), voxels), "smooth", {"blur_mm": 1.0})
    (finding,) = applied.findings_of("kidney")
    assert finding.kind is FindingKind.THIN
    assert finding.details["name"] == "kidney"
    assert finding.details["share_percent"] == pytest.approx(100.0 / voxels.sum())
    assert np.allclose(np.array(finding.places_lps), at(volume, 1, 1, 1))


def test_smoothing_at_the_border_does_not_retreat(small: Callable[..., Volume]) -> None:
    volume = small()
    slab = np.zeros(volume.geometry.shape_kji, bool)
    slab[:, :, : slab.shape[2] // 2] = True
    assert np.array_equal(done(volume, slab, "smooth", blur_mm=2.0), slab)


def test_a_wall_thicker_than_the_structure_is_refused(small: Callable[..., Volume]) -> None:
    volume = small()
    with pytest.raises(NothingFound, match="thick enough"):
        done(volume, ball(volume, 4.0), "hollow", wall_mm=6.0)
    with pytest.raises(NothingFound, match="would be left"):
        done(volume, ball(volume, 4.0), "shrink-by", margin_mm=6.0)
    with pytest.raises(NothingFound, match="whole volume"):
        done(volume, ball(volume, 4.0), "grow-by", margin_mm=90.0)


def test_holes_in_space_and_in_slices(small: Callable[..., Volume]) -> None:
    volume = small("flipped")
    before = random_blobs(volume, 4, share=0.7)
    before[0] = before[-1] = True
    filled = ndimage.binary_fill_holes(before)
    each = np.stack([ndimage.binary_fill_holes(plane) for plane in before])
    assert before.sum() < filled.sum() < each.sum()
    assert np.array_equal(done(volume, before, "fill-holes"), filled)
    assert np.array_equal(done(volume, before, "fill-holes", each_slice=1.0), each)


def test_the_blur_is_as_wide_along_each_axis(small: Callable[..., Volume]) -> None:
    volume = small("oblique", spacing_mm=(0.6, 0.9, 2.4), half_mm=12.0)
    before = random_blobs(volume, 12, share=0.1)
    blurred = ndimage.gaussian_filter(
        before.astype(float), (1.5 / 2.4, 1.5 / 0.9, 1.5 / 0.6), mode="nearest", truncate=3.0
    )
    after = done(volume, before, "smooth", blur_mm=1.5)
    lowest, highest = blurred[after].min(), blurred[~after].max()
    assert lowest > highest - 1e-6, "one level of this blur"
