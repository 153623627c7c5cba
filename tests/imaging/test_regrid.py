"""A structure keeps its place, side and volume when it is laid onto the grid of other images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arviewer.errors import Cancelled, GeometryError, NothingFound, UsageError
from arviewer.imaging.phantoms.simple import chiral, sphere
from arviewer.imaging.regrid import on_grid_of
from arviewer.model.masks import MaskBox, cropped
from arviewer.model.segmentation import IMPORTED, CodedTerm, Provenance, Segment
from arviewer.model.volume import Volume, VolumeGeometry

Grids = Callable[..., VolumeGeometry]


def brought(volume: Volume) -> Segment:
    """A structure on the grid of a volume, as a file brings it: the voxels over half of 600 HU."""
    mask = cropped(volume.voxels > -200)
    return Segment("a", CodedTerm("1", "99", "A"), mask, Provenance(IMPORTED), geometry=volume.geometry)


def centroid_lps(mask: MaskBox, geometry: VolumeGeometry) -> np.ndarray:
    kji = np.argwhere(mask.voxels).mean(axis=0) + mask.start_kji
    matrix = geometry.lps_from_ijk.matrix
    return np.asarray(matrix[:3, :3] @ kji[::-1] + matrix[:3, 3])


@pytest.mark.parametrize("kind", ["straight", "oblique", "sheared", "flipped"])
@pytest.mark.parametrize("center", [(0.0, 0.0, 0.0), (-31.0, 22.0, 140.0)])
def test_place_and_side_stay(
    scanned: Callable[..., Volume], grid: Grids, kind: str, center: tuple[float, float, float]
) -> None:
    own = scanned(chiral(center), grid("straight", spacing_mm=(0.9, 1.2, 1.7), center=center))
    images = scanned(chiral(center), grid(kind, spacing_mm=(0.7, 0.8, 1.1), center=center))
    segment = brought(own)
    found = on_grid_of(images, segment)
    own_place = centroid_lps(segment.mask.box(), own.geometry)
    assert np.linalg.norm(centroid_lps(found, images.geometry) - own_place) < 0.4, "half a voxel"


@pytest.mark.parametrize("kind", ["straight", "oblique", "sheared", "flipped"])
def test_a_ball_keeps_its_place_to_a_tenth_of_a_voxel_and_its_volume(
    scanned: Callable[..., Volume], grid: Grids, kind: str
) -> None:
    center = (-31.0, 22.0, 140.0)
    own = scanned(sphere(center, 14.3), grid("straight", spacing_mm=(0.9, 1.2, 1.7), center=center))
    images = scanned(sphere(center, 14.3), grid(kind, spacing_mm=(0.7, 0.8, 1.1), center=center))
    found, segment = on_grid_of(images, brought(own)), brought(own)
    assert np.linalg.norm(centroid_lps(found, images.geometry) - center) < 0.11
    before = segment.mask.box().voxels.sum() * own.geometry.voxel_volume_mm3
    assert found.voxels.sum() * images.geometry.voxel_volume_mm3 == pytest.approx(before, rel=0.01)


def test_the_same_grid_gives_the_same_voxels(scanned: Callable[..., Volume], grid: Grids) -> None:
    images = scanned(chiral(), grid("oblique"))
    segment = brought(images)
    assert on_grid_of(images, segment).sha256() == segment.mask.sha256()


def test_bad_input_is_said(scanned: Callable[..., Volume], grid: Grids) -> None:
    images = scanned(sphere(radius_mm=10.0), grid("oblique"))
    elsewhere = scanned(sphere((500.0, 0.0, 0.0), 10.0), grid("straight", center=(500.0, 0.0, 0.0)))
    with pytest.raises(NothingFound):
        on_grid_of(images, brought(elsewhere))
    segment = brought(images)
    with pytest.raises(UsageError):
        on_grid_of(images, Segment("a", segment.term, segment.mask, segment.made_by))
    foreign = VolumeGeometry.of_grid(images.geometry.shape_kji, images.geometry.lps_from_ijk.matrix, "9.9.9")
    with pytest.raises(GeometryError):
        on_grid_of(images, Segment("a", segment.term, segment.mask, segment.made_by, geometry=foreign))

    def stop(fraction: float, what: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        on_grid_of(images, segment, stop)
