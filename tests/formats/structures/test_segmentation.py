"""DICOM SEG, written by highdicom, at its own geometry: every kind, shuffled, sparse, overlapping, compressed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import highdicom
import imagecodecs
import numpy as np
import pydicom
import pytest
from highdicom.color import CIELabColor
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pack_bits
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless, generate_uid

import arviewer
from arviewer.errors import InputRefused, UsageError
from arviewer.formats.dicom.data_set import color_of_cielab
from arviewer.formats.structures import structures
from arviewer.model.segmentation import CodedTerm, State
from tests.structure_files import (
    AXES,
    Case,
    assert_true,
    by_name,
    coverage_on,
    grid,
    inside_lps,
    points_of,
    write_images,
)

NAMES = ("block", "left", "anterior", "head", "all")
PLANES = range(20, 32)
COLORS = {"block": (70.0, -20.0, 30.0), "left": (50.0, 60.0, 40.0), "head": (60.0, 0.0, -50.0)}


def described(numbers: dict[str, int]) -> list[highdicom.seg.SegmentDescription]:
    return [
        highdicom.seg.SegmentDescription(
            number, name, codes.SCT.Tissue, codes.SCT.Liver if name == "block" else codes.SCT.Bone, "MANUAL",
            display_color=CIELabColor(*COLORS[name]) if name in COLORS else None,
        )
        for name, number in numbers.items()
    ]  # fmt: skip


def write(case: Case, path: Path, kind: str, syntax: UID = ExplicitVRLittleEndian, **geometry: object) -> Path:
    """A SEG of the phantom's parts; a label map has no overlap, and so no "all"."""
    names = NAMES if kind != "LABELMAP" else NAMES[:-1]
    coverage = geometry.pop("coverage", case.coverage)
    stack = np.stack([coverage[name] for name in names], axis=-1)
    if kind == "LABELMAP":
        pixels = np.where(stack.max(axis=-1) >= 0.5, stack.argmax(axis=-1) + 1, 0).astype(np.uint8)
    else:
        pixels = (stack >= 0.5).astype(np.uint8) if kind == "BINARY" else stack.astype(np.float32)
    written = highdicom.seg.Segmentation(
        case.sources(), pixels, kind, described({name: n for n, name in enumerate(names, 1)}), generate_uid(), 7,
        generate_uid(), 1, "Maker", "Model", "1.2", "0", transfer_syntax_uid=syntax, **geometry,
    )  # fmt: skip
    written.save_as(path)
    return path


def shuffle(path: Path) -> Path:
    """Put the frames of a SEG in another order, and leave their positions with them."""
    ds = pydicom.dcmread(path)
    order = np.random.default_rng(5).permutation(int(ds.NumberOfFrames))
    pixels = ds.pixel_array[order]
    ds.PerFrameFunctionalGroupsSequence = [ds.PerFrameFunctionalGroupsSequence[n] for n in order]
    ds.PixelData = pack_bits(pixels) if ds.BitsAllocated == 1 else pixels.tobytes()
    ds.save_as(path)
    return path


def write_jpeg2000(plain: Path, path: Path) -> None:
    ds = pydicom.dcmread(plain)
    frames = [imagecodecs.jpeg2k_encode(frame, reversible=True, level=0, codecformat="j2k") for frame in ds.pixel_array]
    ds.PixelData = encapsulate([bytes(frame) for frame in frames])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.save_as(path)


@pytest.mark.hazard("H01", "H09")
@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_every_kind_lies_where_it_was_drawn(case: Case, tmp_path: Path, kind: str) -> None:
    """Frames shuffled, empty ones left out: volume, place and side of each part are those in closed form."""
    path = shuffle(write(case, tmp_path / "seg.dcm", kind))
    assert pydicom.dcmread(path).NumberOfFrames < case.geometry.shape_kji[0] * 3

    found = by_name(arviewer.structures(path, case.series))

    assert set(found) == set(NAMES if kind != "LABELMAP" else NAMES[:-1])
    for name, part in case.parts.items():
        assert_true(found[name], part, share=0.01 if kind == "FRACTIONAL" else 0.12, mm=0.25)
        assert found[name].volume.geometry.frame_of_reference_uid == case.series.frame_of_reference_uid
        truth = case.coverage[name] >= 0.5
        assert inside_lps(found[name], points_of(case.geometry, truth)).all()
        if kind != "FRACTIONAL":
            assert found[name].segments[0].mask.voxels.sum() == truth.sum()


