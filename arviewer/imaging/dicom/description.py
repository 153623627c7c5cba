"""What a scan found, as the JSON that scripts rely on."""

from __future__ import annotations

from typing import Any

from arviewer.model.findings import Finding
from arviewer.model.study import Attachment, Scan, Series
from arviewer.words import findings as words


def describe(scan: Scan) -> dict[str, Any]:
    """Return a scan as plain values for JSON: "series", "attachments", "skipped", "findings".

    Lengths in mm; ``lps_from_ijk`` row by row, None where the series has no geometry; ``slices`` counts places of
    the volume, lost ones included, or images where there is no volume.
    """
    return {
        "series": [_series(one) for one in scan.series],
        "attachments": [_attachment(one) for one in scan.attachments],
        "skipped": [{"file": one.file, "why": one.why} for one in scan.skipped],
        "findings": [describe_finding(one) for one in scan.findings],
    }


def describe_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values, with its sentence and its remedy."""
    return {
        "kind": str(finding.kind),
        "severity": str(finding.severity),
        "message": words.message(finding.kind, finding.details),
        "slices": list(finding.slices),
        "files": list(finding.files),
        "remedy": words.remedy(finding.kind, finding.details),
        "details": dict(finding.details),
    }


def _attachment(one: Attachment) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "file": one.name,
        "modality": one.modality,
        "description": one.description,
        "uid": one.sop_instance_uid,
        "series_uid": one.series_uid,
        "study_uid": one.study_uid,
    }


def _series(series: Series) -> dict[str, Any]:
    geometry = series.geometry
    size = None if geometry is None else list(geometry.shape_kji[::-1])
    patient = series.patient
    return {
        "uid": series.uid,
        "study_uid": series.study_uid,
        "patient": {"name": patient.name, "id": patient.id, "birth_date": patient.birth_date, "sex": patient.sex},
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "number": series.number,
        "part": list(series.part),
        "phase": None if series.phase is None else {"kind": str(series.phase.kind), "value": series.phase.value},
        "modality": series.modality,
        "description": series.description,
        "slices": len(series.instances) if geometry is None else geometry.shape_kji[0],
        "images": len(series.instances),
        "size_ijk": size,
        "spacing_mm": None if geometry is None else [float(step) for step in geometry.spacing_mm],
        "lps_from_ijk": None if geometry is None else geometry.lps_from_ijk.matrix.tolist(),
        "verdict": str(series.verdict),
        "findings": [describe_finding(one) for one in series.findings],
    }
