"""What a person reads about an edit, in the undo menu and in the history."""

from __future__ import annotations

from collections.abc import Mapping

from arviewer.words import _

_SENTENCES = {
    "add-structures:one": _("Add {name}"),
    "add-structures:many": _("Add {count} structures"),
    "remove-structure": _("Delete {name}"),
    "edit-masks": _("{title}: {name}"),
    "lay-onto-images": _("Lay {name} onto the images"),
    "confirm": _("Confirm {name}"),
    "change-look:color": _("Color of {name}"),
    "change-look:opacity": _("Opacity of {name}"),
    "change-look:show": _("Show {name}"),
    "change-look:hide": _("Hide {name}"),
}


def sentence(kind: str, details: Mapping[str, str]) -> str:
    """Return what the undo menu says for an edit of that kind."""
    key = f"{kind}:{details['aspect']}" if "aspect" in details else kind
    return _SENTENCES[key].format(**details)
