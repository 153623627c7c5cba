"""The table of tools: the panel, the command line and the documentation are made from it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
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

_RANGES = (
    Tool(
        name="threshold",
        title=_("Threshold"),
        help=_("Takes every voxel with a value in a range, of the whole volume or of the structure."),
        needs=Need.NOTHING,
        parameters=(
            *_limits(low=250.0),
            _switch("within", False, _("1 keeps what the structure has in the range; 0 takes the whole volume.")),
        ),
        function=_in("threshold", "threshold"),
    ),
    Tool(
        name="grow",
        title=_("Grow from a click"),
        help=_("Adds what is connected to the clicks and like them, but not through a narrow neck."),
        needs=Need.CLICK,
        parameters=(
            _switch("by_click", True, _("1 takes the range from the values round the clicks; 0 takes low and high.")),
            Parameter("spread_sd", "", 2.5, 0.1, 20.0, _("Standard deviations to either side of the mean there.")),
            *_limits(),
            _mm("guard_mm", 1.5, 20.0, _("Stops where a ball of this radius does not pass; 0 never stops."), 0.0),
            _mm("max_radius_mm", 0.0, 2000.0, _("Stays this near to the clicks; 0 goes anywhere."), 0.0),
        ),
        function=_in("growing", "grow_region"),
    ),
)

_MARGIN = _mm("margin_mm", 10.0, 200.0, _("How far from what is painted they may spread."), 0.0)

_SEEDS = (
    Tool(
        name="watershed",
        title=_("Spread until they meet"),
        help=_("Lets this and other painted structures spread until they meet at an edge or at a neck."),
        needs=Need.OTHERS | Need.STRUCTURE,
        parameters=(
            *_limits(),
            _MARGIN,
            _switch("by_shape", False, _("1 parts them at the necks of the range's shape; 0 at edges of the values.")),
        ),
        function=_in("seeds", "spread_by_watershed"),
    ),
    Tool(
        name="random-walker",
        title=_("Spread by random walks"),
        help=_("As the watershed, calmer where edges are faint or noisy; for a box of 64³ voxels at most."),
        needs=Need.OTHERS | Need.STRUCTURE,
        parameters=(
            *_limits(),
            replace(_MARGIN, default=3.0),
            Parameter("edge_weight", "", 130.0, 1.0, 100_000.0, _("How much an edge keeps them apart.")),
        ),
        function=_in("seeds", "spread_by_walks"),
    ),
)

_SHAPES = (
    Tool(
        name="smooth",
        title=_("Smooth"),
        help=_("Rounds the surface by a Gaussian blur, cut where the volume stays the same."),
        needs=Need.STRUCTURE,
        parameters=(_mm("blur_mm", 1.0, 20.0, _("Standard deviation of the blur; what is thinner may vanish.")),),
        function=_in("margins", "smooth"),
    ),
    Tool(
        name="grow-by",
        title=_("Grow by a margin"),
        help=_("Adds all within a distance."),
        needs=Need.STRUCTURE,
        parameters=(_mm("margin_mm", 1.0, 100.0, _("How far the surface moves out.")),),
        function=_in("margins", "grow_by"),
    ),
    Tool(
        name="shrink-by",
        title=_("Shrink by a margin"),
        help=_("Removes all within a distance of the surface; not from where the scan ends."),
        needs=Need.STRUCTURE,
        parameters=(_mm("margin_mm", 1.0, 100.0, _("How far the surface moves in.")),),
        function=_in("margins", "shrink_by"),
    ),
    Tool(
        name="hollow",
        title=_("Hollow"),
        help=_("Leaves a wall inside the surface; open where the scan ends."),
        needs=Need.STRUCTURE,
        parameters=(_mm("wall_mm", 2.0, 100.0, _("Thickness of the wall.")),),
        function=_in("margins", "hollow"),
    ),
    Tool(
        name="fill-holes",
        title=_("Fill holes"),
        help=_("Fills what the structure encloses."),
        needs=Need.STRUCTURE,
        parameters=(_switch("each_slice", False, _("1 fills what is enclosed within a slice; 0 only in space.")),),
        function=_in("margins", "fill_holes"),
    ),
    Tool(
        name="interpolate",
        title=_("Fill in between slices"),
        help=_("Fills the empty slices between painted ones; which way they lie is found."),
        needs=Need.STRUCTURE,
        parameters=(),
        function=_in("between", "interpolate"),
    ),
)

_SETS = (
    Tool(
        name="add",
        title=_("Add another structure"),
        help=_("Takes in what other structures have."),
        needs=Need.OTHERS,
        parameters=(),
        function=_in("boolean", "add"),
    ),
    Tool(
        name="subtract",
        title=_("Subtract another structure"),
        help=_("Removes what other structures have."),
        needs=Need.OTHERS | Need.STRUCTURE,
        parameters=(),
        function=_in("boolean", "subtract"),
    ),
    Tool(
        name="intersect",
        title=_("Intersect with another structure"),
        help=_("Keeps what every one of the other structures has too."),
        needs=Need.OTHERS | Need.STRUCTURE,
        parameters=(),
        function=_in("boolean", "intersect"),
    ),
    Tool(
        name="split-left-right",
        title=_("Split into left and right"),
        help=_("Makes two structures of it: the patient's left, the patient's right."),
        needs=Need.STRUCTURE,
        parameters=(),
        function=_in("sides", "split"),
    ),
)

TOOLS: Mapping[str, Tool] = MappingProxyType(
    {tool.name: tool for tool in (*_BRUSHES, *_SCISSORS, *_ISLANDS, *_RANGES, *_SEEDS, *_SHAPES, *_SETS)}
)
"""Every tool by name."""
