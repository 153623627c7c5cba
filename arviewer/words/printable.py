"""Text from foreign files as it may be shown in a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with everything that shows nothing, or steers a terminal, written out as its code.

    File names and headers may hold escape sequences that clear the screen, direction overrides that show another name,
    and bytes that are no text; ``a\x1b[2Jb`` becomes visible as such. Line ends stay.
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else _code(letter) for letter in text)


def _code(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
