"""The truth about the patient, by integration of the shapes themselves over the extent of a scan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from arviewer.imaging.phantoms import abdomen, chest, skeleton, trunk
from arviewer.imaging.phantoms.csg import Intersection, union
from arviewer.imaging.phantoms.patient import arteries, opacified
from arviewer.imaging.phantoms.raster import Sampling, patches, positions_lps
from arviewer.imaging.phantoms.shapes import Shape, Vector
from arviewer.model.volume import VolumeGeometry


@dataclass(frozen=True)
class Truth:
    """Volume (ml), its estimated integration error (ml) and the centroid (mm) of a structure."""

    volume_ml: float
    error_ml: float
    centroid: Vector
    leaves_scan: bool


@cache
def structures() -> dict[str, Shape]:
    """Return every structure whose truth is told, by name."""
    named: dict[str, Shape] = {
        "skin": trunk.body(),
        "bone": skeleton.all_bones(),
        "lungs": chest.both_lungs(),
        "vessels": opacified(),
        **chest.lungs(),
        "airways": chest.airways(),
        "heart": chest.heart(),
        "left heart chambers": union(chest.left_chambers()),
        "aorta": abdomen.aorta(),
        **{name: shape for name, shape in arteries().items() if name.endswith("artery")},
        "liver": abdomen.liver(),
        "liver vessels": Intersection((abdomen.liver_vessels(), abdomen.liver())),
        "tumor": abdomen.tumor(),
        "gallbladder": abdomen.gallbladder(),
        "spleen": abdomen.spleen(),
        **abdomen.kidneys(),
        "stomach": abdomen.stomach(),
        **skeleton.bones(),
        "fracture pin": skeleton.fracture_pin(),
    }
    return named


def measured(shape: Shape, geometry: VolumeGeometry) -> Truth:
    """Return the truth about a shape within the outer voxel edges of a grid.

    The error is the difference between 125 and 27 samples for each voxel on the surface.
    """
    volume, centroid, leaves = _integral(shape, geometry, 5)
    coarse, _, _ = _integral(shape, geometry, 3)
    x, y, z = centroid
    return Truth(volume / 1000, abs(volume - coarse) / 1000, (x, y, z), leaves)


def _integral(shape: Shape, geometry: VolumeGeometry, samples: int) -> tuple[float, tuple[float, ...], bool]:
    total, moment = 0.0, np.zeros(3)
    last = geometry.shape_kji[0]
    at_end = 0.0
    for patch in patches(shape, geometry, range(last), Sampling((samples,) * 3)):
        weights = patch.coverage.astype(np.float64)
        grid = np.meshgrid(*(np.arange(part.start, part.stop, dtype=float) for part in patch.slices), indexing="ij")
        total += float(weights.sum())
        moment += [float((weights * axis).sum()) for axis in positions_lps(geometry, *grid)]
        if patch.slices[0].start == 0:
            at_end += float(weights[0].sum())
        if patch.slices[0].stop == last:
            at_end += float(weights[-1].sum())
    centroid = tuple(float(value) for value in moment / max(total, 1e-9))
    return total * geometry.voxel_volume_mm3, centroid, at_end > 0


def points() -> dict[str, Vector]:
    """Return named points in the patient's own frame, mm."""
    end = abdomen.abdominal_aorta().points[-1]
    low, high = 62.0, 93.0 - skeleton.disc_mm("L3")
    middle = (low + high) / 2
    return {
        "tumor center": abdomen.TUMOR_CENTER,
        "aortic bifurcation": end,
        "aortic valve": chest.thoracic_aorta().points[0],
        "carina": (-4.0, 4.0, 312.0),
        "left ventricle center": chest.LEFT_VENTRICLE[0],
        "left atrium center": (8.0, -12.0, 276.0),
        "right kidney center": abdomen.KIDNEYS["right kidney"][0],
        "left kidney center": abdomen.KIDNEYS["left kidney"][0],
        "L3 body center": (0.0, trunk.SPINE_Y.at(middle), middle),
        "fracture pin center": skeleton.fracture_pin().center,
        "portal vein fork": (-38.0, -10.0, 132.0),
    }


def tissue_points() -> dict[str, tuple[str, Vector]]:
    """Return points that lie at least 6 mm inside a tissue of even HU: name to tissue and place."""
    return {
        "tumor": ("tumor", abdomen.TUMOR_CENTER),
        "liver": ("liver", (-79.0, -24.0, 79.0)),
        "spleen": ("spleen", (97.0, 15.0, 163.0)),
        "descending aorta": ("aorta", (28.0, 29.0, 290.0)),
        "left ventricle": ("left heart", chest.LEFT_VENTRICLE[0]),
        "right lung": ("lung", (-78.0, 30.0, 215.0)),
        "trachea": ("airways", (-2.4, -1.2, 360.0)),
        "vena cava": ("veins", (-24.0, 4.5, 80.0)),
        "gallbladder": ("gallbladder", (-44.0, -52.0, 92.0)),
        "psoas": ("muscle", (-43.0, 28.5, 48.0)),
        "stomach gas": ("gas", (51.0, -52.0, 122.0)),
        "outside": ("air", (-150.0, -120.0, 200.0)),
    }
