"""Recipes against the labels of a real CT: 20 slices of an upper abdomen, labeled by TotalSegmentator, by no person.

Its slices show no kidney, and no lung to speak of. `pytest -s` prints the table.
"""

from __future__ import annotations

import numpy as np
import pytest

import arviewer
from arviewer.imaging.recipes import segment
from arviewer.model.volume import Volume
from tests.imaging.recipes.judging import clicks_in, dice, hd95_mm, lps_of, whole

ORGANS = ("liver", "aorta", "spleen", "kidney_right", "kidney_left")
BONES = ("vertebrae", "rib", "sternum", "humerus", "scapula", "clavicula", "hip", "femur", "sacrum", "skull")


@pytest.fixture(scope="module")
def labeled(data) -> tuple[Volume, dict[str, np.ndarray]]:
    """The volume, and each label's mask by name."""
    folder = data / "06_ct_20slice_117labels"
    if not folder.is_dir():
        pytest.skip("the labeled CT (06_ct_20slice_117labels) is not among the test data")
    volume = arviewer.load(arviewer.scan(folder / "ct_no_uids")[0])
    found = arviewer.structures(folder / "labels_117.nii.gz", volume)
    segments = [s for segmentation in found for s in segmentation.segments]
    return volume, {s.name: whole(volume, s) for s in segments}


@pytest.mark.parametrize("name", ORGANS)
def test_one_click_finds_the_organ_that_was_labeled(labeled, name):
    """Five clicks well inside, each with a Dice of 0.85 or more."""
    volume, labels = labeled
    if name not in labels:
        pytest.skip(f"the slices show no {name}")
    for at in clicks_in(labels[name], volume.geometry, 5, seed=11):
        found = whole(volume, segment(volume, "organ", at_lps=lps_of(volume, at))["organ"])
        overlap = dice(found, labels[name])
        print(f"{name:13} Dice {overlap:.3f}  HD95 {hd95_mm(found, labels[name], volume.geometry):5.1f} mm  at {at}")  # noqa: T201
        assert overlap >= 0.85


def test_bone_against_its_labels(labeled):
    """Reported rather than barred: the labels are drawn on 1.5 mm and fill ribs and vertebrae to their rims."""
    volume, labels = labeled
    truth = np.logical_or.reduce([mask for name, mask in labels.items() if name.startswith(BONES)])
    found = whole(volume, segment(volume, "bone")["bone"])
    print(f"bone          Dice {dice(found, truth):.3f}  HD95 {hd95_mm(found, truth, volume.geometry):5.1f} mm")  # noqa: T201
    assert dice(found, truth) >= 0.5
