"""The manual's page of recipes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_is_what_the_table_says():
    """docs/users/recipes.md is what tools/recipes_page.py writes."""
    spec = importlib.util.spec_from_file_location("recipes_page", ROOT / "tools/recipes_page.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    assert (ROOT / "docs/users/recipes.md").read_text(encoding="utf-8") == tool.page()
