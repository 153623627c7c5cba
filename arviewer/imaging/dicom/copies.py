"""Whether images that claim to be one and the same are: a UID names one image for ever (PS3.5 9)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arviewer.imaging.dicom.headers import Image

CHUNK = 1 << 18


def conflicting(pairs: Sequence[tuple[Image, Image]]) -> list[Image]:
    """Return, of pairs (copy, the image that is used), the copies whose stored pixels differ.

    Only files in one transfer syntax can be compared without decoding; members of archives are not.
    """
    return [copy for copy, used in pairs if _comparable(copy, used) and _differ(copy, used)]


def _comparable(copy: Image, used: Image) -> bool:
    plain = not copy.instance.member and not used.instance.member
    return plain and copy.stored.transfer_syntax == used.stored.transfer_syntax


def _differ(copy: Image, used: Image) -> bool:
    if copy.stored.length != used.stored.length:
        return copy.stored.length is not None and used.stored.length is not None
    try:
        return _bytes_differ(copy.instance.path, copy.stored.offset, used.instance.path, used.stored.offset)
    except OSError:
        return False  # what cannot be read is told when it is loaded


def _bytes_differ(one: Path, one_start: int, other: Path, other_start: int) -> bool:
    with one.open("rb") as first, other.open("rb") as second:
        first.seek(one_start)
        second.seek(other_start)
        while True:
            a, b = first.read(CHUNK), second.read(CHUNK)
            if a != b:
                return True
            if not a:
                return False
