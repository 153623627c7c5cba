"""Surfaces in LPS mm from segments: grey iso-surface, bounded smoothing, measured error.

Lives here: the field, Flying Edges, smoothing, merging of vertices, the measured error, the quality of a mesh. May
import: numpy, scipy, VTK's pure filters, the model. Must not know: recipes, files, rendering.
"""

from __future__ import annotations

from arviewer.imaging.meshing.guarded import levels, surface

__all__ = ["levels", "surface"]
