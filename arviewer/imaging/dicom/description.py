"""What a scan found, as the JSON that scripts rely on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from arviewer.imaging.dicom.geometry import tolerances
from arviewer.model.findings import Finding
from arviewer.model.study import Attachment, Phase, Scan, Series
from arviewer.words import findings as words
from arviewer.words import phases


def describe(scan: Scan) -> dict[str, Any]:
    """Return a scan as plain values for JSON: "series", "attachments", "skipped", "findings", "tolerances".

    Lengths in mm; ``lps_from_ijk`` row by row, None where the series has no geometry; ``slices`` counts places of
    the volume, lost ones included, or images where there is no volume.
    """
    return {
        "series": [_series(one) for one in scan.series],
        "attachments": [_attachment(one) for one in scan.attachments],
        "skipped": [{"file": one.file, "why": one.why} for one in scan.skipped],
        "findings": [describe_finding(one) for one in scan.findings],
        "tolerances": tolerances(),
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


def _phase(phase: Phase | None) -> dict[str, Any] | None:
    if phase is None:
        return None
    return {
        "kind": str(phase.kind),
        "value": phase.value,
        "number": phase.number,
        "count": phase.count,
        "words": phases.sentence(phase.kind, phase.value, phase.number, phase.count),
        "further": _phase(phase.further),
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
        "phase": _phase(series.phase),
        "modality": series.modality,
        "description": series.description,
        "slices": len(series.instances) if geometry is None else geometry.shape_kji[0],
        "images": len(series.instances),
        "size_ijk": size,
        "spacing_mm": None if geometry is None else [float(step) for step in geometry.spacing_mm],
        "lps_from_ijk": None if geometry is None else geometry.lps_from_ijk.matrix.tolist(),
        "verdict": str(series.verdict),
        "fit": None if series.fit is None else asdict(series.fit),
        "findings": [describe_finding(one) for one in series.findings],
    }
