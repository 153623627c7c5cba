"""Head, brain and lesion in MR against the truth, on grids, coils, noise and seeds that no recipe was made for."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from arviewer.errors import Cancelled, NothingFound, UsageError
from arviewer.imaging.dicom import load, scan
from arviewer.imaging.meshing import surface
from arviewer.imaging.phantoms.csg import turn
from arviewer.imaging.phantoms.mr_head import mr_head
from arviewer.imaging.phantoms.raster import coverage
from arviewer.imaging.phantoms.shapes import single
from arviewer.imaging.recipes import segment
from arviewer.imaging.recipes.coarse import coarse
from arviewer.imaging.recipes.head import filled_head
from arviewer.model.findings import FindingKind
from arviewer.model.geometry import Affine
from arviewer.model.study import Patient, Series
from arviewer.model.volume import Region, Volume, VolumeGeometry
from arviewer.workers.progress import silent

LOW_LPS, HIGH_LPS = np.array([-90.0, -130.0, -112.0]), np.array([90.0, 112.0, 98.0])
OBLIQUE = turn("x", 14) @ turn("z", 20) @ turn("y", -10)
SAGITTAL = np.array([[0, 0, -1.0], [1, 0, 0], [0, -1, 0]])
"""Columns: i runs to posterior, j to the feet, k to the right."""

CASES = {
    "straight": (11, np.eye(3), (1.2, 1.4, 2.0), {}),
    "oblique": (12, OBLIQUE, (1.5, 1.7, 2.2), {}),
    "sagittal, noisy": (13, SAGITTAL, (1.3, 1.5, 2.4), {"noise": 24.0}),
    "uneven": (14, turn("z", -12), (1.4, 1.3, 3.0), {"bias": 0.4}),
}


def grid_of(axes, spacing_mm):
    """A grid round the head."""
    counts = np.ceil(np.abs(axes.T) @ (HIGH_LPS - LOW_LPS) / spacing_mm).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = axes * spacing_mm
    matrix[:3, 3] = (LOW_LPS + HIGH_LPS) / 2 - matrix[:3, :3] @ ((counts - 1) / 2)
    return VolumeGeometry((int(counts[2]), int(counts[1]), int(counts[0])), Affine(matrix, "1.2.3", "grid"))


def mr(voxels, geometry, **changes):
    """An MR volume."""
    series = Series("1.2.3.4", "1.2.3", "1.2.3", Patient(), 1, "MR", "phantom")
    values = {"series": series, "unit": "", "slice_valid": np.ones(len(voxels), dtype=bool), **changes}
    return Volume(voxels, geometry, **values)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """A head and its scan."""
    seed, axes, spacing_mm, settings = CASES[request.param]
    phantom, geometry = mr_head(seed, **settings), grid_of(axes, spacing_mm)
    return phantom, mr(phantom.voxels(geometry), geometry)


@pytest.fixture(scope="module")
def small():
    """A head on a coarse grid: quick, for all that is not about accuracy."""
    phantom, geometry = mr_head(15), grid_of(np.eye(3), (3.0, 2.8, 4.0))
    return phantom, mr(phantom.voxels(geometry), geometry)


def dense(volume, found):
    """The mask of a segment on the whole grid."""
    return found.mask.box().within((0, 0, 0), volume.geometry.shape_kji)


def dice(mask, truth):
    """Twice what is in both over the sum."""
    return 2 * np.count_nonzero(mask & truth) / (np.count_nonzero(mask) + np.count_nonzero(truth))


def middle_lps(mask, geometry):
    """Centroid of a mask, LPS mm."""
    matrix = geometry.lps_from_ijk.matrix
    return np.argwhere(mask).mean(axis=0)[::-1] @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.mark.parametrize(("name", "least"), [("head", 0.985), ("brain", 0.97)])
def test_head_and_brain_are_what_the_phantom_is(case, name, least):
    """Dice against the truth, and the centroid within 1 mm of it."""
    phantom, volume = case
    mask = dense(volume, segment(volume, name)[name])
    truth = coverage(phantom.structures[name], volume.geometry) > 0.5
    assert dice(mask, truth) >= least
    assert np.abs(middle_lps(mask, volume.geometry) - middle_lps(truth, volume.geometry)).max() < 1.0


def test_mouth_nose_sinuses_and_windpipe_are_filled(case):
    """Air that opens to the outside, or leaves the scan, is inside the head all the same."""
    _phantom, volume = case
    mask = dense(volume, segment(volume, "head")["head"])
    back = volume.geometry.lps_from_ijk.inverse().matrix
    for lps in ((0, -70, -72), (0, -45, -73), (3, -80, -41), (30, -66, -42), (0, -22, -95), (0, 0, 0)):
        i, j, k = np.rint(back[:3, :3] @ lps + back[:3, 3]).astype(int)
        assert mask[k, j, i], lps


def test_a_slit_through_the_head_is_closed():
    """A void 6 mm wide that is open to the outside in every plane along the grid."""
    k, j, i = np.indices((50, 50, 50))
    grey = np.where((np.minimum(k, np.minimum(j, i)) >= 8) & (np.maximum(k, np.maximum(j, i)) < 42), 500.0, 5.0)
    grey[(np.abs(i - j) < 2) & (k > 24)] = 5.0
    geometry = VolumeGeometry((50, 50, 50), Affine(np.diag([2.0, 2.0, 2.0, 1.0]), "1.2.3", "grid"))
    volume = mr(grey.astype(np.int16), geometry)
    blocks = coarse(volume, 2.0)
    assert not (blocks.mean >= 100)[35, 25, 25]
    assert filled_head(blocks, 100.0, silent)[35, 25, 25]
    assert dense(volume, segment(volume, "head")["head"])[35, 25, 25]


def test_the_large_lesion_is_on_the_left_with_its_dead_core(case):
    """One click on its rim finds all of it, and nothing of the vein that leads to it."""
    phantom, volume = case
    mask = dense(volume, segment(volume, "lesion", at_lps=phantom.points["lesion"])["lesion"])
    truth = coverage(phantom.structures["lesion"], volume.geometry) > 0.5
    assert dice(mask, truth) >= 0.95
    middle = middle_lps(mask, volume.geometry)
    assert middle[0] > 25.0
    assert np.abs(middle - middle_lps(truth, volume.geometry)).max() < 0.6
    core = coverage(phantom.layers[-2].shape, volume.geometry) > 0.9
    assert phantom.layers[-2].name == "necrosis"
    assert mask[core].all()


def test_the_small_lesion_on_the_right_lies_within_half_a_voxel(case):
    """Of 8 mm diameter: the surface lies on average half a voxel or less from the true one."""
    phantom, volume = case
    found = segment(volume, "lesion", at_lps=phantom.points["small lesion"])
    points = surface(found, "lesion").points_lps
    away = phantom.structures["small lesion"].distance(*single(points).T)
    assert np.abs(away).mean() <= 0.5 * volume.geometry.spacing_mm.min()
    assert points[:, 0].mean() < -25.0


def test_a_lesion_is_a_lesion_wherever_it_is_clicked(small):
    """Clicks up to 3 mm apart find the same; each is remembered with the segment."""
    phantom, volume = small
    masks = []
    for off in ((0, 0, 0), (2, 1, 0), (-1, 0, 2)):
        at = np.add(phantom.points["lesion"], off)
        found = segment(volume, "lesion", at_lps=at)["lesion"]
        masks.append(dense(volume, found))
        assert found.made_by.parameters["click_x_mm"] == at[0]
    assert dice(masks[0], masks[1]) > 0.98
    assert dice(masks[0], masks[2]) > 0.98


def test_what_was_cut_off_is_said_with_its_place(small):
    """The brain is cut from the cord below it; a lesion cut from what is as bright beside it says where."""
    phantom, volume = small
    (finding,) = [f for f in segment(volume, "brain")["brain"].findings if f.kind is FindingKind.LEAK_RISK]
    assert finding.details["name"] == "brain"
    assert finding.details["area_mm2"] > 0
    assert 1 <= len(finding.places_lps) <= 5
    voxels = volume.voxels.copy()
    k, j, i = np.argwhere(coverage(phantom.structures["lesion"], volume.geometry) > 0.5).T
    row = int(np.median(k)), int(np.median(j))
    start = i[(k == row[0]) & (j == row[1])].max()
    voxels[(*row, slice(start, start + 8))] = voxels[k, j, i].max()
    found = segment(replace(volume, voxels=voxels), "lesion", at_lps=phantom.points["lesion"])["lesion"]
    finding = next(f for f in found.findings if f.kind is FindingKind.LEAK_RISK)
    matrix = volume.geometry.lps_from_ijk.matrix
    where = matrix[:3, :3] @ (start, row[1], row[0]) + matrix[:3, 3]
    assert np.linalg.norm(finding.places_lps[0] - where) < 9.0
    assert not dense(volume, found)[(*row, start + 5)]


def test_a_lesion_ends_where_a_person_said_and_says_so(small):
    """With a reach of 14 mm no voxel is further away, and the cut is among the places to look at."""
    phantom, volume = small
    at = phantom.points["lesion"]
    found = segment(volume, "lesion", at_lps=at, reach_mm=14.0)["lesion"]
    matrix = volume.geometry.lps_from_ijk.matrix
    lps = np.argwhere(dense(volume, found))[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]
    assert 10.0 < np.linalg.norm(lps - at, axis=1).max() <= 17.0
    finding = next(f for f in found.findings if f.kind is FindingKind.LEAK_RISK)
    assert np.linalg.norm(np.subtract(finding.places_lps[0], at)) == pytest.approx(14.0, abs=6.0)


def at_of(phantom, name):
    """What a recipe needs to be told besides its name."""
    return {"at_lps": phantom.points["lesion"]} if name == "lesion" else {}


NAMES = ["head", "brain", "lesion"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fill", ["nothing", "one value", "noise", "all lost", "not numbers"])
def test_where_there_is_nothing_nothing_is_found(small, name, fill):
    """No crash and no invention: what, why and what to do."""
    phantom, volume = small
    shape, rng = volume.geometry.shape_kji, np.random.default_rng(3)
    if fill == "nothing":
        bad = replace(volume, voxels=np.zeros(shape, np.int16))
    elif fill == "one value":
        bad = replace(volume, voxels=np.full(shape, 500, np.uint16))
    elif fill == "noise":
        bad = replace(volume, voxels=np.abs(rng.normal(0, 20, shape)).astype(np.int16))
    elif fill == "all lost":
        bad = replace(volume, slice_valid=np.zeros(shape[0], dtype=bool))
    else:
        bad = replace(volume, voxels=np.full(shape, np.nan, np.float32))
    error = UsageError if fill == "all lost" and name == "lesion" else NothingFound
    with pytest.raises(error) as caught:
        segment(bad, name, **at_of(phantom, name))
    assert caught.value.why
    assert caught.value.remedy


@pytest.mark.parametrize("name", NAMES)
def test_one_slice_thick_slices_and_parts_are_no_crash(small, name):
    """A single slice, slices ten times as thick as pixels, a part of the head: an answer in words or a segment."""
    phantom, volume = small
    at = at_of(phantom, name)
    back = volume.geometry.lps_from_ijk.inverse().matrix
    k = int(np.rint(back[:3, :3] @ phantom.points["lesion"] + back[:3, 3])[2])
    slices, rows, columns = volume.geometry.shape_kji
    for region in (
        Region((k, 0, 0), (k + 1, rows, columns)),
        Region((k - 5, 0, 0), (k + 6, rows, columns)),
        Region((0, 0, columns // 2), (slices, rows, columns)),
    ):
        inside = tuple(slice(a, b) for a, b in zip(region.start_kji, region.stop_kji, strict=True))
        part = mr(volume.voxels[inside].copy(), volume.geometry.part(region))
        why, kinds = "", set()
        try:
            found = segment(part, name, **at)[name]
            kinds = {f.kind for f in found.findings}
        except NothingFound as error:
            why = error.why
        assert why or kinds
        if name == "head" and not why:
            assert FindingKind.LEAVES_SCAN in kinds


@pytest.mark.parametrize("name", NAMES)
def test_slices_ten_times_as_thick_as_pixels_still_show_it(name):
    """1.2 × 1.2 × 12 mm: most of it is found; that a brain may have run out into the neck is said."""
    phantom, geometry = mr_head(16), grid_of(np.eye(3), (1.2, 1.2, 12.0))
    volume = mr(phantom.voxels(geometry), geometry)
    found = segment(volume, name, **at_of(phantom, name))[name]
    assert dice(dense(volume, found), coverage(phantom.structures[name], geometry) > 0.5) >= 0.8
    assert name != "brain" or FindingKind.LEAK_RISK in {f.kind for f in found.findings}


@pytest.mark.parametrize("name", NAMES)
def test_voxels_that_are_no_numbers_are_not_in_it_and_change_little(small, name):
    """NaN and infinity in a corner of a float volume."""
    phantom, volume = small
    clean = dense(volume, segment(volume, name, **at_of(phantom, name))[name])
    voxels = volume.voxels.astype(np.float32)
    voxels[:2] = np.nan
    voxels[-1, :3] = np.inf
    voxels[-1, 3:5] = -np.inf
    mask = dense(volume, segment(replace(volume, voxels=voxels), name, **at_of(phantom, name))[name])
    assert not mask[:2].any()
    assert dice(mask[2:-1], clean[2:-1]) > 0.97


@pytest.mark.parametrize(
    ("at", "error", "words"),
    [
        ((0.0, 0.0, 500.0), UsageError, "outside the images"),
        ((-85.0, -125.0, 80.0), NothingFound, "No lesion stands out"),
        ((-30.0, 30.0, 20.0), NothingFound, "No lesion stands out"),
        ((9.0, 4.0, 24.0), NothingFound, "No lesion stands out"),
    ],
    ids=["outside", "air", "white matter", "ventricle"],
)
def test_a_click_that_meets_no_lesion_is_answered_in_words(small, at, error, words):
    """Outside, in air, in healthy tissue, in fluid."""
    _phantom, volume = small
    with pytest.raises(error, match=words) as caught:
        segment(volume, "lesion", at_lps=at)
    assert caught.value.remedy


@pytest.mark.parametrize("name", NAMES)
def test_a_cancel_is_heard_at_every_call(small, name):
    """Progress never goes back, ends at 1, and each call can end the work; no thread stays behind."""
    phantom, volume = small
    calls = []
    segment(volume, name, progress=lambda fraction, what="": calls.append(fraction), **at_of(phantom, name))
    assert calls == sorted(calls)
    assert calls[-1] == 1.0
    threads = threading.active_count()
    for stop_at in range(len(calls)):
        heard = []

        def stop(fraction, what="", stop_at=stop_at, heard=heard):
            heard.append(fraction)
            if len(heard) > stop_at:
                raise Cancelled

        with pytest.raises(Cancelled):
            segment(volume, name, progress=stop, **at_of(phantom, name))
    assert threading.active_count() <= threads


def test_the_level_of_the_head_can_be_named(small):
    """In percent of the robust range: more finds less; what was measured is told."""
    _phantom, volume = small
    measured = segment(volume, "head")["head"].made_by.parameters["level_percent"]
    sizes = [
        np.count_nonzero(segment(volume, "head", level_percent=p)["head"].mask.voxels) for p in (5.0, measured, 60.0)
    ]
    assert 1.0 < measured < 60.0
    assert sizes[0] > sizes[1] > sizes[2]
    assert segment(volume, "head", level_percent=5.0)["head"].made_by.parameters["level_percent"] == pytest.approx(
        5.0, abs=0.5
    )


@pytest.fixture(scope="module")
def volunteer(data):
    """A real head in T1-weighted MR, 2 mm, much brighter near the coils than in the middle."""
    series = scan(data / "07_enhanced_multiframe").series
    return load(next(s for s in series if s.description == "anat-T1w_acq-tfl"))


def test_a_real_brain_has_the_size_and_place_of_one(volunteer):
    """Between 1400 and 1650 ml, as high as a brain, its middle and the eyes' place where they are on the images."""
    found = segment(volunteer, "brain")["brain"]
    mask = dense(volunteer, found)
    matrix = volunteer.geometry.lps_from_ijk.matrix
    lps = np.argwhere(mask)[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]
    assert 1400 < np.count_nonzero(mask) * volunteer.geometry.voxel_volume_mm3 / 1000 < 1650
    assert 130 < np.ptp(lps[:, 2]) < 160
    assert 150 < np.ptp(lps[:, 1]) < 185
    assert 120 < np.ptp(lps[:, 0]) < 150
    head = dense(volunteer, segment(volunteer, "head")["head"])
    assert not (mask & ~head).any()
