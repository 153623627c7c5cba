"""Everything can be read."""

from __future__ import annotations

import pytest
from PyQt6.QtGui import QColor

from arviewer.ui import theme

MIN_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3: text."""


def luminance(color: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [QColor(color).redF(), QColor(color).greenF(), QColor(color).blueF()]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", [theme.BACKGROUND, theme.PANEL, theme.RAISED])
@pytest.mark.parametrize(
    "text",
    [theme.TEXT, theme.QUIET, theme.WARNING, theme.DANGER, theme.GOOD, theme.ACCENT, *theme.PLANE_COLORS.values()],
)
def test_text_stands_out(text: str, ground: str) -> None:
    """Each color of text has a contrast of at least 4.5 : 1 on each ground."""
    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= MIN_CONTRAST