def test_surfaces_of_fractions_follow_the_fractions(case: Case, tmp_path: Path) -> None:
    """The surface is the iso-level of the fractions: closer to the truth than voxels, and chosen by the person."""
    path = write(case, tmp_path / "seg.dcm", "FRACTIONAL")

    half = arviewer.structures(path, case.series)
    high = arviewer.structures(path, case.series, level=0.9)

    for name, part in case.parts.items():
        surface = arviewer.surface(by_name(half)[name], name)
        assert surface.closed
        smallest = 0.03 if name == "block" else 0.2  # an iso-level cuts the tops of balls of a few voxels
        assert surface.volume_ml * 1000 == pytest.approx(part.volume_mm3, rel=smallest)
        assert surface.grey_share == 1.0
        tight = arviewer.surface(by_name(high)[name], name)
        assert tight.volume_ml < 0.9 * surface.volume_ml
        assert tight.made_by.parameters["level"] == 0.9


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP"])
def test_compressed_frames_are_the_same(case: Case, tmp_path: Path, kind: str, syntax: UID) -> None:
    """The pinned decoders give what was written."""
    plain = structures(write(case, tmp_path / "plain.dcm", kind), case.series)
    path = tmp_path / "packed.dcm"
    if syntax == JPEG2000Lossless:
        write_jpeg2000(tmp_path / "plain.dcm", path)
    else:
        write(case, path, kind, syntax)
    packed = structures(path, case.series)

    for one, other in zip(plain, packed, strict=True):
        assert np.array_equal(one.segments[0].mask.voxels, other.segments[0].mask.voxels)
        assert np.array_equal(one.volume.voxels, other.volume.voxels)


def test_segments_on_another_grid_than_the_images(case: Case, tmp_path: Path) -> None:
    """A SEG of coarser voxels in another orientation lies where it says, not where its array would fit."""
    own = grid((2.3, 1.7, 2.9), AXES[:, [1, 2, 0]])
    columns = own.lps_from_ijk.matrix[:3, :3] / own.spacing_mm
    positions = [
        highdicom.PlanePositionSequence("PATIENT", (own.lps_from_ijk.matrix @ [0, 0, k, 1])[:3])
        for k in range(own.shape_kji[0])
    ]
    truth = coverage_on(own)
    path = write(
        case, tmp_path / "seg.dcm", "BINARY", coverage=truth, plane_positions=positions,
        pixel_measures=highdicom.PixelMeasuresSequence(own.spacing_mm[1::-1], 2.9),
        plane_orientation=highdicom.PlaneOrientationSequence("PATIENT", [*columns[:, 0], *columns[:, 1]]),
    )  # fmt: skip

    found = by_name(structures(path, case.series))

    for name in ("block", "left", "anterior"):
        assert_true(found[name], case.parts[name], share=0.1, mm=0.6)
        assert found[name].segments[0].mask.voxels.sum() == (truth[name] >= 0.5).sum()
        assert inside_lps(found[name], points_of(own, truth[name] >= 0.5)).all()
    assert found["block"].volume.geometry.spacing_mm == pytest.approx((2.3, 1.7, 2.9), abs=1e-3)


def test_planes_far_apart_take_their_step_from_the_images(case: Case, tmp_path: Path) -> None:
    """A structure on every second slice alone is as thick as those slices, not as their distance."""
    sparse = {name: np.where(np.arange(len(c))[:, None, None] % 2, c, 0) for name, c in case.coverage.items()}
    path = write(case, tmp_path / "seg.dcm", "BINARY", coverage=sparse)

    found = by_name(structures(path, case.series))["block"]

    assert found.volume.geometry.spacing_mm[2] == pytest.approx(1.9, abs=1e-3)
    assert found.segments[0].mask.voxels.sum() == (sparse["block"] >= 0.5).sum()


def test_names_terms_colors_and_source_are_kept(case: Case, tmp_path: Path) -> None:
    """What another program says about a structure stays with it, and it is proposed, not confirmed."""
    path = write(case, tmp_path / "seg.dcm", "BINARY")

    found = by_name(structures(path, case.series))

    block, left = found["block"].segments[0], found["left"].segments[0]
    assert block.term == CodedTerm("10200004", "SCT", "Liver")
    assert left.color[0] > 0.6 > left.color[1]
    assert found["anterior"].segments[0].color is None
    assert block.state is State.PROPOSED
    assert block.made_by.recipe == "import"
    assert block.made_by.parameters["sop_instance_uid"] == pydicom.dcmread(path).SOPInstanceUID
    assert block.made_by.parameters["tool"] == "Maker Model 1.2"
    assert case.series.uid in block.made_by.series_uids


