"""Airways and implants: what is painted is what their structures say, in closed form where there is one."""

import numpy as np
import pytest

from arviewer.errors import Cancelled
from arviewer.imaging.phantoms import metal
from arviewer.imaging.phantoms.airways import MAINS, TRACHEA, airways
from arviewer.imaging.phantoms.layered import white
from arviewer.imaging.phantoms.mr_head import mr_head
from arviewer.imaging.phantoms.raster import coverage
from tests.imaging.phantoms.test_shapes import oblique, volume_and_centroid


def capsule_mm3(tube):
    """Volume of a straight tube of one radius, rounded ends included."""
    length = float(np.linalg.norm(np.subtract(tube.points[-1], tube.points[0])))
    radius = tube.radii_mm[0]
    return np.pi * radius**2 * (length + 4 / 3 * radius)


@pytest.mark.parametrize(
    "tube",
    [TRACHEA, metal.spine(3).structures["left rod"], metal.spine(3).pieces[0], metal.spine(4).pieces[3]],
    ids=["trachea", "rod", "first screw", "last screw"],
)
def test_tubes_keep_volume_and_centroid_on_an_oblique_grid(tube):
    """Within 0.5 % of the closed form, the centroid half way between the ends within 0.05 mm."""
    middle = np.mean([tube.points[0], tube.points[-1]], axis=0)
    geometry = oblique((170, 170, 150), middle)
    volume, centroid = volume_and_centroid(coverage(tube, geometry), geometry)
    assert volume == pytest.approx(capsule_mm3(tube), rel=0.005)
    assert np.abs(centroid - middle).max() < 0.05


@pytest.fixture(scope="module")
def around_the_carina():
    """An oblique grid round the carina."""
    return oblique((24, 60, 90), (-2.0, 6.0, 34.0))


@pytest.mark.parametrize("seed", [1, 5])
def test_air_in_the_airways_is_what_their_structure_says(around_the_carina, seed):
    """All inside is air, and outside the lungs nothing else is; in part-filled voxels the wall shows by its share."""
    phantom = airways(seed)
    hu = phantom.values(around_the_carina)
    shares = coverage(phantom.structures["airways"], around_the_carina)
    in_lung = [coverage(phantom.structures[f"{side} lung"], around_the_carina) > 0 for side in ("left", "right")]
    open_chest = ~(in_lung[0] | in_lung[1])
    assert (shares == 1).sum() > 1000
    assert np.all(hu[shares == 1] == -1000)
    assert hu[open_chest & (shares == 0)].min() > -120
    edge = open_chest & (shares > 0) & (shares < 1)
    assert np.abs(hu[edge] - (20 - 1020 * shares[edge])).max() < 140


def test_airways_fork_to_both_sides_and_differ_by_seed():
    """Two trees of four generations that leave the main bronchi; the right one leads to the right."""
    for side, sign in (("right", -1), ("left", 1)):
        assert np.sign(MAINS[side].points[-1][0]) == sign
    one, other = airways(1).structures["airways"], airways(2).structures["airways"]
    assert len(one.parts) > 50
    assert one != other
    assert one == airways(1).structures["airways"]
    assert len(airways(1, generations=2).structures["airways"].parts) < len(one.parts) / 2


@pytest.mark.parametrize("made", [metal.hip, metal.jaw, metal.spine])
def test_metal_is_what_its_structure_says(made):
    """All that is mostly metal is as bright as is stored; bone beside it is not; the streaks change both."""
    phantom, geometry = made(3), oblique((60, 90, 110), (0.0, 0.0, 8.0))
    hu = phantom.values(geometry)
    shares = coverage(phantom.structures["metal"], geometry)
    assert hu[shares > 0.9].min() > 2900
    assert hu[shares == 0].max() < 2000
    assert hu.min() >= -1024
    assert hu.max() == 3071
    bone = coverage(phantom.structures["bone"], geometry)
    assert ((shares > 0.1) & (bone > 0.1)).sum() > 50, "the metal touches no bone"


def test_streaks_are_dark_between_pieces_and_only_in_slices_with_metal():
    """Between the two rods muscle is darker than beside them; a slice without metal is as without an artifact."""
    phantom, geometry = metal.spine(1), oblique((50, 90, 110), (0.0, 0.0, 0.0))
    clean = metal.Layered(phantom.layers, phantom.structures).values(geometry)
    added = phantom.values(geometry) - np.minimum(clean, metal.HIGHEST_HU)
    with_metal = coverage(phantom.structures["metal"], geometry).max(axis=(1, 2)) > 0.5
    assert not added[~with_metal].any()
    assert np.abs(added[with_metal]).max() > 150
    assert added[with_metal].mean() < 0


def test_noise_is_white_and_the_same_for_a_slice_alone():
    """Mean 0, standard deviation 1, from seed and slice alone."""
    noise = white(3, 7, (200, 300))
    assert abs(noise.mean()) < 0.02
    assert noise.std() == pytest.approx(1.0, rel=0.02)
    assert np.array_equal(noise, white(3, 7, (200, 300)))
    assert not np.array_equal(noise, white(3, 8, (200, 300)))


def test_cancel_passes_through_painting():
    """A cancel raised by the progress call ends the work at once."""

    def cancel(fraction, what=""):
        raise Cancelled

    with pytest.raises(Cancelled):
        metal.jaw().values(oblique((8, 20, 20)), progress=cancel)


def test_the_head_has_its_lesions_on_their_sides_whatever_the_seed():
    """The large one on the left, the small one on the right with its volume and centroid in closed form."""
    for seed in (3, 4):
        head = mr_head(seed)
        small = head.structures["small lesion"]
        geometry = oblique((24, 30, 40), small.center)
        volume, centroid = volume_and_centroid(coverage(small, geometry), geometry)
        assert volume == pytest.approx(small.volume_mm3, rel=0.005)
        assert np.abs(centroid - small.center).max() < 0.05
        assert small.center[0] < -25
        assert head.structures["lesion"].bounds[0, 0] > 10
        for name in ("lesion", "small lesion"):
            assert head.structures[name].contains([head.points[name]]).all()
            assert head.structures["brain"].contains([head.points[name]]).all()
    assert mr_head(3).structures["brain"] != mr_head(4).structures["brain"]


def test_the_scanner_adds_rician_noise_and_an_uneven_coil():
    """Air is as the Rayleigh law has it, but for the cut tails of the noise; the coil by the share asked for."""
    geometry = oblique((24, 60, 60), (0.0, 10.0, 20.0))
    air = mr_head(5, bias=0.0, noise=20.0).voxels(oblique((8, 60, 60), (0.0, 10.0, 400.0)))
    assert air.mean() == pytest.approx(20.0 * np.sqrt(np.pi / 2), rel=0.02)
    assert air.std() == pytest.approx(20.0 * np.sqrt(2 - np.pi / 2), rel=0.05)
    even, uneven = (mr_head(5, bias=bias, noise=0.0).voxels(geometry).astype(float) for bias in (0.0, 0.3))
    ratio = uneven[even > 100] / even[even > 100]
    assert ratio.min() >= 0.69
    assert ratio.max() <= 1.31
    assert np.ptp(ratio) > 0.15
