"""RTSTRUCT, written by a few lines of pydicom: rings, keyholes, gaps, and contours that enclose nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arviewer
from arviewer.errors import InputRefused
from arviewer.formats.dicom.contours import coverage
from arviewer.formats.structures import structures
from arviewer.model.findings import FindingKind
from tests.structure_files import (
    CENTER,
    Case,
    Contours,
    by_name,
    centroid_lps,
    circle,
    closed,
    write_structure_set,
)

PLANES = range(20, 32)
RING_MM3 = np.pi * (20.0**2 - 8.0**2) * len(PLANES) * 1.9


@pytest.mark.hazard("H01")
def test_a_hole_is_a_hole_however_it_is_drawn(case: Case, tmp_path: Path) -> None:
    """An inner contour and a keyhole give the same ring, with the volume of the closed form, off center and oblique."""
    rings, keyholes = [], []
    for k in PLANES:
        outer, inner = circle(case, k, 20.0, (5, -3)), circle(case, k, 8.0, (5, -3))
        rings += [outer, inner]
        keyholes.append(np.concatenate([outer, outer[:1], inner[:1], inner[::-1]]))
    path = write_structure_set(case, tmp_path / "rt.dcm", {"ring": closed(*rings), "keyhole": closed(*keyholes)})

    found = by_name(arviewer.structures(path, case.series))

    middle = np.mean([circle(case, k, 1.0, (5, -3)).mean(axis=0) for k in PLANES], axis=0)
    for name in ("ring", "keyhole"):
        grid = found[name].volume.geometry
        assert np.sum(found[name].volume.voxels) / 100 * grid.voxel_volume_mm3 == pytest.approx(RING_MM3, rel=0.002)
        assert np.linalg.norm(centroid_lps(found[name]) - middle) < 0.02
        assert grid.spacing_mm[2] == pytest.approx(1.9, abs=1e-3)
        surface = arviewer.surface(found[name], name, max_error_mm=0.0)
        assert surface.closed
        assert surface.volume_ml * 1000 == pytest.approx(RING_MM3, rel=0.01)
        assert surface.capped_mm2 == 0
    assert found["ring"].segments[0].color == pytest.approx((1.0, 128 / 255, 0.0))
    assert found["ring"].segments[0].findings == ()


def test_planes_between_the_slices_keep_their_own_step(case: Case, tmp_path: Path) -> None:
    """Contours off the slices have the step of their own positions; a gap stays empty and is told."""
    planes = [10.4 + 1.5 * n for n in range(9) if n != 4]
    path = write_structure_set(case, tmp_path / "rt.dcm", {"rod": closed(*(circle(case, k, 12.0) for k in planes))})

    (found,) = structures(path, case.series)

    assert found.volume.geometry.spacing_mm[2] == pytest.approx(1.5 * 1.9, abs=1e-3)
    volume = np.sum(found.volume.voxels) / 100 * found.volume.geometry.voxel_volume_mm3
    assert volume == pytest.approx(np.pi * 144 * 8 * 1.5 * 1.9, rel=0.005)
    kinds = [finding.kind for finding in found.segments[0].findings]
    assert kinds == [FindingKind.PLANES_WITHOUT_CONTOUR]


def test_one_plane_alone_between_slices_says_that_its_step_is_assumed(case: Case, tmp_path: Path) -> None:
    """A plane has no thickness, and what is assumed is told."""
    path = write_structure_set(case, tmp_path / "rt.dcm", {"disc": closed(circle(case, 10.4, 12.0))})

    (found,) = structures(path, case.series)

    assert found.segments[0].findings[0].kind is FindingKind.STEP_ASSUMED


def test_what_encloses_nothing_is_left_out_and_told(case: Case, tmp_path: Path) -> None:
    """Points, lines, slivers and nonsense beside real contours: counted, with the reason, on the structure itself."""
    good = closed(*(circle(case, k, 12.0) for k in PLANES))
    tilted = circle(case, 25, 9.0)
    tilted[:90] += 3.0
    bad: Contours = [
        ("POINT", np.array([CENTER])),
        ("OPEN_PLANAR", circle(case, 25, 5.0)),
        ("CLOSED_PLANAR", np.array([CENTER, CENTER])),
        ("CLOSED_PLANAR", np.array([CENTER, CENTER, CENTER])),
        ("CLOSED_PLANAR", np.array([[1e9, 0, 0], [0, 1e9, 0], [0, 0, 1e9]])),
        ("CLOSED_PLANAR", tilted),
    ]
    path = write_structure_set(
        case, tmp_path / "rt.dcm", {"tumor": [*good, *bad], "iso": [("POINT", np.array([CENTER]))]}
    )

    (found,) = structures(path, case.series)

    told = [f.details for f in found.segments[0].findings if f.kind is FindingKind.LEFT_OUT]
    assert [one["count"] for one in told] == [6, 1]
    assert "POINT" in told[0]["why"]
    assert "plane of the others" in told[0]["why"]
    assert found.segments[0].made_by.parameters["contours"] == len(PLANES)


@pytest.mark.hazard("H15")
def test_another_frame_of_reference_is_refused(case: Case, tmp_path: Path) -> None:
    """The frame stands inside a sequence; both are named."""
    path = write_structure_set(case, tmp_path / "rt.dcm", {"a": closed(circle(case, 20, 9.0))}, frame="1.2.3.4")

    with pytest.raises(InputRefused, match=r"frame of reference(.|\n)*1\.2\.3\.4") as refusal:
        structures(path, case.series)
    assert case.series.frame_of_reference_uid in refusal.value.why


@pytest.mark.hazard("H22")
@pytest.mark.parametrize(
    ("name", "why"), [("rtstruct_bad_contours.dcm", ""), ("rtstruct_roi_number_dangling.dcm", "no contours")]
)
def test_crafted_structure_sets_do_no_harm(case: Case, data: Path, tmp_path: Path, name: str, why: str) -> None:
    """Odd, empty and huge contours are left out and counted; regions that are not there end in a refusal by name."""
    ds = pydicom.dcmread(data / "13_malformed_crafted" / name)
    ds.PatientID, ds.StudyInstanceUID = case.series.patient.id, case.series.study_uid
    del ds.PatientName
    for roi in ds.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = case.series.frame_of_reference_uid
    ds.save_as(tmp_path / name)

    if why:
        with pytest.raises(InputRefused, match=f"{name}(.|\n)*{why}"):
            structures(tmp_path / name, case.series)
        return
    (found,) = structures(tmp_path / name, case.series)
    assert found.segments[0].findings[0].details["count"] == 6
    assert found.segments[0].color is None  # 300, -5, 0 is no color
    corners = np.array([[0, 0, 0], [10, 0, 5], [0, 10, 9]])  # the one contour that encloses something
    assert np.linalg.norm(centroid_lps(found) - corners.mean(axis=0)) < 0.3


def inside_even_odd(contours: list[np.ndarray], x: float, y: float) -> bool:
    """Ray casting, written down plainly."""
    odd = False
    for ring in contours:
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if (y0 <= y) != (y1 <= y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                odd = not odd
    return odd


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.floats(-2, 14), st.floats(-2, 11)), min_size=3, max_size=9), min_size=1, max_size=3)
)
def test_coverage_is_even_odd_for_any_contours(rings: list[list[tuple[float, float]]]) -> None:
    """Crossing, nested, leaving the picture: coverage equals fine sampling of the plain rule."""
    contours = [np.array(ring) for ring in rings]
    found = coverage(contours, 10, 13)
    offsets = (np.arange(8) + 0.5) / 8 - 0.5
    for j, i in [(0, 0), (3, 4), (5, 6), (7, 11), (9, 12)]:
        sampled = np.mean([inside_even_odd(contours, i + dx, j + dy) for dy in offsets for dx in offsets])
        assert found[j, i] == pytest.approx(sampled, abs=0.2)
    assert found.min() >= 0
    assert found.max() <= 1


def test_coverage_of_a_polygon_is_its_area() -> None:
    """Shoelace against the sum of all pixels."""
    angles = np.linspace(0, 2 * np.pi, 7, endpoint=False)
    ring = np.stack([20 + 11.3 * np.cos(angles) + 2 * np.sin(3 * angles), 15 + 9.1 * np.sin(angles)], axis=1)
    x, y = ring.T
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2

    assert coverage([ring], 32, 40).sum() == pytest.approx(area, rel=2e-3)


@pytest.mark.hazard("H10")
def test_a_region_of_another_frame_is_left_out(case: Case, tmp_path: Path) -> None:
    """Beside one of this frame, which opens and says so."""
    rings = closed(*(circle(case, k, 12.0) for k in PLANES))
    path = write_structure_set(case, tmp_path / "rt.dcm", {"here": rings, "elsewhere": rings})
    ds = pydicom.dcmread(path)
    ds.StructureSetROISequence[1].ReferencedFrameOfReferenceUID = "1.2.3.4"
    ds.save_as(path)

    (found,) = structures(path, case.series)

    assert found.segments[0].name == "here"
    (told,) = [one for one in found.segments[0].findings if one.kind is FindingKind.LEFT_OUT]
    assert "another frame of reference" in str(told.details["why"])
