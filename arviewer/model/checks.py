"""The places to check first, over all structures: what is thin, what may have leaked, what hangs on a threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.segmentation import Segment

ORDER = (
    FindingKind.THIN,
    FindingKind.LEAK_RISK,
    FindingKind.TOUCHING,
    FindingKind.THRESHOLD_SENSITIVE,
)
"""What is looked at first: a gap in a thin wall is seen on no surface, a leak on most of them."""

GRAVEST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


@dataclass(frozen=True, slots=True)
class Place:
    """One place to look at.

    Attributes
    ----------
    name : str
        Of the structure.
    finding : Finding
        What is doubtful there.
    point_lps : tuple of (x, y, z), mm
    """

    name: str
    finding: Finding
    point_lps: tuple[float, float, float]


def places_to_check(segments: Iterable[Segment]) -> tuple[Place, ...]:
    """Return the places of all findings of these kinds, warnings before notes, then in `ORDER`.

    Within one finding the most doubtful place comes first; structures keep their order.
    """
    found = [
        (segment.name, finding)
        for segment in segments
        for finding in segment.findings
        if finding.kind in ORDER and finding.places_lps
    ]
    found.sort(key=lambda pair: (GRAVEST.index(pair[1].severity), ORDER.index(pair[1].kind)))
    return tuple(Place(name, finding, point) for name, finding in found for point in finding.places_lps)
