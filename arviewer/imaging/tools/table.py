"""The table of tools: the panel, the command line and the documentation are made from it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from arviewer.imaging.parameter import Parameter
from arviewer.imaging.tools.tool import HIGHEST, IMAGE_UNIT, LOWEST, Need, Outcome, Tool, ToolFunction
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress


def _in(module: str, name: str) -> ToolFunction:
    """Return a tool's function that loads its module when first called: a window can show the table without scipy."""

    def function(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
        made: Outcome = getattr(importlib.import_module(f"arviewer.imaging.tools.{module}"), name)(
            volume, mask, values, hand, progress
        )
        return made

    return function


def _switch(name: str, default: bool, help_: str) -> Parameter:
    return Parameter(name, "", float(default), 0.0, 1.0, help_)


def _mm(name: str, default: float, highest: float, help_: str, lowest: float = 0.1) -> Parameter:
    return Parameter(name, "mm", default, lowest, highest, help_)


def _limits(low: float = LOWEST, high: float = HIGHEST) -> tuple[Parameter, Parameter]:
    return (
        Parameter("low", IMAGE_UNIT, low, LOWEST, HIGHEST, _("Only voxels of at least this value.")),
        Parameter("high", IMAGE_UNIT, high, LOWEST, HIGHEST, _("Only voxels of at most this value.")),
    )


_RADIUS = _mm("radius_mm", 5.0, 100.0, _("Radius of the brush."))

_BRUSHES = (
    Tool(
        name="paint",
        title=_("Paint"),
        help=_("Adds what the brush sweeps: a ball, or on a slice a disc one slice thick."),
        needs=Need.STROKE,
        parameters=(_RADIUS, *_limits()),
        function=_in("brush", "paint"),
    ),
    Tool(
        name="erase",
        title=_("Erase"),
        help=_("Removes what the brush sweeps."),
        needs=Need.STROKE | Need.STRUCTURE,
        parameters=(_RADIUS, *_limits()),
        function=_in("brush", "erase"),
    ),
)

_SCISSORS = (
    Tool(
        name="cut-inside",
        title=_("Cut inside"),
        help=_("Removes what lies within a line, through everything behind it or within a slab."),
        needs=Need.LASSO | Need.STRUCTURE,
        parameters=(),
        function=_in("scissors", "cut_inside"),
    ),
    Tool(
        name="cut-outside",
        title=_("Cut outside"),
        help=_("Removes what lies outside a line."),
        needs=Need.LASSO | Need.STRUCTURE,
        parameters=(),
        function=_in("scissors", "cut_outside"),
    ),
    Tool(
        name="lasso-keep",
        title=_("Keep pieces"),
        help=_("Keeps, whole, the pieces that lie mostly within a line."),
        needs=Need.LASSO | Need.STRUCTURE,
        parameters=(),
        function=_in("scissors", "keep_pieces"),
    ),
)

_ISLANDS = (
    Tool(
        name="keep-largest",
        title=_("Keep the largest piece"),
        help=_("Removes every piece but the largest."),
        needs=Need.STRUCTURE,
        parameters=(),
        function=_in("islands", "keep_largest"),
    ),
    Tool(
        name="keep-clicked",
        title=_("Keep the clicked pieces"),
        help=_("Removes every piece that was not clicked."),
        needs=Need.CLICK | Need.STRUCTURE,
        parameters=(),
        function=_in("islands", "keep_clicked"),
    ),
    Tool(
        name="drop-small",
        title=_("Drop small pieces"),
        help=_("Removes pieces smaller than a volume."),
        needs=Need.STRUCTURE,
        parameters=(Parameter("min_island_ml", "ml", 0.5, 0.0, 1000.0, _("Smaller pieces are removed.")),),
        function=_in("islands", "drop_small"),
    ),
)

TOOLS: Mapping[str, Tool] = MappingProxyType({tool.name: tool for tool in (*_BRUSHES, *_SCISSORS, *_ISLANDS)})
"""Every tool by name."""
