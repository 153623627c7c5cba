"""``python -m bench simplify [FOLDER ...]``: a bone surface to 10 % of its triangles, its error measured.

The peers (vtkQuadricDecimation, fast-simplification) neither measure nor bound an error; theirs is measured here off
the clock, the same way. Before times count, ours must be closed and within the budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.mesh_jobs import SHARE
from bench.surface import folders, raced, verdict

BAR, AIM = 3.0, 1.5
SPARE = 1.02
"""What is left may be so much more than the budget: pieces and handles stay."""


def main(arguments: Sequence[str]) -> int:
    """Print one table for each folder; return 1 when a bar is missed or ours is not what was asked for."""
    code = 0
    for folder in folders(arguments):
        told = raced("simplify", ("ours", "quadric", "fast"), folder)
        ours = told["ours"][0]
        before = ours["before"]
        if ours["bad_edges"] or ours["triangles"] > SPARE * SHARE * before:
            print("  VOID: not closed, or too many triangles")
            return 1
        code |= verdict(f"{before} triangles to {SHARE:.0%}, error measured", told, BAR, AIM)
    return code
