"""The recipes on the sample patient, against the truth it was made from."""

from __future__ import annotations

import json

import numpy as np
import pytest

from arviewer.imaging.dicom import load, scan
from arviewer.imaging.structure import build


@pytest.fixture(scope="module")
def patient(sample):
    """The sample's axial series and its truth."""
    told = json.loads((sample / "TRUTH.json").read_text())
    return load(max(scan(sample).series, key=lambda s: len(s.instances))), told


@pytest.mark.parametrize("name", ["bone", "skin", "lungs", "vessels"])
def test_volume_and_place_are_the_patients(patient, name, centroid):
    """Each surface has the true volume within 3 % and the true centroid within 0.5 mm, and is closed."""
    volume, told = patient
    truth = told["structures"][name]
    _, made = build(volume, name)
    assert made.closed
    assert made.volume_ml == pytest.approx(truth["volume_ml"], rel=0.03)
    assert np.linalg.norm(centroid(made) - truth["centroid_lps_mm"]) <= 0.5
