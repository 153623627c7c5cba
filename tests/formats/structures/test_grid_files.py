"""NIfTI and NRRD, written by nibabel, SimpleITK and pynrrd: every voxel at its place, whatever the axes."""

from __future__ import annotations

import gzip
import itertools
import struct
import zipfile
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its users know

import arviewer
from arviewer.errors import InputRefused
from arviewer.formats import unpacking
from arviewer.formats.reading import load, scan
from arviewer.formats.structures import structures
from arviewer.model.findings import FindingKind
from arviewer.model.segmentation import CodedTerm
from arviewer.model.study import AttachmentKind
from arviewer.model.volume import Volume
from tests.structure_files import Case, assert_true, by_name, inside_lps, points_of

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
NAMES = ("block", "left", "anterior", "head")
ORIENTATIONS = ["".join(o) for axes in itertools.permutations(("LR", "PA", "SI")) for o in itertools.product(*axes)]


def labels_of(case: Case) -> np.ndarray:
    """Labels 1 to 4 [k, j, i]."""
    stack = np.stack([case.coverage[name] for name in NAMES])
    return np.where(stack.max(axis=0) >= 0.5, stack.argmax(axis=0) + 1, 0).astype(np.uint8)


def nifti_of(case: Case, values: np.ndarray, orientation: str = "") -> nibabel.Nifti1Image:
    """The voxels as NIfTI, axes turned by nibabel to an orientation such as "PIR"."""
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), RAS @ case.geometry.lps_from_ijk.matrix)
    image.header.set_xyzt_units("mm")
    if orientation:
        start = nibabel.io_orientation(image.affine)
        image = image.as_reoriented(
            nibabel.orientations.ornt_transform(start, nibabel.orientations.axcodes2ornt(orientation))
        )
    return image


def save_nrrd(case: Case, path: Path, values: np.ndarray, space: str = "lps", **header: Any) -> Path:
    matrix = case.geometry.lps_from_ijk.matrix if space == "lps" else RAS @ case.geometry.lps_from_ijk.matrix
    names = {"lps": "left-posterior-superior", "ras": "right-anterior-superior"}
    own = {
        "space": names[space],
        "space directions": matrix[:3, :3].T,
        "space origin": matrix[:3, 3],
        "encoding": "gzip",
    }
    nrrd.write(str(path), values.transpose(2, 1, 0), {**own, **header})
    return path


def assert_same_place(volume: Volume, path: Path) -> None:
    """SimpleITK finds the same value at the place of each of many voxels, to 1e-4 mm."""
    other = sitk.ReadImage(str(path))
    k, j, i = volume.voxels.shape
    for ijk in itertools.product((0, 3, i - 1), (0, 5, j - 1), (0, 7, k - 1)):
        point = (volume.geometry.lps_from_ijk.matrix @ [*ijk, 1.0])[:3]
        theirs = other.TransformPhysicalPointToIndex(point.tolist())
        assert np.abs(np.array(other.TransformIndexToPhysicalPoint(theirs)) - point).max() < 1e-4
        assert other.GetPixel(*theirs) == pytest.approx(volume.voxels[ijk[::-1]])


@pytest.mark.hazard("H01", "H06")
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_label_map_of_any_orientation_is_on_its_side(case: Case, tmp_path: Path, orientation: str) -> None:
    """All 48 orders and directions of the axes, half of them left-handed: the structures are where they were."""
    path = tmp_path / "labels.nii.gz"
    nibabel.save(nifti_of(case, labels_of(case), orientation), path)

    found = by_name(structures_here(path, case))

    for number in range(1, 1 + len(NAMES)):
        one = found[f"Label {number}"]
        truth = labels_of(case) == number
        assert one.segments[0].mask.voxels.sum() == truth.sum()
        assert inside_lps(one, points_of(case.geometry, truth)).all()
        assert one.volume.geometry.lps_from_ijk.determinant > 0
    assert_true(found["Label 1"], case.parts["block"], share=0.05)


def structures_here(path: Path, case: Case) -> list[Any]:
    """The reader in this process: forty-eight processes would take a minute."""
    from arviewer.formats.structures import attachment_at, read

    return read(attachment_at(path), case.series, 0.5, [])


