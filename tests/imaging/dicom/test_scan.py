"""Finding series: folders, archives, directories, and everything that is not used named with its reason."""

from __future__ import annotations

import os
import shutil
import zipfile

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

from arviewer.errors import Cancelled, InputRefused
from arviewer.imaging.dicom import describe, load, scan
from arviewer.imaging.dicom import source as source_module
from arviewer.model.findings import FindingKind, Verdict

VOXELS = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
MATRIX = np.diag([0.7, 0.7, 2.0, 1.0])


def test_a_nested_mixed_folder_without_extensions(write_stack, tmp_path):
    """Two series deep in folders of non-ASCII names, among text, an empty file and a report: all found, all named."""
    write_stack(VOXELS, MATRIX, "Пациент/日本/CT serie ä")
    write_stack(VOXELS, MATRIX, "Пациент/b", SeriesInstanceUID="1.2.3.5", SeriesNumber=2)
    (tmp_path / "read me.txt").write_text("no image")
    (tmp_path / "empty").write_bytes(b"")
    found = scan(tmp_path)
    assert [(one.uid, len(one.instances)) for one in found.series] == [("1.2.3.4", 4), ("1.2.3.5", 4)]
    assert {(one.file, one.why) for one in found.skipped} == {
        ("read me.txt", "it is not a DICOM file"),
        ("empty", "it is empty"),
    }


def test_a_single_file_is_a_series_of_one_slice(write_stack):
    """It can be looked at; that nothing can be measured across it is said."""
    (series,) = scan(write_stack(VOXELS, MATRIX) / "002").series
    assert [finding.kind for finding in series.findings] == [FindingKind.SINGLE_SLICE]
    assert load(series).voxels.shape == (1, 5, 6)


def test_what_the_header_says_arrives(write_stack):
    """Patient, study, series, window and unit are those of the files."""
    folder = write_stack(
        VOXELS,
        MATRIX,
        PatientName="Müller^Jürgen^Max=x",
        SpecificCharacterSet="ISO_IR 100",
        PatientID="A1",
        IssuerOfPatientID="clinic",
        PatientBirthDate="19500102",
        PatientSex="M",
        SeriesDescription="Venös",
        StudyDescription="Abdomen",
        StudyDate="20200304",
        WindowCenter=[40, 60],
        WindowWidth=[400, 2000],
    )
    (series,) = scan(folder).series
    patient = series.patient
    assert (patient.name, patient.id, patient.issuer) == ("Müller, Jürgen Max", "A1", "clinic")
    assert (patient.birth_date, patient.sex) == ("19500102", "M")
    assert (series.description, series.study_description, series.study_date) == ("Venös", "Abdomen", "20200304")
    assert (series.window, series.unit, series.number, series.modality) == ((40.0, 400.0), "HU", 1, "CT")
    assert "Müller" not in repr(series)


def test_names_cannot_carry_escape_sequences_or_turn_the_text(write_stack):
    """Control characters and direction overrides are dropped before anything shows a name."""
    folder = write_stack(VOXELS, MATRIX, SpecificCharacterSet="ISO_IR 192", PatientName="Do\u202ee^\x07Ja\u200fne")
    assert scan(folder).series[0].patient.name == "Doe, Jane"


def test_an_archive_is_read_without_unpacking(write_stack, tmp_path):
    """A zip gives the very volume of its folder, compressed or stored; nothing appears on disk."""
    folder = write_stack(VOXELS, MATRIX)
    plain = load(scan(folder).series[0])
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"a/b/{file.name}")
        archive.writestr("../../evil.txt", "x")
    shutil.rmtree(folder)
    before = sorted(tmp_path.rglob("*"))
    found = scan(path)
    volume = load(found.series[0])
    np.testing.assert_array_equal(volume.voxels, plain.voxels)
    assert [(one.file, one.why) for one in found.skipped] == [("../../evil.txt", "it is not a DICOM file")]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_member_that_unpacks_too_large_is_left_out(write_stack, tmp_path, monkeypatch):
    """The cap holds for what is declared; the member is named."""
    folder = write_stack(VOXELS, MATRIX)
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "000", "good")
        archive.writestr("bomb", bytes(5 << 20))
    monkeypatch.setattr("arviewer.imaging.dicom.scanning.MAX_MEMBER_BYTES", 1 << 20)
    found = scan(path)
    assert [(one.file, one.why) for one in found.skipped] == [("bomb", "it unpacks to 5 MiB")]
    assert len(found.series) == 1


