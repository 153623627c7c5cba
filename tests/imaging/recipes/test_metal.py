"""Metal and cortical bone in phantoms with implants and streaks, which differ by seed."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.errors import NothingFound
from arviewer.imaging.phantoms import metal
from arviewer.imaging.phantoms.raster import Sampling
from arviewer.imaging.recipes import segment
from tests.imaging.recipes.judging import dice, mask_of, mean_distance_mm, turned_grid, whole

SCENES = {
    "hip": (metal.hip, (80.0, 80.0, 100.0), (1.0, 0.95, 1.4)),
    "jaw": (metal.jaw, (70.0, 70.0, 35.0), (0.6, 0.65, 0.8)),
    "spine": (metal.spine, (90.0, 75.0, 40.0), (0.8, 0.85, 1.25)),
}


def scan(ct, scene, seed):
    """A phantom and its scan."""
    make, half, spacing = SCENES[scene]
    phantom = make(seed)
    values = phantom.values(turned_grid(half, spacing), Sampling((3, 3, 3)))
    noisy = np.rint(values + np.random.default_rng(seed).normal(0.0, 15.0, values.shape))
    return phantom, ct(np.clip(noisy, -1024, 3071).astype(np.int16), turned_grid(half, spacing))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("scene", SCENES)
def test_metal_is_the_implants_without_streaks(ct, scene, seed):
    """Stem, ball and cup are thick; screws and fillings are thin."""
    phantom, volume = scan(ct, scene, seed)
    found = whole(volume, segment(volume, "metal")["metal"])
    truth = mask_of([phantom.structures["metal"]], volume.geometry)
    if scene == "hip":
        assert dice(found, truth) >= 0.95
    assert mean_distance_mm(found, truth, volume.geometry) <= 0.5 * volume.geometry.spacing_mm.min()


def test_bone_is_no_metal(ct):
    """Dense bone reaches over the lower threshold here and there, but holds no core of metal."""
    _phantom, volume = scan(ct, "spine", 3)
    bone_alone = np.minimum(volume.voxels, 2600)
    plain = ct(bone_alone, volume.geometry)
    with pytest.raises(NothingFound, match="No metal") as caught:
        segment(plain, "metal")
    assert "2800 HU" in caught.value.why
    assert caught.value.remedy


def test_cortical_bone_is_bone_with_its_cavities_open(trunk, trunk_grid, paint):
    """The shell of a vertebra alone, where its marrow is darker than the threshold; the aorta stays off."""
    made = trunk(trabecular_hu=120.0)
    volume = paint(made, trunk_grid())
    shell = whole(volume, segment(volume, "bone-cortical")["bone-cortical"])
    filled = whole(volume, segment(volume, "bone")["bone"])
    marrow = mask_of([made.marrow()], volume.geometry)
    assert not (shell & ~filled).any()
    assert (filled & marrow).sum() >= 0.98 * marrow.sum()
    assert (shell & marrow).sum() <= 0.12 * marrow.sum()
    assert not (shell & mask_of([made.aorta()], volume.geometry) & (volume.voxels < 400)).sum() > 200
