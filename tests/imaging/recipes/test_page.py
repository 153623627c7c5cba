"""The manual's page of recipes."""

from __future__ import annotations

from tools.recipes_page import PAGE, page


def test_the_page_is_what_the_table_says():
    """docs/users/recipes.md is what tools/recipes_page.py writes."""
    assert PAGE.read_text(encoding="utf-8") == page()
