"""Tools that repair a structure: each takes a mask and what a hand showed, and returns other masks.

Lives here: the table of tools, one module per kind of tool, the rules of overlap. May import: numpy, scipy,
scikit-image, `imaging.runs`, `growth`, `ranges`, the model. Must not know: the session, files, rendering, the window.
"""

from __future__ import annotations

from arviewer.imaging.tools.apply import apply
from arviewer.imaging.tools.overlap import Overlap, resolve
from arviewer.imaging.tools.table import TOOLS
from arviewer.imaging.tools.tool import TARGET, Applied, Need, Outcome, Tool

__all__ = ["TARGET", "TOOLS", "Applied", "Need", "Outcome", "Overlap", "Tool", "apply", "resolve"]
