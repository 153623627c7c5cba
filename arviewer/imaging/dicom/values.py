"""Raw header bytes to the values they mean: text in its character set, numbers, names of people."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from arviewer.imaging.dicom.elements import Header
from arviewer.imaging.dicom.plain_text import decoded
from arviewer.model.study import Patient
from arviewer.words.printable import cleaned

MAX_TEXT = 256
"""Characters of a text that are kept; the longest legal value of the texts read here is 64."""


@dataclass(frozen=True, slots=True)
class Values:
    """Typed reading of a header; absent and nonsensical values are None or ""."""

    header: Header

    def raw(self, tag: int) -> bytes:
        """Return the value's bytes without padding."""
        return self.header.values.get(tag, b"").strip(b"\0 ")

    def has(self, tag: int) -> bool:
        """Whether the element is there, with or without a value."""
        return tag in self.header.values

    def code(self, tag: int) -> str:
        """Return a value of plain ASCII (UID, code string, date, time)."""
        return self.raw(tag)[:MAX_TEXT].decode("ascii", "replace").strip("\0 ")

    def text(self, tag: int) -> str:
        """Return a text in its *Specific Character Set* (0008,0005), free of control characters."""
        return cleaned(decoded(self.raw(tag)[: 4 * MAX_TEXT], self.raw(0x00080005)))[:MAX_TEXT]

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Return the values of a decimal or integer string; empty when one of them is no finite number."""
        parts = self.raw(tag)[:MAX_TEXT].decode("ascii", "replace").split("\\")
        try:
            values = tuple(float(part.strip("\0 ")) for part in parts)
        except ValueError:
            return ()
        if not all(map(math.isfinite, values)) or any("_" in part for part in parts):  # float() takes 1_000
            return ()
        return values

    def number(self, tag: int) -> float | None:
        """Return the first value of a decimal or integer string."""
        return next(iter(self.numbers(tag)), None)

    def integer(self, tag: int) -> int | None:
        """Return the first value of an integer string."""
        value = self.number(tag)
        return int(value) if value is not None and value == int(value) else None

    def short(self, tag: int, *, signed: bool = False) -> int | None:
        """Return a 16-bit binary value."""
        raw = self.header.values.get(tag, b"")
        if len(raw) < 2:
            return None
        code = (">" if self.header.big_endian else "<") + ("h" if signed else "H")
        return int(struct.unpack_from(code, raw)[0])

    def double(self, tag: int) -> float | None:
        """Return a 64-bit binary value."""
        raw = self.header.values.get(tag, b"")
        if len(raw) < 8:
            return None
        value = float(struct.unpack_from(">d" if self.header.big_endian else "<d", raw)[0])
        return value if math.isfinite(value) else None


def readable_name(person: str) -> str:
    """Return a person's name as people write it: "Family, Given Middle"; PS3.5 6.2.1.2."""
    family, *rest = person.split("=")[0].split("^")
    given = " ".join(part for part in rest[:2] if part)
    return ", ".join(part.strip() for part in (family, given) if part.strip())


def patient_of(values: Values) -> Patient:
    """Return the patient a header names."""
    return Patient(
        name=readable_name(values.text(0x00100010)),
        id=values.text(0x00100020),
        issuer=values.text(0x00100021),
        birth_date=values.code(0x00100030),
        sex=values.code(0x00100040),
    )
