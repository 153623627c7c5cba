"""What the window says about a structure's surface, the same in the list and in the dialogs."""

from __future__ import annotations

from arviewer.model.segmentation import IMPORTED
from arviewer.model.surface import Parts, Surface
from arviewer.words import _, counted


def error_words(surface: Surface) -> str:
    """Return the error as people should read it."""
    error = surface.error_mm
    return _("error mean {mean:.2f}, 95 % {p95:.2f}, max {max:.2f} mm: mesh against voxels, not anatomy").format(
        mean=error.mean, p95=error.p95, max=error.max
    )


def short_error_words(surface: Surface) -> str:
    """Return the error for a narrow place: mean, 95th percentile and maximum."""
    error = surface.error_mm
    return _("error {mean:.2f} / {p95:.2f} / {max:.2f} mm").format(mean=error.mean, p95=error.p95, max=error.max)


def pieces_words(surface: Surface) -> str:
    """Return how many pieces and handles the surface has, and its voxels where those differ; "" if nobody counted."""
    parts, before = surface.parts, surface.parts_before
    if not parts.pieces:
        return ""
    said = _counted(parts)
    return said if parts == before else _("{now}; the voxels have {before}").format(now=said, before=_counted(before))


def _counted(parts: Parts) -> str:
    pieces = counted(_("1 piece"), _("{count} pieces"), parts.pieces)
    return f"{pieces}, " + counted(_("1 handle"), _("{count} handles"), parts.handles)


def origin_words(surface: Surface) -> str:
    """Return who or what made the structure."""
    if surface.made_by.recipe == IMPORTED:
        tool = surface.made_by.parameters.get("tool") or _("an unnamed program")
        return _("Imported from a file by {tool}").format(tool=tool)
    return _("Proposed by the recipe {name}").format(name=surface.made_by.recipe)


def state_words(surface: Surface) -> str:
    """Return whether a person stands behind the structure, and who."""
    confirmation = surface.confirmation
    if confirmation is None:
        return _("Not confirmed here by a person")
    return _("Confirmed by {name}, {at}").format(name=confirmation.by, at=confirmation.at.replace("T", " "))