@pytest.mark.hazard("H01", "H06", "H11")
@pytest.mark.parametrize("orientation", ["RAS", "LAS", "PIR", "SLP", "AIL"])
@pytest.mark.parametrize("dtype", ["int16", "float32", "uint8", ">i2"])
def test_a_nifti_volume_lies_where_simpleitk_finds_it(case: Case, tmp_path: Path, orientation: str, dtype: str) -> None:
    """Values and places, right- and left-handed, big endian, scaled."""
    values = np.random.default_rng(3).integers(0, 200, case.geometry.shape_kji).astype(dtype)
    image = nifti_of(case, values, orientation)
    image.set_data_dtype(np.dtype(dtype))
    path = tmp_path / "volume.nii.gz"
    nibabel.save(image, path)

    (series,) = scan(path).series
    volume = load(series)

    assert_same_place(volume, path)
    assert volume.voxels.dtype == (np.float32 if dtype == "float32" else np.int16)
    assert FindingKind.NO_FRAME_OF_REFERENCE in [finding.kind for finding in volume.findings]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".nhdr"])
def test_files_of_simpleitk_come_back(case: Case, tmp_path: Path, suffix: str) -> None:
    """An independent writer: the affine to 1e-4 mm, the voxels bit by bit."""
    values = np.random.default_rng(4).integers(-900, 900, case.geometry.shape_kji).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    matrix = case.geometry.lps_from_ijk.matrix
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((matrix[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    path = tmp_path / f"volume{suffix}"
    sitk.WriteImage(image, str(path), useCompression=suffix in (".nrrd", ".nii.gz"))

    volume = arviewer.load(arviewer.scan(path)[0])

    assert np.abs(volume.geometry.lps_from_ijk.matrix - matrix).max() < 1e-4
    assert np.array_equal(volume.voxels, values)


@pytest.mark.parametrize("space", ["lps", "ras"])
@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("detached", [False, True])
def test_nrrd_in_every_encoding(case: Case, tmp_path: Path, space: str, encoding: str, detached: bool) -> None:
    """Attached and detached, RAS and LPS: the same structures at the same places."""
    path = tmp_path / ("labels.nhdr" if detached else "labels.nrrd")
    save_nrrd(case, path, labels_of(case), space, encoding=encoding)

    found = structures_here(path, case)

    assert_true(found[0], case.parts["block"], share=0.05)
    assert inside_lps(found[1], points_of(case.geometry, labels_of(case) == 2)).all()


def test_names_colors_and_layers_of_slicer_are_kept(case: Case, tmp_path: Path) -> None:
    """A .seg.nrrd of two layers, whose segments overlap."""
    layers = np.stack([(case.coverage["block"] >= 0.5) * 1, (case.coverage["all"] >= 0.5) * 1], axis=-1)
    values = layers.astype(np.uint8).transpose(3, 2, 1, 0)
    matrix = case.geometry.lps_from_ijk.matrix
    term = "Segmentation category and type~SCT^85756007^Tissue~SCT^10200004^Liver~^^~Anatomic codes~^^~^^"
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.vstack([[np.nan] * 3, matrix[:3, :3].T]),
        "space origin": matrix[:3, 3],
        "Segment0_Name": "Leber", "Segment0_Layer": "0", "Segment0_LabelValue": "1", "Segment0_Color": "0.9 0.5 0.25",
        "Segment0_Tags": f"Segmentation.Status:inprogress|TerminologyEntry:{term}|",
        "Segment1_Name": "Alles", "Segment1_Layer": "1", "Segment1_LabelValue": "1", "Segment1_Color": "9 9 9",
    }  # fmt: skip
    nrrd.write(str(tmp_path / "a.seg.nrrd"), values, header)

    found = by_name(structures_here(tmp_path / "a.seg.nrrd", case))

    assert found["Leber"].segments[0].color == (0.9, 0.5, 0.25)
    assert found["Leber"].segments[0].term == CodedTerm("10200004", "SCT", "Liver")
    assert found["Alles"].segments[0].color is None
    assert found["Alles"].segments[0].mask.voxels.sum() == (case.coverage["all"] >= 0.5).sum()


def test_which_geometry_wins_is_told(case: Case, tmp_path: Path) -> None:
    """The sform is used; a qform that places the voxels elsewhere is a finding with the distance."""
    image = nifti_of(case, labels_of(case))
    shifted = image.affine.copy()
    shifted[0, 3] += 2.5
    image.set_qform(shifted, 1)
    nibabel.save(image, tmp_path / "two.nii")

    found = structures_here(tmp_path / "two.nii", case)

    (told,) = [f for f in found[0].volume.findings if f.kind is FindingKind.TWO_GEOMETRIES]
    assert told.details["max_mm"] == pytest.approx(2.5, abs=0.01)
    assert_true(found[0], case.parts["block"], share=0.05)

    data = bytearray((tmp_path / "two.nii").read_bytes())
    data[254:256] = b"\0\0"  # sform_code
    (tmp_path / "one.nii").write_bytes(data)
    moved = structures_here(tmp_path / "one.nii", case)
    step = moved[0].volume.geometry.lps_from_ijk.matrix - found[0].volume.geometry.lps_from_ijk.matrix
    assert step[0, 3] == pytest.approx(-2.5, abs=1e-3)


@pytest.mark.hazard("H05")
@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000.0), ("micron", 0.001), ("unknown", 1.0)])
def test_units_of_length(case: Case, tmp_path: Path, unit: str, factor: float) -> None:
    """Meters and micrometers become millimetres; a file without a unit is told."""
    affine = RAS @ case.geometry.lps_from_ijk.matrix
    affine[:3] /= factor
    image = nibabel.Nifti1Image(labels_of(case).transpose(2, 1, 0), affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "u.nii")

    found = structures_here(tmp_path / "u.nii", case)

    assert found[0].volume.geometry.spacing_mm == pytest.approx((1.1, 1.4, 1.9), abs=1e-3)
    kinds = [finding.kind for finding in found[0].volume.findings]
    assert (FindingKind.UNIT_ASSUMED in kinds) == (unit == "unknown")


