"""NIfTI-1 and NIfTI-2 headers; https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h.

RAS mm becomes LPS mm here. The *sform* is used when it is coded, else the *qform*; a file with neither does not say
where it lies. (ITK prefers the qform in some cases; where the two differ a finding tells how much.)
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from arviewer.formats.grid_file import GridFile, Label, require_shape
from arviewer.formats.refusing import Unusable
from arviewer.formats.unpacking import file_bytes, unpacked
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.words import _
from arviewer.words.printable import cleaned

HEAD_BYTES = 1 << 20
"""Bytes that are read for header and extensions; a table of names beyond is not seen."""

LPS_FROM_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))

UNITS_MM = {1: 1000.0, 2: 1.0, 3: 0.001}
"""*xyzt_units*: meter, millimetre, micrometer."""

LABEL_INTENT = 1002
"""NIFTI_INTENT_LABEL."""

AGREE_MM = 0.01
"""Distance of the two geometries up to which rounding to float32 and to a quaternion may have made it."""

_LABEL = re.compile(rb'<Label Key="(\d{1,6})"([^>]{0,300})>\s*(?:<!\[CDATA\[)?([^<\]]{1,200})')
_CHANNEL = re.compile(rb'(Red|Green|Blue)="([\d.]{1,25})"')


def read_header(path: Path, member: str = "") -> GridFile:
    """Return what a NIfTI file says about itself.

    Raises
    ------
    Unusable
        When it is no NIfTI file of scalars in three or four dimensions, or does not say where it lies.
    """
    return header_of(file_bytes(path, member, HEAD_BYTES), path, member)


def header_of(stored: bytes, path: Path, member: str = "") -> GridFile:
    """Return what the beginning of a file says, as `read_header`; `path` is where it lies or will lie."""
    encoding = "gzip" if stored.startswith(b"\x1f\x8b") else "raw"
    head = unpacked(stored, encoding, HEAD_BYTES)
    header = _header(head)
    shape, count = _shape(header)
    slope, intercept = _scaling(header)
    offset = _offset(header)
    matrix, findings = _placed(header, shape)
    scale, no_unit = _scale(header, member or path.name)
    matrix[:3] *= scale
    return GridFile(
        format="NIfTI",
        path=path,
        member=member,
        data_path=path,
        shape_kji=shape,
        matrix=LPS_FROM_RAS @ matrix,
        dtype=_dtype(header),
        count=count,
        offset=offset,
        encoding=encoding,
        slope=slope,
        intercept=intercept,
        says_labels=_("its intent code is LABEL") if int(header["intent_code"]) == LABEL_INTENT else "",
        labels=_labels(head[int(header["sizeof_hdr"]) : offset]),
        findings=findings + no_unit,
        description=_text(header["descrip"]),
    )


def _header(head: bytes) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    kind, size = (Nifti2Header, 540) if head[4:7] == b"n+2" else (Nifti1Header, 348)
    magic = head[4:7] if size == 540 else head[344:347]
    if magic not in (b"n+1", b"n+2"):
        raise Unusable(_("it is no NIfTI file, or its voxels are in a file of their own (.img)"))
    reader: Any = kind  # its methods carry no types
    return reader.from_fileobj(io.BytesIO(head[:size]), check=False)


def _shape(header: Any) -> tuple[tuple[int, int, int], int]:
    dim = [int(n) for n in header["dim"]]
    used = dim[0]
    if not 1 <= used <= 7:
        raise Unusable(_("it has {n} dimensions").format(n=used))
    counts = [*dim[1 : used + 1], 1, 1, 1, 1, 1, 1][:7]
    if any(n != 1 for n in counts[4:]) or counts[3] < 1:
        raise Unusable(_("its voxels are vectors or tensors, not numbers"))
    return require_shape((counts[0], counts[1], counts[2])), counts[3]


def _dtype(header: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise Unusable(_("its voxels are {kind}, not numbers").format(kind=dtype))
    return dtype


def _scaling(header: Any) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 or none at all means that values are as stored."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:
        return 1.0, 0.0
    return slope, intercept if np.isfinite(intercept) else 0.0


def _offset(header: Any) -> int:
    offset = float(header["vox_offset"])
    least = int(header["sizeof_hdr"]) + 4
    if offset == 0:
        return least
    if not (np.isfinite(offset) and least <= offset <= 1 << 30 and offset == int(offset)):
        raise Unusable(_("its voxels begin at byte {offset:g}").format(offset=offset))
    return int(offset)


def _placed(header: Any, shape: tuple[int, int, int]) -> tuple[Float, tuple[Finding, ...]]:
    """Return RAS from (i, j, k) in the file's unit, and a finding when sform and qform differ."""
    sform = np.asarray(header.get_sform(), dtype=np.float64) if int(header["sform_code"]) > 0 else None
    qform = _qform(header) if int(header["qform_code"]) > 0 else None
    if sform is None and qform is None and int(header["qform_code"]) > 0:
        raise Unusable(_("its qform is no rotation"))
    if sform is None and qform is None:
        raise Unusable(_("it does not say where it lies: neither sform nor qform is coded"))
    if sform is None or qform is None:
        placed = sform if sform is not None else qform
        assert placed is not None
        return placed.copy(), ()
    ends = np.array([[i, j, k, 1] for i in (0, shape[2]) for j in (0, shape[1]) for k in (0, shape[0])])
    apart = float(np.linalg.norm(ends @ (sform - qform).T, axis=1).max())
    if not apart > AGREE_MM:
        return sform.copy(), ()
    details: dict[str, str | int | float] = {"max_mm": apart, "used": "sform"}
    return sform.copy(), (Finding(FindingKind.TWO_GEOMETRIES, Severity.WARNING, details=details),)


def _qform(header: Any) -> Float | None:
    """Return RAS from (i, j, k) by the quaternion; None when that is no rotation, or not of finite numbers."""
    try:
        qform = np.asarray(header.get_qform(), dtype=np.float64)
    except ValueError:  # a quaternion longer than 1
        return None
    return qform if np.isfinite(qform).all() else None


def _scale(header: Any, name: str) -> tuple[float, tuple[Finding, ...]]:
    unit = int(header["xyzt_units"]) & 7
    if unit in UNITS_MM:
        return UNITS_MM[unit], ()
    return 1.0, (Finding(FindingKind.UNIT_ASSUMED, Severity.NOTE, details={"name": name}),)


def _text(value: Any) -> str:
    return cleaned(bytes(np.asarray(value).item()).split(b"\0")[0].decode("utf-8", "replace"))


def _labels(extensions: bytes) -> dict[tuple[int, int], Label]:
    """Return names and colors of a table that Connectome Workbench and TotalSegmentator write behind the header."""
    found = {}
    for key, attributes, name in _LABEL.findall(extensions):
        channels = {channel: float(value) for channel, value in _CHANNEL.findall(attributes) if value.count(b".") < 2}
        rgb = [channels.get(one, 2.0) for one in (b"Red", b"Green", b"Blue")]
        text = cleaned(name.decode("utf-8", "replace"))
        color = (rgb[0], rgb[1], rgb[2]) if max(rgb) <= 1 else None
        found[0, int(key)] = Label(text, color)
    return found
