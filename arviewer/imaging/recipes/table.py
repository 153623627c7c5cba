"""The table of recipes: the panel, the command line and the documentation are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from arviewer.imaging.recipes.recipe import Found, Parameter, Recipe
from arviewer.model.segmentation import CodedTerm
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress

LOWEST_HU, HIGHEST_HU = -1024.0, 32767.0
"""The range of CT values a person may name; metal goes beyond 3071 where the scanner stores extended values."""


def _bone(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.bone import bone  # here, so that a window can show the table without scipy

    return bone(volume, values, given, progress)


def _recipes() -> tuple[Recipe, ...]:
    island = Parameter("min_island_ml", "ml", 0.5, 0.0, 1000.0, _("Smaller pieces that stand alone are left out."))
    return (
        Recipe(
            name="bone",
            term=CodedTerm("272673000", "SCT", "Bone"),
            modalities=("CT",),
            unit="HU",
            parameters=(
                Parameter("low_hu", "HU", 250.0, LOWEST_HU, HIGHEST_HU, _("Bone is at least this bright.")),
                Parameter("high_hu", "HU", HIGHEST_HU, LOWEST_HU, HIGHEST_HU, _("Bone is at most this bright.")),
                Parameter(
                    "separate_vessels",
                    "",
                    1.0,
                    0.0,
                    1.0,
                    _("1 takes contrast-filled vessels off the bone; 0, as with a threshold given, leaves them."),
                ),
                island,
            ),
            color=(0.93, 0.87, 0.73),
            help=_("Bones with their marrow, without the contrast-filled vessels that are as bright."),
            function=_bone,
        ),
    )


RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _recipes()})
"""Every recipe by name."""
