"""The table of tools: the panel, the command line and the documentation are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from arviewer.imaging.parameter import Parameter
from arviewer.imaging.tools.tool import Need, Outcome, Tool
from arviewer.model.intent import Hand
from arviewer.model.masks import AnyMask
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress


def _keep_largest(
    volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress
) -> Outcome:
    from arviewer.imaging.tools.islands import keep_largest  # here, so that a window can show the table without scipy

    return keep_largest(volume, mask, values, hand, progress)


def _drop_small(volume: Volume, mask: AnyMask, values: Mapping[str, float], hand: Hand, progress: Progress) -> Outcome:
    from arviewer.imaging.tools.islands import drop_small

    return drop_small(volume, mask, values, hand, progress)


_TABLE = (
    Tool(
        name="keep-largest",
        title=_("Keep the largest piece"),
        help=_("Removes every piece but the largest."),
        needs=Need.NOTHING,
        parameters=(),
        function=_keep_largest,
    ),
    Tool(
        name="drop-small",
        title=_("Drop small pieces"),
        help=_("Removes pieces smaller than a volume."),
        needs=Need.NOTHING,
        parameters=(Parameter("min_island_ml", "ml", 0.5, 0.0, 1000.0, _("Smaller pieces are removed.")),),
        function=_drop_small,
    ),
)

TOOLS: Mapping[str, Tool] = MappingProxyType({tool.name: tool for tool in _TABLE})
"""Every tool by name."""
