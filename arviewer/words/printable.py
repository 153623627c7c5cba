"""Text from foreign files as it may be shown in a terminal."""

from __future__ import annotations


def cleaned(text: str) -> str:
    """Return a text without what steers a screen: escape sequences and direction overrides could make it show another.

    White space of any kind, such as the ideographic one, becomes a blank: left out, it would glue words together.
    """
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "" for letter in text).strip()


def printable(text: str) -> str:
    r"""Return a text with everything that shows nothing, or steers a terminal, written out as its code.

    File names and headers may hold escape sequences that clear the screen, direction overrides that show another name,
    and bytes that are no text; ``a\x1b[2Jb`` becomes visible as such. Line ends stay; other white space is a blank.
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else _code(letter) for letter in text)


def _code(letter: str) -> str:
    if letter.isspace() and letter not in "\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    return letter.encode("unicode_escape").decode()