def test_reading_a_member_stops_at_the_cap(tmp_path, monkeypatch):
    """Whatever the archive declares, no more than the cap is unpacked."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(3 << 20))
    monkeypatch.setattr(source_module, "MAX_MEMBER_BYTES", 1 << 20)
    with zipfile.ZipFile(path) as archive, pytest.raises(zipfile.BadZipFile, match="unpacks to more"):
        source_module.Source(path, "bomb", archive).read()


def test_a_damaged_archive_is_refused(tmp_path):
    """Cut in the middle, it has no list of members."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", bytes(10_000))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputRefused, match="not a DICOM file"):
        scan(path)


def directory(path, file_ids):
    """Write a DICOMDIR that refers to `file_ids`."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.7"
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    records = []
    for file_id in file_ids:
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", file_id
        records.append(record)
    ds.DirectoryRecordSequence = Sequence(records)
    ds.save_as(path, enforce_file_format=True)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_directory_gives_its_files_and_nothing_outside_the_medium(write_stack, tmp_path):
    """References are followed inside the medium only, in any case of letters; the others are named."""
    write_stack(VOXELS, MATRIX, "medium/images", name="im{}".format)
    outside = write_stack(VOXELS, MATRIX, "outside")
    (tmp_path / "medium" / "link").symlink_to(outside)
    root = tmp_path / "medium" / "DICOMDIR"
    directory(root, [["IMAGES", f"IM{k}"] for k in range(4)] + [["..", "outside", "000"], ["link", "001"], ["GONE"]])
    found = scan(root)
    assert [len(one.instances) for one in found.series] == [4]
    assert [(one.file, one.why.rpartition(", ")[2]) for one in found.skipped] == [
        ("../outside/000", "but it lies outside the medium"),
        ("link/001", "but it lies outside the medium"),
        ("GONE", "but it is not there"),
    ]


def test_a_directory_in_a_folder_is_not_an_image(write_stack, tmp_path):
    """Scanning the medium as a folder names the directory among the files left out."""
    folder = write_stack(VOXELS, MATRIX)
    directory(folder / "DICOMDIR", ["000"])
    assert [one.file for one in scan(folder).skipped] == ["DICOMDIR"]


@pytest.mark.parametrize(
    "other",
    [{"PatientID": "2"}, {"PatientName": "Doe^John"}, {"PatientBirthDate": "19700102"}, {"IssuerOfPatientID": "b"}],
    ids=["id", "name", "birth date", "issuer"],
)
def test_two_patients_are_never_merged(write_stack, tmp_path, other):
    """Even under one series UID; the scan says that there are two."""
    write_stack(VOXELS, MATRIX, "a/1")
    upper = MATRIX.copy()
    upper[2, 3] = 8.0
    write_stack(VOXELS, upper, "a/2", **other)
    found = scan(tmp_path / "a")
    assert [len(one.instances) for one in found.series] == [4, 4]
    assert [finding.kind for finding in found.findings] == [FindingKind.MULTIPLE_PATIENTS]
    assert describe(found)["findings"][0]["message"] == (
        "The folder holds images of 2 patients; they are never merged."
    )


def test_two_frames_of_reference_are_two_volumes(write_stack, tmp_path):
    """One series UID, the patient moved in between: two volumes in two spaces."""
    write_stack(VOXELS, MATRIX, "a/1")
    upper = MATRIX.copy()
    upper[2, 3] = 8.0
    write_stack(VOXELS, upper, "a/2", FrameOfReferenceUID="1.2.3.10")
    found = scan(tmp_path / "a").series
    assert {one.geometry.frame_of_reference_uid for one in found} == {"1.2.3.9", "1.2.3.10"}


def test_without_a_frame_of_reference_nothing_shares_the_space(write_stack, tmp_path):
    """A name is made up for each volume, so that no two can be laid over each other."""
    write_stack(VOXELS, MATRIX, "a/1", FrameOfReferenceUID=None)
    write_stack(VOXELS, MATRIX, "a/2", FrameOfReferenceUID=None, SeriesInstanceUID="1.2.3.5")
    one, other = scan(tmp_path / "a").series
    assert {finding.kind for finding in one.findings} == {FindingKind.NO_FRAME_OF_REFERENCE}
    assert one.geometry.frame_of_reference_uid != other.geometry.frame_of_reference_uid
    assert one.frame_of_reference_uid == ""


def test_a_frame_of_reference_of_its_own_in_every_file_is_none(write_stack):
    """The images stay one volume, whose space is made up."""
    folder = write_stack(VOXELS, MATRIX, vary=lambda k: {"FrameOfReferenceUID": f"1.2.3.{100 + k}"})
    (series,) = scan(folder).series
    assert [finding.kind for finding in series.findings] == [FindingKind.NO_FRAME_OF_REFERENCE]
    assert series.geometry.frame_of_reference_uid.startswith("2.25.")


def test_a_pipe_is_refused_before_it_blocks(tmp_path):
    """Neither file nor folder."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputRefused, match="neither a file nor a folder"):
        scan(tmp_path / "pipe")


