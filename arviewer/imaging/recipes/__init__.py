"""Recipes that find structures in volumes: one table, one verb.

Lives here: `RECIPES` and what each recipe does. May import: numpy, scipy, scikit-image, the model. Must not know:
surfaces, files, rendering.
"""

from __future__ import annotations

from arviewer.imaging.parameter import Parameter
from arviewer.imaging.recipes.recipe import Recipe
from arviewer.imaging.recipes.segment import segment
from arviewer.imaging.recipes.table import RECIPES

__all__ = ["RECIPES", "Parameter", "Recipe", "segment"]
