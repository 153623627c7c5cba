"""Surfaces in LPS mm from segments: grey iso-surface, bounded smoothing, measured error.

Lives here: the field, Flying Edges, the smoothing, the quality of a mesh. May import: numpy, VTK's pure filters,
the model. Must not know: recipes, files, rendering.
"""

from __future__ import annotations

from arviewer.imaging.meshing.guarded import surface

__all__ = ["surface"]
