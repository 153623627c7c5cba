"""Where a person clicked, for the recipes that begin there: a point in LPS mm, remembered with the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from arviewer.errors import UsageError
from arviewer.imaging.recipes.recipe import Recipe
from arviewer.model.geometry import Lps, Points
from arviewer.model.volume import Volume
from arviewer.words import _

NAMES = ("click_x_mm", "click_y_mm", "click_z_mm")
"""What the coordinates are called among the parameters, LPS."""


def click_values(recipe: Recipe, at_lps: Sequence[float] | None) -> dict[str, float]:
    """Return the click as parameters; none for a recipe that takes none.

    Raises
    ------
    UsageError
        When a click is missing, not wanted, or no point.
    """
    if not recipe.click:
        if at_lps is not None:
            raise UsageError(_("The recipe {!r} takes no click.").format(recipe.name))
        return {}
    if at_lps is None:
        raise UsageError(
            _("The recipe {!r} needs a click.").format(recipe.name), "", _("Say where: {}.").format(recipe.click)
        )
    point = np.asarray(at_lps, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise UsageError(_("A click is three numbers: x, y and z in LPS mm."), _("It is {}.").format(at_lps))
    return dict(zip(NAMES, point.tolist(), strict=True))


def clicked_kji(volume: Volume, values: Mapping[str, float]) -> tuple[int, int, int]:
    """Return the voxel that was clicked.

    Raises
    ------
    UsageError
        When it lies outside the volume, or in a lost slice.
    """
    geometry = volume.geometry
    point: Points[Lps] = Points(np.array([[values[name] for name in NAMES]]), geometry.frame_of_reference_uid)
    i, j, k = np.rint(geometry.lps_from_ijk.inverse()(point).xyz[0]).astype(int).tolist()
    inside = all(0 <= at < n for at, n in zip((k, j, i), geometry.shape_kji, strict=True))
    if not inside or not volume.slice_valid[k]:
        raise UsageError(
            _("The click lies outside the images."),
            _("Point {:.1f}, {:.1f}, {:.1f} mm (LPS).").format(*point.xyz[0]),
            _("Click inside the structure."),
        )
    return k, j, i
