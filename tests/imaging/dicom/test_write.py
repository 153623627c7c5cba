"""The CT series writer, judged by readers that are not ours."""

import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its users know

from arviewer.errors import GeometryError, UsageError
from arviewer.imaging.dicom.write import CtHeader, derived_uid, write_ct_series
from arviewer.imaging.phantoms import csg, simple
from arviewer.model.geometry import Affine
from arviewer.model.study import Patient
from arviewer.model.volume import VolumeGeometry

HEADER = CtHeader(
    Patient("Phantom^Test", "T-1", "", "19700101", "O"),
    derived_uid("test", "study"),
    derived_uid("test", "series"),
    slice_thickness_mm=2.5,
    body_part="CHEST",
    contrast_agent="Iodinated",
)


@pytest.fixture(scope="module")
def geometry():
    """An oblique grid of three distinct spacings."""
    matrix = np.eye(4)
    matrix[:3, :3] = (csg.turn("x", 20) @ csg.turn("z", 30)) * np.array([0.8, 1.1, 1.7])
    matrix[:3, 3] = (-31.25, 12.5, -70.125)
    return VolumeGeometry((9, 40, 50), Affine(matrix, to_space=derived_uid("test", "frame")))


@pytest.fixture(scope="module")
def voxels(geometry):
    """The chiral phantom in that grid."""
    x, y, z = geometry.center_lps
    return simple.chiral((x, y, z)).voxels(geometry)


@pytest.mark.parametrize("compression", ["jpeg-ls", "none"])
def test_another_reader_finds_the_same_pixels_and_place(compression, geometry, voxels, tmp_path):
    """SimpleITK reads the files back to equal HU, origin, spacing and direction."""
    files = write_ct_series(voxels, geometry, tmp_path, HEADER, compression=compression)
    image = sitk.ReadImage([str(path) for path in files])
    assert np.array_equal(sitk.GetArrayFromImage(image), voxels)
    matrix = geometry.lps_from_ijk.matrix
    assert np.allclose(image.GetOrigin(), matrix[:3, 3], atol=1e-6)
    assert np.allclose(image.GetSpacing(), geometry.spacing_mm, atol=1e-4)
    assert np.allclose(np.reshape(image.GetDirection(), (3, 3)), matrix[:3, :3] / geometry.spacing_mm, atol=1e-5)


@pytest.mark.parametrize("compression", ["jpeg-ls", "none"])
def test_the_standard_finds_no_error(compression, geometry, voxels, tmp_path):
    """The validator dciodvfy reports no error and knows the file as a CT image."""
    path = write_ct_series(voxels, geometry, tmp_path, HEADER, compression=compression)[4]
    checker = Path(sysconfig.get_path("scripts")) / "dciodvfy"
    done = subprocess.run([checker, path], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("CTImage")
    assert "Error" not in done.stderr + done.stdout


def test_the_same_input_gives_the_same_bytes(geometry, voxels, tmp_path):
    """Writing twice gives identical files: UIDs and dates follow from the header alone."""
    first = write_ct_series(voxels, geometry, tmp_path / "a", HEADER)
    second = write_ct_series(voxels, geometry, tmp_path / "b", HEADER)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_refuses_what_the_tags_cannot_say(geometry, voxels, tmp_path):
    """Rows not perpendicular to columns, a wrong shape and voxels below the intercept are refused."""
    sheared = geometry.lps_from_ijk.matrix.copy()
    sheared[:3, 0] += 0.1 * sheared[:3, 1]
    with pytest.raises(GeometryError):
        write_ct_series(voxels, VolumeGeometry(geometry.shape_kji, Affine(sheared)), tmp_path, HEADER)
    with pytest.raises(GeometryError):
        write_ct_series(voxels[1:], geometry, tmp_path, HEADER)
    with pytest.raises(UsageError):
        write_ct_series(voxels - 500, geometry, tmp_path, HEADER)
    assert not list(tmp_path.iterdir())
