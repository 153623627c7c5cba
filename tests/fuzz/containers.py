"""Hostile containers: zip archives, DICOMDIR files, and small files that unpack to very large ones."""

from __future__ import annotations

import bz2
import functools
import io
import struct
import zipfile
import zlib
from random import Random

from tests.fuzz import seeds
from tests.fuzz.structure import ITEM_BYTES, data_set_start, element, find, inflated, nodes_of

MIB = 1 << 20

NAMES = (
    "../../outside.dcm", "/etc/passwd", "C:\\Windows\\win.ini", "..\\..\\up.dcm", "a/" * 120 + "deep.dcm", "n" * 300,
    "na\u0308me-\u6f22\u5b57.dcm", "\udcff\udcfe.dcm", "con", "a\nb\x1b[31m.dcm", "./same.dcm", "", "~", "$HOME",
    "a\0b", "\u202egpj.dcm", "-rf", "link",
)  # fmt: skip


@functools.cache
def _zero_block() -> bytes:
    """Return 1 MiB of zeros, deflated so that it can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)


def bomb_stream(head: bytes, mebibytes: int) -> bytes:
    """Return a raw deflate stream of `head` and very many zeros; about 1 kB for each MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + _zero_block() * mebibytes + packer.flush()


def deflate_bomb(rng: Random) -> bytes:
    """Return a deflated DICOM file of under 3 MB that inflates to up to 2 GiB, before or within its pixels."""
    data = inflated(seeds.series()[rng.choice(("plain .1.99 u16", "enhanced .1.99 u16"))].files[0])
    start, nodes = data_set_start(data), nodes_of(data)
    rows, pixels = find(nodes, 0x00280010), find(nodes, 0x7FE00010)
    assert rows is not None
    assert pixels is not None
    size = rng.choice((100, 600, 2000))
    kind = rng.randrange(4)
    if kind == 0:  # an element before the pixels
        huge = struct.pack("<HH2sHL", 0x0009, 0x1001, b"OB", 0, size * MIB)
        after = next(node for node in nodes if node.tag > 0x00091001 and not node.parents)
        head = data[start : after.at] + huge
    elif kind == 1:  # pixels of the size that the header declares
        side = int((size * MIB / 2) ** 0.5)
        described = data[: rows.value] + struct.pack("<H", side) + data[rows.value + 2 :]
        columns = find(nodes, 0x00280011)
        assert columns is not None
        described = described[: columns.value] + struct.pack("<H", side) + described[columns.value + 2 :]
        head = described[start : pixels.length_at] + struct.pack("<L", 2 * side * side)
    elif kind == 2:  # far more pixels than the header declares
        head = data[start : pixels.length_at] + struct.pack("<L", size * MIB)
    else:  # zeros behind a whole data set
        head = data[start:]
    return data[:start] + bomb_stream(head, size + 1)


def _member(
    name: bytes, stream: bytes, size: int, *, method: int = 8, flags: int = 0, crc: int = 0
) -> tuple[bytes, bytes]:
    """Return the local and the central record of a member that may lie about anything."""
    common = struct.pack("<HHHHHLLLHH", 20, flags, method, 0, 0x21, crc, len(stream), size & 0xFFFFFFFF, len(name), 0)
    return b"PK\3\4" + common + name + stream, b"PK\1\2" + struct.pack("<H", 20) + common


def raw_archive(members: list[tuple[bytes, bytes, int]], *, method: int = 8, flags: int = 0) -> bytes:
    """Return an archive whose records say what the caller says: (name, stream, size) each."""
    body, central = b"", b""
    for name, stream, size in members:
        local, record = _member(name, stream, size, method=method, flags=flags)
        central += record + struct.pack("<HHHLL", 0, 0, 0, 0, len(body)) + name
        body += local
    end = struct.pack("<HHHHLLH", 0, 0, len(members), len(members), len(central), len(body), 0)
    return body + central + b"PK\5\6" + end


def zip_bomb(rng: Random) -> bytes:
    """Return an archive of under 5 MB with a member that unpacks to up to 4 GiB, declared or not."""
    data = seeds.series()["plain .1 u16"].files[seeds.VICTIM]
    nodes = nodes_of(data)
    pixels = find(nodes, 0x7FE00010)
    assert pixels is not None
    size = rng.choice((300, 1000, 4000))
    kind = rng.randrange(4)
    if kind == 0:  # the header of a DICOM file, then an element that goes on for ever
        huge = struct.pack("<HH2sHL", 0x0009, 0x1001, b"OB", 0, min(size * MIB, 0xFFFFFFF0))
        after = next(node for node in nodes if node.tag > 0x00091001 and not node.parents)
        head = data[: after.at] + huge
    elif kind == 1:
        head = data[: pixels.length_at] + struct.pack("<L", min(size * MIB, 0xFFFFFFF0))
    elif kind == 2:
        head = b""
    else:
        head = data
    stream = bomb_stream(head, size)
    declared = rng.choice((len(head) + size * MIB, len(data), 0, 0xFFFFFFFF))
    copies = rng.choice((1, 1, 20))
    return raw_archive([(b"bomb%d" % n, stream if n == 0 else b"", declared) for n in range(copies)])


