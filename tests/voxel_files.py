"""Structures of the oblique phantom to be written as voxels, and other programs that read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import highdicom
import nibabel
import nrrd
import numpy as np
import SimpleITK

from arviewer.formats.export_voxels import export_voxels
from arviewer.model.masks import cropped
from arviewer.model.segmentation import CodedTerm, Provenance, Segment
from arviewer.model.study import Series
from arviewer.model.volume import Volume, VolumeGeometry
from tests.structure_files import Case

COLORS = {"block": (0.8, 0.2, 0.1), "left": (0.1, 0.6, 0.3)}
Placed = dict[str, tuple[int, np.ndarray]]
"""Name of a structure to its number of voxels and their middle in LPS, as another program finds them."""


def segment_of(case: Case, name: str, **traits: object) -> Segment:
    """A part of the phantom as the recipe "bone" would have found it."""
    segment = Segment(
        name=name,
        term=CodedTerm("272673000", "SCT", "Bone"),
        mask=cropped(case.coverage[name] >= 0.5),
        made_by=Provenance("bone", {"low_hu": 250.0}, "9.9", (case.series.uid,), case.series.instances),
        color=COLORS.get(name),
    )
    return replace(segment, **traits)


def volume_of(case: Case, geometry: VolumeGeometry | None = None, series: Series | None = None) -> Volume:
    geometry = geometry or case.series.geometry
    assert geometry is not None
    shape = geometry.shape_kji
    return Volume(np.zeros(shape, np.int16), geometry, series or case.series, "HU", np.ones(shape[0], bool))


def exported(case: Case, path: Path, *names: str, **options: object) -> Path:
    export_voxels([segment_of(case, name) for name in names], volume_of(case), path, **options)
    return path


def truth(case: Case, *names: str) -> Placed:
    """What the model says, from the affine alone."""
    found = {}
    for name in names:
        k, j, i = np.nonzero(case.coverage[name] >= 0.5)
        lps = (case.geometry.lps_from_ijk.matrix @ np.stack([i, j, k, np.ones(len(k))]))[:3]
        found[name] = (len(k), lps.mean(axis=1))
    return found


def same(found: Placed, expected: Placed) -> bool:
    """The same names, numbers of voxels, and middles to a micrometre."""
    return found.keys() == expected.keys() and all(
        found[name][0] == count and np.abs(found[name][1] - middle).max() < 1e-3
        for name, (count, middle) in expected.items()
    )


def by_pynrrd(path: Path) -> Placed:
    labels, header = nrrd.read(str(path))
    assert header["space"] == "left-posterior-superior"
    directions = np.array([one for one in header["space directions"] if np.isfinite(one).all()]).T
    layered = labels if labels.ndim == 4 else labels[None]
    found = {}
    for n in range(sum(key.endswith("_Name") for key in header)):
        told = {key: header[f"Segment{n}_{key}"] for key in ("Name", "Layer", "LabelValue", "Extent")}
        ijk = np.array(np.nonzero(layered[int(told["Layer"])] == int(told["LabelValue"])))
        lps = directions @ ijk + header["space origin"][:, None]
        found[told["Name"]] = (ijk.shape[1], lps.mean(axis=1))
        extent = np.array(told["Extent"].split(), int).reshape(3, 2)
        assert (extent == np.stack([ijk.min(axis=1), ijk.max(axis=1)], axis=1)).all()
    return found


def by_itk(names: Sequence[str]) -> Callable[[Path], Placed]:
    """ITK reads NRRD and NIfTI into LPS; names are not its matter."""

    def read(path: Path) -> Placed:
        image = SimpleITK.ReadImage(str(path))
        labels = SimpleITK.GetArrayFromImage(image)
        found = {}
        for value, name in enumerate(names, 1):
            k, j, i = np.nonzero(labels == value)
            ends = [
                image.TransformContinuousIndexToPhysicalPoint(tuple(map(float, p))) for p in zip(i, j, k, strict=True)
            ]
            found[name] = (len(k), np.mean(ends, axis=0))
        return found

    return read


def by_nibabel(names: Sequence[str]) -> Callable[[Path], Placed]:
    def read(path: Path) -> Placed:
        image = nibabel.load(path)
        labels = np.asarray(image.dataobj)
        found = {}
        for value, name in enumerate(names, 1):
            ijk = np.array(np.nonzero(labels == value))
            ras = image.affine[:3, :3] @ ijk + image.affine[:3, 3:]
            found[name] = (ijk.shape[1], ras.mean(axis=1) * (-1, -1, 1))
        return found

    return read


def by_highdicom(path: Path) -> Placed:
    """Pixels and positions as highdicom finds them, frame by frame."""
    seg = highdicom.seg.segread(path)
    labels = {number: seg.get_segment_description(number).segment_label for number in seg.segment_numbers}
    shared = seg.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    row_mm, column_mm = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    places: dict[str, list[np.ndarray]] = {name: [] for name in labels.values()}
    for frame, group in zip(pixels, seg.PerFrameFunctionalGroupsSequence, strict=True):
        j, i = np.nonzero(frame)
        origin = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        lps = origin + np.outer(i * column_mm, cosines[:3]) + np.outer(j * row_mm, cosines[3:])
        places[labels[group.SegmentIdentificationSequence[0].ReferencedSegmentNumber]].append(lps)
    return {name: (sum(map(len, own)), np.concatenate(own).mean(axis=0)) for name, own in places.items()}
