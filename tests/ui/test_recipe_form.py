"""The form that finds: what the series can show, and recipes that begin at a click."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest

from arviewer.imaging.recipes import RECIPES
from arviewer.ui.panels import recipe_form
from tests.windows import LEFT, NO_KEYS, Hands


@pytest.fixture
def with_click(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe that begins at a click, and one for MR alone, beside the usual ones."""
    more = {
        "spot": replace(RECIPES["bone"], name="spot", click="the middle of the spot", parameters=()),
        "head": replace(RECIPES["skin"], name="head", modalities=("MR",)),
    }
    monkeypatch.setattr(recipe_form, "RECIPES", MappingProxyType({**RECIPES, **more}))


def test_a_click_in_a_slice_begins_a_recipe(
    with_click: None, hands: Hands, phantom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button says where to click; the next click there starts it with the point; Esc takes it back."""
    hands.open(phantom)
    form, view = hands.window.structures.form, hands.window.grid.slices["coronal"]
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(hands.window.building, "start", lambda *args: started.append(args))
    hands.click(form.buttons["spot"])
    assert form.find_button.text().replace("&", "") == "Click in the middle of the spot"
    place = view.rect().center() + QPoint(31, -17)
    point = view.frame.lps_at(place.x(), place.y(), view.extent, hands.view_state.cursor_lps)

    hands.click(form.find_button)
    hands.key(Qt.Key.Key_Escape)
    QTest.mouseClick(view, LEFT, NO_KEYS, view.rect().center())
    assert not started
    assert not form.find_button.isChecked()

    hands.click(form.find_button)
    QTest.mouseClick(view, LEFT, NO_KEYS, place)
    [(name, parameters, clicked)] = started
    assert (name, parameters) == ("spot", {})
    assert clicked == pytest.approx(point)
    QTest.mouseClick(view, LEFT, NO_KEYS, place)
    assert len(started) == 1, "the next click is the crosshair's"


def test_only_what_the_series_can_show_is_offered(with_click: None, hands: Hands, phantom: Path) -> None:
    """Recipes for another modality are not there."""
    hands.open(phantom)
    form = hands.window.structures.form
    assert form.buttons["bone"].isVisible()
    assert not form.buttons["head"].isVisible()
