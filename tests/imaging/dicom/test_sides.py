"""Every voxel at its place in the patient, for every way a volume can be acquired and stored."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from arviewer.imaging.dicom import load, scan
from arviewer.model.findings import FindingKind
from arviewer.model.geometry import Points

SPACING = (0.7, 0.5, 1.3)
"""Along i, j, k, mm: all distinct."""

SHAPE = (9, 11, 13)
"""k, j, i: all distinct."""

MARKERS = {1000: (2, 1, 1), 2000: (10, 2, 1), 3000: (3, 8, 2), 1500: (4, 3, 7)}
"""Value of each marker and its (i, j, k): an arm along each axis from one corner, a chiral figure."""


def rotations():
    """The 24 right-handed ways to lay the axes of a grid along the axes of the patient."""
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[axes, range(3)] = signs
            if np.linalg.det(matrix) > 0:
                yield matrix


def turned(matrix, degrees):
    """The same grid, patient lying obliquely: about an axis that is no axis of the patient."""
    axis = np.array([1.0, 2.0, -2.0]) / 3.0
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(degrees)
    return (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross) @ matrix


def chiral(matrix, origin=(-37.5, 12.25, -410.0)):
    """A volume with markers, and its map to LPS; `matrix` holds the directions of i, j, k."""
    voxels = np.full(SHAPE, -900, np.int16)
    for value, (i, j, k) in MARKERS.items():
        voxels[k, j, i] = value
    lps_from_ijk = np.eye(4)
    lps_from_ijk[:3, :3] = matrix * SPACING
    lps_from_ijk[:3, 3] = origin
    return voxels, lps_from_ijk


def require_markers(volume, lps_from_ijk):
    """Each marker is where the writer put it, to 0.001 mm."""
    for value, ijk in MARKERS.items():
        ((k, j, i),) = np.argwhere(volume.voxels == value)
        found = volume.geometry.lps_from_ijk(Points(np.array([[i, j, k]]), volume.geometry.lps_from_ijk.from_space))
        truth = lps_from_ijk[:3, :3] @ ijk + lps_from_ijk[:3, 3]
        np.testing.assert_allclose(found.xyz[0], truth, atol=1e-3)


ACQUISITIONS = {
    "axial": np.eye(3),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "sagittal": np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]),
    "oblique": turned(np.eye(3), 27.0),
}
"""Directions of i, j and k as columns, all right-handed: rows to the left or back, columns to the back or feet."""

POSITIONS = ("HFS", "HFP", "HFDR", "HFDL", "FFS", "FFP", "FFDR", "FFDL")


@pytest.mark.hazard("H01", "H09")
@pytest.mark.parametrize("numbers", ["rising", "reversed"])
@pytest.mark.parametrize("names", ["in order", "shuffled"])
@pytest.mark.parametrize("acquisition", ACQUISITIONS)
def test_every_orientation_puts_every_marker_on_its_side(write_stack, acquisition, names, numbers):
    """24 orientations of each acquisition: no marker changes side, whatever files are called and how numbered.

    Written as files, scanned and loaded; no patient position, no name and no number moves anything.
    """
    seen = 0
    for number, rotation in enumerate(rotations()):
        voxels, lps_from_ijk = chiral(rotation @ ACQUISITIONS[acquisition])
        turn = np.random.default_rng(number).permutation(len(voxels))
        folder = write_stack(
            voxels,
            lps_from_ijk,
            str(number),
            vary=lambda k: {"InstanceNumber": 100 - k if numbers == "reversed" else k + 1},
            name=lambda k, turn=turn: f"{turn[k] if names == 'shuffled' else k:03d}",
            PatientPosition=POSITIONS[number % len(POSITIONS)],
        )
        (series,) = scan(folder).series
        volume = load(series)
        assert volume.geometry.lps_from_ijk.determinant > 0
        np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, lps_from_ijk, atol=1e-6)
        np.testing.assert_array_equal(volume.voxels, voxels)
        require_markers(volume, lps_from_ijk)
        against = FindingKind.LEFT_HANDED_ORDER in {finding.kind for finding in series.findings}
        assert against == (numbers == "reversed")
        seen += 1
    assert seen == 24


@pytest.mark.hazard("H01", "H09")
@pytest.mark.parametrize("degrees", [0.0, 27.0], ids=["along", "oblique"])
def test_slices_written_against_their_normal_come_out_right_handed(write_stack, degrees):
    """A left-handed order of slices is the same patient: the reader orders along row × column."""
    mirrored = turned(np.diag([1.0, 1.0, -1.0]), degrees)
    voxels, lps_from_ijk = chiral(mirrored)
    volume = load(scan(write_stack(voxels, lps_from_ijk)).series[0])
    assert volume.geometry.lps_from_ijk.determinant > 0
    require_markers(volume, lps_from_ijk)


@pytest.mark.hazard("H09")
def test_names_and_numbers_say_nothing_about_order(write_stack):
    """Shuffled names and reversed instance numbers give the very same volume."""
    voxels, lps_from_ijk = chiral(np.eye(3))
    plain = load(scan(write_stack(voxels, lps_from_ijk, "plain")).series[0])
    turn = np.random.default_rng(1).permutation(len(voxels))
    folder = write_stack(
        voxels, lps_from_ijk, "turned", vary=lambda k: {"InstanceNumber": 99 - k}, name=lambda k: f"x{turn[k]}"
    )
    other = load(scan(folder).series[0])
    np.testing.assert_array_equal(plain.voxels, other.voxels)
    np.testing.assert_array_equal(plain.geometry.lps_from_ijk.matrix, other.geometry.lps_from_ijk.matrix)


@pytest.mark.hazard("H06")
def test_thickness_and_declared_spacing_are_not_believed(write_stack):
    """Thickness 5 mm and spacing 8 mm are written; positions say 1.3 mm."""
    voxels, lps_from_ijk = chiral(np.eye(3))
    folder = write_stack(voxels, lps_from_ijk, SliceThickness=5, SpacingBetweenSlices=8, SliceLocation=77)
    volume = load(scan(folder).series[0])
    np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, lps_from_ijk, atol=1e-9)


@pytest.mark.hazard("H08")
def test_a_tilted_gantry_keeps_every_marker(write_stack):
    """18.5° of shear stays in the map: markers are at the positions of their own slices."""
    voxels, lps_from_ijk = chiral(np.eye(3))
    tilt = np.radians(18.5)
    lps_from_ijk[:3, 1] = 0.5 * np.array([0, np.cos(tilt), -np.sin(tilt)])
    volume = load(scan(write_stack(voxels, lps_from_ijk)).series[0])
    require_markers(volume, lps_from_ijk)
    np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, lps_from_ijk, atol=1e-9)


def test_another_program_sees_the_same_anisotropic_oblique_volume(write_stack):
    """SimpleITK, which knows nothing of this reader, finds each marker at the same place."""
    voxels, lps_from_ijk = chiral(turned(np.eye(3), 27.0))
    folder = write_stack(voxels, lps_from_ijk, name="{:03d}.dcm".format)
    volume = load(scan(folder).series[0])
    other = read_with_simpleitk(folder)
    np.testing.assert_array_equal(volume.voxels, SimpleITK.GetArrayFromImage(other))
    np.testing.assert_allclose(volume.geometry.lps_from_ijk.matrix, affine_of(other), atol=1e-4)


def read_with_simpleitk(folder: Path) -> SimpleITK.Image:
    """The volume as SimpleITK reads it."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def affine_of(image: SimpleITK.Image) -> np.ndarray:
    """SimpleITK's (4, 4) map from (i, j, k) to LPS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return matrix