@pytest.mark.parametrize(
    ("lab", "rgb"),
    [
        # Lindbloom's tables: sRGB primaries, white and mid grey in L*a*b* of D50.
        ((100.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ((54.29, 80.81, 69.89), (1.0, 0.0, 0.0)),
        ((87.82, -79.29, 80.99), (0.0, 1.0, 0.0)),
        ((29.57, 68.30, -112.03), (0.0, 0.0, 1.0)),
        ((53.39, 0.0, 0.0), (0.5, 0.5, 0.5)),
    ],
)
def test_cielab_becomes_srgb(lab: tuple[float, ...], rgb: tuple[float, ...]) -> None:
    """The encoding of DICOM under the white of ICC profiles."""
    stored = [lab[0] * 655.35, (lab[1] + 128) * 257, (lab[2] + 128) * 257]

    assert color_of_cielab(stored) == pytest.approx(rgb, abs=0.01)


@pytest.mark.hazard("H03", "H04", "H15")
def test_what_is_not_of_these_images_is_refused(case: Case, tmp_path: Path) -> None:
    """Another patient, another study without a reference, another frame of reference: each is named."""
    path = write(case, tmp_path / "seg.dcm", "BINARY")
    other = write_images(tmp_path / "other", case.geometry, patient="Zwei^Bo")
    with pytest.raises(InputRefused, match=r"another patient(.|\n)*Patient ID"):
        structures(path, other)

    ds = pydicom.dcmread(path)
    ds.FrameOfReferenceUID = "1.2.3.4"
    ds.save_as(path)
    with pytest.raises(InputRefused, match=r"another frame of reference(.|\n)*1\.2\.3\.4"):
        structures(path, case.series)

    twin = write_images(tmp_path / "twin", case.geometry, study="another study")
    del ds.ReferencedSeriesSequence
    for group in ds.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence
    ds.save_as(path)
    with pytest.raises(InputRefused, match="another study"):
        structures(path, twin)


@pytest.mark.hazard("H22")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"NumberOfFrames": 2**31 - 1}, "NumberOfFrames"),
        ({"NumberOfFrames": 99_999}, "cut short"),
        ({"Rows": 65535, "Columns": 65535}, "cut short"),
        ({"SegmentationType": "MAGIC"}, "MAGIC"),
        ({"BitsAllocated": 12}, "12 bits"),
        ({"PixelData": b"\0\0"}, "cut short"),
        ({"SegmentSequence": []}, "no segment"),
        ({"PerFrameFunctionalGroupsSequence": []}, "says where 0 lie"),
    ],
)
def test_lies_in_the_header_are_refused_by_name(case: Case, tmp_path: Path, change: dict, why: str) -> None:
    """Nothing is allocated on a header's word, and the file is named."""
    path = write(case, tmp_path / "seg.dcm", "BINARY")
    ds = pydicom.dcmread(path)
    for keyword, value in change.items():
        setattr(ds, keyword, value)
    ds.save_as(path)

    with pytest.raises(InputRefused, match=f"seg.dcm(.|\n)*{why}"):
        structures(path, case.series)


@pytest.mark.parametrize(
    ("sequence", "keyword", "value", "why"),
    [
        ("PlanePositionSequence", "ImagePositionPatient", [1e30, 0, 0], "0020,0032"),
        ("PlanePositionSequence", "ImagePositionPatient", [0, 0], "ImagePositionPatient"),
        ("PlanePositionSequence", "ImagePositionPatient", [400, 0, 0], "shifted|unevenly"),
        ("SegmentIdentificationSequence", "ReferencedSegmentNumber", 0, "ReferencedSegmentNumber"),
    ],
)
def test_frames_that_cannot_be_placed_are_refused(
    case: Case, tmp_path: Path, sequence: str, keyword: str, value: object, why: str
) -> None:
    """One frame that lies nowhere spoils the object."""
    path = write(case, tmp_path / "seg.dcm", "BINARY")
    ds = pydicom.dcmread(path)
    setattr(ds.PerFrameFunctionalGroupsSequence[3][sequence][0], keyword, value)
    ds.save_as(path)

    with pytest.raises(InputRefused, match=why):
        structures(path, case.series)


def test_two_frames_of_a_segment_at_one_place_are_refused(case: Case, tmp_path: Path) -> None:
    """It cannot be known which of them is meant."""
    path = write(case, tmp_path / "seg.dcm", "BINARY")
    ds = pydicom.dcmread(path)
    groups = ds.PerFrameFunctionalGroupsSequence
    groups[1].PlanePositionSequence = groups[0].PlanePositionSequence
    ds.save_as(path)

    with pytest.raises(InputRefused, match="two frames of segment"):
        structures(path, case.series)


def test_a_level_is_a_fraction(case: Case, tmp_path: Path) -> None:
    """Nothing lies at 0 or beyond 1."""
    for level in (0.0, 1.5, float("nan")):
        with pytest.raises(UsageError, match="fraction"):
            structures(tmp_path / "seg.dcm", case.series, level=level)


