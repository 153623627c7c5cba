"""One structure in one call: segment, repair and surface, as jobs and commands ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from arviewer.imaging.meshing import surface
from arviewer.imaging.recipes import RECIPES, segment
from arviewer.imaging.tools import apply
from arviewer.model.findings import FindingKind
from arviewer.model.intent import Hand
from arviewer.model.segmentation import ParameterValue, Segment, Segmentation
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.workers.progress import Progress, part, silent


def build(
    volume: Volume,
    recipe: str,
    max_error_mm: float = 0.25,
    progress: Progress = silent,
    at_lps: Sequence[float] | None = None,
    **parameters: ParameterValue,
) -> tuple[Segment, Surface]:
    """Find a structure with a recipe and make its surface.

    Parameters
    ----------
    recipe : str
        Name in the table of recipes.
    max_error_mm : float
        How far smoothing may move any point from the raw iso-surface, in mm.
    at_lps : three floats, optional
        Where a person clicked, LPS mm.
    **parameters
        The recipe's own.

    Raises
    ------
    UsageError, NothingFound
        As of `segment` and `surface`.
    """
    segmentation = segment(volume, recipe, part(progress, 0.0, 0.5), at_lps, **parameters)
    made = surface(segmentation, recipe, max_error_mm=max_error_mm, progress=part(progress, 0.5, 1.0))
    return segmentation[recipe], made


@dataclass(frozen=True, slots=True)
class Step:
    """A tool to run on a structure once it is found; `parameters` are those that do not keep their default."""

    tool: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)


def repaired(
    volume: Volume,
    recipe: str,
    then: Sequence[Step] = (),
    progress: Progress = silent,
    at_lps: Sequence[float] | None = None,
    **parameters: ParameterValue,
) -> Segmentation:
    """Find a structure with a recipe, and run tools on it, one after the other.

    Parameters
    ----------
    then : sequence of Step
        Each is remembered as an edit. Where a tool makes new structures of it, they are called "STRUCTURE NEW" and
        take its place; the steps after it are run on each.
    at_lps : three floats, optional
        For the recipe when it needs a click, and for the tools that do.

    Raises
    ------
    UsageError, NothingFound
        As of `segment` and `arviewer.imaging.tools.apply`.
    """
    share = 1.0 / (1 + len(then))
    click = at_lps if recipe not in RECIPES or RECIPES[recipe].click else None
    found = segment(volume, recipe, part(progress, 0.0, share), click, **parameters)
    hand = Hand() if at_lps is None else Hand(points_lps=np.array([at_lps], dtype=np.float64))
    segments = list(found.segments)
    for n, step in enumerate(then, 1):
        within = part(progress, n * share, (n + 1) * share)
        segments = [made for one in segments for made in _after(volume, one, step, hand, within)]
    return replace(found, segments=tuple(segments))


def _after(volume: Volume, one: Segment, step: Step, hand: Hand, progress: Progress) -> list[Segment]:
    """Return a structure after a step; or those that the step made of it, in its place."""
    from arviewer.imaging.recipes.scan import leaves_scan

    applied = apply(volume, one.mask, step.tool, step.parameters, hand, progress)
    made = []
    for name, mask in applied.masks.items():
        edited = replace(one.edited(mask, applied.edit), name=f"{one.name} {name}".strip())
        findings = applied.findings_of(edited.name) + leaves_scan(volume, mask.box(), edited.name)
        kinds = {finding.kind for finding in findings} | {FindingKind.LEAVES_SCAN}
        kept = tuple(finding for finding in one.findings if finding.kind not in kinds)
        made.append(replace(edited, findings=kept + findings))
    return made