def test_a_pipe_and_a_broken_link_in_a_folder_are_named(write_stack):
    """Nothing in a folder can block the scan."""
    folder = write_stack(VOXELS, MATRIX)
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("nowhere")
    assert [(one.file, one.why) for one in scan(folder).skipped] == [
        ("link", "it is no file"),
        ("pipe", "it is no file"),
    ]


def test_files_without_uids_in_two_folders_are_two_series(write_stack, tmp_path):
    """Without UIDs the folder keeps apart what may be two acquisitions."""
    for name in ("1", "2"):
        write_stack(VOXELS, MATRIX, f"a/{name}", SeriesInstanceUID="", StudyInstanceUID="", SOPInstanceUID="")
    assert [len(one.instances) for one in scan(tmp_path / "a").series] == [4, 4]


def test_pixel_spacings_that_differ_by_five_percent_are_said(write_stack):
    """4.9 % is nobody's fault, 10 % is a finding."""
    for ratio, expected in ((1.049, set()), (1.1, {FindingKind.NON_SQUARE_PIXELS})):
        matrix = np.diag([0.7, 0.7 * ratio, 2.0, 1.0])
        (series,) = scan(write_stack(VOXELS, matrix, str(ratio))).series
        assert {finding.kind for finding in series.findings} == expected