@pytest.mark.hazard("H11")
def test_fractions_count_up_to_the_maximum_that_is_declared(case: Case, tmp_path: Path) -> None:
    """100 as well as 255."""
    path = write(case, tmp_path / "seg.dcm", "FRACTIONAL", max_fractional_value=100)
    assert pydicom.dcmread(path).MaximumFractionalValue == 100
    block = by_name(arviewer.structures(path, case.series))["block"]
    assert block.volume.voxels.max() == pytest.approx(100.0)
    assert_true(block, case.parts["block"], share=0.01, mm=0.25)


def test_the_padding_value_of_a_label_map_is_background(case: Case, tmp_path: Path) -> None:
    """Though it is described as a segment."""
    path = write(case, tmp_path / "seg.dcm", "LABELMAP")
    ds = pydicom.dcmread(path)
    pixels = ds.pixel_array.copy()
    pixels[pixels == 0] = 9
    ds.PixelData, ds.PixelPaddingValue = pixels.tobytes(), 9
    background = copy.deepcopy(ds.SegmentSequence[-1])
    background.SegmentNumber, background.SegmentLabel = 9, "Background"
    ds.SegmentSequence.append(background)
    ds.save_as(path)
    assert "Background" not in by_name(structures(path, case.series))


def test_a_palette_of_16_bits_gives_the_color(case: Case, tmp_path: Path) -> None:
    """Where a segment recommends none."""
    path = write(case, tmp_path / "seg.dcm", "LABELMAP")
    ds = pydicom.dcmread(path)
    del next(one for one in ds.SegmentSequence if one.SegmentLabel == "block").RecommendedDisplayCIELabValue
    for channel, value in (("Red", 0x1234), ("Green", 0x8001), ("Blue", 0xFF00)):
        ds.add_new(pydicom.datadict.tag_for_keyword(f"{channel}PaletteColorLookupTableDescriptor"), "US", [8, 0, 16])
        table = np.full(8, value, "<u2").tobytes()
        ds.add_new(pydicom.datadict.tag_for_keyword(f"{channel}PaletteColorLookupTableData"), "OW", table)
    ds.save_as(path)
    color = by_name(structures(path, case.series))["block"].segments[0].color
    assert color == pytest.approx([0x1234 / 65535, 0x8001 / 65535, 0xFF00 / 65535])


def test_a_structure_within_the_images_is_not_capped(case: Case, tmp_path: Path) -> None:
    """Frames only where it is: before and behind them it ends, and is not cut."""
    within = np.isin(np.arange(case.geometry.shape_kji[0]), PLANES)[:, None, None]
    sparse = {name: np.where(within, share, 0) for name, share in case.coverage.items()}
    path = write(case, tmp_path / "seg.dcm", "BINARY", coverage=sparse)
    for one in structures(path, case.series):
        k = one.segments[0].mask.slices[0]
        assert 0 < k.start < k.stop < one.volume.geometry.shape_kji[0]
        assert arviewer.surface(one, one.segments[0].name).capped_mm2 == 0


def shift_frames(path: Path, by_mm: Callable[[int, float], float]) -> np.ndarray:
    """Move frame m, at a height along the normal, by so many mm along its columns; return their direction."""
    ds = pydicom.dcmread(path)
    plane = ds.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    row, column = np.array(plane.ImageOrientationPatient, float).reshape(2, 3)
    normal, first = np.cross(row, column), None
    for m, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        place = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        first = place if first is None else first
        moved = place + by_mm(m, float((place - first) @ normal)) * column
        group.PlanePositionSequence[0].ImagePositionPatient = [f"{value:.6f}" for value in moved]
    ds.save_as(path)
    return column


@pytest.mark.hazard("H08")
def test_frames_of_a_tilted_gantry_make_a_sheared_grid(case: Case, tmp_path: Path) -> None:
    """Each frame shifted with its height."""
    path = write(case, tmp_path / "seg.dcm", "BINARY")
    before = by_name(structures(path, case.series))["block"].volume.geometry.lps_from_ijk.matrix
    column = shift_frames(path, lambda _m, along: 0.3 * along)
    after = by_name(structures(path, case.series))["block"].volume.geometry.lps_from_ijk.matrix
    np.testing.assert_allclose(after[:3, 2], before[:3, 2] + 0.3 * 1.9 * column, atol=1e-3)


@pytest.mark.hazard("H08")
def test_one_frame_shifted_in_its_plane_is_no_stack(case: Case, tmp_path: Path) -> None:
    """By three millimetres."""
    path = write(case, tmp_path / "seg.dcm", "BINARY")
    shift_frames(path, lambda m, _along: 3.0 * (m == 3))
    with pytest.raises(InputRefused, match="shifted against each other"):
        structures(path, case.series)
