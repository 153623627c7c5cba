"""What of one series is a volume of its own: phases at the same places, stacks at others, formats, frames."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from arviewer.imaging.dicom import describe, load, scan
from arviewer.imaging.dicom.phases import seconds_of
from arviewer.model.findings import FindingKind, Severity, Verdict
from arviewer.model.study import Phase, PhaseKind
from arviewer.session.summary import phase_words, summary

VOXELS = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
MATRIX = np.diag([0.7, 0.72, 2.0, 1.0])


def moved(x=0.0, y=0.0, z=0.0, step=2.0):
    """MATRIX at another place, with another step."""
    matrix = MATRIX.copy()
    matrix[2, 2] = step
    matrix[:3, 3] = x, y, z
    return matrix


def phases(found):
    """Kind and value of the phase of each volume, and which of how many it is."""
    return [(one.phase.kind, one.phase.value, one.phase.number, one.phase.count) for one in found.series]


def require_pure(found):
    """Each volume holds the values of one writer only (thousands tell them apart), in the order they were written."""
    values = [{int(value) for value in np.unique(load(one).voxels // 1000)} for one in found.series]
    assert all(len(one) == 1 for one in values), values
    return [one.pop() for one in values]


@pytest.mark.hazard("H10")
@pytest.mark.parametrize(
    ("keyword", "values", "kind", "words"),
    [
        ("TemporalPositionIdentifier", ["2", "1", "3"], PhaseKind.TEMPORAL_POSITION, "time 1 of 3"),
        ("EchoTime", ["4.6", "2.3", "9.2"], PhaseKind.ECHO, "echo 2.3 ms"),
        ("EchoNumbers", ["2", "1", "3"], PhaseKind.ECHO_NUMBER, "echo 1"),
        ("DiffusionBValue", [500.0, 0.0, 1000.0], PhaseKind.B_VALUE, "b 0 s/mm²"),
        ("TriggerTime", ["20", "0", "40"], PhaseKind.TRIGGER, "0 ms after the trigger"),
        ("AcquisitionNumber", ["2", "1", "3"], PhaseKind.ACQUISITION, "acquisition 1"),
        ("StackID", ["b", "a", "c"], PhaseKind.STACK, "stack a"),
        ("ImageType", [["ORIGINAL", "PRIMARY", part] for part in "WFX"], PhaseKind.IMAGE_TYPE, "image type F"),
        ("AcquisitionTime", ["101530", "101505.5", "101700"], PhaseKind.TIME, "time 1 of 3, 0 s"),
    ],
)
def test_volumes_at_one_place_carry_what_tells_them_apart(write_stack, tmp_path, keyword, values, kind, words):
    """Three volumes, listed by their value, each pure, each with its words, in the text and in the JSON."""
    for n, value in enumerate(values):
        write_stack(
            VOXELS + 1000 * n, MATRIX, f"a/{n}", vary=lambda k, n=n: {"InstanceNumber": 6 * n + k}, **{keyword: value}
        )
    found = scan(tmp_path / "a")
    assert [one.phase.kind for one in found.series] == [kind] * 3
    assert [one.phase.number for one in found.series] == [1, 2, 3]
    assert require_pure(found)[:2] == [1, 0]
    assert [one.part for one in found.series] == [(1, 3), (2, 3), (3, 3)]
    assert phase_words(found.series[0].phase) == words
    assert words in summary(found, tmp_path)
    listed = json.loads(json.dumps(describe(found)))["series"][0]["phase"]
    assert (listed["kind"], listed["words"]) == (kind, words)
    (finding,) = [one for one in found.series[0].findings if one.kind is FindingKind.MULTIPLE_VOLUMES]
    assert finding.details["count"] == 3


def test_times_are_seconds_since_the_first_volume(write_stack, tmp_path):
    """Two volumes that differ in their time only, the second 85 seconds later."""
    write_stack(VOXELS, MATRIX, "a/0", AcquisitionTime="115930", vary=lambda k: {"InstanceNumber": k})
    write_stack(VOXELS + 1000, MATRIX, "a/1", AcquisitionTime="120055.25", vary=lambda k: {"InstanceNumber": 9 + k})
    found = scan(tmp_path / "a")
    assert phases(found) == [(PhaseKind.TIME, 0.0, 1, 2), (PhaseKind.TIME, 85.25, 2, 2)]
    assert phase_words(found.series[1].phase) == "time 2 of 2, 85 s"


def test_two_marks_together_tell_a_time_series_of_two_echoes_apart(write_stack, tmp_path):
    """Two times of two echoes: four volumes, each named by both."""
    for n, (time, echo) in enumerate([("1", "2.3"), ("1", "4.6"), ("2", "2.3"), ("2", "4.6")]):
        write_stack(VOXELS + 1000 * n, MATRIX, f"a/{n}", TemporalPositionIdentifier=time, EchoTime=echo)
    found = scan(tmp_path / "a")
    assert require_pure(found) == [0, 1, 2, 3]
    assert [phase_words(one.phase) for one in found.series] == [
        f"time {time} of 2, echo {echo} ms" for time in (1, 2) for echo in (2.3, 4.6)
    ]


def test_a_beating_heart_is_told_apart_by_the_rank_of_its_trigger_times(write_stack, tmp_path):
    """No two slices share a trigger time; the n-th of each place makes the n-th volume."""
    for n in range(3):
        write_stack(
            VOXELS + 1000 * n,
            MATRIX,
            f"a/{n}",
            vary=lambda k, n=n: {"TriggerTime": f"{40 * n + k * 1.25:g}", "InstanceNumber": 1},
        )
    found = scan(tmp_path / "a")
    assert require_pure(found) == [0, 1, 2]
    assert [one.phase.kind for one in found.series] == [PhaseKind.TRIGGER] * 3


def test_echo_times_a_few_microseconds_off_are_one_echo(write_stack):
    """A single-echo series whose slices note 4.59 and 4.60 ms is one regular volume."""
    folder = write_stack(VOXELS, MATRIX, vary=lambda k: {"EchoTime": ("4.59", "4.60")[k % 2]})
    (series,) = scan(folder).series
    assert (series.verdict, series.phase, len(series.instances)) == (Verdict.REGULAR, None, 6)


@pytest.mark.hazard("H10")
@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("EchoTime", ["2.3", "9.2"]),
        ("TemporalPositionIdentifier", ["1", "2"]),
        ("DiffusionBValue", [0.0, 800.0]),
        ("StackID", ["1", "2"]),
        ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]]),
    ],
)
@pytest.mark.parametrize("shift", [2.0, 1.5], ids=["evenly", "unevenly"])
def test_slices_of_two_contrasts_between_each_other_are_never_one_stack(write_stack, tmp_path, keyword, values, shift):
    """Even where their positions make one even stack: each contrast is a volume of its own step."""
    for n, value in enumerate(values):
        write_stack(VOXELS + 1000 * n, moved(z=shift * n, step=4.0), f"a/{n}", **{keyword: value})
    found = scan(tmp_path / "a")
    assert sorted(require_pure(found)) == [0, 1]
    for one in found.series:
        assert (one.verdict, one.geometry.spacing_mm[2]) == (Verdict.REGULAR, pytest.approx(4.0))


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "ImageType", "TriggerTime"])
def test_one_even_volume_stays_one_though_a_mark_changes_within(write_stack, keyword):
    """One rotation of the tube each, or a new type from the middle on: nobody's fault."""
    values = {"AcquisitionNumber": "123456", "ImageType": ["AXIAL"] * 3 + ["REFORMATTED"] * 3, "TriggerTime": "012012"}
    folder = write_stack(VOXELS, MATRIX, vary=lambda k: {keyword: values[keyword][k]})
    (series,) = scan(folder).series
    assert (series.verdict, series.findings) == (Verdict.REGULAR, ())


