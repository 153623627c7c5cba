"""Airways, and the lungs each for itself, in chests of known truth that differ by seed."""

from __future__ import annotations

import numpy as np
import pytest

from arviewer.errors import NothingFound
from arviewer.imaging.phantoms.airways import airways
from arviewer.imaging.phantoms.raster import Sampling
from arviewer.imaging.phantoms.shapes import Ellipsoid, Tube
from arviewer.imaging.recipes import segment
from arviewer.model.findings import FindingKind
from tests.imaging.recipes.judging import dice, lps_of, mask_of, mean_distance_mm, turned_grid, whole

CASES = {
    "usual": ((1.2, 1.1, 1.5), 20.0, 1, False),
    "noisy": ((1.0, 1.05, 1.6), 45.0, 2, False),
    "prone, coarse": ((1.3, 1.2, 2.5), 25.0, 3, True),
}


@pytest.fixture(scope="module", params=CASES)
def chest(request, ct):
    """A chest with branching airways and its scan."""
    spacing, noise, seed, flip = CASES[request.param]
    phantom = airways(seed)
    geometry = turned_grid((140.0, 104.0, 115.0), spacing, flip=flip)
    values = phantom.values(geometry, Sampling((2, 2, 2)))
    return phantom, ct(np.rint(values).astype(np.int16), geometry, noise, seed)


def test_airways_are_followed_into_the_lungs_and_leak_nowhere(chest):
    """Windpipe to the smallest bronchi that voxels show, and no lung."""
    phantom, volume = chest
    found = whole(volume, segment(volume, "airways")["airways"])
    truth = mask_of([phantom.structures["airways"]], volume.geometry)
    assert dice(found, truth) >= 0.95
    assert mean_distance_mm(found, truth, volume.geometry) <= 0.5 * volume.geometry.spacing_mm.min()
    assert (found & ~truth).sum() < 0.03 * truth.sum()


@pytest.mark.parametrize("side", ["left", "right"])
def test_each_lung_is_the_patients_own(chest, side):
    """Left is left of the patient, however the patient lies and the grid is turned."""
    phantom, volume = chest
    found = whole(volume, segment(volume, f"lung-{side}")[f"lung-{side}"])
    assert dice(found, mask_of([phantom.structures[f"{side} lung"]], volume.geometry)) >= 0.97
    middle_x = lps_of(volume, np.argwhere(found).mean(axis=0))[0]
    assert (middle_x > 0) == (side == "left")


@pytest.fixture(scope="module", params=[1, 2])
def joined(request, ct):
    """Lungs whose linings alone, 1.2 mm thick, lie between them in front; one is larger."""
    lungs = {
        "right": Ellipsoid((-44.0, -8.0, 0.0), (49.0, 50.0, 50.0)),
        "left": Ellipsoid((46.0, -6.0, 4.0), (48.0, 46.0, 44.0)),
    }
    geometry = turned_grid((120.0, 85.0, 60.0), (1.1, 1.0, 2.0), angle_deg=11.0 * request.param)
    hu = np.full(geometry.shape_kji, -1000.0)
    body = mask_of([Ellipsoid((0.0, 0.0, 0.0), (112.0, 80.0, 500.0))], geometry)
    hu[body] = 40.0
    masks = {side: mask_of([shape], geometry) for side, shape in lungs.items()}
    kji = np.moveaxis(np.indices(geometry.shape_kji), 0, -1)
    x = (kji[..., ::-1] @ geometry.lps_from_ijk.matrix[:3, :3].T + geometry.lps_from_ijk.matrix[:3, 3])[..., 0]
    masks["right"] &= x < 1.0
    masks["left"] &= x >= 1.0
    hu[masks["right"] | masks["left"]] = -860.0
    hu[(np.abs(x - 1.0) < 0.6) & (masks["right"] | masks["left"])] = -520.0  # thinner than a voxel: darker than tissue
    hu[mask_of([Tube(((0.0, 52.0, -200.0), (0.0, 52.0, 200.0)), (7.0, 7.0))], geometry)] = -1000.0
    return masks, ct(np.rint(hu).astype(np.int16), geometry, 15.0, request.param)


@pytest.mark.parametrize("side", ["left", "right"])
def test_lungs_that_touch_are_parted_at_their_linings(joined, side):
    """The border lies at the linings to a voxel, and the doubt about it says where it is."""
    masks, volume = joined
    other = "right" if side == "left" else "left"
    found = segment(volume, f"lung-{side}")[f"lung-{side}"]
    mask = whole(volume, found)
    assert dice(mask, masks[side]) >= 0.97
    assert (mask & masks[other]).sum() <= 0.01 * masks[other].sum()
    (finding,) = [f for f in found.findings if f.kind is FindingKind.TOUCHING]
    assert finding.details == {"name": f"lung-{side}", "other": f"lung-{other}"}
    assert finding.places_lps
    assert all(abs(x - 1.0) < 4.0 for x, _y, _z in finding.places_lps)


def test_a_single_lung_is_on_its_side(ct):
    """After one was taken out, the other keeps its name, and the missing one is not made up."""
    geometry = turned_grid((120.0, 85.0, 60.0), (1.6, 1.5, 2.5))
    hu = np.full(geometry.shape_kji, -1000, np.int16)
    hu[mask_of([Ellipsoid((0.0, 0.0, 0.0), (112.0, 80.0, 500.0))], geometry)] = 40
    lung = mask_of([Ellipsoid((50.0, 0.0, 4.0), (46.0, 52.0, 46.0))], geometry)
    hu[lung] = -860
    volume = ct(hu, geometry, 15.0)
    assert dice(whole(volume, segment(volume, "lung-left")["lung-left"]), lung) >= 0.97
    with pytest.raises(NothingFound, match="No lung was found on that side"):
        segment(volume, "lung-right")
