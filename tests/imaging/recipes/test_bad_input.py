"""What a recipe does with a volume it was not made for, and when somebody stops it: words, and nothing half done."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from arviewer.errors import Cancelled, NothingFound, UsageError
from arviewer.imaging.recipes import RECIPES, segment

CT = [name for name, recipe in RECIPES.items() if "CT" in recipe.modalities]
CLICK = {"organ": (15.0, -0.6, 0.0)}
"""The trunk's aorta."""


@pytest.fixture(scope="module")
def case(trunk, trunk_grid, paint):
    """A trunk with all that any recipe looks for: contrast, air, a piece of metal."""
    volume = paint(trunk(), trunk_grid((1.2, 1.3, 2.4)))
    voxels = volume.voxels.copy()
    k, j, i = (n // 2 for n in voxels.shape)
    voxels[k - 2 : k + 3, j + 20 : j + 26, i - 3 : i + 3] = 3071
    voxels.flags.writeable = False
    return replace(volume, voxels=voxels)


def asked(volume, name, **options):
    """A recipe's answer; one that needs a click is clicked on the aorta."""
    return segment(volume, name, at_lps=CLICK.get(name), **options)


def outcome(volume, name):
    """The mask that was found, or None when it was said in words why there is none."""
    said = None
    try:
        return asked(volume, name)[name].mask.voxels
    except NothingFound as error:
        said = error
    assert said.why
    assert said.remedy
    return None


@pytest.mark.parametrize("name", CT)
def test_a_cancel_is_heard_wherever_it_comes(case, name):
    """Progress runs from 0 to 1 without going back; at any call it may stop; no thread stays behind."""
    calls = []
    asked(case, name, progress=lambda fraction, what="": calls.append(fraction))
    assert calls == sorted(calls)
    assert calls[-1] == 1.0
    before = threading.active_count()
    for stop_at in np.unique(np.linspace(0, len(calls) - 1, 12).astype(int)):
        heard = []

        def stop(fraction, what="", stop_at=stop_at, heard=heard):
            heard.append(fraction)
            if len(heard) > stop_at:
                raise Cancelled

        with pytest.raises(Cancelled):
            asked(case, name, progress=stop)
    assert threading.active_count() == before


@pytest.mark.parametrize("name", CT)
@pytest.mark.parametrize("shape", [(1, 60, 60), (1, 1, 1), (3, 1, 40)])
def test_thin_volumes_are_answered(ct, grid, name, shape):
    """One slice, one voxel, one row: a segment, or words."""
    geometry = replace(grid("straight", 8.0), shape_kji=shape)
    voxels = np.full(shape, 60, np.int16)
    voxels[..., shape[2] // 2 :] = 700
    volume = ct(voxels, geometry)
    at = volume.geometry.center_lps if RECIPES[name].click else None
    answer = None
    try:
        answer = segment(volume, name, at_lps=at)[name].mask.voxels.any()
    except NothingFound as error:
        answer = bool(error.why)
    assert answer


@pytest.mark.parametrize("name", CT)
def test_slices_ten_times_as_thick_as_pixels_are_answered(trunk, trunk_grid, paint, name):
    """1 : 10, as old scans have it."""
    volume = paint(trunk(), trunk_grid((1.0, 1.0, 10.0)))
    found = outcome(volume, name)
    assert (found is None) == (name == "metal")  # there is none


@pytest.mark.parametrize("name", CT)
def test_voxels_that_are_no_numbers_belong_to_nothing(case, name):
    """NaN in a volume of floats: what is found elsewhere stays, and holds none of them."""
    voxels = case.voxels.astype(np.float32)
    voxels[:, :, :6] = np.nan
    voxels[3, 40:44, 40:44] = np.nan
    volume = replace(case, voxels=voxels)
    plain = outcome(case, name)
    found = outcome(volume, name)
    assert found is not None
    assert np.isfinite(found.sum())
    assert found.sum() == pytest.approx(plain.sum(), rel=0.15)


@pytest.mark.parametrize("name", ["bone", "bone-cortical"])
def test_thresholds_the_wrong_way_round_are_refused(case, name):
    """Low above high is a mistake, not an empty structure."""
    with pytest.raises(UsageError, match="wrong way round") as caught:
        segment(case, name, low_hu=900, high_hu=300)
    assert "900 HU" in caught.value.why
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["bone", "bone-cortical", "vessels"])
def test_a_threshold_above_all_finds_nothing(case, name):
    """Nothing is as bright."""
    with pytest.raises(NothingFound) as caught:
        segment(case, name, low_hu=20000.0)
    assert caught.value.why
    assert caught.value.remedy


def test_a_threshold_below_all_has_no_boundary(case):
    """Everything selected is refused in words."""
    with pytest.raises(NothingFound, match="took the whole volume") as caught:
        segment(replace(case, voxels=np.maximum(case.voxels, 300)), "bone", low_hu=300)
    assert caught.value.remedy


def test_a_structure_at_the_border_says_so(case):
    """The aorta leaves the scan at both ends."""
    found = asked(case, "organ")["organ"]
    assert "leaves-scan" in {f.kind.value for f in found.findings}