def test_interleaved_acquisitions_of_one_contrast_are_one_volume(write_stack, tmp_path):
    """Odd slices first, even ones after, as scanners do against cross talk: one even volume."""
    for n in range(2):
        write_stack(VOXELS, moved(z=2.0 * n, step=4.0), f"a/{n}", AcquisitionNumber=n + 1)
    (series,) = scan(tmp_path / "a").series
    assert (series.verdict, len(series.instances), series.geometry.spacing_mm[2]) == (Verdict.REGULAR, 12, 2.0)


@pytest.mark.hazard("H10")
def test_two_stacks_apart_are_no_stack_with_a_gap(write_stack, tmp_path):
    """Stack IDs tell two slabs apart that would be one with four missing slices."""
    for n in range(2):
        write_stack(VOXELS + 1000 * n, moved(z=20.0 * n), f"a/{n}", StackID=str(n + 1))
    found = scan(tmp_path / "a")
    assert require_pure(found) == [0, 1]
    assert [one.verdict for one in found.series] == [Verdict.REGULAR] * 2
    assert phases(found) == [(PhaseKind.STACK, "1", 1, 2), (PhaseKind.STACK, "2", 2, 2)]


def test_two_slabs_that_nothing_names_are_told_apart_by_their_gap(write_stack, tmp_path):
    """100 mm between them: two volumes, not one of which most is missing."""
    for n in range(2):
        write_stack(VOXELS + 1000 * n, moved(z=110.3 * n), f"a/{n}", vary=lambda k, n=n: {"InstanceNumber": 9 * n + k})
    found = scan(tmp_path / "a")
    assert require_pure(found) == [0, 1]
    assert [one.verdict for one in found.series] == [Verdict.REGULAR] * 2


