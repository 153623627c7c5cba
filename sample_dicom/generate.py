"""Write the sample patient: two CT series and TRUTH.json, the same bytes of pixels every time.

Run ``python -m sample_dicom.generate --output FOLDER``; it takes a few minutes on two cores.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from arviewer.imaging.dicom.write import CtHeader, derived_uid, write_ct_series
from arviewer.imaging.phantoms.acquisition import Acquisition
from arviewer.imaging.phantoms.csg import turn
from arviewer.imaging.phantoms.patient import HU, TRABECULAR_SWING_HU
from arviewer.imaging.phantoms.skeleton import CORTEX_MM
from arviewer.imaging.phantoms.truth import Truth, measured, points, structures, tissue_points
from arviewer.model.geometry import Affine, Ijk, Lps
from arviewer.model.study import Patient
from arviewer.model.volume import VolumeGeometry

VERSION = "1"
"""Part of every UID: raise it whenever a pixel changes."""

FOLDER = Path(__file__).resolve().parent
PATIENT = Patient(name="Sample^Patient", id="ARV-SAMPLE-1", birth_date="19630417", sex="F")
STUDY_UID = derived_uid("sample", VERSION, "study")
FRAME_UID = derived_uid("sample", VERSION, "frame of reference")
LPS_FROM_BODY_MM = np.array([6.4, -12.7, -214.3])
"""Where the patient's own origin lies in the scanner: off-center on every axis."""


def _geometry(
    shape_kji: tuple[int, int, int], axes_mm: npt.NDArray[np.float64], center: tuple[float, ...]
) -> VolumeGeometry:
    """Return a grid in the patient's own frame from its axes (columns i, j, k in mm) and its middle."""
    matrix = np.eye(4)
    matrix[:3, :3] = axes_mm
    matrix[:3, 3] = np.round(np.array(center) - axes_mm @ ((np.array(shape_kji[::-1]) - 1) / 2), 6)
    affine: Affine[Lps, Ijk] = Affine(matrix)
    return VolumeGeometry(shape_kji, affine)


def acquisitions() -> dict[str, Acquisition]:
    """Return how both series are scanned, by folder name."""
    axial = _geometry((240, 384, 384), np.diag([0.92, 0.90, 1.9]), (-6.4, 8.2, 186.0))
    # Rows run to posterior, columns to the feet, slices from left to right; then tilted about z and about y.
    plane = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    tilted = np.round(turn("z", 12.0) @ turn("y", 8.0) @ plane, 9) * np.array([1.5, 1.56, 4.0])
    sagittal = _geometry((44, 280, 160), tilted, (4.0, 0.0, 188.0))
    return {
        "ct": Acquisition(axial, slice_thickness_mm=2.5, noise_hu=11.0, seed=1),
        "sagittal": Acquisition(sagittal, slice_thickness_mm=5.0, noise_hu=8.5, seed=2, samples_kji=(4, 2, 2)),
    }


def in_scanner(geometry: VolumeGeometry) -> VolumeGeometry:
    """Return a grid of the patient's own frame in LPS of the scanner."""
    matrix = geometry.lps_from_ijk.matrix.copy()
    matrix[:3, 3] += LPS_FROM_BODY_MM
    return VolumeGeometry(geometry.shape_kji, Affine(matrix, to_space=FRAME_UID))


def header(name: str) -> CtHeader:
    """Return what the files of a series say about it."""
    axial = name == "ct"
    return CtHeader(
        PATIENT,
        STUDY_UID,
        derived_uid("sample", VERSION, "series", name),
        number=3 if axial else 7,
        description="Chest abdomen with contrast" if axial else "Oblique sagittal 4 mm",
        study_description="Synthetic patient of known truth",
        date="20260102",
        slice_thickness_mm=acquisitions()[name].slice_thickness_mm,
        image_type=("DERIVED", "PRIMARY", "AXIAL") if axial else ("DERIVED", "SECONDARY", "MPR"),
        contrast_agent="Iodinated contrast (simulated)",
        body_part="CHEST",
        kernel="SOFT",
        # A step of 83 visits every name once (83 and 997 share no factor): names tell nothing about the order.
        name_of_slice=lambda k: f"{'CT' if axial else 'SG'}{(k * 83 + 131) % 997:03d}.dcm",
    )


def _scan(job: tuple[str, int]) -> npt.NDArray[np.int16]:
    acquisition = acquisitions()[job[0]]
    return acquisition.scan(acquisition.slabs()[job[1]])


def _measure(name: str) -> Truth:
    return measured(structures()[name], acquisitions()["ct"].geometry)


def _lps(body: tuple[float, ...]) -> list[float]:
    return [round(float(value), 3) for value in np.array(body) + LPS_FROM_BODY_MM]


