"""One program makes or simplifies a surface: ``python -m bench.mesh_jobs surface|simplify NAME FOLDER``.

The bone of the CT in the folder is segmented first, off the clock: all programs begin with the same mask, or with the
same smoothed mesh. What they made is looked at after the clock has stopped.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints, vtkSMPTools
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkQuadricDecimation, vtkWindowedSincPolyDataFilter

import arviewer
from arviewer.imaging.meshing import extract
from arviewer.imaging.meshing.measure import Cells, Samples, error_of
from arviewer.imaging.meshing.quality import bad_edges
from arviewer.imaging.meshing.simplify import Held, Measured, fewer
from arviewer.imaging.meshing.smoothing import smoothed
from arviewer.model.segmentation import Segmentation
from arviewer.model.surface import signed_volume_mm3
from arviewer.workers.progress import silent
from bench.measure import LOW_HU, MIN_ISLAND_ML, measured

SHARE = 0.1
"""Of the triangles, that simplifying leaves."""

Mesh = tuple[npt.NDArray[Any], npt.NDArray[np.int32]]
Job = Callable[[], Mesh]


def ours_surface(found: Segmentation) -> Job:
    def job() -> Mesh:
        made = extract.surface(found, "bone")
        return made.points_lps, made.triangles

    return job


def slicer_surface(found: Segmentation) -> Job:
    """3D Slicer's default: the mask, Flying Edges, windowed sinc of 40 iterations and 0.01."""
    mask = np.pad(found["bone"].mask.box().voxels.view(np.uint8), 1)
    return lambda: _contoured(mask, 0.5, found, 40, 0.01)


def grey_surface(found: Segmentation) -> Job:
    """Grey values inside the mask and next to it, Flying Edges, windowed sinc of 20 iterations and 0.03."""
    box = found["bone"].mask.box()
    mask, grey = np.pad(box.voxels, 2), np.pad(found.volume.voxels[box.slices], 2, constant_values=-1000)

    def job() -> Mesh:
        near = mask.copy()
        for axis in range(3):
            face = np.moveaxis(near, axis, 0)
            wide = face.copy()
            wide[1:] |= face[:-1]
            wide[:-1] |= face[1:]
            face[:] = wide
        field = np.where(near, grey, np.int16(-1000))
        return _contoured(field, LOW_HU - 0.5, found, 20, 0.03)

    return job


def _contoured(field: npt.NDArray[Any], iso: float, found: Segmentation, iterations: int, band: float) -> Mesh:
    vtkSMPTools.SetBackend("STDThread")  # all cores, which it does not use unless told
    image = vtkImageData()
    image.SetDimensions(*field.shape[::-1])
    image.SetSpacing(*found.volume.geometry.spacing_mm)
    image.GetPointData().SetScalars(numpy_to_vtk(field.reshape(-1)))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, iso)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(contour.GetOutput())
    smoother.SetNumberOfIterations(iterations)
    smoother.SetPassBand(band)
    smoother.NormalizeCoordinatesOn()
    smoother.NonManifoldSmoothingOn()
    smoother.FeatureEdgeSmoothingOff()
    smoother.BoundarySmoothingOff()
    smoother.Update()
    return _arrays(smoother.GetOutput())


def _arrays(mesh: vtkPolyData) -> Mesh:
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    return vtk_to_numpy(mesh.GetPoints().GetData()), triangles


class Simplifying:
    """Bone as it is before it is simplified."""

    def __init__(self, found: Segmentation) -> None:
        self.raw = extract._raw(found, "bone", silent, capped=True)
        self.points = smoothed(self.raw.points, self.raw.triangles, self.raw.caps == 0, extract.MAX_ERROR_MM)
        self.ijk_from_lps = found.volume.geometry.lps_from_ijk.inverse()
        self.least = int(SHARE * len(self.raw.triangles))

    def ours(self) -> Mesh:
        """Simplify, and measure the error."""
        raw = self.raw
        merged = fewer(self.points, raw.triangles, Held(raw.caps, raw.rim), np.inf, self.least)
        made = Measured(raw.points, self.points, raw.triangles, self.ijk_from_lps, merged)
        self.error_mm = made.error_mm
        return merged.points, made.triangles

    def quadric(self) -> Mesh:
        """Simplify with vtkQuadricDecimation."""
        mesh, corners, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
        corners.SetData(numpy_to_vtk(self.points.astype(np.float32)))
        offsets = np.arange(0, 3 * len(self.raw.triangles) + 1, 3, dtype=np.int32)
        cells.SetData(numpy_to_vtk(offsets), numpy_to_vtk(self.raw.triangles.reshape(-1)))
        mesh.SetPoints(corners)
        mesh.SetPolys(cells)
        decimation = vtkQuadricDecimation()
        decimation.SetInputData(mesh)
        decimation.SetTargetReduction(1 - SHARE)
        decimation.Update()
        return _arrays(decimation.GetOutput())

    def fast(self) -> Mesh:
        """Simplify with fast-simplification."""
        simplify = importlib.import_module("fast_simplification").simplify
        points, triangles = simplify(self.points.astype(np.float32), self.raw.triangles, 1 - SHARE)
        return points, triangles.astype(np.int32)

    def tell(self, mesh: Mesh) -> Mapping[str, object]:
        """Measure what was made, the same way for all."""
        points, triangles = mesh[0].astype(np.float64), mesh[1]
        spread, of_raw = Samples(points, triangles), Samples(self.raw.points, self.raw.triangles)
        there = Cells(points, triangles, self.ijk_from_lps, spread).distances(of_raw)
        back = Cells(self.raw.points, self.raw.triangles, self.ijk_from_lps).distances(spread)
        error = error_of(there, back)
        stated = getattr(self, "error_mm", error)
        if abs(stated.mean - error.mean) > 1e-6 or stated.max < error.max - 1e-6:
            raise SystemExit("the stated error is not the one measured")
        return {**tell(mesh), "before": len(self.raw.triangles), "mean_mm": error.mean, "max_mm": error.max}


SURFACES = {"ours": ours_surface, "slicer": slicer_surface, "grey": grey_surface}
SIMPLIFIERS = {"ours": Simplifying.ours, "quadric": Simplifying.quadric, "fast": Simplifying.fast}


def tell(mesh: Mesh) -> Mapping[str, object]:
    """Describe a mesh."""
    points, triangles = mesh
    volume = signed_volume_mm3(points.astype(np.float64), triangles)
    return {"triangles": len(triangles), "bad_edges": len(bad_edges(triangles)), "ml": volume / 1000}


def main() -> None:
    work, name, folder = sys.argv[1:4]
    volume = arviewer.load(max(arviewer.scan(folder), key=lambda series: len(series.instances)))
    found = arviewer.segment(volume, "bone", low_hu=LOW_HU, min_island_ml=MIN_ISLAND_ML)
    if work == "surface":
        measured(SURFACES[name](found), tell)
    else:
        mesh = Simplifying(found)
        if name == "fast":
            importlib.import_module("fast_simplification")
        measured(lambda: SIMPLIFIERS[name](mesh), mesh.tell)


if __name__ == "__main__":
    main()
