"""Real segmentations, contours and label maps against what is known about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

import arviewer
from arviewer.formats.structures import listing
from arviewer.imaging.meshing import surface
from arviewer.model.findings import FindingKind
from arviewer.model.study import Scan
from tests.structure_files import by_name, centroid_lps


@pytest.fixture(scope="module")
def sarcoma(data: Path) -> Scan:
    from arviewer.formats.reading import scan

    return scan(data / "04_petct_rtstruct_sts001")


@pytest.mark.parametrize("modality", ["PT", "CT"])
def test_the_tumor_has_its_volume_on_either_series(sarcoma: Scan, modality: str) -> None:
    """GTV_Mass: 366.1 and 365.3 ml by counting voxels on the PET and CT grid; the contours do not care."""
    images = next(one for one in sarcoma.series if one.modality == modality)
    for attachment in sarcoma.attachments:
        found = by_name(arviewer.structures(attachment, images))
        name = "GTV_Mass" if "GTV_Mass" in found else "GTV_Mass_CT"
        grid = found[name].volume.geometry
        assert np.sum(found[name].volume.voxels) / 1e5 * grid.voxel_volume_mm3 == pytest.approx(365.7, rel=0.003)
        assert surface(found[name], name).volume_ml == pytest.approx(365.7, rel=0.005)
        assert found[name].segments[0].color == (1.0, 0.0, 0.0)


def test_dangling_references_are_told(sarcoma: Scan) -> None:
    """One structure set refers to 267 images that were cropped away: usable by its frame, with a finding."""
    told = dict(
        zip([one.name for one in sarcoma.attachments], listing(sarcoma.attachments, sarcoma.series), strict=True)
    )

    assert [f.kind for f in told["RS.dcm"][1]] == [FindingKind.DANGLING_REFERENCE]
    assert told["RS.dcm"][1][0].details["missing"] == 267
    assert told["1-1.dcm"][1] == ()
    assert told["1-1.dcm"][0].structures == ("GTV_Mass", "GTV_Edema")


def test_a_fractional_seg_without_references_lies_on_the_bright_tissue(data: Path) -> None:
    """Breast MR, sagittal, 42 frames placed by position: what it encloses is brighter than what is round it."""
    series = arviewer.scan(data / "05_mr_dce_4d_seg_ucsfbr06")[0]
    path = data / "05_mr_dce_4d_seg_ucsfbr06" / "seg" / "1-1.dcm"
    volume = arviewer.load(series)

    (found,) = arviewer.structures(path, volume)

    assert found.segments[0].name == "Breast"
    assert found.segments[0].threshold == 50.0
    ds = pydicom.dcmread(path)
    stored = ds.pixel_array >= 127.5
    assert found.segments[0].mask.voxels.sum() == stored.sum()
    to_images = np.linalg.inv(volume.geometry.lps_from_ijk.matrix)
    inside, anywhere = [], []
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):  # placed here by pydicom's numbers alone
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        i, j, k = np.rint((to_images @ [*position, 1.0])[:3]).astype(int)
        assert (i, j) == (0, 0)
        inside.append(volume.voxels[k][stored[n]])
        anywhere.append(volume.voxels[k][~stored[n]])
    assert np.concatenate(inside).mean() > 3 * np.concatenate(anywhere).mean()
    k, j, i = np.nonzero(found.segments[0].mask.voxels)
    dk, dj, di = found.segments[0].mask.start_kji
    own = np.stack([i + di, j + dj, k + dk, np.ones(len(k))])
    world = found.volume.geometry.lps_from_ijk.matrix @ own
    vi, vj, vk = np.rint(to_images @ world)[:3].astype(int)
    assert np.array_equal(np.sort(volume.voxels[vk, vj, vi]), np.sort(np.concatenate(inside)))


def test_a_binary_seg_of_dcmqi(data: Path) -> None:
    """The liver of three slices: name, code, color, volume by pydicom's own unpacking."""
    folder = data / "09_seg_dcmqi_liver"
    series = next(one for one in arviewer.scan(folder) if one.geometry is not None)

    (found,) = arviewer.structures(folder / "liver_seg.dcm", series)

    segment = found.segments[0]
    assert (segment.name, segment.term.value, segment.term.scheme) == ("Liver", "T-62000", "SRT")
    assert segment.mask.voxels.sum() == pydicom.dcmread(folder / "liver_seg.dcm").pixel_array.sum()
    assert segment.color == pytest.approx((221 / 255, 130 / 255, 101 / 255), abs=0.03)  # 3D Slicer's liver
    assert centroid_lps(found)[0] < 0


@pytest.mark.hazard("H01")
def test_a_left_handed_label_map_is_on_its_side(data: Path) -> None:
    """Organs of a machine-made label map (LAS): liver right, spleen and stomach left, names and colors kept."""
    folder = data / "06_ct_20slice_117labels"
    series = arviewer.scan(folder)[0]

    found = by_name(arviewer.structures(folder / "labels_117.nii.gz", series))

    assert len(found) == 31
    for name, side in {"liver": -1, "adrenal_gland_right": -1, "rib_right_9": -1, "spleen": 1, "stomach": 1,
                       "rib_left_9": 1, "humerus_left": 1}.items():  # fmt: skip
        assert np.sign(centroid_lps(found[name])[0]) == side, name
    assert found["liver"].segments[0].color == (0.0, 1.0, 1.0)
    assert found["liver"].volume_ml("liver") == pytest.approx(699.44, abs=0.01)
    (told,) = found["liver"].volume.findings
    assert (told.kind, told.severity) == (FindingKind.FRAME_ASSUMED, "note")
