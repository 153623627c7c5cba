"""Recipes against labels of a real CT that was made by another program (TotalSegmentator); see its SOURCE.md."""

from __future__ import annotations

SPLEEN, KIDNEY_RIGHT, KIDNEY_LEFT, LIVER, AORTA = 1, 2, 3, 5, 52
CLICKED = {"liver": LIVER, "aorta": AORTA, "spleen": SPLEEN, "right kidney": KIDNEY_RIGHT, "left kidney": KIDNEY_LEFT}
BONES = (*range(25, 51), *range(69, 79), *range(91, 117))
