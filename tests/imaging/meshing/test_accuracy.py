"""Surfaces of shapes in closed form: how far they are from the truth, and that their stated error is true."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import reference, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkGenericCell, vtkPolyData, vtkStaticCellLocator

from arviewer.imaging.meshing import surface
from arviewer.imaging.phantoms.simple import capsule_phantom, shell, sphere, torus
from arviewer.imaging.recipes import segment

HU = 600.0
HALF_WAY = (HU - 1000.0) / 2  # between the shape and the air round it

SHAPES = {
    "sphere": (sphere((1.3, -0.7, 0.4), 20.0), 0.005),
    "torus": (torus((0.2, 0.9, -0.6), 15.0, 6.0), 0.008),
    "capsule": (capsule_phantom((-12.0, -6.0, -9.0), (14.0, 8.0, 10.0), 4.0), 0.02),
    "shell": (shell((0.3, 0.5, 0.2), 18.0, 2.5), 0.02),
}


def truth_distance(phantom, points):
    """Unsigned distance of points to the phantom's surface, mm."""
    (part,) = phantom.parts.values()
    return np.abs(np.asarray(part.shape.distance(*np.ascontiguousarray(points.T)), dtype=float))


def distance_to(mesh, points):
    """Distance of points to a triangle mesh, by VTK's locator, mm."""
    poly = vtkPolyData()
    corners = vtkPoints()
    corners.SetData(numpy_to_vtk(np.ascontiguousarray(mesh.vertices), deep=1))
    poly.SetPoints(corners)
    cells = vtkCellArray()
    faces = np.asarray(mesh.faces, dtype=np.int64)
    cells.SetData(numpy_to_vtk(np.arange(0, faces.size + 1, 3), deep=1), numpy_to_vtk(faces.reshape(-1), deep=1))
    poly.SetPolys(cells)
    locator = vtkStaticCellLocator()
    locator.SetDataSet(poly)
    locator.BuildLocator()
    found = np.zeros(3)
    cell, sub, squared = vtkGenericCell(), reference(0), reference(0.0)
    out = []
    for point in points:
        locator.FindClosestPoint(point, found, cell, reference(0), sub, squared)
        out.append(float(squared) ** 0.5)
    return np.array(out)


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


@pytest.mark.parametrize("bound_mm", [0.02, 0.25])
def test_stated_error_bounds_the_distance_both_ways(bound_mm, grid, scanned):
    """Sampled densely, neither surface is further from the other than stated, and the bound asked for holds."""
    volume = scanned(SHAPES["torus"][0], grid("oblique", 23.0), noise_hu=20.0)
    found = segment(volume, "bone", low_hu=HALF_WAY)
    raw, made = surface(found, "bone", max_error_mm=0.0), surface(found, "bone", max_error_mm=bound_mm)
    meshes = [trimesh.Trimesh(s.points_lps, s.triangles, process=False) for s in (raw, made)]
    for one, other in (meshes, meshes[::-1]):
        samples, _ = trimesh.sample.sample_surface(one, 6000, seed=3)
        distance = distance_to(other, samples)
        assert distance.max() <= made.error_mm.max + 1e-6
        assert distance.mean() <= made.error_mm.mean + 1e-3
    assert 0.0 < made.error_mm.mean <= made.error_mm.p95 <= made.error_mm.max <= bound_mm + 1e-9
    assert raw.error_mm.max == 0.0


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
