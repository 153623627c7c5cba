"""Run a tool on a structure's mask."""

from __future__ import annotations

from collections.abc import Mapping

from arviewer.errors import NothingFound, TooLarge, UsageError
from arviewer.imaging.parameter import values_of
from arviewer.imaging.tools.table import TOOLS
from arviewer.imaging.tools.tool import TARGET, Applied, Need, Tool
from arviewer.model.intent import Hand
from arviewer.model.masks import BRICK, AnyMask, BrickMask, sharing
from arviewer.model.segmentation import MaskEdit, ParameterValue
from arviewer.model.volume import Volume
from arviewer.version import __version__
from arviewer.words import _
from arviewer.workers.progress import Progress, silent


def apply(
    volume: Volume,
    mask: AnyMask,
    tool_name: str,
    parameters: Mapping[str, ParameterValue],
    hand: Hand | None = None,
    progress: Progress = silent,
) -> Applied:
    """Change a structure with a tool.

    Parameters
    ----------
    mask : MaskBox or BrickMask
        Of the structure, on the volume's grid.
    tool_name : str
        A key of `TOOLS`.
    parameters : mapping
        The tool's own; those not given keep their default.
    hand : Hand, optional
        What the person showed.

    Returns
    -------
    Applied
        The masks that changed, as bricks that share with the given ones what stayed, and the record of the edit.

    Raises
    ------
    UsageError
        When there is no such tool or parameter, a value is out of range, or the hand shows less than the tool needs.
    NothingFound
        When nothing of the structure would be left, all of the volume would be taken, or there is nothing to work on.
    TooLarge
        When it does not fit into memory.
    """
    tool = TOOLS.get(tool_name)
    if tool is None:
        raise UsageError(_("There is no tool {!r}.").format(tool_name), _("There is {}.").format(", ".join(TOOLS)))
    values = values_of(tool.name, tool.parameters, parameters)
    hand = hand or Hand()
    _require_shown(tool, mask, hand)
    try:
        outcome = tool.function(volume, mask, values, hand, progress)
        before = {TARGET: mask, **hand.others}
        masks = {name: sharing(before.get(name), after) for name, after in outcome.masks.items()}
    except MemoryError as error:
        raise TooLarge(
            _("{title} does not fit into memory.").format(title=tool.title),
            "",
            _("Close other programs, or work on a smaller part of the structure."),
        ) from error
    if TARGET in masks:
        _require_a_part(volume, masks[TARGET], tool)
    progress(1.0)
    return Applied(masks, MaskEdit(tool.name, values, __version__), outcome.findings)


def _require_shown(tool: Tool, mask: AnyMask, hand: Hand) -> None:
    shown = {
        Need.STRUCTURE: not _is_empty(mask),
        Need.CLICK: len(hand.points_lps) > 0,
        Need.STROKE: len(hand.points_lps) > 0,
        Need.LASSO: hand.lasso is not None,
        Need.OTHERS: bool(hand.others),
    }
    for need, (what, remedy) in _ASKED.items():
        if need in tool.needs and not shown[need]:
            raise UsageError(_("{title} needs {what}.").format(title=tool.title, what=what), "", remedy)


_ASKED = {
    Need.STRUCTURE: (_("a structure that is not empty"), _("Begin it with a recipe, a threshold or the brush.")),
    Need.CLICK: (_("a click in the images"), _("Click inside the structure.")),
    Need.STROKE: (_("a stroke in the images"), _("Draw on a slice.")),
    Need.LASSO: (_("a line round the part that is meant"), _("Draw it on a slice or in the 3D view.")),
    Need.OTHERS: (_("another structure"), _("Choose one in the list.")),
}


def _is_empty(mask: AnyMask) -> bool:
    return not mask.bricks if isinstance(mask, BrickMask) else not mask.voxels.any()


def _require_a_part(volume: Volume, mask: BrickMask, tool: Tool) -> None:
    """Raise `NothingFound` for a mask without a voxel, and for one with every voxel."""
    if not mask.bricks:
        raise NothingFound(
            _("Nothing of the structure would be left."),
            _("{title} removes every voxel.").format(title=tool.title),
            _("Change the values; or delete the structure in the list if that is what you want."),
        )
    k, j, i = (-(-n // BRICK) for n in volume.geometry.shape_kji)
    if len(mask.bricks) == k * j * i and mask.within((0, 0, 0), volume.geometry.shape_kji)[volume.slice_valid].all():
        raise NothingFound(
            _("The structure would be the whole volume."),
            _("{title} takes every voxel.").format(title=tool.title),
            _("Choose narrower values."),
        )
