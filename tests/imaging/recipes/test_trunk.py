"""Each recipe on a trunk of known truth: spacings, tilts, contrast, noise and seeds that no recipe was made for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arviewer.errors import NothingFound
from arviewer.imaging.meshing import surface
from arviewer.imaging.recipes import segment
from arviewer.model.findings import FindingKind

CASES = {
    "usual": {"spacing_mm": (0.9, 0.92, 1.8)},
    "fine, noisy": {"spacing_mm": (0.8, 0.7, 1.2), "noise_hu": 18.0, "seed": 3},
    "coarse": {"spacing_mm": (1.0, 0.95, 2.5), "seed": 4},
    "weak contrast": {"contrast_hu": 280.0, "trabecular_hu": 190.0, "seed": 5},
    "dense contrast": {"contrast_hu": 400.0, "trabecular_hu": 290.0, "seed": 6},
    "turned": {"angle_deg": 17.0, "seed": 7},
    "tilted gantry": {"shear": 0.27, "seed": 8},
}


@pytest.fixture(scope="module", params=CASES)
def case(request, trunk, trunk_grid, paint):
    """A trunk and its scan."""
    settings = dict(CASES[request.param])
    made = trunk(**{k: settings.pop(k) for k in ("contrast_hu", "trabecular_hu") if k in settings})
    scan = {k: settings.pop(k) for k in ("noise_hu", "seed") if k in settings}
    return made, paint(made, trunk_grid(**settings), **scan)


def judged(volume, name, shapes, truth, centroid):
    """The surface of a recipe, its volume relative to the truth, the distance of the centroids, the segment."""
    found = segment(volume, name)
    made = surface(found, name)
    volume_ml, middle = truth(shapes, volume.geometry)
    return made, made.volume_ml / volume_ml, float(np.linalg.norm(centroid(made) - middle)), found[name]


def has(volume, segment_, lps):
    """Whether a place in the patient is in the segment."""
    back = volume.geometry.lps_from_ijk.inverse().matrix
    i, j, k = np.rint(back[:3, :3] @ lps + back[:3, 3]).astype(int)
    mask = np.zeros(volume.voxels.shape, dtype=bool)
    mask[segment_.mask.slices] = segment_.mask.voxels
    return bool(mask[k, j, i])


def has_near(segment_, volume, places_lps):
    """Whether a segment lies within 6 mm of each of some places; false for no place."""
    inside = np.argwhere(segment_.mask.voxels) + segment_.mask.start_kji
    matrix = volume.geometry.lps_from_ijk.matrix
    lps = inside[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]
    return bool(places_lps) and all(np.linalg.norm(lps - at, axis=1).min() < 6.0 for at in places_lps)


def test_bone_is_vertebra_and_rib_without_the_aorta(case, truth, centroid):
    """Marrow is filled, the aorta on the vertebra is taken off, the border says that it was drawn by shape."""
    made_of, volume = case
    made, share, away_mm, bone = judged(volume, "bone", [made_of.vertebra(), made_of.rib()], truth, centroid)
    assert share == pytest.approx(1.0, abs=0.03)
    assert away_mm <= 0.5
    assert has(volume, bone, (0.0, 22.0, 1.0))
    assert not has(volume, bone, (15.0, -0.6, 0.0))
    assert made.closed
    (finding,) = [f for f in bone.findings if f.kind is FindingKind.TOUCHING]
    assert finding.details == {"name": "bone", "other": "vessels"}
    assert has_near(bone, volume, finding.places_lps)


def test_vessels_are_the_lumen_without_the_vertebra(case, truth, centroid):
    """The boundary lies half way between the contrast and its surroundings, whatever the contrast."""
    made_of, volume = case
    shapes = [made_of.aorta(), made_of.branch()]
    made, share, away_mm, vessels = judged(volume, "vessels", shapes, truth, centroid)
    assert share == pytest.approx(1.0, abs=0.03)
    assert away_mm <= 0.5
    assert not has(volume, vessels, (0.0, 22.0, 1.0))
    assert vessels.made_by.parameters["low_hu"] == pytest.approx((made_of.contrast_hu + 55.0) / 2, abs=25.0)
    assert {f.kind for f in made.findings} >= {FindingKind.TOUCHING, FindingKind.LEAVES_SCAN}


def test_skin_is_the_body_without_the_table(case, truth, centroid):
    """All inside is filled, lungs and windpipe included; mattress and table are not on it."""
    made_of, volume = case
    made, share, away_mm, skin = judged(volume, "skin", [made_of.body()], truth, centroid)
    assert share == pytest.approx(1.0, abs=0.01)
    assert away_mm <= 0.5
    assert has(volume, skin, (-52.0, -4.0, 3.0))
    assert made.bounds_lps[1][1] < 67.5


def test_lungs_are_both_with_their_vessels_without_the_windpipe(case, truth, centroid):
    """Both lungs, a vessel in one filled in; the windpipe, as dark, left out."""
    made_of, volume = case
    made, share, away_mm, lungs = judged(volume, "lungs", list(made_of.lungs().values()), truth, centroid)
    assert share == pytest.approx(1.0, abs=0.03)
    assert away_mm <= 0.5
    assert has(volume, lungs, (-52.0, -5.9, 3.0))
    assert not has(volume, lungs, (-2.0, -12.0, 0.0))
    assert made.closed
    assert not lungs.inside_is_above


@pytest.fixture(scope="module")
def plain(trunk, trunk_grid, paint):
    """A trunk without contrast."""
    return paint(trunk(contrast_hu=45.0), trunk_grid())


def test_without_contrast_bone_is_bone_and_vessels_are_not_found(plain, trunk, truth, centroid):
    """Nothing is taken off where there is nothing, and nothing is invented."""
    made_of = trunk()
    _, share, away_mm, bone = judged(plain, "bone", [made_of.vertebra(), made_of.rib()], truth, centroid)
    assert share == pytest.approx(1.0, abs=0.03)
    assert away_mm <= 0.5
    assert FindingKind.TOUCHING not in {f.kind for f in bone.findings}
    with pytest.raises(NothingFound, match="No contrast-filled vessels") as caught:
        segment(plain, "vessels")
    assert "180 HU" in caught.value.why
    assert caught.value.remedy


@pytest.mark.parametrize(("inside_hu", "is_filled"), [(150, True), (35, False)])
def test_marrow_is_filled_through_gaps_in_the_cortex_and_a_canal_is_not(trunk, trunk_grid, paint, inside_hu, is_filled):
    """A hole through the cortex opens the vertebra to its surroundings: what is inside is told by its brightness."""
    made_of = trunk(contrast_hu=45.0, trabecular_hu=inside_hu)
    volume = paint(made_of, trunk_grid())
    voxels = volume.voxels.copy()
    k, j, i = (round(n / 2) for n in voxels.shape)  # the middle of the grid lies in the vertebra, 8 mm before its own
    voxels[k : k + 2, j : j + 3, i:] = np.minimum(voxels[k : k + 2, j : j + 3, i:], inside_hu)
    bone = segment(replace(volume, voxels=voxels), "bone")["bone"]
    assert has(volume, bone, (0.0, 24.0, 6.0)) == is_filled
