"""The table of recipes and what the verb refuses."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from arviewer.errors import NothingFound, UsageError
from arviewer.imaging import runs
from arviewer.imaging.parameter import values_of
from arviewer.imaging.phantoms.simple import rod, sphere
from arviewer.imaging.recipes import RECIPES, segment
from arviewer.imaging.structure import build
from arviewer.model.segmentation import State

CT = [name for name, recipe in RECIPES.items() if "CT" in recipe.modalities]


def asked(volume, name, **options):
    """A recipe's answer; one that needs a click is clicked in the middle."""
    if RECIPES[name].click:
        options["at_lps"] = volume.geometry.center_lps
    return segment(volume, name, **options)


@pytest.fixture(scope="module")
def ball(grid, scanned):
    """A ball of 600 HU in air."""
    return scanned(sphere(radius_mm=9.0), grid("straight", 14.0), noise_hu=10.0)


def test_the_table_says_all_that_panel_and_command_line_need():
    """Each recipe has a SNOMED CT term, a color, words, and parameters whose default is in range."""
    assert {"bone", "skin", "lungs", "vessels"} <= set(RECIPES)
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert recipe.term.scheme == "SCT"
        assert re.fullmatch(r"\d{6,18}", recipe.term.value)
        assert all(0.0 <= channel <= 1.0 for channel in recipe.color)
        assert recipe.help.endswith(".")
        assert values_of(name, recipe.parameters, {}) == {p.name: p.default for p in recipe.parameters}
        for parameter in recipe.parameters:
            assert parameter.minimum <= parameter.default <= parameter.maximum
            assert parameter.help.endswith(".")
            assert parameter.name.endswith({"%": "percent"}.get(parameter.unit, parameter.unit.lower()))


def test_a_segment_knows_what_made_it(ball):
    """Name, term, every parameter, version, series and state travel with the segment."""
    (found,) = segment(ball, "bone", low_hu=-200).segments
    assert found.name == "bone"
    assert found.term == RECIPES["bone"].term
    assert found.threshold == -200
    assert found.state is State.PROPOSED
    assert found.made_by.recipe == "bone"
    assert found.made_by.parameters["low_hu"] == -200
    assert found.made_by.parameters["separate_vessels"] == 0.0
    assert set(found.made_by.parameters) == {p.name for p in RECIPES["bone"].parameters}
    assert found.made_by.series_uids == ("1.2.3.4",)
    assert found.made_by.version


def test_a_threshold_given_is_taken_as_it_is(plain_case):
    """Threshold, islands, holes and nothing else: equal, voxel by voxel, to the three steps by hand."""
    found = segment(plain_case, "bone", low_hu=250, high_hu=2000, min_island_ml=0.5)["bone"]
    expected = (plain_case.voxels >= 250) & (plain_case.voxels <= 2000)
    least = round(500 / plain_case.geometry.voxel_volume_mm3)
    expected = runs.fill_holes(runs.remove_small(expected, least))
    mask = np.zeros(plain_case.voxels.shape, dtype=bool)
    mask[found.mask.slices] = found.mask.voxels
    assert np.array_equal(mask, expected)
    assert "touching" not in {f.kind.value for f in found.findings}


@pytest.fixture(scope="module")
def plain_case(trunk, trunk_grid, paint):
    """A trunk with contrast."""
    return paint(trunk(), trunk_grid((1.2, 1.3, 2.4)))


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("heart", {}, "no recipe 'heart'"),
        ("bone", {"low": 200}, "no parameter 'low'"),
        ("bone", {"low_hu": 1e6}, "low_hu of 'bone' is out of range"),
        ("bone", {"low_hu": "bright"}, "low_hu of 'bone' is out of range"),
        ("lungs", {"high_hu": float("nan")}, "high_hu of 'lungs' is out of range"),
    ],
)
def test_wrong_calls_are_refused_in_words(ball, name, parameters, words):
    """Unknown recipe, unknown parameter, a value out of range: usage errors that say what there is."""
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        segment(ball, name, **parameters)
    assert caught.value.why


@pytest.mark.parametrize("name", CT)
def test_an_mr_has_no_hounsfield_units(ball, name):
    """A recipe for CT on an MR finds nothing, and says why and what to do."""
    mr = replace(ball, unit="", series=replace(ball.series, modality="MR"))
    with pytest.raises(NothingFound, match="cannot work on this series") as caught:
        asked(mr, name)
    assert "HU" in caught.value.why
    assert "MR" in caught.value.why
    assert caught.value.remedy


@pytest.mark.parametrize("name", CT)
def test_air_holds_no_anatomy(ct, grid, name):
    """In a volume of air every recipe finds nothing, in words."""
    geometry = grid("straight", 8.0)
    air = ct(np.full(geometry.shape_kji, -1000, np.int16), geometry, noise_hu=8.0)
    with pytest.raises(NothingFound) as caught:
        asked(air, name)
    assert caught.value.why
    assert caught.value.remedy


def test_lost_slices_and_padding_never_count(ct, grid):
    """Voxels of a lost slice and padding inside the threshold's range are not in the mask."""
    geometry = grid("straight", 8.0)
    voxels = np.full(geometry.shape_kji, 500, np.int16)
    voxels[:, :3] = 777
    valid = np.ones(len(voxels), dtype=bool)
    valid[4] = False
    volume = ct(voxels, geometry, slice_valid=valid, padding_value=777.0)
    found = segment(volume, "bone", low_hu=300)["bone"]
    mask = np.zeros(voxels.shape, dtype=bool)
    mask[found.mask.slices] = found.mask.voxels
    assert mask.sum() == (voxels[valid] == 500).sum()
    assert not mask[4].any()


def test_float_and_unsigned_volumes_work(ball):
    """The same structure is found when the voxels are float32 or uint16."""
    reference = segment(ball, "bone", low_hu=100)["bone"].mask
    for dtype in (np.float32, np.uint16):
        volume = replace(ball, voxels=np.maximum(ball.voxels, 0).astype(dtype))
        found = segment(volume, "bone", low_hu=100)["bone"].mask
        assert found.start_kji == reference.start_kji
        assert np.array_equal(found.voxels, reference.voxels)


def test_build_is_segment_and_surface(ball):
    """One call gives what the two give, bound of the error and parameters passed on."""
    found, made = build(ball, "bone", max_error_mm=0.1, low_hu=-200)
    assert found.made_by == made.made_by
    assert found.made_by.parameters["low_hu"] == -200
    assert made.error_mm.max <= 0.1
    assert made.volume_ml == pytest.approx(4 / 3 * np.pi * 0.9**3, rel=0.01)


def test_a_bare_specimen_is_bone_from_end_to_end(grid, scanned):
    """A rod in air, thinner than a body is, is found whole by default: nothing of it is taken for a table."""
    bare = scanned(rod(), grid("straight", 60.0), noise_hu=10.0)

    by_default = segment(bare, "bone")["bone"].mask
    by_threshold = segment(bare, "bone", low_hu=250)["bone"].mask

    assert by_default.start_kji == by_threshold.start_kji
    assert np.array_equal(by_default.voxels, by_threshold.voxels)
