"""NRRD headers; https://teem.sourceforge.net/nrrd/format.html, and the names 3D Slicer keeps in them.

Whatever the axes are called in the file, LPS mm comes out. Voxels may be in a file of their own, but only in the
folder of the header: a header that leads elsewhere is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from arviewer.formats.grid_file import GridFile, Label, require_shape
from arviewer.formats.refusing import Unusable
from arviewer.formats.unpacking import file_bytes
from arviewer.model.geometry import Float
from arviewer.model.segmentation import CodedTerm
from arviewer.words import _
from arviewer.words.printable import cleaned

HEAD_BYTES = 1 << 20
"""Bytes within which the header must end."""

TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
"""numpy code of each name of a type."""

LPS_FROM_SPACE = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
"""Signs that turn the axes of a space into LPS."""

ENCODINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}

UNITS_MM = {"mm": 1.0, "millimeter": 1.0, "millimetre": 1.0, "m": 1000.0, "cm": 10.0, "um": 0.001, "µm": 0.001}

_VECTOR = re.compile(r"none|\(([^()]*)\)")
_SEGMENT = re.compile(r"Segment(\d{1,5})_(Name|Color|LabelValue|Layer|Tags)")
_TERM = re.compile(r"TerminologyEntry:[^~|]*~[^~|]*~([^~^|]*)\^([^~^|]*)\^([^~^|]*)~?")

Fields = Mapping[str, str]


def read_header(path: Path, member: str = "") -> GridFile:
    """Return what a NRRD file says about itself.

    Raises
    ------
    Unusable
        When it is no NRRD file of scalars in a patient space, or its voxels lie outside its folder.
    """
    return header_of(file_bytes(path, member, HEAD_BYTES), path, member)


def header_of(head: bytes, path: Path, member: str = "") -> GridFile:
    """Return what the beginning of a file says, as `read_header`; `path` is where it lies or will lie."""
    fields, keys, end = _fields(head)
    sizes = [_integer(value, "sizes") for value in fields.get("sizes", "").split()]
    matrix, spatial = _placed(fields, len(sizes))
    others = [n for n in range(len(sizes)) if n not in spatial and sizes[n] != 1]
    if len(others) > 1 or (others and (others[0] not in (0, len(sizes) - 1) or not _counts(fields, others[0]))):
        raise Unusable(_("its voxels are vectors or tensors, not numbers"))
    data_path, offset, packed = _data(fields, path, member, end)
    labels = _segments(keys)
    matrix[:3] *= _scale(fields)
    return GridFile(
        format="NRRD",
        path=path,
        member=member,
        data_path=data_path,
        shape_kji=require_shape(tuple(sizes[n] for n in spatial)),
        matrix=matrix,
        dtype=_dtype(fields),
        count=sizes[others[0]] if others else 1,
        fastest=bool(others) and others[0] == 0,
        offset=offset,
        encoding=_encoding(fields),
        packed_header=packed,
        says_labels=_("3D Slicer names its segments") if labels else "",
        labels=labels,
        description=cleaned(fields.get("content", "")),
    )


COUNTING_KINDS = ("domain", "list", "none", "space", "time", "???", "")
"""Kinds of an axis whose samples are volumes of their own; the others make vectors, colors or tensors of them."""


def _counts(fields: Fields, axis: int) -> bool:
    """Whether an axis that lies in no direction of space counts volumes."""
    kinds = fields.get("kinds", "").split()
    return axis >= len(kinds) or kinds[axis].lower() in COUNTING_KINDS


def _fields(head: bytes) -> tuple[Fields, Fields, int]:
    """Return the fields (lower case) and the key/value pairs of a header, and where the voxels begin."""
    if not head.startswith(b"NRRD000"):
        raise Unusable(_("it is no NRRD file"))
    place = head.find(b"\n\n")
    windows = head.find(b"\r\n\r\n")
    if windows >= 0 and (place < 0 or windows < place):
        end, stop = windows + 4, windows
    else:
        end, stop = (place + 2, place) if place >= 0 else (len(head), len(head))
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in head[:stop].decode("utf-8", "replace").splitlines()[1:]:
        if line.startswith("#"):
            continue
        key, is_pair, value = line.partition(":=")
        if is_pair:
            keys[key.strip()] = value.strip()
            continue
        name, is_field, value = line.partition(":")
        if is_field:
            fields[name.strip().lower()] = value.strip()
    return fields, keys, end


def _integer(value: str, what: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise Unusable(_("{what} is {value!r}").format(what=what, value=value[:40])) from error


def _placed(fields: Fields, axes: int) -> tuple[Float, list[int]]:
    """Return LPS from (i, j, k) in the file's unit, and which axes lie in the patient."""
    space = fields.get("space", "").lower()
    if space not in LPS_FROM_SPACE:
        raise Unusable(_("its space is {space!r}: it does not say how it lies in a patient").format(space=space))
    vectors = [None if m.group() == "none" else _numbers(m.group(1)) for m in _VECTOR.finditer(
        fields.get("space directions", "")
    )]  # fmt: skip
    origin = [_numbers(m.group(1)) for m in _VECTOR.finditer(fields.get("space origin", "")) if m.group() != "none"]
    spatial = [n for n, vector in enumerate(vectors) if vector is not None]
    directions = [vector for vector in vectors if vector is not None]
    if (
        len(vectors) != axes
        or len(spatial) != 3
        or len(origin) != 1
        or any(len(v) != 3 for v in [*directions, *origin])
    ):
        raise Unusable(_("it does not say where it lies: space directions and space origin are needed"))
    if spatial != list(range(spatial[0], spatial[0] + 3)):
        raise Unusable(_("its axes in space are parted by another axis"))
    matrix = np.eye(4)
    signs = np.array(LPS_FROM_SPACE[space], dtype=np.float64)
    matrix[:3, :3] = signs[:, None] * np.array(directions).T
    matrix[:3, 3] = signs * np.array(origin[0])
    return matrix, spatial