def test_scaled_values_are_scaled(case: Case, tmp_path: Path) -> None:
    """scl_slope and scl_inter, as nibabel writes them for floats in 16 bits."""
    values = np.linspace(-3, 8, int(np.prod(case.geometry.shape_kji))).reshape(case.geometry.shape_kji)
    image = nifti_of(case, values)
    image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "s.nii")

    volume = load(scan(tmp_path / "s.nii").series[0])

    assert volume.voxels.dtype == np.float32
    assert np.abs(volume.voxels - values).max() < 2e-4


def test_several_times_in_one_file_are_several_series(case: Case, tmp_path: Path) -> None:
    """A 4D NIfTI opens as its volumes."""
    values = np.random.default_rng(1).integers(-5, 999, (*case.geometry.shape_kji[::-1], 3)).astype(np.int16)
    image = nibabel.Nifti1Image(values, RAS @ case.geometry.lps_from_ijk.matrix)
    nibabel.save(image, tmp_path / "t.nii.gz")

    found = scan(tmp_path / "t.nii.gz").series

    assert [one.part for one in found] == [(1, 3), (2, 3), (3, 3)]
    assert np.array_equal(load(found[2]).voxels, values[..., 2].transpose(2, 1, 0))


def test_what_lies_beside_the_images_is_told_apart(case: Case, tmp_path: Path) -> None:
    """A label map becomes an attachment, an image a series, damage is skipped with its reason."""
    for source in case.folder.glob("*.dcm"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    nibabel.save(nifti_of(case, labels_of(case)), tmp_path / "labels.nii.gz")
    noise = np.random.default_rng(2).integers(-900, 900, case.geometry.shape_kji).astype(np.int16)
    nibabel.save(nifti_of(case, noise), tmp_path / "mr.nii.gz")
    smooth = np.random.default_rng(2).normal(100, 20, case.geometry.shape_kji).clip(0, 255).astype(np.uint8)
    save_nrrd(case, tmp_path / "mr8.nrrd", smooth)
    (tmp_path / "broken.nii").write_bytes(b"\0" * 400)

    found = scan(tmp_path)

    assert [(one.kind, one.name) for one in found.attachments] == [(AttachmentKind.LABEL_MAP, "labels.nii.gz")]
    assert [one.instances[0].name for one in found.series[1:]] == ["mr.nii.gz", "mr8.nrrd"]
    assert "no NIfTI" in next(one.why for one in found.skipped if one.file == "broken.nii")


@pytest.mark.hazard("H04", "H15")
def test_a_label_map_elsewhere_is_refused(case: Case, tmp_path: Path) -> None:
    """Without patient and frame of reference, the place alone decides: the same lattice, near, or not here."""
    image = nifti_of(case, labels_of(case))
    nibabel.save(image, tmp_path / "same.nii")
    near, far = image.affine.copy(), image.affine.copy()
    near[0, 3] += 0.4
    far[0, 3] += 500
    for name, affine in (("near", near), ("far", far)):
        moved = nibabel.Nifti1Image(image.dataobj, affine)
        moved.header.set_xyzt_units("mm")
        nibabel.save(moved, tmp_path / f"{name}.nii")

    severities = {
        name: structures(tmp_path / f"{name}.nii", case.series)[0].volume.findings[-1].severity
        for name in ("same", "near")
    }

    assert severities == {"same": "note", "near": "warning"}
    with pytest.raises(InputRefused, match=r"far\.nii does not lie where the images are"):
        structures(tmp_path / "far.nii", case.series)


def header_of(case: Case) -> bytearray:
    return bytearray(nifti_of(case, labels_of(case)).to_bytes())


@pytest.mark.hazard("H06", "H22")
@pytest.mark.parametrize(
    ("offset", "value", "why"),
    [
        (280, struct.pack("<f", float("nan")), "not finite"),
        (280, struct.pack("<12f", *[0.0] * 12), "mm"),
        (280, struct.pack("<12f", 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0), "singular"),
        (292, struct.pack("<f", 1e30), "100 m"),
        (42, struct.pack("<3h", 30000, 30000, 30000), "promises|cut short"),
        (42, struct.pack("<h", 0), "size"),
        (42, struct.pack("<h", -7), "size"),
        (70, struct.pack("<h", 128), "not numbers"),
        (108, struct.pack("<f", float("inf")), "begin at byte"),
        (108, struct.pack("<f", 1e9), "cut short"),
        (252, struct.pack("<2h", 0, 0), "neither sform nor qform"),
        (344, b"ni1\0", "no NIfTI"),
        (40, struct.pack("<h", 99), "dimensions"),
    ],
)
def test_damaged_nifti_headers_are_refused(case: Case, tmp_path: Path, offset: int, value: bytes, why: str) -> None:
    """Each lie is refused by name and reason, before anything is allocated."""
    data = header_of(case)
    data[offset : offset + len(value)] = value
    path = tmp_path / "bad.nii"
    path.write_bytes(data)

    with pytest.raises(InputRefused, match=f"bad.nii(.|\n)*({why})"):
        structures(path, case.series)


@pytest.mark.hazard("H22")
def test_a_bomb_is_unpacked_no_further_than_it_is_promised(case: Case, tmp_path: Path) -> None:
    """A gigabyte of zeros behind a small header: only the promised voxels come out."""
    data = bytes(header_of(case))
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(data)
        for _ in range(256):
            stream.write(bytes(1 << 20))
    asked: list[int] = []
    real = unpacking.unpacked

    def watched(stored: bytes, encoding: str, limit: int) -> bytes:
        out = real(stored, encoding, limit)
        asked.append(len(out))
        return out

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("arviewer.formats.grid_file.unpacked", watched)
        found = structures_here(path, case)

    assert len(found) == 4
    assert max(asked) == len(data)


@pytest.mark.hazard("H22")
@pytest.mark.parametrize(
    "name", ["../secret.raw", "/etc/passwd", "a/b.raw", "..", "link.raw", "missing.raw", "LIST", "x%03d.raw"]
)
def test_a_detached_header_never_leads_out_of_its_folder(case: Case, tmp_path: Path, name: str) -> None:
    """Neither by a path nor by a link."""
    (tmp_path / "secret.raw").write_bytes(labels_of(case).tobytes())
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.raw").symlink_to(tmp_path / "secret.raw")
    save_nrrd(case, folder / "a.nhdr", labels_of(case), encoding="raw")
    header = (folder / "a.nhdr").read_text()
    (folder / "a.nhdr").write_text(header.replace("a.raw", name))
    assert name in (folder / "a.nhdr").read_text()

    with pytest.raises(InputRefused, match=r"a\.nhdr(.|\n)*(outside|missing|several)"):
        structures(folder / "a.nhdr", case.series)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("space: left-posterior-superior", "space: scanner-xyz", "scanner-xyz"),
        ("space directions:", "space directions: none none none #", "where it lies"),
        ("space directions: (", "space directions: (nan", "no vector|not finite"),
        ("encoding: gzip", "encoding: hex", "hex"),
        ("type: uint8", "type: block", "block"),
        ("sizes: ", "sizes: 9", "cut short|size"),
        ("NRRD0", "NRRX0", "no NRRD"),
    ],
)
def test_damaged_nrrd_headers_are_refused(case: Case, tmp_path: Path, old: str, new: str, why: str) -> None:
    """Each by name and reason."""
    path = save_nrrd(case, tmp_path / "bad.nrrd", labels_of(case))
    data = path.read_bytes()
    assert old.encode() in data
    path.write_bytes(data.replace(old.encode(), new.encode(), 1))

    with pytest.raises(InputRefused, match=f"bad.nrrd(.|\n)*({why})"):
        structures(path, case.series)


