"""The places to check first."""

from __future__ import annotations

import numpy as np

from arviewer.model.checks import places_to_check
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import CodedTerm, Provenance, Segment


def structure(name: str, *findings: Finding) -> Segment:
    """A structure with findings."""
    mask = MaskBox((0, 0, 0), np.ones((1, 1, 1), np.bool_))
    return Segment(name, CodedTerm("91772007", "SCT", "Organ"), mask, Provenance("organ"), findings=findings)


def finding(kind: FindingKind, severity: Severity, *xs: float) -> Finding:
    """A finding with a place for each x."""
    return Finding(kind, severity, places_lps=tuple((x, 0.0, 0.0) for x in xs))


def test_thin_comes_before_leaky_before_sensitive_and_notes_come_last() -> None:
    """Over all structures; findings of other kinds, and those that are nowhere, are no places."""
    bone = structure(
        "bone",
        finding(FindingKind.THRESHOLD_SENSITIVE, Severity.WARNING, 5.0),
        finding(FindingKind.THIN, Severity.NOTE, 6.0),
        finding(FindingKind.LEAVES_SCAN, Severity.NOTE, 9.0),
        finding(FindingKind.LEAK_RISK, Severity.WARNING),
    )
    lung = structure(
        "lung-left",
        finding(FindingKind.TOUCHING, Severity.WARNING, 4.0),
        finding(FindingKind.LEAK_RISK, Severity.WARNING, 2.0, 3.0),
        finding(FindingKind.THIN, Severity.WARNING, 1.0),
    )
    places = places_to_check([bone, lung])
    assert [p.point_lps[0] for p in places] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert [p.name for p in places] == ["lung-left"] * 4 + ["bone"] * 2
    assert places[0].finding.kind is FindingKind.THIN
