"""A mask in a plane: the very voxels, at their place in the patient, in any plane of any grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arviewer.model.geometry import Affine, Plane, standard_plane
from arviewer.model.masks import BRICK, BrickMask, MaskBox
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.render import masks
from arviewer.render.camera import rotation
from arviewer.render.masks import MaskPicture, mask_in_plane, values_in_plane
from arviewer.render.slices import SliceView

UID = "2.25.77"
SHAPE = (41, 70, 83)
SPACING = (0.7, 0.9, 1.6)
VIEW = SliceView((3.0, -2.0), 0.43, (170, 140))


def geometry(oblique: bool) -> VolumeGeometry:
    axes = np.diag(SPACING)
    if oblique:
        axes = rotation((0.6, 0.48, 0.64), 27) @ axes
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = (31, -12, 140) - axes @ ((np.array(SHAPE[::-1]) - 1) / 2)
    return VolumeGeometry(SHAPE, Affine(matrix, UID, "grid"))


def planes() -> list[Plane]:
    found = [standard_plane(name, (31.2, -12.4, 141.3), UID) for name in ("axial", "coronal", "sagittal")]
    matrix = found[0].lps_from_view.matrix.copy()
    matrix[:3, :3] = rotation((0.6, 0.48, 0.64), 33) @ matrix[:3, :3]
    return [*found, Plane(Affine(matrix, to_space=UID))]


def by_hand(dense: np.ndarray, grid: VolumeGeometry, plane: Plane) -> np.ndarray:
    """Look up every pixel's nearest voxel, one point of the patient after the other."""
    width, height = VIEW.size_px
    rows, columns = np.indices((height, width)).reshape(2, -1)
    flat = VIEW.mm_from_pixel(np.column_stack((columns, rows)))
    points = plane.origin_lps + flat @ np.stack((plane.right_lps, plane.down_lps))
    matrix = np.linalg.inv(grid.lps_from_ijk.matrix)
    i, j, k = np.rint(points @ matrix[:3, :3].T + matrix[:3, 3]).astype(int).T
    inside = (k >= 0) & (k < SHAPE[0]) & (j >= 0) & (j < SHAPE[1]) & (i >= 0) & (i < SHAPE[2])
    found = np.zeros(len(rows), bool)
    found[inside] = dense[k[inside], j[inside], i[inside]]
    return found.reshape(height, width)


@pytest.fixture
def dense() -> np.ndarray:
    """No mirror and no turn maps it onto itself."""
    k, j, i = np.indices(SHAPE)
    return ((k - 18) ** 2 * 3 + (j - 30) ** 2 + (i - 50) ** 2 < 600) | ((i < 20) & (j > 40) & (k > 25))


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("most", [masks.DENSE_VOXELS, 5000], ids=["whole", "in parts"])
def test_pixels_are_those_of_the_voxels(
    dense: np.ndarray, oblique: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixel by pixel as by hand, in every plane, also where it must be done in parts."""
    monkeypatch.setattr(masks, "DENSE_VOXELS", most)
    grid = geometry(oblique)
    mask = BrickMask.of(MaskBox((0, 0, 0), dense))
    for plane in planes():
        expected = by_hand(dense, grid, plane)
        assert expected.any()
        assert np.array_equal(mask_in_plane(mask, grid, plane, VIEW), expected)
        part = mask_in_plane(mask, grid, plane, VIEW, ((30, 90), (41, 160)))
        assert np.array_equal(part, expected[30:90, 41:160])


@pytest.mark.parametrize("oblique", [False, True])
def test_a_kept_picture_follows_an_edit(dense: np.ndarray, oblique: bool) -> None:
    """Voxels added and taken, in bricks that were there and in new ones, are seen; nothing else is done anew."""
    grid = geometry(oblique)
    mask = BrickMask.of(MaskBox((0, 0, 0), dense))
    for plane in planes():
        kept = MaskPicture()
        kept.show(mask, grid, plane, VIEW)
        for box in (np.s_[10:30, 25:45, 40:60], np.s_[2:12, 2:25, 60:83]):
            changed = dense.copy()
            changed[box] ^= True
            start = tuple(part.start for part in box)
            edited = mask.with_box(start, changed[box])
            kept.show(edited, grid, plane, VIEW)
            assert np.array_equal(kept.pixels, by_hand(changed, grid, plane))
        kept.show(mask, grid, plane, VIEW)
        assert np.array_equal(kept.pixels, by_hand(dense, grid, plane)), "taken back"


def test_only_the_changed_part_is_redone(dense: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dab in one brick costs about that brick's pixels."""
    grid, plane = geometry(False), planes()[0]
    mask = BrickMask.of(MaskBox((0, 0, 0), dense))
    kept = MaskPicture()
    kept.show(mask, grid, plane, VIEW)
    parts: list[object] = []
    whole = masks.mask_in_plane

    def noticed(*args: object) -> np.ndarray:
        parts.append(args[4])
        return whole(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(masks, "mask_in_plane", noticed)
    told = kept.show(mask.with_box((20, 33, 40), np.zeros((1, 1, 1), bool)), grid, plane, VIEW)

    assert parts == [told]
    ((top, bottom), (left, right)) = told
    assert (bottom - top) * VIEW.mm_per_pixel <= BRICK * SPACING[1] + 2
    assert (right - left) * VIEW.mm_per_pixel <= BRICK * SPACING[0] + 2


def test_values_between_two_limits(volume_of: Callable[..., Volume]) -> None:
    """Both limits count; lost slices and the space beyond the scan do not, though they read as zero."""
    values = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE) // 100 - 1000
    valid = np.ones(SHAPE[0], bool)
    valid[20] = False
    grid = geometry(False)
    volume = volume_of(values.astype(np.int16), grid.lps_from_ijk.matrix, valid)
    plane = planes()[1]

    found = values_in_plane(volume, plane, VIEW, -100, 900)

    expected = by_hand((values >= -100) & (values <= 900), grid, plane)
    lost = by_hand(np.broadcast_to(~valid[:, None, None], SHAPE), grid, plane)
    assert lost.any()
    assert not found[lost].any()
    near = lost | np.roll(lost, 4, axis=0) | np.roll(lost, -4, axis=0)  # pixels in which it has a share
    assert np.array_equal(found[~near], expected[~near])