@pytest.mark.parametrize(
    "keyword", ["TemporalPositionIdentifier", "EchoNumbers", "EchoTime", "AcquisitionNumber", "StackID"]
)
def test_volumes_at_one_place_are_told_apart_by_their_headers(write_stack, tmp_path, keyword):
    """Three of each position, one slice of the second lost: three volumes, the loss where it was."""
    for n in range(3):
        write_stack(
            VOXELS + 1000 * n,
            MATRIX,
            f"a/{n}",
            vary=lambda k, n=n: None if (n, k) == (1, 2) else {"InstanceNumber": 3 * k + n},
            **{keyword: str(n + 1)},
        )
    found = scan(tmp_path / "a").series
    assert sorted(one.verdict for one in found) == ["missing-slices", "regular", "regular"]
    for one in found:
        volume = load(one)
        assert np.unique(volume.voxels[volume.slice_valid] // 1000).size == 1


@pytest.mark.parametrize("fastest", ["position", "time"])
def test_volumes_without_any_mark_are_told_apart_by_their_order(write_stack, tmp_path, fastest):
    """Whether scanned position by position or volume by volume."""
    for n in range(3):
        number = (lambda k, n=n: n * 4 + k) if fastest == "position" else (lambda k, n=n: k * 3 + n)
        write_stack(VOXELS + 1000 * n, MATRIX, f"a/{n}", vary=lambda k, f=number: {"InstanceNumber": f(k)})
    found = scan(tmp_path / "a").series
    assert [np.unique(load(one).voxels // 1000).tolist() for one in found] == [[0], [1], [2]]


def test_volumes_that_nothing_tells_apart_are_refused(write_stack, tmp_path):
    """Same positions, same numbers, same times: no choice is made."""
    for n in range(2):
        write_stack(VOXELS + 1000 * n, MATRIX, f"a/{n}", InstanceNumber=1)
    (series,) = scan(tmp_path / "a").series
    assert series.verdict is Verdict.DUPLICATES


def test_a_series_of_many_orientations_is_mixed(write_stack, tmp_path):
    """Twelve radial planes are one mixed series, not twelve volumes."""
    for n in range(12):
        angle = np.pi * n / 12
        matrix = np.eye(4)
        matrix[:3, 0] = np.cos(angle), np.sin(angle), 0
        matrix[:3, 1] = 0, 0, -1
        matrix[:3, 2] = np.cross(matrix[:3, 0], matrix[:3, 1])
        write_stack(VOXELS[:1], matrix, f"a/{n}")
    (series,) = scan(tmp_path / "a").series
    assert (series.verdict, len(series.instances)) == (Verdict.MIXED, 12)
    with pytest.raises(InputRefused, match="do not share one orientation"):
        load(series)


def test_slices_between_slices_are_two_acquisitions(write_stack, tmp_path):
    """Two interleaved acquisitions, uneven together, become two regular volumes by their number."""
    write_stack(VOXELS, MATRIX, "a/1", AcquisitionNumber=1)
    shifted = MATRIX.copy()
    shifted[2, 3] = 0.5
    write_stack(VOXELS, shifted, "a/2", AcquisitionNumber=2)
    assert [(one.verdict, len(one.instances)) for one in scan(tmp_path / "a").series] == [(Verdict.REGULAR, 4)] * 2


def test_a_scan_can_be_cancelled(write_stack):
    """What the person stopped stops."""

    def stop(fraction, what=""):
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        scan(write_stack(VOXELS, MATRIX), stop)


@pytest.mark.parametrize(
    ("make", "what", "why"),
    [
        (lambda path: None, "There is no", "No file or folder"),
        (lambda path: path.mkdir(), "No DICOM images in here.", "The folder is empty."),
        (
            lambda path: (path.mkdir(), (path / "a.txt").write_text("x")),
            "No DICOM images in here.",
            "a.txt: it is not a DICOM file",
        ),
        (lambda path: path.write_bytes(b""), "No DICOM images in here.", "here: it is empty"),
    ],
    ids=["no such path", "empty folder", "no DICOM", "empty file"],
)
def test_nothing_to_find_is_refused(tmp_path, make, what, why):
    """What, why and remedy, with the name at fault."""
    make(tmp_path / "here")
    with pytest.raises(InputRefused) as refusal:
        scan(tmp_path / "here")
    assert what in refusal.value.what
    assert why in refusal.value.why
    assert refusal.value.remedy


def test_many_reasons_are_shortened(tmp_path):
    """Three files are named, the rest counted."""
    for n in range(5):
        (tmp_path / f"{n}.txt").write_text("x")
    with pytest.raises(InputRefused, match="and 2 more files"):
        scan(tmp_path)


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("changed", [False, True])
def test_one_uid_with_two_sets_of_pixels_is_a_warning(write_stack, tmp_path, changed):
    """A copy is a note; a copy whose pixels differ is named, for one of the two is wrong."""
    voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    folder = write_stack(voxels, np.diag([0.7, 0.8, 2.0, 1.0]))
    data = bytearray((folder / "002").read_bytes())
    data[-3] ^= changed
    (folder / "002-again").write_bytes(data)
    (series,) = scan(folder).series
    kinds = {one.kind: one for one in series.findings}
    assert FindingKind.DUPLICATE_INSTANCE in kinds
    assert (FindingKind.CONFLICTING_COPIES in kinds) is changed
    if changed:
        assert kinds[FindingKind.CONFLICTING_COPIES].files in (("002",), ("002-again",))