def test_images_are_no_label_map(case: Case, tmp_path: Path) -> None:
    """Negative values, fractions and thousands of different values are no labels, even when asked for by name."""
    rng = np.random.default_rng(8)
    wrong = {
        "negative": rng.integers(-9, 9, case.geometry.shape_kji).astype(np.int16),
        "values": rng.integers(0, 9999, case.geometry.shape_kji).astype(np.int32),
        "fractions": rng.random(case.geometry.shape_kji).astype(np.float32),
        "empty": np.zeros(case.geometry.shape_kji, np.uint8),
    }
    for name, values in wrong.items():
        nibabel.save(nifti_of(case, values), tmp_path / f"{name}.nii")
        with pytest.raises(InputRefused, match=f"{name}.nii(.|\n)*(no label)"):
            structures(tmp_path / f"{name}.nii", case.series)


def test_an_archive_without_dicom(case: Case, tmp_path: Path) -> None:
    """A zip of NIfTI and NRRD files alone opens as a folder of them does."""
    nibabel.save(nifti_of(case, labels_of(case)), tmp_path / "labels.nii.gz")
    save_nrrd(case, tmp_path / "image.nrrd", np.random.default_rng(1).normal(0, 99, case.geometry.shape_kji))
    with zipfile.ZipFile(tmp_path / "only.zip", "w") as archive:
        for name in ("labels.nii.gz", "image.nrrd"):
            archive.write(tmp_path / name, name)

    found = scan(tmp_path / "only.zip")

    assert [(one.instances[0].member, one.geometry.shape_kji) for one in found.series] == [
        ("image.nrrd", case.geometry.shape_kji)
    ]
    assert [(one.kind, one.member) for one in found.attachments] == [(AttachmentKind.LABEL_MAP, "labels.nii.gz")]


@pytest.mark.hazard("H01")
def test_two_geometries_that_differ_by_a_turn_are_told(case: Case, tmp_path: Path) -> None:
    """A turn about the first voxel leaves its place as it is."""
    image = nifti_of(case, labels_of(case))
    turned, angle = image.affine.copy(), np.radians(2.0)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    turned[:3, :3] = turn @ turned[:3, :3]
    image.set_qform(turned, 1)
    nibabel.save(image, tmp_path / "two.nii")
    found = structures_here(tmp_path / "two.nii", case)
    assert FindingKind.TWO_GEOMETRIES in [one.kind for one in found[0].volume.findings]
