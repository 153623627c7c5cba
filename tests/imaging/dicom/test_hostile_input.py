"""Input made to harm: nothing but our own errors comes out, each file is named, and nothing unpacks without a limit."""

from __future__ import annotations

import bz2
import io
import os
import struct
import subprocess
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from arviewer.errors import ArviewerError, InputRefused
from arviewer.imaging.dicom import directory, load, scan
from arviewer.imaging.dicom.elements import UnreadableHeader, parse_with_pydicom
from arviewer.model.findings import FindingKind

VOXELS = (np.arange(4 * 5 * 6, dtype=np.int16) + 1).reshape(4, 5, 6)
MATRIX = np.diag([0.7, 0.9, 2.0, 1.0])
MIB = 1 << 20

pytestmark = pytest.mark.hazard("H22")


def skipped(found):
    """File and reason of what was not used."""
    return {(one.file, one.why) for one in found.skipped}


def raw_member(name, stream, size, method=8, offset=0, crc=0):
    """The local and central records of an archive member that may lie."""
    common = struct.pack("<HHHHHLLLHH", 20, 0, method, 0, 0x21, crc, len(stream), size, len(name), 0)
    local = b"PK\3\4" + common + name + stream
    return local, b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHLL", 0, 0, 0, 0, offset) + name


def raw_archive(path, body, records):
    """Write an archive of these bytes and central records."""
    central = b"".join(records)
    end = struct.pack("<HHHHLLH", 0, 0, len(records), len(records), len(central), len(body), 0)
    path.write_bytes(body + central + b"PK\5\6" + end)
    return path


def zeros(head, mebibytes):
    """A raw deflate stream of `head` and very many zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * mebibytes + packer.flush()


def peak_mib(work):
    """The most memory that Python objects take while `work` runs; its errors are ours."""
    tracemalloc.start()
    try:
        work()
    except (ArviewerError, UnreadableHeader):
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak / MIB


# ---- archives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_zipfile_unpacks_without_a_limit_are_not_read(tmp_path, method):
    """A few hundred bytes of bzip2 hold 300 MiB, all of which the first read would unpack."""
    if method == zipfile.ZIP_BZIP2:
        stream = bz2.compress(bytes(300 * MIB))
        local, record = raw_member(b"bomb", stream, 300 * MIB, method=zipfile.ZIP_BZIP2)
        path = raw_archive(tmp_path / "a.zip", local, [record])
        assert path.stat().st_size < 1000
    else:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("bomb", b"x")

    def opened():
        with pytest.raises(InputRefused, match="bomb: it is packed in a way"):
            scan(path)

    assert peak_mib(opened) < 10


def test_a_member_whose_header_never_ends_is_left_soon(write_stack, tmp_path):
    """A member of 1 MB that unpacks to 900 MiB before its pixels: 64 MiB of it are looked at."""
    data = (write_stack(VOXELS, MATRIX) / "000").read_bytes()
    place = data.index(b"\x18\x00\x50\x00")
    head = data[:place] + struct.pack("<HH2sHL", 0x0019, 0x1001, b"OB", 0, 900 * MIB)
    stream = zeros(head, 900)
    local, record = raw_member(b"bomb", stream, len(head) + 900 * MIB)
    path = raw_archive(tmp_path / "a.zip", local, [record])

    def opened():
        with pytest.raises(InputRefused, match="first 64 MiB"):
            scan(path)

    assert peak_mib(opened) < 200


def archive_of(folder, names, path):
    """An archive of a folder's files under any names, such as no tool would write."""
    body, records = b"", []
    for name, file in zip(names, sorted(folder.iterdir()), strict=True):
        data = file.read_bytes()
        local, record = raw_member(name, data, len(data), method=0, offset=len(body), crc=zlib.crc32(data))
        body += local
        records.append(record)
    return raw_archive(path, body, records)


def test_members_of_one_name_are_named_and_never_taken_for_each_other(write_stack, tmp_path):
    """Zipfile gives the last one's bytes for all of them: four slices would be one, four times."""
    names = (b"same", b"same", b"same", b"other")
    found = scan(archive_of(write_stack(VOXELS, MATRIX), names, tmp_path / "a.zip"))
    assert sum(len(one.instances) for one in found.series) == 2
    assert skipped(found) == {("same", "another member of the archive has the same name")}
    assert len(found.skipped) == 2