def _numbers(text: str) -> list[float]:
    try:
        return [float(value) for value in text.split(",")]
    except ValueError as error:
        raise Unusable(_("{text!r} is no vector").format(text=text[:60])) from error


def _dtype(fields: Fields) -> np.dtype[np.generic]:
    name = " ".join(fields.get("type", "").lower().split())
    code = next((code for code, names in TYPES.items() if name in names), None)
    if code is None:
        raise Unusable(_("its type is {name!r}").format(name=name))
    endian = fields.get("endian", "little").lower()
    if endian not in ("little", "big"):
        raise Unusable(_("its byte order is {endian!r}").format(endian=endian))
    return np.dtype(("<" if endian == "little" else ">") + code)


def _encoding(fields: Fields) -> str:
    name = fields.get("encoding", "raw").lower()
    return ENCODINGS.get(name, name)


def _data(fields: Fields, path: Path, member: str, end: int) -> tuple[Path, int, bool]:
    """Return the file with the voxels, the bytes before them, and whether these count once unpacked."""
    name = fields.get("data file", fields.get("datafile", ""))
    line_skip = fields.get("line skip", fields.get("lineskip", "0"))
    skip = _integer(fields.get("byte skip", fields.get("byteskip", "0")), "byte skip")
    if _integer(line_skip, "line skip") or skip < -1 or skip > 1 << 30:
        raise Unusable(_("its byte skip is {skip}, its line skip {lines}").format(skip=skip, lines=line_skip))
    if skip == -1 and _encoding(fields) != "raw":
        raise Unusable(_("its byte skip is -1, which packed voxels cannot have"))
    if not name:
        if skip:
            raise Unusable(_("its byte skip is {skip}, though the voxels follow the header").format(skip=skip))
        return path, end, False
    if name.startswith("LIST") or "%" in name:
        raise Unusable(_("its voxels are in several files"))
    if member:
        raise Unusable(_("its voxels are in a file of their own, which an archive does not give"))
    # `byte skip` counts bytes of the unpacked data; -1 means that the voxels end the file.
    return _beside(path, name), skip, True


def _beside(path: Path, name: str) -> Path:
    """Return the file of that name in the folder of the header.

    Raises
    ------
    Unusable
        When the name leads out of the folder, also by a link.
    """
    folder = path.parent.resolve()
    if "\0" in name or len(name) > 255 or "/" in name or "\\" in name or name in (".", ".."):
        raise Unusable(_("its voxels are said to be in {name!r}, outside its folder").format(name=name[:80]))
    found = (folder / name).resolve()
    if found.parent != folder:
        raise Unusable(_("its voxels are said to be in {name!r}, which leads outside its folder").format(name=name))
    if not found.is_file():
        raise Unusable(_("the file {name} with its voxels is missing").format(name=name))
    return found


def _scale(fields: Fields) -> float:
    units = {unit.lower() for unit in re.findall(r'"([^"]*)"', fields.get("space units", ""))} - {""}
    if not units:
        return 1.0  # the format says nothing of units; every program that names a patient space writes mm
    if len(units) > 1 or not units <= UNITS_MM.keys():
        raise Unusable(_("its unit of length is {unit}").format(unit=" / ".join(sorted(cleaned(one) for one in units))))
    return UNITS_MM[units.pop()]


def _segments(keys: Fields) -> dict[tuple[int, int], Label]:
    """Return what 3D Slicer says about the segments of a .seg.nrrd, by layer and value."""
    told: dict[int, dict[str, str]] = {}
    for key, value in keys.items():
        match = _SEGMENT.fullmatch(key)
        if match:
            told.setdefault(int(match.group(1)), {})[match.group(2)] = value
    found = {}
    for one in told.values():
        if one.get("LabelValue", "").isdigit():
            layer = int(one["Layer"]) if one.get("Layer", "").isdigit() else 0
            found[layer, int(one["LabelValue"])] = Label(cleaned(one.get("Name", "")), _color(one), _term(one), layer)
    return found


def _color(told: Fields) -> tuple[float, float, float] | None:
    try:
        red, green, blue = (float(value) for value in told.get("Color", "").split())
    except ValueError:
        return None
    return (red, green, blue) if all(0 <= value <= 1 for value in (red, green, blue)) else None


def _term(told: Fields) -> CodedTerm | None:
    """Return the type of a segment from its terminology entry: context~category~type~…, each scheme^value^meaning."""
    match = _TERM.search(told.get("Tags", ""))
    return CodedTerm(match.group(2), match.group(1), match.group(3)) if match and match.group(2) else None
