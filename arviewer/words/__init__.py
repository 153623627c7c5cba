"""The words people read, from one catalog: window, command line and exports say the same thing the same way.

Lives here: translation and the sentences for kinds (findings, edits). May import: the standard library.
Must not know: any other room; values arrive as plain kinds and numbers.
"""

from __future__ import annotations

import gettext
from pathlib import Path

_catalog = gettext.translation("arviewer", localedir=Path(__file__).parent / "locale", fallback=True)


def _(message: str) -> str:
    """Return `message` in the reader's language; English where there is no translation."""
    return _catalog.gettext(message)


def counted(one: str, many: str, count: int) -> str:
    """Return the words for a count, with `count` filled in; the form that the reader's language has for it."""
    return _catalog.ngettext(one, many, count).format(count=count)