def test_members_that_overlap_are_named_and_not_read(write_stack, tmp_path):
    """Thousands of members in the same bytes make a small archive unpack to any size."""
    data = (write_stack(VOXELS, MATRIX) / "000").read_bytes()
    local, record = raw_member(b"a", data, len(data), method=0)
    path = raw_archive(tmp_path / "a.zip", local, [record] * 500)
    with pytest.raises(InputRefused, match="overlaps another member"):
        scan(path)


def test_a_member_without_a_name_costs_itself(write_stack, tmp_path):
    """Which Python's own zipfile fails on."""
    names = (b"", b"1", b"2", b"3")
    found = scan(archive_of(write_stack(VOXELS, MATRIX), names, tmp_path / "a.zip"))
    assert max(len(one.instances) for one in found.series) >= 3


def test_an_archive_exchanged_between_scan_and_load(write_stack, tmp_path):
    """Its images are not there any more: refused, with the file's name."""
    folder, path = write_stack(VOXELS, MATRIX), tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for one in folder.iterdir():
            archive.write(one, one.name)
    (series,) = scan(path).series
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter", "x")
    with pytest.raises(InputRefused, match="000"):
        load(series)


# ---- folders and files -----------------------------------------------------------------------------------------------


def test_an_odd_entry_costs_itself_only(write_stack):
    """Pipes, links to themselves, to nothing and in circles; names that are no text or steer a terminal."""
    folder = write_stack(VOXELS, MATRIX)
    os.mkfifo(folder / "pipe")
    (folder / "itself").symlink_to("itself")
    (folder / "nothing").symlink_to("gone")
    (folder / "circle").symlink_to(folder)
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "a\nb\x1b[31m").write_bytes(b"junk")
    (folder / os.fsdecode(b"\xff\xfe")).write_bytes(b"junk")
    (folder / ("n" * 255)).write_bytes(b"junk")
    found = scan(folder)
    assert [len(one.instances) for one in found.series] == [4]
    assert {one.file for one in found.skipped} == {
        "pipe", "itself", "nothing", "circle", "zero", "a\nb\x1b[31m", "\udcff\udcfe", "n" * 255,
    }  # fmt: skip
    assert load(found.series[0]).slice_valid.all()


def test_folders_deeper_than_a_path_may_be_long(stack):
    """The walk does not recurse; what cannot be reached is named."""
    folder = stack
    place = os.open(folder, os.O_RDONLY)
    for _n in range(30):
        os.mkdir("d" * 200, dir_fd=place)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)
    found = scan(folder)
    assert [len(one.instances) for one in found.series] == [4]
    assert [one.why for one in found.skipped] == ["it cannot be read (File name too long)"]