def test_a_few_lost_slices_are_lost_slices_and_not_two_slabs(write_stack):
    """Without names of stacks, two empty places among twelve are losses."""
    voxels = np.concatenate([VOXELS, VOXELS])
    folder = write_stack(voxels, MATRIX, vary=lambda k: None if k in (5, 6) else {})
    (series,) = scan(folder).series
    assert (series.verdict, series.findings[0].slices) == (Verdict.MISSING_SLICES, (5, 6))


@pytest.mark.parametrize("mark", [{}, {"StackID": True}], ids=["unnamed", "named"])
def test_stacks_beside_each_other_are_two_volumes(write_stack, tmp_path, mark):
    """Left and right, at the same heights: never images of one place."""
    for n in range(2):
        own = {keyword: str(n) for keyword in mark}
        write_stack(VOXELS + 1000 * n, moved(x=120.0 * n), f"a/{n}", InstanceNumber=1, **own)
    found = scan(tmp_path / "a")
    assert require_pure(found) == [0, 1]
    assert [one.geometry.lps_from_ijk.matrix[0, 3] for one in found.series] == [0.0, 120.0]


def test_stacks_of_two_times_each_make_four_volumes(write_stack, tmp_path):
    """Two stacks of two time points: told apart in space and in time."""
    for n, (stack, time) in enumerate([("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]):
        place = moved(z=31.0 * int(stack))
        write_stack(VOXELS + 1000 * n, place, f"a/{n}", StackID=stack, TemporalPositionIdentifier=time)
    found = scan(tmp_path / "a")
    assert sorted(require_pure(found)) == [0, 1, 2, 3]
    assert len({phase_words(one.phase) for one in found.series}) == 4


@pytest.mark.hazard("H11")
@pytest.mark.parametrize(
    "other",
    [{"PixelRepresentation": 0}, {"RescaleType": "OD"}, {"PhotometricInterpretation": "MONOCHROME1"}],
    ids=["signedness", "unit", "photometric"],
)
def test_another_pixel_format_is_never_mixed_in_silently(write_stack, other):
    """The slice is set apart and named; its place counts as lost."""
    folder = write_stack(VOXELS, MATRIX, vary=lambda k: other if k == 2 else {})
    main, apart = scan(folder).series
    assert main.verdict is Verdict.MISSING_SLICES
    (finding,) = [one for one in main.findings if one.kind is FindingKind.MIXED_PIXEL_FORMAT]
    assert (finding.files, finding.severity) == (("002",), Severity.WARNING)
    assert len(apart.instances) == 1


@pytest.mark.hazard("H11")
def test_bits_stored_may_differ_for_each_slice_is_read_with_its_own(write_stack):
    """12 and 16 bits in one series: one regular volume with the right values."""
    folder = write_stack(
        VOXELS, MATRIX, vary=lambda k: {"BitsStored": 12, "HighBit": 11} if k % 2 else {}, PixelRepresentation=0
    )
    (series,) = scan(folder).series
    assert (series.verdict, series.findings) == (Verdict.REGULAR, ())
    np.testing.assert_array_equal(load(series).voxels, VOXELS)


@pytest.mark.parametrize("count", [1, 2])
def test_few_images_of_two_frames_of_reference_are_never_merged(write_stack, tmp_path, count):
    """One or two images each: the frames are believed, however few images name them."""
    for n in range(2):
        write_stack(VOXELS[:count], moved(z=2.0 * count * n), f"a/{n}", FrameOfReferenceUID=f"1.2.3.{n + 1}")
    found = scan(tmp_path / "a").series
    assert {one.geometry.frame_of_reference_uid for one in found} == {"1.2.3.1", "1.2.3.2"}
    for one in found:
        (finding,) = [each for each in one.findings if each.kind is FindingKind.MIXED_FRAME_OF_REFERENCE]
        assert finding.details["count"] == 2


def test_names_say_which_slices_lie_off_the_even_grid(write_stack):
    """Worst first, with slice and file, and the tolerance they exceed."""
    off = {2: 0.35, 4: -0.3}
    folder = write_stack(
        np.repeat(VOXELS, 4, axis=0), MATRIX, vary=lambda k: {"ImagePositionPatient": [0, 0, 2.0 * k + off.get(k, 0)]}
    )
    (series,) = scan(folder).series
    (finding,) = series.findings
    assert (finding.kind, finding.slices, finding.files) == (FindingKind.UNEVEN_SPACING, (2, 4), ("002", "004"))
    assert finding.details["regular_mm"] == pytest.approx(0.1, rel=0.02)
    assert series.fit.max_mm > series.fit.regular_mm


def test_numbers_against_the_normal_are_noted_and_nothing_is_accused(write_stack):
    """A note, and the verdict stays regular; two slices, equal numbers or mixed ones say nothing."""
    for name, numbers, expected in (
        ("falling", lambda k: 90 - k, {FindingKind.LEFT_HANDED_ORDER}),
        ("rising", lambda k: k, set()),
        ("equal", lambda k: 1, set()),
        ("mixed", lambda k: (90, 80, 85, 70, 60, 50)[k], set()),
    ):
        folder = write_stack(VOXELS, MATRIX, name, vary=lambda k, numbers=numbers: {"InstanceNumber": numbers(k)})
        (series,) = scan(folder).series
        assert {one.kind for one in series.findings} == expected
        assert all(one.severity is Severity.NOTE for one in series.findings)
        assert series.verdict is Verdict.REGULAR
    two = write_stack(VOXELS[:2], MATRIX, "two", vary=lambda k: {"InstanceNumber": 9 - k})
    assert scan(two).series[0].findings == ()


def test_the_json_names_every_tolerance_and_how_well_the_grid_fits(write_stack):
    """Scripts see where doubt begins, for the program as a whole and for each series."""
    found = json.loads(json.dumps(describe(scan(write_stack(VOXELS, MATRIX)))))
    assert found["tolerances"]["uneven_mm"] == 0.5
    assert found["series"][0]["fit"] == {
        "step_mm": 2.0,
        "max_mm": 0.0,
        "rms_mm": 0.0,
        "regular_mm": pytest.approx(0.1),
        "uneven_mm": 0.5,
        "tilt_deg": 0.0,
    }


def test_images_lost_to_compression_are_named_with_slice_and_file(write_stack):
    """Two of six were compressed with loss once: these two, with the stronger ratio."""
    ratio = {1: "8", 4: "20"}
    folder = write_stack(
        VOXELS,
        MATRIX,
        vary=lambda k: {"LossyImageCompression": "01", "LossyImageCompressionRatio": ratio[k]} if k in ratio else {},
    )
    (finding,) = scan(folder).series[0].findings
    assert (finding.kind, finding.slices, finding.files) == (FindingKind.LOSSY, (1, 4), ("001", "004"))
    assert finding.details == {"ratio": "20", "count": 2}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("101530", 36930.0), ("101530.5", 36930.5), ("10:15:30", 36930.0), ("", None), ("1015", None), ("late", None)],
)
def test_times_are_read_in_every_form(text, seconds):
    """TM with and without fraction, in its old form with colons."""
    assert seconds_of(text) == seconds


def test_date_times_cross_midnight_and_the_end_of_a_month():
    """The day counts where it is written."""
    late, early = seconds_of("20200131235959.5"), seconds_of("20200201000000+0100")
    assert early - late == pytest.approx(0.5)


# ---- enhanced multi-frame objects --------------------------------------------------------------------------------


def item(**elements):
    """A sequence of one item."""
    ds = Dataset()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return Sequence([ds])


def enhanced(make_image, path, frames, shared=None):
    """Write an enhanced object; each frame is (pixels, {sequence: {keyword: value}})."""
    ds = make_image(np.stack([pixels for pixels, _groups in frames]), NumberOfFrames=len(frames))
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(ds, keyword)
    groups = {
        "PlaneOrientationSequence": {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
        "PixelMeasuresSequence": {"PixelSpacing": [0.72, 0.7]},
        **(shared or {}),
    }
    ds.SharedFunctionalGroupsSequence = item(**{name: item(**values) for name, values in groups.items()})
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        [item(**{name: item(**values) for name, values in own.items()})[0] for _pixels, own in frames]
    )
    ds.save_as(path, enforce_file_format=True)
    return path


def frame(n, k, z, **groups):
    """Slice k of volume n at height z."""
    return VOXELS[k] + 1000 * n, {"PlanePositionSequence": {"ImagePositionPatient": [0, 0, z]}, **groups}


@pytest.mark.hazard("H10")
@pytest.mark.parametrize(
    ("sequence", "keyword", "values", "kind"),
    [
        ("FrameContentSequence", "TemporalPositionIndex", [1, 2], PhaseKind.TEMPORAL_POSITION),
        ("MREchoSequence", "EffectiveEchoTime", [2.3, 9.2], PhaseKind.ECHO),
        ("MRDiffusionSequence", "DiffusionBValue", [0.0, 800.0], PhaseKind.B_VALUE),
        ("FrameContentSequence", "StackID", ["1", "2"], PhaseKind.STACK),
        ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", [0.0, 40.0], PhaseKind.TRIGGER),
        ("UnassignedPerFrameConvertedAttributesSequence", "EchoTime", ["2.3", "9.2"], PhaseKind.ECHO),
        ("UnassignedPerFrameConvertedAttributesSequence", "TriggerTime", ["0", "40"], PhaseKind.TRIGGER),
    ],
)
@pytest.mark.parametrize("apart", [0.0, 1.5], ids=["same places", "between"])
def test_frames_are_told_apart_by_their_functional_groups(make_image, tmp_path, sequence, keyword, values, kind, apart):
    """Frame by frame, volume by volume or in turn, at the same places or between each other: two pure volumes."""
    frames = [
        frame(n, k, 2.0 * k + apart * n, **{sequence: {keyword: value}})
        for k in range(6)
        for n, value in enumerate(values)
    ]
    found = scan(enhanced(make_image, tmp_path / "x", frames))
    assert sorted(require_pure(found)) == [0, 1]
    assert [one.phase.kind for one in found.series] == [kind] * 2
    assert [one.verdict for one in found.series] == [Verdict.REGULAR] * 2


def test_each_frame_has_its_own_rescale(make_image, tmp_path):
    """Slope and intercept per frame are used frame by frame, and that they differ is said."""
    slopes = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    frames = [
        frame(0, k, 2.0 * k, PixelValueTransformationSequence={"RescaleSlope": slope, "RescaleIntercept": -10 * k})
        for k, slope in enumerate(slopes)
    ]
    (series,) = scan(enhanced(make_image, tmp_path / "x", frames)).series
    volume = load(series)
    for k, slope in enumerate(slopes):
        np.testing.assert_allclose(volume.voxels[k], VOXELS[k] * slope - 10 * k)
    assert [one.kind for one in series.findings] == [FindingKind.RESCALE_VARIES]


def test_what_a_conversion_kept_without_understanding_is_read(make_image, tmp_path):
    """Legacy converted: image types, echo and instance numbers come from the unassigned attributes."""
    kept = "UnassignedPerFrameConvertedAttributesSequence"
    frames = [frame(0, k, 2.0 * k, **{kept: {"InstanceNumber": 90 - k}}) for k in range(6)]
    frames.append(frame(0, 0, 50.0, **{kept: {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}}))
    shared = {"UnassignedSharedConvertedAttributesSequence": {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}}
    main, apart = scan(enhanced(make_image, tmp_path / "x", frames, shared)).series
    assert (len(main.instances), len(apart.instances)) == (6, 1)
    assert {one.kind for one in main.findings} == {FindingKind.LEFT_HANDED_ORDER, FindingKind.LOCALIZER}


def test_frames_without_a_position_are_set_apart_and_named(make_image, tmp_path):
    """One frame of seven says nothing about its place: six make the volume."""
    frames = [*(frame(0, k, 2.0 * k) for k in range(6)), (VOXELS[0], {})]
    main, apart = scan(enhanced(make_image, tmp_path / "x", frames)).series
    assert (main.verdict, len(main.instances), apart.verdict) == (Verdict.REGULAR, 6, Verdict.NO_GEOMETRY)
    assert FindingKind.UNSUPPORTED in {one.kind for one in main.findings}


def test_every_kind_of_phase_has_words():
    """None can be forgotten in the list of volumes."""
    from arviewer.words import phases as words

    assert set(words.kinds()) == {str(kind) for kind in PhaseKind}
    for kind in PhaseKind:
        assert "{" not in phase_words(Phase(kind, 1.0 if kind not in ("stack", "image-type") else "a", 1, 2))
