"""Writes docs/users/recipes.md from the table of recipes: ``python tools/recipes_page.py``."""

from __future__ import annotations

from pathlib import Path

from arviewer.imaging.parameter import Parameter
from arviewer.imaging.recipes import RECIPES, Recipe

PAGE = Path(__file__).parents[1] / "docs/users/recipes.md"

_TOP = """# Recipes

What finds structures in images, in the window (*Structures*), as `--structure NAME` of `arviewer export` and `render`,
and as `arviewer.segment(volume, NAME, **parameters)`. All that a recipe finds is *proposed* until a named person
confirms it, and carries what the recipe was unsure of ([findings](findings.md)): where the structure is thin, where its
boundary is faint, what it touches, and how its volume changes with a threshold 10 % lower or higher.

This page is made from the table in `arviewer/imaging/recipes/table.py` by `tools/recipes_page.py`.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([_TOP, *(_section(recipe) for recipe in RECIPES.values())])


def _section(recipe: Recipe) -> str:
    lines = [f"## {recipe.name}", "", recipe.help, ""]
    term = f"{recipe.term.meaning} ({recipe.term.scheme} {recipe.term.value})"
    lines.append(f"Images: {', '.join(recipe.modalities)}. Coded as: {term}.")
    if recipe.click:
        lines.append(f"Click: {recipe.click} (`--at X,Y,Z` in LPS mm).")
    lines += ["", "| parameter | default | range | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_row(parameter) for parameter in recipe.parameters), ""])


def _row(p: Parameter) -> str:
    unit = f" {p.unit}" if p.unit else ""
    return f"| `{p.name}` | {p.default:g}{unit} | {p.minimum:g} to {p.maximum:g}{unit} | {p.help} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
