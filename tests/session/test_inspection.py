"""Which image lies under the crosshair, and what belongs to what is on show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arviewer.imaging.dicom import load
from arviewer.model.study import Patient, Phase, PhaseKind, Series
from arviewer.model.volume import VolumeGeometry
from arviewer.session.inspection import instance_at
from arviewer.session.phases import belongs_to, volumes_beside
from tests.structure_files import AXES, grid, write_images


@pytest.fixture(scope="module")
def oblique(tmp_path_factory: pytest.TempPathFactory) -> Series:
    return write_images(tmp_path_factory.mktemp("oblique"), grid())


def beside(series: Series, number: int) -> np.ndarray:
    """A point in the plane of an image, away from its corner, a little off towards the next one."""
    position = series.instances[number].position_lps
    assert position is not None
    return position + 40 * AXES[:, 0] + 25 * AXES[:, 1] + 0.3 * AXES[:, 2]


@pytest.mark.parametrize("step", [1, 4])
def test_the_image_under_the_crosshair_is_the_nearest(oblique: Series, step: int) -> None:
    """On an oblique grid, and when only every fourth voxel was loaded: places count on the whole series."""
    volume = load(oblique, coarser=step)

    for number in (0, 7, 31, len(oblique.instances) - 1):
        assert instance_at(volume.series, beside(oblique, number)) is volume.series.instances[number]


def test_uneven_images_are_told_by_their_positions(oblique: Series) -> None:
    """Without a grid there are positions and a normal."""
    kept = [number for number in range(len(oblique.instances)) if number not in (5, 6, 20)]
    uneven = replace(oblique, geometry=None, instances=tuple(oblique.instances[n] for n in kept), places=())

    for number in (4, 7, 19, 33):
        assert instance_at(uneven, beside(oblique, number)) is oblique.instances[number]


@pytest.mark.hazard("H10")
def test_what_was_made_of_a_volume_belongs_to_its_series_and_grid(oblique: Series, tmp_path: Path) -> None:
    """Another volume of the series on that grid: yes. Another grid, another series, nothing: no."""
    volume = load(oblique)
    other_phase = replace(volume, voxels=volume.voxels + 1)
    elsewhere = load(write_images(tmp_path / "b", grid((1.1, 1.4, 2.1))))
    stranger = load(write_images(tmp_path / "c", grid(), patient="Zwei^Bo"))

    assert belongs_to(volume, volume)
    assert belongs_to(other_phase, volume)
    assert not belongs_to(elsewhere, volume)
    assert not belongs_to(stranger, volume)
    assert not belongs_to(load(oblique, coarser=2), volume)
    assert not belongs_to(None, volume)


@pytest.mark.hazard("H03", "H10")
def test_only_volumes_of_one_patient_study_series_and_grid_are_gone_through() -> None:
    """Of six strangers none."""
    frame, other_frame = (
        VolumeGeometry.of_grid((4, 5, 6), np.diag([0.7, 0.8, step, 1.0]), "1.9") for step in (2.0, 2.1)
    )
    phase = Phase(PhaseKind.ECHO, 2.3, 1, 2)
    one = Series("1.3", "1.2", "1.9", Patient(id="7"), 1, "MR", "", geometry=frame, phase=phase)
    two = replace(one, phase=Phase(PhaseKind.ECHO, 4.6, 2, 2))
    strangers = [
        replace(two, patient=Patient(id="8")),
        replace(two, study_uid="1.22"),
        replace(two, uid="1.33"),
        replace(two, geometry=other_frame),
        replace(two, geometry=None),
        replace(two, phase=None),
    ]

    assert volumes_beside(one, [one, *strangers, two]) == (one, two)
