"""A soft organ from one click, in an abdomen whose brightness drifts and whose organs touch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging.phantoms.csg import Difference, Grown, Wavy, union
from arviewer.imaging.phantoms.raster import Sampling, patches
from arviewer.imaging.phantoms.shapes import Ellipsoid, Shape, Tube
from arviewer.imaging.recipes import segment
from tests.imaging.recipes.judging import clicks_in, dice, lps_of, mask_of, turned_grid, whole

BODY = Ellipsoid((0.0, 0.0, 0.0), (128.0, 92.0, 600.0))
LIVER = Wavy(
    union(
        [Ellipsoid((-48.0, -8.0, 0.0), (52.0, 58.0, 46.0)), Ellipsoid((10.0, -30.0, 14.0), (44.0, 24.0, 22.0))], 12.0
    ),
    1.5,
    40.0,
    seed=3,
)
KIDNEY = Difference(
    Ellipsoid((64.0, 22.0, -8.0), (24.0, 20.0, 38.0)), Tube(((48.0, 20.0, -8.0), (66.0, 22.0, -8.0)), (8.0, 5.0))
)
VEIN = Tube(((70.0, 21.0, -30.0), (44.0, 14.0, -12.0), (20.0, 22.0, -12.0)), (4.0, 4.0, 4.0))
AORTA = Tube(((16.0, 26.0, -200.0), (14.0, 24.0, 200.0)), (10.5, 10.0))
LIME = Difference(Tube(((20.0, 30.0, -12.0), (19.0, 29.0, 14.0)), (7.0, 7.0)), Grown(AORTA, -0.6))
SPINE = Ellipsoid((2.0, 56.0, 0.0), (22.0, 18.0, 300.0))
CASES = {
    "usual": ((1.0, 0.95, 1.8), 12.0, 1, False),
    "noisy": ((0.9, 1.05, 1.4), 25.0, 2, False),
    "thick slices, prone": ((1.1, 1.0, 4.0), 10.0, 3, True),
}
ORGANS: dict[str, tuple[Shape, ...]] = {"liver": (LIVER,), "kidney": (KIDNEY,), "aorta": (AORTA, LIME)}


def layers() -> list[tuple[Shape, float]]:
    """What lies over what, and its HU."""
    wall = Difference(Grown(BODY, -10.0), Grown(BODY, -24.0))
    return [
        (BODY, -100.0),
        (wall, 56.0),  # muscle, on which the liver lies for a hand's breadth
        (LIVER, 100.0),
        (Tube(((-40.0, -10.0, 0.0), (-72.0, -20.0, 10.0), (-80.0, 10.0, 24.0)), (5.0, 3.5, 2.5)), 150.0),
        (KIDNEY, 170.0),
        (VEIN, 165.0),
        (Grown(AORTA, 1.6), 60.0),
        (AORTA, 155.0),
        (LIME, 700.0),
        (SPINE, 600.0),
        (Grown(SPINE, -3.0), 160.0),
    ]


@pytest.fixture(scope="module", params=CASES)
def abdomen(request, ct):
    """A scan of it: darker by 30 HU behind than in front, as between the arms."""
    spacing, noise, seed, flip = CASES[request.param]
    geometry = turned_grid((132.0, 98.0, 62.0), spacing, flip=flip)
    hu = np.full(geometry.shape_kji, -1000.0, dtype=np.float32)
    for shape, value in layers():
        for patch in patches(shape, geometry, range(geometry.shape_kji[0]), Sampling((3, 3, 3))):
            box = hu[patch.slices]
            box += patch.coverage * (np.float32(value) - box)
    y = np.arange(geometry.shape_kji[1]) * spacing[1] * (-1.0 if flip else 1.0)
    drift = (30.0 * (y - y.min()) / np.ptp(y)).astype(np.float32)[None, :, None]
    hu -= np.where(hu > -300, drift, np.float32(0))
    return ct(np.rint(hu).astype(np.int16), geometry, noise, seed)


@pytest.mark.parametrize("name", ORGANS)
def test_one_click_anywhere_inside_finds_the_organ(abdomen, name):
    """Five clicks, one answer: the organ without muscle, veins and bone beside it, with vessels and lime of its own."""
    truth = mask_of(ORGANS[name], abdomen.geometry)
    for at in clicks_in(truth & (abdomen.voxels < 300), abdomen.geometry, 5, seed=4):
        found = segment(abdomen, "organ", at_lps=lps_of(abdomen, at))["organ"]
        assert dice(whole(abdomen, found), truth) >= 0.95, at
        assert found.threshold is None
        assert found.made_by.parameters["click_x_mm"] == pytest.approx(lps_of(abdomen, at)[0])


def test_a_width_parts_an_aorta_from_what_is_wide(abdomen):
    """A tube of 20 mm is followed, a ball of 60 mm on it is not."""
    geometry = abdomen.geometry
    voxels = abdomen.voxels.copy()
    ball = mask_of([Ellipsoid((16.0, -10.0, 30.0), (30.0, 30.0, 24.0))], geometry)
    voxels[ball] = 150 - 15
    volume = replace(abdomen, voxels=voxels)
    at = lps_of(abdomen, clicks_in(mask_of([AORTA], geometry) & ~ball, geometry, 1, seed=5)[0])
    with_ball = whole(volume, segment(volume, "organ", at_lps=at)["organ"])
    without = whole(volume, segment(volume, "organ", at_lps=at, width_mm=40.0)["organ"])
    assert (without & ball).sum() < 0.25 * (with_ball & ball).sum()


def test_an_organ_that_runs_out_says_so(ct):
    """A click into muscle that goes on everywhere is answered in words."""
    geometry = turned_grid((60.0, 60.0, 60.0), (2.0, 2.0, 2.0))
    volume = ct(np.full(geometry.shape_kji, 50, np.int16), geometry, 10.0)
    with pytest.raises(NothingFound, match="ran out") as caught:
        segment(volume, "organ", at_lps=(0.0, 0.0, 0.0), max_ml=500.0)
    assert "500 ml" in caught.value.why
    assert caught.value.remedy


def test_clicks_that_hit_nothing_are_refused_in_words(abdomen):
    """In air, outside the images, in a lost slice, no click at all."""
    with pytest.raises(NothingFound, match="no organ at the click") as caught:
        segment(abdomen, "organ", at_lps=lps_of(abdomen, (5, 1, 1)))
    assert "HU" in caught.value.why
    with pytest.raises(UsageError, match="outside the images"):
        segment(abdomen, "organ", at_lps=(0.0, 0.0, 900.0))
    with pytest.raises(UsageError, match="needs a click"):
        segment(abdomen, "organ")
    with pytest.raises(UsageError, match="three numbers"):
        segment(abdomen, "organ", at_lps=(0.0, float("nan"), 1.0))