def _series_truth() -> dict[str, Any]:
    described = {}
    for name, acquisition in acquisitions().items():
        geometry, told = in_scanner(acquisition.geometry), header(name)
        described[name] = {
            "series_uid": told.series_uid,
            "number": told.number,
            "description": told.description,
            "size_ijk": list(geometry.shape_kji[::-1]),
            "spacing_mm": [round(float(value), 6) for value in geometry.spacing_mm],
            "slice_thickness_mm": told.slice_thickness_mm,
            "lps_from_ijk": geometry.lps_from_ijk.matrix.tolist(),
            "noise_hu": acquisition.noise_hu,
        }
    return described


MIDDLE_MM = 7.0
"""A centroid nearer to the midline than this has no side."""


def _side(x_body: float) -> str:
    return "middle" if abs(x_body) < MIDDLE_MM else ("left" if x_body > 0 else "right")


def truth(measures: dict[str, Truth]) -> dict[str, Any]:
    """Return everything that TRUTH.json tells."""
    told = {
        name: {
            "volume_ml": round(found.volume_ml, 4),
            "volume_error_ml": round(found.error_ml, 5),
            "centroid_lps_mm": _lps(found.centroid),
            "side": _side(found.centroid[0]),
            "leaves_scan": found.leaves_scan,
        }
        for name, found in measures.items()
        if found.volume_ml > 0
    }
    named = {name: _lps(place) for name, place in points().items()}
    pairs = itertools.combinations(named, 2)
    distances = {f"{a} - {b}": round(float(np.linalg.norm(np.subtract(named[a], named[b]))), 3) for a, b in pairs}
    return {
        "generator_version": VERSION,
        "frame": "DICOM LPS, mm",
        "patient": {"name": PATIENT.name, "id": PATIENT.id, "birth_date": PATIENT.birth_date, "sex": PATIENT.sex},
        "study_uid": STUDY_UID,
        "frame_of_reference_uid": FRAME_UID,
        "midline_x_lps_mm": round(float(LPS_FROM_BODY_MM[0]), 3),
        "series": _series_truth(),
        "meaning": MEANING,
        "structures": told,
        "sides": {name: _side(measures[name].centroid[0]) for name in SIDED},
        "marked_rib": {
            "rib": "left rib 7",
            "what": "healed fracture: a callus of 15 x 26 x 17 mm around a metal pin of 1800 HU",
            "pin_center_lps_mm": named["fracture pin center"],
        },
        "points_lps_mm": named,
        "distances_mm": distances,
        "tissue_hu": {**HU, "trabecular bone swing": TRABECULAR_SWING_HU},
        "cortical_thickness_mm": CORTEX_MM,
        "tissue_points": {
            name: {"tissue": tissue, "hu": HU[tissue], "lps_mm": _lps(place)}
            for name, (tissue, place) in tissue_points().items()
        },
    }


SIDED = ("liver", "tumor", "gallbladder", "spleen", "stomach", "heart", "right kidney", "left kidney", "fracture pin")

MEANING = {
    "volumes": "within the axial scan, from the first to the last voxel edge; the sagittal series shows a part of it",
    "volume_error_ml": "difference between 125 and 27 samples per voxel on the surface",
    "skin": "everything inside the outer skin: lungs and airways included, table not",
    "bone": "all bones, solid: marrow included, callus and pin too; spinal canal, discs and costal cartilage not",
    "lungs": "both lungs filled: vessels inside them included; trachea and main bronchi not",
    "vessels": "all contrast-filled lumen: aorta, its branches, iliac and renal arteries, left heart chambers, "
    "vessels of the liver; lung vessels, right heart and caval veins are not opacified and not included",
    "liver": "filled: its vessels and the tumor included",
    "heart": "walls and chambers",
    "right kidney": "parenchyma without the sinus; the same holds for the left",
    "stomach": "wall and content",
}


def main(arguments: list[str] | None = None) -> int:
    """Write both series and TRUTH.json into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write into (default: this one)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=("ct", "sagittal", "truth"), action="append", help="write only this part")
    options = parser.parse_args(arguments)
    parts = options.only or ["ct", "sagittal", "truth"]
    options.output.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.processes) as pool:
        for name, acquisition in acquisitions().items():
            if name in parts:
                jobs = [(name, number) for number in range(len(acquisition.slabs()))]
                voxels = np.concatenate(list(pool.map(_scan, jobs)))
                shutil.rmtree(options.output / name, ignore_errors=True)
                write_ct_series(voxels, in_scanner(acquisition.geometry), options.output / name, header(name))
                print(f"{name}: {len(voxels)} slices")
        if "truth" in parts:
            names = list(structures())
            told = truth(dict(zip(names, pool.map(_measure, names), strict=True)))
            text = json.dumps(told, indent=1, ensure_ascii=False)
            (options.output / "TRUTH.json").write_text(text + "\n", encoding="utf-8")
            print(f"TRUTH.json: {len(told['structures'])} structures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