@pytest.fixture
def stack(write_stack):
    """A stack whose folder may get deeper than Python can remove."""
    folder = write_stack(VOXELS, MATRIX)
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_many_folders_inside_each_other(stack, tmp_path):
    """More than Python's stack is deep."""
    folder = stack
    place, opened = tmp_path / "stack", []
    for _n in range(1200):
        place = place / "e"
        opened.append(place)
    opened[400].mkdir(parents=True)
    inner = os.open(opened[400], os.O_RDONLY)
    for _n in range(800):
        os.mkdir("e", dir_fd=inner)
        deeper = os.open("e", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = deeper
    descriptor = os.open("image", os.O_WRONLY | os.O_CREAT, dir_fd=inner)
    os.write(descriptor, (folder / "003").read_bytes())
    os.close(descriptor)
    os.close(inner)
    (folder / "003").unlink()
    assert [len(one.instances) for one in scan(folder).series] == [4]


def test_no_path_is_not_this_folder():
    """An empty variable in a script opens nothing."""
    with pytest.raises(InputRefused, match="No path"):
        scan("")


@pytest.mark.parametrize("number", ["1_000", "1_0.5", "0x10", "1,5", "nan", "1e999"])
def test_what_is_no_number_is_none(write_stack, number):
    """Python takes 1_000 for 1000; DICOM does not."""
    folder = write_stack(VOXELS, MATRIX)
    path = folder / "001"
    data = path.read_bytes()
    value = f"0\\0\\{number}".encode()
    start = data.index(b"\x20\x00\x32\x00DS")
    length = struct.unpack_from("<H", data, start + 6)[0]
    value += b" " * (len(value) % 2)
    path.write_bytes(data[: start + 6] + struct.pack("<H", len(value)) + value + data[start + 8 + length :])
    series = scan(folder).series
    assert max(len(one.instances) for one in series) == 3
    assert "001" in {name for one in series for finding in one.findings for name in finding.files}


# ---- what pydicom would inflate without a limit ----------------------------------------------------------------------


def deflated(folder, change):
    """The first file of a folder as a deflated one, after `change` of its data set."""
    import pydicom

    path = min(folder.iterdir())
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    return path


def test_a_deflated_look_up_table_is_read(write_stack):
    """The table stands in the inflated data set, not in the file."""
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType, item.LUTData = [256, 0, 16], "US", [3 * n + 5 for n in range(256)]
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "US"

    def change(dataset):
        dataset.ModalityLUTSequence = Sequence([item])
        dataset.PixelRepresentation = 0
        del dataset.RescaleSlope, dataset.RescaleIntercept

    path = deflated(write_stack(VOXELS, MATRIX), change)
    (series,) = scan(path).series
    assert np.array_equal(load(series).voxels[0], 3 * VOXELS[0] + 5)


def test_a_look_up_table_that_is_text_is_refused_by_name(write_stack):
    """A lying value representation makes words of its numbers; the file is set apart, nothing else comes out."""
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType, item.LUTData = [256, 0, 16], "US", list(range(256))
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "US"
    folder = write_stack(VOXELS, MATRIX, ModalityLUTSequence=Sequence([item]))
    path = folder / "001"
    data = path.read_bytes()
    assert b"\x28\x00\x06\x30US" in data
    path.write_bytes(data.replace(b"\x28\x00\x06\x30US", b"\x28\x00\x06\x30LO"))
    found = scan(folder)
    assert len(found.series[0].instances) == 3
    told = [finding for one in found.series for finding in one.findings if "001" in finding.files]
    assert any("Modality LUT (0028,3000)" in str(finding.details) for finding in told)


def test_functional_groups_that_inflate_to_gigabytes_are_left(write_stack):
    """An element of 700 MiB before the pixels, in 700 kB."""
    data = (write_stack(VOXELS, MATRIX) / "000").read_bytes()
    data = data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    start = data.index(b"\x08\x00\x05\x00") if b"\x08\x00\x05\x00" in data else data.index(b"\x08\x00\x08\x00")
    meta_length = struct.unpack_from("<L", data, 140)[0] + 2
    meta = data[:140] + struct.pack("<L", meta_length) + data[144:start]
    meta = meta.replace(b"UI\x14\x001.2.840.10008.1.2.1.99", b"UI\x16\x001.2.840.10008.1.2.1.99")
    groups = struct.pack("<HH2sHL", 0x5200, 0x9230, b"SQ", 0, 8) + struct.pack("<HHL", 0xFFFE, 0xE000, 0)
    huge = struct.pack("<HH2sHL", 0x5300, 0x1001, b"OB", 0, 700 * MIB)
    body = data[start : data.index(b"\xe0\x7f\x10\x00")]
    path = write_stack(VOXELS, MATRIX, "bomb") / "000"
    path.write_bytes(meta + zeros(body + groups + huge, 700))
    assert path.stat().st_size < MIB

    assert peak_mib(lambda: scan(path)) < 250


def test_pydicom_never_inflates(write_stack):
    """Meta information that only pydicom can read, and a deflated data set behind it."""
    data = (write_stack(VOXELS, MATRIX) / "000").read_bytes()
    odd = struct.pack("<HH2sH", 0x0002, 0x0102, b"XX", 0)
    start = data.index(b"\x08\x00\x08\x00")
    meta = data[:start].replace(b"UI\x14\x001.2.840.10008.1.2.1\0", b"UI\x16\x001.2.840.10008.1.2.1.99")
    bomb = meta + odd + zeros(data[start:], 300)

    def read():
        with pytest.raises(UnreadableHeader):
            parse_with_pydicom(bomb, {0x00080060})

    assert peak_mib(read) < 10


# ---- DICOMDIR --------------------------------------------------------------------------------------------------------


def listing(names):
    """A DICOMDIR of these File IDs."""

    def element(tag, vr, value):
        value += b" " * (len(value) % 2)
        head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
        if vr in (b"SQ", b"OB"):
            return head + b"\0\0" + struct.pack("<L", len(value)) + value
        return head + struct.pack("<H", len(value)) + value

    items = b""
    for name in names:
        record = element(0x00041430, b"CS", b"IMAGE") + element(0x00041500, b"CS", name.encode("latin-1"))
        items += struct.pack("<HHL", 0xFFFE, 0xE000, len(record)) + record
    meta = element(0x00020002, b"UI", b"1.2.840.10008.1.3.10") + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1\0")
    head = bytes(128) + b"DICM" + element(0x00020000, b"UL", struct.pack("<L", len(meta)))
    return head + meta + element(0x00041220, b"SQ", items)


def test_the_walk_of_a_directory_agrees_with_pydicom(tmp_path):
    """File IDs in the same order, padding removed."""
    data = listing(["IMAGES\\1", "IMAGES\\22 ", "ALONE", "A\\B\\C\\D"])
    assert directory._walked(data) == directory._parsed(data)
    assert directory._walked(data) == [("IMAGES", "1"), ("IMAGES", "22"), ("ALONE",), ("A", "B", "C", "D")]


def test_a_large_directory_is_read_record_by_record(write_stack):
    """40,000 records, four of which are there: in lower case, as discs are often copied."""
    folder = write_stack(VOXELS, MATRIX, "disc/images").parent
    names = [f"IMAGES\\{k:03d}" for k in range(40_000)]
    (folder / "dicomdir").write_bytes(listing(names))
    found = scan(folder / "dicomdir")
    assert [len(one.instances) for one in found.series] == [4]
    assert len(found.skipped) == 40_000 - 4


@pytest.mark.parametrize("name", ["..\\..\\secret", "\\etc\\passwd", "IMAGES\\..\\..\\secret", "link\\passwd"])
def test_a_directory_leads_nowhere_else(write_stack, tmp_path, name):
    """Neither by its words nor by links on the medium."""
    folder = write_stack(VOXELS, MATRIX, "disc/images").parent
    (tmp_path / "secret").write_bytes((folder / "images/000").read_bytes())
    (folder / "link").symlink_to("/etc")
    (folder / "DICOMDIR").write_bytes(listing(["IMAGES\\001", name]))
    found = scan(folder / "DICOMDIR")
    assert [one.instances[0].name for one in found.series] == ["001"]
    assert [one.why for one in found.skipped] == ["the directory refers to it, but it lies outside the medium"]


def test_a_deflated_directory_is_refused(tmp_path):
    """It never is; pydicom would inflate it without a limit."""
    data = listing(["A"]).replace(b"UI\x14\x001.2.840.10008.1.2.1\0", b"UI\x16\x001.2.840.10008.1.2.1.99")
    (tmp_path / "DICOMDIR").write_bytes(data[:300] + zeros(b"", 300))
    assert peak_mib(lambda: scan(tmp_path / "DICOMDIR")) < 10


# ---- between scan and load -------------------------------------------------------------------------------------------


@pytest.mark.hazard("H12")
@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes() + b"x"),
        lambda path: os.truncate(path, 200),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    ],
    ids=["gone", "grown", "cut", "a folder", "a pipe", "endless"],
)
def test_a_file_that_changes_after_the_scan_costs_its_slice(write_stack, change):
    """The others are right, and the loss is named."""
    folder = write_stack(VOXELS, MATRIX)
    (series,) = scan(folder).series
    change(folder / "002")
    volume = load(series)
    assert volume.slice_valid.tolist() == [True, True, False, True]
    assert np.array_equal(volume.voxels[[0, 1, 3]], VOXELS[[0, 1, 3]])
    (finding,) = (one for one in volume.findings if one.kind is FindingKind.CORRUPT_SLICE)
    assert (finding.slices, finding.files) == ((2,), ("002",))
    assert volume.voxels[2].any()


def test_bytes_of_any_kind_are_no_error_of_ours(tmp_path):
    """Junk behind the marks of a DICOM file, with and without a preamble: skipped, each with a reason."""
    rng = np.random.default_rng(1)
    for n in range(60):
        junk = rng.integers(0, 256, 3000).astype(np.uint8).tobytes()
        head = (bytes(128) + b"DICM", b"\x08\x00\x05\x00", b"", b"PK\x03\x04")[n % 4]
        (tmp_path / f"{n}").write_bytes(head + junk)
    with pytest.raises(InputRefused) as told:
        scan(tmp_path)
    assert "and 57 more files" in str(told.value)
    assert io.StringIO(str(told.value)).read()
