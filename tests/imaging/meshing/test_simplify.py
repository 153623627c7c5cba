"""Simplified surfaces: the bound holds, nothing is lost unsaid, the mesh is as sound as before."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import trimesh

from arviewer.errors import Cancelled, UsageError
from arviewer.imaging.meshing import collapse, extract, levels, simplify, surface
from arviewer.imaging.phantoms.simple import shell, sphere, torus
from arviewer.imaging.recipes import segment
from arviewer.model.findings import FindingKind
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, Provenance, Segment, Segmentation
from arviewer.model.surface import Parts, SurfaceError
from tests.imaging.meshing.distances import both_ways, distance_to

TERM = CodedTerm("1", "SCT", "It")
HALF_WAY = -200.0
RING = torus((0.2, 0.9, -0.6), 15.0, 6.0)


def of_threshold(volume, threshold=HALF_WAY):
    """All voxels from the threshold up as one structure, nothing filled."""
    mask = MaskBox((0, 0, 0), volume.voxels >= threshold)
    return Segmentation(volume, (Segment("it", TERM, mask, Provenance("test"), threshold=threshold),))


@pytest.fixture(scope="module")
def noisy_torus(grid, scanned):
    """A ring with noise, oblique."""
    return of_threshold(scanned(RING, grid("oblique", 23.0), noise_hu=20.0))


@pytest.fixture(scope="module")
def gravel(ct, grid):
    """Random voxels: hundreds of pieces and handles, every ambiguous corner there is."""
    geometry = grid("oblique", 9.0)
    mask = np.random.default_rng(3).random(geometry.shape_kji) < 0.4
    return of_threshold(ct(np.where(mask, 500, -900).astype(np.int16), geometry))


def faces_outward(made):
    """Whether every triangle of a ring looks away from the middle of its tube."""
    a, b, c = (made.points_lps[made.triangles[:, n]] for n in range(3))
    (part,) = RING.parts.values()
    middle = (a + b + c) / 3
    further = middle + 0.5 * (normal := np.cross(b - a, c - a)) / np.linalg.norm(normal, axis=1)[:, None]
    distance = [np.asarray(part.shape.distance(*np.ascontiguousarray(p.T))) for p in (middle, further)]
    return bool((distance[1] > distance[0]).all())


@pytest.mark.parametrize("bound_mm", [0.1, 0.25, 0.6])
def test_the_bound_holds_both_ways_and_the_error_is_true(noisy_torus, bound_mm):
    """An independent program, at points of its own, finds what is stated, and nothing beyond the bound."""
    raw = surface(noisy_torus, "it", max_error_mm=0.0)
    made = surface(noisy_torus, "it", max_error_mm=bound_mm, simplify=True)
    distances = both_ways(raw, made)
    assert max(d.max() for d in distances) <= bound_mm
    assert max(d.mean() for d in distances) == pytest.approx(made.error_mm.mean, rel=0.03)
    assert max(np.percentile(d, 95) for d in distances) == pytest.approx(made.error_mm.p95, rel=0.04)
    assert 0.0 < made.error_mm.mean < made.error_mm.p95 < made.error_mm.max <= bound_mm
    assert made.error_mm.samples_per_mm2 == 4.0
    assert raw.error_mm == SurfaceError(0.0, 0.0, 0.0)


def test_it_is_sound_and_keeps_its_volume(noisy_torus):
    """An independent program finds it watertight, outward, a ring; with a fifth of the triangles."""
    whole, made = (surface(noisy_torus, "it", simplify=simple) for simple in (False, True))
    mesh = trimesh.Trimesh(made.points_lps, made.triangles, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 0
    assert made.parts == made.parts_before == Parts(1, 1)
    assert len(made.triangles) < 0.2 * len(whole.triangles)
    assert made.volume_ml == pytest.approx(whole.volume_ml, rel=0.003)
    assert len(np.unique(made.triangles)) == len(made.points_lps)


@pytest.mark.parametrize("bound_mm", [0.25, 2.0])
def test_every_piece_and_handle_of_gravel_stays(gravel, bound_mm):
    """However crooked, each edge has two triangles, and the counts before are the counts after."""
    made = surface(gravel, "it", max_error_mm=bound_mm, simplify=True)
    raw = surface(gravel, "it", max_error_mm=0.0)
    mesh = trimesh.Trimesh(raw.points_lps, raw.triangles, process=False)
    assert made.closed
    assert made.parts == made.parts_before == raw.parts
    assert raw.parts.pieces == mesh.body_count > 1
    assert 2 * (raw.parts.pieces - raw.parts.handles) == mesh.euler_number
    assert raw.parts.handles > 50
    assert len(made.triangles) < len(raw.triangles)


def test_blocks_leave_no_seam(noisy_torus, monkeypatch):
    """Simplified in many blocks side by side, it is as sound, and nearly as small, as in one."""
    whole = surface(noisy_torus, "it", simplify=True)
    monkeypatch.setattr(simplify, "BLOCK", 3000)
    made = surface(noisy_torus, "it", simplify=True)
    assert made.closed
    assert made.parts == Parts(1, 1)
    assert made.error_mm.max <= 0.25
    assert len(made.triangles) < 1.15 * len(whole.triangles)


def test_what_would_break_the_mesh_is_undone(gravel, monkeypatch):
    """Even if the check of the merges failed, what comes out is closed: the merges at fault are undone."""
    monkeypatch.setattr(collapse, "_find_doubled", lambda *_: None)
    made = surface(gravel, "it", max_error_mm=1.0, simplify=True)
    assert made.closed


def test_merges_that_cost_too_much_are_undone(noisy_torus, monkeypatch):
    """With a ceiling far too high, the bound holds all the same."""
    monkeypatch.setattr(extract, "CEILING", 20.0)
    raw, made = surface(noisy_torus, "it", 0.0), surface(noisy_torus, "it", simplify=True)
    assert made.error_mm.max <= 0.25
    assert max(d.max() for d in both_ways(raw, made)) <= 0.25


def test_levels_keep_to_their_budget_and_state_their_error(noisy_torus):
    """The fewer triangles, the larger the stated error, and it is true; the order asked for is kept."""
    raw = surface(noisy_torus, "it", max_error_mm=0.0)
    budgets = (300, 10**7, 2000)
    few, every, some = levels(noisy_torus, "it", budgets)
    assert len(every.triangles) == len(raw.triangles)
    assert 1900 <= len(some.triangles) <= 2000
    assert 280 <= len(few.triangles) <= 300
    assert every.error_mm.max < some.error_mm.max < few.error_mm.max
    for made in (few, every, some):
        distances = both_ways(raw, made)
        assert max(d.mean() for d in distances) == pytest.approx(made.error_mm.mean, rel=0.03)
        assert max(d.max() for d in distances) <= made.error_mm.max * 1.02
        assert made.closed
        assert made.parts == Parts(1, 1)
        assert faces_outward(made)
    with pytest.raises(UsageError, match="4 triangles"):
        levels(noisy_torus, "it", (3,))


@pytest.mark.hazard("H14")
def test_a_thin_wall_reduced_to_a_tenth_is_flagged(grid, scanned):
    """A wall of one voxel keeps its pieces at 10 % of its triangles; how far it is off is a warning with numbers."""
    found = of_threshold(scanned(shell((0.3, 0.5, 0.2), 16.0, 0.8), grid("straight", 20.0), noise_hu=20.0), -500.0)
    whole = surface(found, "it")
    (made,) = levels(found, "it", (len(whole.triangles) // 10,))
    assert made.parts == made.parts_before == whole.parts
    (finding,) = [f for f in made.findings if f.kind is FindingKind.COARSE_MESH]
    assert finding.details["max_mm"] == made.error_mm.max > 0.25
    assert not [f for f in whole.findings if f.kind is FindingKind.COARSE_MESH]


@pytest.mark.hazard("H14")
def test_lost_parts_are_said(noisy_torus, monkeypatch):
    """When a mesh has fewer pieces or handles than the voxels, the surface says which it had."""
    monkeypatch.setattr(extract, "parts_of", lambda triangles, rim=None: Parts(1, 0 if rim is not None else 1))
    made = surface(noisy_torus, "it", simplify=True)
    (finding,) = [f for f in made.findings if f.kind is FindingKind.PARTS_LOST]
    assert finding.details == {"name": "it", "pieces": 1, "handles": 0, "pieces_before": 1, "handles_before": 1}


@pytest.fixture
def bar(ct, grid):
    """A round bar through all slices of an oblique scan."""
    geometry = grid("oblique", 10.0, (0.7, 0.9, 1.3))
    _k, j, i = np.indices(geometry.shape_kji)
    across = np.hypot((j - 11.3) * 0.9, (i - 13.7) * 0.7)
    return of_threshold(ct(np.clip(300 - 400 * (across - 5.0), -800, 900).astype(np.int16), geometry), 100.0)


def test_caps_stay_plane_and_their_rim_in_place(bar):
    """Simplified, even coarsely, the ends are where they were, to a thousandth of a voxel, and of the same area."""
    whole, made = surface(bar, "it"), surface(bar, "it", simplify=True)
    (few,) = levels(bar, "it", (60,))
    back = bar.volume.geometry.lps_from_ijk.inverse().matrix
    k = made.points_lps @ back[2, :3] + back[2, 3]
    assert k.min() == pytest.approx(-0.5, abs=1e-3)
    assert k.max() == pytest.approx(len(bar.volume.voxels) - 0.5, abs=1e-3)
    assert made.capped_mm2 == pytest.approx(whole.capped_mm2, rel=0.03)
    ends = few.points_lps @ back[2, :3] + back[2, 3]
    on_caps = [np.count_nonzero(np.abs(ends - end) < 1e-3) for end in (-0.5, len(bar.volume.voxels) - 0.5)]
    assert min(on_caps) >= 5
    assert few.capped_mm2 == pytest.approx(whole.capped_mm2, rel=0.2)
    assert len(made.triangles) < 0.3 * len(whole.triangles)
    assert made.closed


@pytest.mark.parametrize("simple", [False, True])
def test_without_caps_it_is_open_where_the_scan_ends(bar, simple):
    """A tube with two rims: no cap, not closed, and the leaving is still said by the one who found it."""
    closed, made = (surface(bar, "it", simplify=simple, capped=capped) for capped in (True, False))
    mesh = trimesh.Trimesh(made.points_lps, made.triangles, process=False)
    assert not made.closed
    assert made.capped_mm2 == 0.0
    assert made.parts == Parts(1, 0)
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 0  # of an open tube
    assert closed.capped_mm2 > 100
    assert distance_to(closed.points_lps, closed.triangles, made.points_lps).max() <= 0.3


@pytest.mark.parametrize("work", ["simplify", "levels"])
def test_a_cancel_is_heard_at_every_step(bar, work):
    """Whenever progress says stop, the error comes out, and no thread is left."""

    def run(progress):
        if work == "levels":
            return levels(bar, "it", (500, 200), progress)
        return surface(bar, "it", progress=progress, simplify=True)

    calls = []
    run(lambda fraction, what="": calls.append(fraction))
    threads = threading.active_count()
    assert calls == sorted(calls)
    assert calls[-1] == 1.0
    for stop_at in range(len(calls)):
        heard = []

        def stop(fraction, what="", stop_at=stop_at, heard=heard):
            heard.append(fraction)
            if len(heard) > stop_at:
                raise Cancelled

        with pytest.raises(Cancelled):
            run(stop)
    assert threading.active_count() == threads


@pytest.mark.parametrize("bad", ["one slice", "everything", "1:10", "one voxel", "nan"])
def test_awkward_volumes_make_sound_surfaces(ct, grid, bad):
    """One slice, all voxels selected, slices ten times as far apart as pixels, one voxel, values that are none."""
    spacing = (0.5, 0.6, 5.5) if bad == "1:10" else (0.7, 0.8, 1.0)
    geometry = grid("oblique", 12.0, spacing)
    rng = np.random.default_rng(2)
    voxels = rng.normal(0.0, 20.0, geometry.shape_kji).astype(np.float32)
    if bad == "one slice":
        geometry = grid("oblique", 12.0, spacing)
        voxels = voxels[:1]
        geometry = type(geometry)((1, *geometry.shape_kji[1:]), geometry.lps_from_ijk)
    if bad != "everything":
        voxels -= 500.0
        middle = tuple(n // 2 for n in voxels.shape)
        size = 0 if bad == "one voxel" else 6
        voxels[tuple(slice(max(0, m - size), m + size + 1) for m in middle)] += 1000.0
    else:
        voxels += 500.0
    if bad == "nan":
        voxels[1, 2, 3] = np.nan
        voxels[middle] = np.nan
    found = of_threshold(ct(voxels, geometry), 0.0)
    for made in (surface(found, "it", simplify=True), *levels(found, "it", (40, 12))):
        assert made.closed
        assert made.volume_ml > 0
        assert np.isfinite(made.points_lps).all()
        assert np.isfinite(made.error_mm.max)
        assert made.parts == made.parts_before


def test_ring_of_two_balls_apart_stays_two(grid, scanned, ct):
    """A ball of a few voxels beside a large one is not merged away at any budget."""
    geometry = grid("straight", 20.0)
    voxels = np.maximum(
        scanned(sphere((-3.0, 1.0, 2.0), 12.0), geometry).voxels,
        scanned(sphere((15.0, 3.0, -2.0), 1.3), geometry).voxels,
    )
    found = of_threshold(ct(voxels, geometry))
    for made in levels(found, "it", (1000, 100, 12)):
        assert made.parts == Parts(2, 0)


def test_the_recipe_goes_all_the_way(grid, scanned):
    """From a recipe's structure, with the default bound."""
    found = segment(scanned(sphere(radius_mm=15.0), grid("sheared", 18.0)), "bone", low_hu=HALF_WAY)
    made = surface(found, "bone", simplify=True)
    assert made.closed
    assert np.abs(np.linalg.norm(made.points_lps, axis=1) - 15.0).mean() <= 0.15
