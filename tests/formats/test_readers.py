"""The readers are strict: what is not whole, not finite or not of the kind is refused by name and reason."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arviewer.errors import InputRefused
from arviewer.formats.mesh_file import Notes, Part
from arviewer.formats.meshes import FORMATS, Format
from arviewer.formats.obj import read_obj
from arviewer.formats.ply import read_ply
from arviewer.formats.stl import read_stl

NOTES = Notes("lps", "mm", "proposed", 0.25, "0.1.0")
POINTS = np.array([[0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 0, 30]], dtype=np.float64)
TRIANGLES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32)

every_format = pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)


def tetrahedron(entry: Format) -> bytes:
    return bytes(entry.write([Part("bone", POINTS, TRIANGLES)], NOTES))


def stl(count: int, triangles: bytes, header: bytes = b"made by hand") -> bytes:
    return header.ljust(80) + struct.pack("<I", count) + triangles


ONE = struct.pack("<12fH", *([0.0] * 3), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)


@every_format
def test_a_file_cut_anywhere_is_refused(entry: Format) -> None:
    """Every proper beginning of a good file is refused, and so is a file with bytes behind its end."""
    whole = tetrahedron(entry)
    assert len(entry.read(whole, "whole")) == 4
    for length in range(len(whole)):
        with pytest.raises(InputRefused):
            entry.read(whole[:length], "cut")
    with pytest.raises(InputRefused):
        entry.read(whole + b"\0", "longer")


@every_format
@settings(deadline=None, max_examples=300)
@given(where=st.integers(0, 10**6), to=st.integers(0, 255))
def test_a_changed_byte_never_breaks_a_reader(entry: Format, where: int, to: int) -> None:
    """Any one byte changed: the reader refuses, or returns finite points and triangles among them."""
    data = bytearray(tetrahedron(entry))
    data[where % len(data)] = to
    with contextlib.suppress(InputRefused):
        found = entry.read(bytes(data), "changed")
        assert np.isfinite(found.points).all()
        assert found.corners().shape == (len(found), 3, 3)


@every_format
@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused_by_name(entry: Format, data: bytes) -> None:
    """Noise is never a mesh, and never anything but InputRefused."""
    with pytest.raises(InputRefused, match="noise"):
        entry.read(data, "noise")


@pytest.mark.parametrize("count", [0, 2, 1000, 2**32 - 1])
def test_stl_with_a_lying_count_is_refused(count: int) -> None:
    """A count that does not fit the size is refused with both numbers; nothing is allocated for it."""
    with pytest.raises(InputRefused, match=f"promises {count} triangles|holds no triangles"):
        read_stl(stl(count, ONE if count else b""), "liar.stl")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_stl_that_is_not_finite_is_refused(value: float) -> None:
    """One coordinate that is no number is enough."""
    record = bytearray(ONE)
    record[16:20] = struct.pack("<f", value)
    with pytest.raises(InputRefused, match="finite"):
        read_stl(stl(1, bytes(record)), "nan.stl")


def test_ascii_stl_is_refused_by_name() -> None:
    """Text STL is named as such and the remedy says what to do; binary with a "solid" header is still binary."""
    text = b"solid bone\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    with pytest.raises(InputRefused, match="ASCII STL") as caught:
        read_stl(text + b"endsolid bone\n", "text.stl")
    assert "binary" in caught.value.remedy
    assert len(read_stl(stl(1, ONE, b"solid but binary"), "odd.stl")) == 1


PLY = """ply
format binary_little_endian 1.0
element vertex {vertices}
property float x
property float y
property float z
element face {faces}
property list uchar int vertex_indices
end_header
"""


def ply(vertices: int = 3, faces: int = 1, header: str = PLY, corners: tuple[int, ...] = (3, 0, 1, 2)) -> bytes:
    body = np.eye(3, dtype="<f4").tobytes() + struct.pack("<B3i", *corners)
    return header.format(vertices=vertices, faces=faces).encode() + body


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ply(vertices=4), "promises"),
        (ply(faces=2), "promises"),
        (ply(vertices=2**40), "not made of|promises"),
        (ply(vertices=-3), "not made of"),
        (ply(corners=(4, 0, 1, 2)), "not triangles"),
        (ply(corners=(3, 0, 1, 3)), "names point 3"),
        (ply(corners=(3, -1, 1, 2)), "names point -1"),
        (ply(header=PLY.replace("binary_little_endian", "ascii")), "format ascii"),
        (ply(header=PLY.replace("binary_little_endian", "binary_big_endian")), "big_endian"),
        (ply(header=PLY.replace("property float z", "property float y")), "twice"),
        (ply(header=PLY.replace("property float z", "property list uchar int z")), "not a number"),
        (ply(header=PLY.replace("element face", "element edge")), "not made of"),
    ],
)
def test_a_ply_that_is_not_what_it_says_is_refused(data: bytes, reason: str) -> None:
    """Lying counts, polygons, indices out of range, other encodings and layouts each have their reason."""
    with pytest.raises(InputRefused, match=reason):
        read_ply(data, "bad.ply")


def test_ply_with_further_properties_is_read() -> None:
    """Doubles, normals and colours of other programs are passed over; the points are right."""
    properties = "property double x\nproperty uchar red\nproperty double y\nproperty double z\n"
    header = PLY.replace("property float x\nproperty float y\nproperty float z\n", properties)
    body = b"".join(struct.pack("<dBdd", x, 7, y, z) for x, y, z in POINTS)
    faces = b"".join(struct.pack("<B3i", 3, *triangle) for triangle in TRIANGLES)
    found = read_ply(header.format(vertices=4, faces=4).encode() + body + faces, "other.ply")
    np.testing.assert_array_equal(found.points, POINTS)
    np.testing.assert_array_equal(found.triangles, TRIANGLES)


@pytest.mark.parametrize(
    "text",
    [
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n",
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n",
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -1 -2 -3\n",
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1/1 2/2 3/3\n",
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3 1\n",
        "v 0 0\nv 1 0 0 0\nv 0 1 0\nf 1 2 3\n",
        "v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "v 0 0 inf\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "v 0 0 zero\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "vn 0 0 1\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nf1 2 3\n",
        "v 0 0 0\nv 1 0 0\nv 0 1 0\n",
        "# 4 points 1 triangles\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "<html>no mesh</html>\n",
    ],
)
def test_an_obj_that_is_not_points_and_triangles_is_refused(text: str) -> None:
    """Indices out of range, polygons, textures, numbers that are none, and counts that lie."""
    with pytest.raises(InputRefused, match=r"bad\.obj"):
        read_obj(text.encode(), "bad.obj")


def test_an_obj_of_another_hand_is_read() -> None:
    """Tabs, Windows line ends, exponents, blank lines and objects are understood."""
    text = "# by hand\r\n\r\no one\r\nv\t0  0 0\r\nv 1e1 0 0\r\nv 0 2.5E-1 0\r\nf 1  2 3\r\n"
    found = read_obj(text.encode(), "hand.obj")
    np.testing.assert_array_equal(found.points, [[0, 0, 0], [10, 0, 0], [0, 0.25, 0]])
    assert found.groups == (("one", 1),)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("stl_ascii.dcm", "ASCII STL"),
        ("stl_count_lies.dcm", "promises"),
        ("stl_nan_vertices.dcm", "finite"),
        ("stl_is_html.dcm", "promises|cut short"),
    ],
)
def test_crafted_payloads_are_refused(data: Path, name: str, reason: str) -> None:
    """The meshes wrapped in crafted DICOM files (Encapsulated STL) are refused, each for its own reason."""
    path = data / "13_malformed_crafted" / name
    payload = bytes(pydicom.dcmread(path).EncapsulatedDocument)
    with pytest.raises(InputRefused, match=reason):
        read_stl(payload, name)
