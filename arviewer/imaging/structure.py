"""One structure in one call: segment and surface, as jobs ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from arviewer.imaging.meshing import surface
from arviewer.imaging.recipes import segment
from arviewer.model.segmentation import ParameterValue, Segment
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, part, silent


def build(
    volume: Volume,
    recipe: str,
    max_error_mm: float = 0.25,
    progress: Progress = silent,
    at_lps: Sequence[float] | None = None,
    **parameters: ParameterValue,
) -> tuple[Segment, Surface]:
    """Find a structure with a recipe and make its surface.

    Parameters
    ----------
    recipe : str
        Name in the table of recipes.
    max_error_mm : float
        How far smoothing may move any point from the raw iso-surface, in mm.
    at_lps : three floats, optional
        Where a person clicked, LPS mm.
    **parameters
        The recipe's own.

    Raises
    ------
    UsageError, NothingFound
        As of `segment` and `surface`.
    """
    segmentation = segment(volume, recipe, part(progress, 0.0, 0.5), at_lps, **parameters)
    made = surface(segmentation, recipe, max_error_mm=max_error_mm, progress=part(progress, 0.5, 1.0))
    return segmentation[recipe], made
