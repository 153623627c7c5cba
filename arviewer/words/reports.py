"""How items of a structured report relate to the item above them, in words."""

from __future__ import annotations

from arviewer.words import _

_RELATIONS = {
    "CONTAINS": "",
    "HAS OBS CONTEXT": _("context"),
    "HAS ACQ CONTEXT": _("acquisition"),
    "HAS CONCEPT MOD": _("qualifier"),
    "HAS PROPERTIES": _("property"),
    "INFERRED FROM": _("inferred from"),
    "SELECTED FROM": _("selected from"),
}
"""By *Relationship Type* (0040,A010); PS3.3 table C.17.3.2.4-1."""


def relation(code: str) -> str:
    """Return the words for a relationship, "" where none are needed; one that is not known as it is."""
    return _RELATIONS.get(code, code)
