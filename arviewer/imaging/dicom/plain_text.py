"""From the bytes of an element to text that can be shown: decoded, and free of what could deceive a reader."""

from __future__ import annotations

import warnings
from functools import lru_cache

TEXT_VRS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""Value representations whose text is in the *Specific Character Set* (0008,0005); PS3.5 6.1.2.3."""

_DELIMITERS = {0x5C, 0x5E, 0x3D}
"""Backslash, caret and equals sign, which end a code extension; PS3.5 6.1.2.5.3."""
_BLANKS = str.maketrans({"\r": " ", "\n": " ", "\t": " ", "\f": " "})


def decoded(raw: bytes, character_set: bytes = b"") -> str:
    """Return the text of a value.

    Parameters
    ----------
    raw : bytes
        The value, padding included.
    character_set : bytes
        The value of (0008,0005) that holds for it; an unknown one is read as UTF-8.
    """
    raw = raw.rstrip(b"\0 ")
    if b"\x1b" not in raw and raw.isascii():
        return raw.decode("ascii")
    from pydicom import charset

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(charset.decode_bytes(raw, _encodings(character_set), _DELIMITERS))
        except (LookupError, ValueError, AttributeError, TypeError):
            return raw.decode("utf-8", "replace")


@lru_cache(maxsize=64)
def _encodings(character_set: bytes) -> list[str]:
    from pydicom import charset

    names = [name.strip(" \0") for name in character_set.decode("ascii", "replace").split("\\")]
    return list(charset.convert_encodings(names))


def shown(text: str) -> str:
    """Return one line in which every letter can be seen.

    Line ends become blanks. Control characters, terminal escapes and direction overrides, which could make a
    screen show another text than the one that is there, are written as their code: ⟨U+202E⟩.
    """
    text = text.translate(_BLANKS)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else f"⟨U+{ord(letter):04X}⟩" for letter in text)


def shown_lines(text: str) -> str:
    """Return `text` as `shown` does, its line ends kept."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(shown(line) for line in lines)


def tag_text(tag: int) -> str:
    """Return a tag as the standard writes it: "(0010,0010)"."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def uid_name(uid: str) -> str:
    """Return the name of a UID that the standard defines, such as "CT Image Storage"; "" for others."""
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    name = UID(uid, IGNORE).name
    return "" if name == uid else str(name)
