"""The same job as people compose it: ``python -m bench.whole_sitk FOLDER FILE.stl [smoothed]``."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk  # noqa: N813  (its own manual calls it so)
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkSMPTools
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkMassProperties, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkIOGeometry import vtkSTLWriter

from bench.measure import LOW_HU, MIN_ISLAND_ML, measured


def job() -> Mapping[str, object]:
    """Read, threshold, drop small pieces, fill cavities, surface of the mask, STL (not verified)."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(sys.argv[1]))
    image = reader.Execute()
    mask = image >= LOW_HU
    spacing = image.GetSpacing()
    size = image.GetSize()
    del image
    smallest = math.ceil(MIN_ISLAND_ML * 1000 / math.prod(spacing))
    pieces = sitk.RelabelComponent(sitk.ConnectedComponent(mask), minimumObjectSize=smallest)
    mask = sitk.BinaryFillhole(sitk.Cast(pieces > 0, sitk.sitkUInt8), fullyConnected=False)
    del pieces
    padded = sitk.ConstantPad(mask, (1, 1, 1), (1, 1, 1), 0)
    voxels = sitk.GetArrayViewFromImage(padded)
    vtkSMPTools.SetBackend("STDThread")  # all cores, which it does not use unless told
    grid = vtkImageData()
    grid.SetDimensions(*padded.GetSize())
    grid.SetSpacing(*spacing)
    grid.SetOrigin(*padded.GetOrigin())
    grid.GetPointData().SetScalars(numpy_to_vtk(voxels.ravel()))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(grid)
    contour.SetValue(0, 0.5)
    contour.Update()
    mesh = contour.GetOutput()
    if "smoothed" in sys.argv:
        smoother = vtkWindowedSincPolyDataFilter()
        smoother.SetInputData(mesh)
        smoother.SetNumberOfIterations(20)
        smoother.SetPassBand(0.1)
        smoother.NormalizeCoordinatesOn()
        smoother.Update()
        mesh = smoother.GetOutput()
    writer = vtkSTLWriter()
    writer.SetInputData(mesh)
    writer.SetFileName(sys.argv[2])
    writer.SetFileTypeToBinary()
    writer.Write()
    mass = vtkMassProperties()
    mass.SetInputData(mesh)
    return {
        "triangles": mesh.GetNumberOfPolys(),
        "ml": mass.GetVolume() / 1000,
        "mask_voxels": int(np.count_nonzero(voxels)),
        "shape": size[::-1],
    }


measured(job)
