"""Surfaces of shapes in closed form: how far they are from the truth, and that their stated error is true."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkWindowedSincPolyDataFilter

from arviewer.imaging.meshing import surface
from arviewer.imaging.phantoms.simple import capsule_phantom, shell, sphere, torus
from arviewer.imaging.recipes import segment
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, Provenance, Segment, Segmentation

HU = 600.0
HALF_WAY = (HU - 1000.0) / 2  # between the shape and the air round it

SHAPES = {
    "sphere": (sphere((1.3, -0.7, 0.4), 20.0), 0.005),
    "torus": (torus((0.2, 0.9, -0.6), 15.0, 6.0), 0.008),
    "capsule": (capsule_phantom((-12.0, -6.0, -9.0), (14.0, 8.0, 10.0), 4.0), 0.02),
    "shell": (shell((0.3, 0.5, 0.2), 18.0, 2.5), 0.02),
}

TABLE = {
    **{name: phantom for name, (phantom, _share) in SHAPES.items()},
    "thin shell": shell((0.3, 0.5, 0.2), 18.0, 1.6),
    "small ball": sphere((0.4, -0.3, 0.7), 6.0),
}
"""Of the printed table, at 0.7 × 0.7 × 1.0 mm."""

MEAN_SHARE, MAX_SHARE, AIM_MM = 0.7, 0.6, 0.015
"""Of 3D Slicer's error on the same shape; and what the mean should come to."""


def truth_distance(phantom, points):
    """Unsigned distance of points to the phantom's surface, mm."""
    (part,) = phantom.parts.values()
    return np.abs(np.asarray(part.shape.distance(*np.ascontiguousarray(points.T)), dtype=float))


def slicers_default(volume):
    """The vertices of 3D Slicer's closed surface: the mask, Flying Edges, windowed sinc of 40 iterations and 0.01."""
    mask = np.pad((volume.voxels >= HALF_WAY).astype(np.uint8), 1)
    image = vtkImageData()
    image.SetDimensions(*mask.shape[::-1])
    image.SetSpacing(*volume.geometry.spacing_mm)
    image.SetOrigin(*(volume.geometry.lps_from_ijk.matrix @ (-1, -1, -1, 1))[:3])
    image.GetPointData().SetScalars(numpy_to_vtk(mask.reshape(-1), deep=1))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputConnection(contour.GetOutputPort())
    smoother.SetNumberOfIterations(40)
    smoother.SetPassBand(0.01)
    smoother.NormalizeCoordinatesOn()
    smoother.NonManifoldSmoothingOn()
    smoother.FeatureEdgeSmoothingOff()
    smoother.BoundarySmoothingOff()
    smoother.Update()
    return vtk_to_numpy(smoother.GetOutput().GetPoints().GetData()).astype(float)


@pytest.fixture(scope="module", params=["straight", "oblique", "sheared"])
def kind(request):
    """The grids: along the patient, turned about two axes, and sheared by a tilted gantry."""
    return request.param


@pytest.mark.parametrize("shape", SHAPES)
def test_surface_lies_on_the_truth(shape, kind, grid, scanned):
    """With 20 HU of noise the mean distance to the closed form is at most 0.03 mm, and the volume is right."""
    phantom, volume_share = SHAPES[shape]
    volume = scanned(phantom, grid(kind, 23.0), noise_hu=20.0)
    found = segment(volume, "bone", low_hu=HALF_WAY, min_island_ml=0.1)
    made = surface(found, "bone")
    distance = truth_distance(phantom, made.points_lps)
    assert distance.mean() <= 0.03
    assert distance.max() <= 0.3
    cavity_mm3 = 4 / 3 * np.pi * 15.5**3 if shape == "shell" else 0.0  # enclosed: the recipe fills it
    expected_ml = (phantom.volume_mm3 + cavity_mm3) / 1000.0
    assert made.volume_ml == pytest.approx(expected_ml, rel=volume_share)
    assert made.closed
    assert made.grey_share == 1.0


def test_six_shapes_against_slicers_default(grid, scanned):
    """Mean at most 0.7 and maximum at most 0.6 of 3D Slicer's default, on every shape; the table is printed."""
    print(f"\n{'mm from the truth':20}{'mean':>8}{'max':>8}{'volume %':>10}{'Slicer mean':>14}{'max':>8}")  # noqa: T201 - the table is what people ask for
    worse = []
    for name, phantom in TABLE.items():
        volume = scanned(phantom, grid("straight", 24.0, (0.7, 0.7, 1.0)))
        mask = MaskBox((0, 0, 0), volume.voxels >= HALF_WAY)
        one = Segment(name, CodedTerm("1", "SCT", "Shape"), mask, Provenance("test"), threshold=HALF_WAY)
        made = surface(Segmentation(volume, (one,)), name)
        ours, theirs = (truth_distance(phantom, p) for p in (made.points_lps, slicers_default(volume)))
        change = 100 * (made.volume_ml * 1000 / phantom.volume_mm3 - 1)
        print(f"{name:20}{ours.mean():8.4f}{ours.max():8.3f}{change:10.2f}{theirs.mean():14.4f}{theirs.max():8.3f}")  # noqa: T201
        if ours.mean() > MEAN_SHARE * theirs.mean() or ours.max() > MAX_SHARE * theirs.max():
            worse.append(name)
        assert abs(change) <= (2.0 if name in ("capsule", "small ball") else 0.5)
    assert worse == []


def test_smoothing_keeps_the_volume(grid, scanned):
    """Even a rod of 4 mm radius loses no 0.5 % of its volume to smoothing."""
    volume = scanned(SHAPES["capsule"][0], grid("straight", 23.0), noise_hu=20.0)
    found = segment(volume, "bone", low_hu=HALF_WAY)
    raw, made = surface(found, "bone", max_error_mm=0.0), surface(found, "bone")
    assert made.volume_ml == pytest.approx(raw.volume_ml, rel=0.002)


def test_independent_program_agrees_on_closed_and_volume(grid, scanned):
    """trimesh finds the mesh watertight, wound outward, of the volume and genus that it should have."""
    phantom = SHAPES["torus"][0]
    made = surface(segment(scanned(phantom, grid("sheared", 23.0)), "bone", low_hu=HALF_WAY), "bone")
    mesh = trimesh.Trimesh(made.points_lps, made.triangles, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 0
    assert mesh.volume / 1000.0 == pytest.approx(made.volume_ml, rel=1e-9)
    assert mesh.volume == pytest.approx(phantom.volume_mm3, rel=0.008)
