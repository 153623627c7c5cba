"""Files of other makers: whatever reading one leads to, the person hears which file it was and what to do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from arviewer.errors import ArviewerError, InputRefused
from arviewer.words import _


class Unusable(Exception):
    """A file breaks its own rules; the message is the reason, in words for the reader."""


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn any error of reading the file `name` into `InputRefused`; its warnings are not heard.

    Raises
    ------
    InputRefused
        Naming the file and the reason.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ArviewerError, KeyboardInterrupt):
        raise
    except Unusable as reason:
        raise refused(name, str(reason)) from reason
    except Exception as error:  # the libraries raise whatever the damage leads to
        raise refused(name, _("it is damaged ({why})").format(why=f"{type(error).__name__}: {error}"[:200])) from error


def refused(name: str, why: str) -> InputRefused:
    """Return the error that a file cannot be used."""
    return InputRefused(
        _("{name} cannot be used.").format(name=name),
        f"{name}: {why}.",
        _("Export it again from the program that made it."),
    )
