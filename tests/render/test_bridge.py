"""What pyvista gets is the same anatomy at the same place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.render.bridge import to_pyvista


@pytest.mark.hazard("H01")
def test_a_surface_keeps_its_points_and_its_frame(ball: Callable[..., Surface]) -> None:
    """Same points, same triangles, positive volume, and the frame is written in it."""
    surface = ball((10, 20, 30), 5.0)
    mesh = to_pyvista(surface)

    np.testing.assert_array_equal(mesh.points, surface.points_lps)
    np.testing.assert_array_equal(mesh.regular_faces, surface.triangles)
    assert mesh.volume == pytest.approx(surface.volume_ml * 1000)
    assert list(mesh.field_data["frame"]) == ["LPS mm"]
    assert list(mesh.field_data["frame_of_reference_uid"]) == [surface.frame_of_reference_uid]


@pytest.mark.hazard("H01")
def test_volumes_keep_every_voxels_place(stored_volume: Volume, sheared_volume: Volume) -> None:
    """24 stored orientations and a sheared grid: each voxel's value lies where its affine says."""
    for volume in (stored_volume, sheared_volume):
        data = to_pyvista(volume)
        k, j, i = (n // 3 for n in volume.voxels.shape)
        index = np.ravel_multi_index((k, j, i), volume.voxels.shape)
        matrix = volume.geometry.lps_from_ijk.matrix

        np.testing.assert_allclose(data.points[index], matrix[:3, :3] @ (i, j, k) + matrix[:3, 3], atol=1e-4)
        assert data.point_data["values"][index] == volume.voxels[k, j, i]
        assert data.n_points == volume.voxels.size
