"""DICOM objects as pydicom data sets, inflated under a cap; coded terms, colors, numbers and tools in them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from arviewer.formats.refusing import Unusable
from arviewer.imaging.dicom.elements import DEFLATED, EXPLICIT_LITTLE, inflate, meta_information
from arviewer.model.geometry import Float
from arviewer.model.segmentation import CodedTerm
from arviewer.words import _
from arviewer.words.printable import cleaned

MAX_INFLATED = 1 << 30
"""Bytes of an inflated data set, by what really comes out; beyond, the file is a bomb."""

RgbColor = tuple[float, float, float]


def read_data_set(data: bytes) -> tuple[Dataset, str]:
    """Return the data set in a file's bytes and its transfer syntax.

    Raises
    ------
    Unusable
        When it inflates beyond any reason.
    Exception
        Whatever pydicom makes of a damaged file; see `arviewer.formats.refusing.refusing`.
    """
    if data[128:132] == b"DICM" and meta_information(data)[0] == DEFLATED:
        plain = inflate(data[meta_information(data)[1] :], MAX_INFLATED + 1)
        if len(plain) > MAX_INFLATED:
            raise Unusable(_("it inflates to more than {size} MiB").format(size=MAX_INFLATED >> 20))
        return read_dataset(io.BytesIO(plain), is_implicit_VR=False, is_little_endian=True), EXPLICIT_LITTLE
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    return dataset, str(dataset.file_meta.get("TransferSyntaxUID", "") or "1.2.840.10008.1.2")


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; none when it is absent or empty."""
    return list(dataset.get(keyword) or [])


def text(dataset: Dataset, keyword: str) -> str:
    """Return a text free of control characters and direction overrides; "" when it is absent."""
    return cleaned(str(dataset.get(keyword) or ""))


def numbers(dataset: Dataset, keyword: str, count: int) -> Float:
    """Return so many finite numbers, shape (count,).

    Raises
    ------
    Unusable
        Naming the element, when they are not there.
    """
    value: Any = dataset.get(keyword)
    try:
        found = np.array([float(one) for one in (value if np.iterable(value) else [value])], dtype=np.float64)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise Unusable(_("{keyword} is not {count} numbers").format(keyword=keyword, count=count))
    return found


def whole_number(dataset: Dataset, keyword: str, lowest: int, highest: int) -> int:
    """Return an integer within a range.

    Raises
    ------
    Unusable
        Naming the element, when it is not there or out of range.
    """
    value: Any = dataset.get(keyword)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = lowest - 1
    if not lowest <= number <= highest:
        raise Unusable(
            _("{keyword} is {value}, not {low} to {high}").format(
                keyword=keyword, value=value, low=lowest, high=highest
            )
        )
    return number


def term_in(dataset: Dataset, keyword: str, meaning: str) -> CodedTerm:
    """Return the first coded term of a sequence (PS3.3 8.8); without one, `meaning` alone."""
    for item in items(dataset, keyword)[:1]:
        value = text(item, "CodeValue") or text(item, "LongCodeValue") or text(item, "URNCodeValue")
        return CodedTerm(value, text(item, "CodingSchemeDesignator"), text(item, "CodeMeaning") or meaning)
    return CodedTerm("", "", meaning)


def tool_of(dataset: Dataset) -> str:
    """Return which program made an object: manufacturer, model and software versions."""
    parts = (text(dataset, keyword) for keyword in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions"))
    return " ".join(part for part in parts if part)[:256]


def color_of_cielab(stored: npt.ArrayLike) -> RgbColor:
    """Return a *Recommended Display CIELab Value* (PS3.3 C.10.7.1.1) as sRGB, 0 to 1.

    The three 16-bit numbers hold L* 0 to 100 and a*, b* −128 to 127 under the white of D50 (ICC profile connection
    space). To XYZ by CIE 15:2004 section 8.2, to D65 by Bradford's adaptation, to sRGB by IEC 61966-2-1.
    """
    raw = np.asarray(stored, dtype=np.float64) / 65535.0
    lightness, a, b = raw[0] * 100.0, raw[1] * 255.0 - 128.0, raw[2] * 255.0 - 128.0
    fy = (lightness + 16.0) / 116.0
    f = np.array([fy + a / 500.0, fy, fy - b / 200.0])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * WHITE_D50
    linear = np.clip(LINEAR_SRGB_FROM_XYZ_D50 @ xyz, 0.0, 1.0)
    red, green, blue = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return float(red), float(green), float(blue)


def cielab_of_color(color: RgbColor) -> tuple[int, int, int]:
    """Return an sRGB color, 0 to 1, as *Recommended Display CIELab Value*: the way back of `color_of_cielab`."""
    srgb = np.clip(color, 0.0, 1.0)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = np.linalg.solve(LINEAR_SRGB_FROM_XYZ_D50, linear) / WHITE_D50
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    lab = np.array([(116.0 * f[1] - 16.0) / 100.0, (500.0 * (f[0] - f[1]) + 128.0) / 255.0,
                    (200.0 * (f[1] - f[2]) + 128.0) / 255.0])  # fmt: skip
    lightness, a, b = np.rint(np.clip(lab, 0.0, 1.0) * 65535.0).astype(int).tolist()
    return lightness, a, b


WHITE_D50 = np.array([0.96422, 1.0, 0.82521])
"""ICC.1:2022 section 7.2.16."""

LINEAR_SRGB_FROM_XYZ_D50 = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
"""IEC 61966-2-1 primaries, adapted from D65 to D50 by Bradford's method."""