def bzip2_bomb(rng: Random) -> bytes:
    """Return an archive of a few hundred bytes with a member packed by bzip2, 4 KiB of which unpack to gigabytes."""
    data = seeds.series()["plain .1 u16"].files[0]
    stream = bz2.compress(data + bytes(200 * MIB))
    return raw_archive([(b"bomb", stream, len(data) + 200 * MIB)], method=zipfile.ZIP_BZIP2)


def packed(files: dict[str, bytes], rng: Random) -> bytes:
    """Return an archive of files, stored or deflated."""
    stream = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name.encode("utf-8", "replace").decode() or "x"), data, method)
    return stream.getvalue()


def hostile_archive(rng: Random, files: dict[str, bytes]) -> bytes:
    """Return an archive of these files with hostile names, lying records, or damaged bytes."""
    names = list(files)
    kind = rng.randrange(8)
    if kind == 0:
        renamed = {rng.choice(NAMES) if rng.random() < 0.6 else name: data for name, data in files.items()}
        return packed(renamed, rng)
    if kind == 1:  # names zipfile would not write
        pairs = [(rng.choice(NAMES).encode("utf-8", "surrogateescape"), files[name]) for name in names]
        return raw_archive([(name, data, len(data)) for name, data in pairs], method=0)
    if kind == 2:  # encrypted, or of an unknown method
        flags, method = rng.choice(((1, 8), (0x41, 8), (0, 99), (0, 1), (0x20, 8)))
        return raw_archive(
            [(name.encode(), files[name], len(files[name])) for name in names], flags=flags, method=method
        )
    if kind == 3:  # sizes that are not true
        sizes = (0, 1, 100_000, 0xFFFFFFFF)
        return raw_archive([(name.encode(), files[name], rng.choice(sizes)) for name in names], method=0)
    whole = packed(files, rng)
    if kind == 4:
        return packed({"inner.zip": whole, **files}, rng)
    if kind == 5:
        return whole[: rng.randrange(len(whole))]
    if kind == 6:
        return rng.randbytes(rng.choice((1, 500))) + whole + rng.randbytes(rng.choice((0, 10)))
    changed = bytearray(whole)
    low = rng.choice((0, whole.find(b"PK\1\2")))
    for _n in range(rng.choice((1, 2, 8))):
        changed[rng.randrange(low, len(whole))] = rng.randrange(256)
    return bytes(changed)


REFERENCES: tuple[list[str], ...] = (
    ["..", "..", "etc", "passwd"], ["/etc/passwd"], ["..\\..\\up"], [""], ["."], ["DICOMDIR"], ["A" * 300], ["\0"],
    ["IMAGES"], ["images", "2"], ["IMAGES", "NOT_THERE"], ["~", "x"], ["IMAGES"] * 500, ["CON"], ["IMAGES", "*"],
)  # fmt: skip


def directory(rng: Random, names: list[str]) -> bytes:
    """Return a DICOMDIR that refers to these files, and to some that no medium should refer to."""
    references: list[list[str]] = [name.split("/") for name in names]
    references += [rng.choice(REFERENCES) for _n in range(rng.choice((0, 1, 3)))]
    items = b""
    for reference in references:
        record = element(0x00041400, b"UL", struct.pack("<L", rng.choice((0, 400, 0xFFFFFFF0))))
        record += element(0x00041420, b"UL", struct.pack("<L", rng.choice((0, 368))))
        record += element(0x00041430, b"CS", rng.choice((b"IMAGE ", b"PATIENT ", b"SERIES", b"PRIVATE ")))
        record += element(0x00041500, b"CS", _even("\\".join(reference).encode()))
        items += ITEM_BYTES + struct.pack("<L", len(record)) + record
    meta = element(0x00020002, b"UI", b"1.2.840.10008.1.3.10\0"[:20]) + element(0x00020003, b"UI", b"1.2.3.77")
    meta += element(0x00020010, b"UI", _even(seeds.EXPLICIT.encode()))
    body = element(0x00041130, b"CS", b"FUZZ")
    body += element(0x00041200, b"UL", struct.pack("<L", rng.choice((0, 368, 0xFFFFFFFF))))
    body += element(0x00041212, b"US", b"\0\0") + element(0x00041220, b"SQ", items)
    head = bytes(128) + b"DICM" + element(0x00020000, b"UL", struct.pack("<L", len(meta)))
    return head + meta + body


def _even(value: bytes) -> bytes:
    return value + b"\0" * (len(value) % 2)
