"""Whether images that claim to be one and the same are: a UID names one image for ever (PS3.5 9)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arviewer.imaging.dicom.elements import DEFLATED
from arviewer.imaging.dicom.headers import Image

CHUNK = 1 << 18

Place = tuple[Path, int]


def conflicting(pairs: Sequence[tuple[Image, Image]]) -> list[Image]:
    """Return, of pairs (copy, the image that is used), the copies whose stored pixels differ.

    Only files in one transfer syntax can be compared without decoding; members of archives and deflated files are
    not. The pixels of a file are compared once, however many frames it has.
    """
    differ: dict[tuple[Place, Place], bool] = {}
    found = []
    for copy, used in pairs:
        if not _comparable(copy, used):
            continue
        key = _place(copy), _place(used)
        if key not in differ:
            differ[key] = _differ(copy, used)
        if differ[key]:
            found.append(copy)
    return found


def _place(image: Image) -> Place:
    return image.instance.path, image.stored.offset


def _comparable(copy: Image, used: Image) -> bool:
    plain = not copy.instance.member and not used.instance.member
    syntax = copy.stored.transfer_syntax
    return plain and syntax == used.stored.transfer_syntax and syntax != DEFLATED


def _differ(copy: Image, used: Image) -> bool:
    if copy.stored.length != used.stored.length:
        return copy.stored.length is not None and used.stored.length is not None
    try:
        return _bytes_differ(_place(copy), _place(used), copy.stored.length)
    except OSError:
        return False  # what cannot be read is told when it is loaded


def _bytes_differ(one: Place, other: Place, length: int | None) -> bool:
    """Compare `length` bytes, or, of compressed pixels, all that follow."""
    with one[0].open("rb") as first, other[0].open("rb") as second:
        first.seek(one[1])
        second.seek(other[1])
        left = length
        while left is None or left > 0:
            count = CHUNK if left is None else min(CHUNK, left)
            a, b = first.read(count), second.read(count)
            if a != b:
                return True
            if not a:
                return False
            left = None if left is None else left - len(a)
        return False
