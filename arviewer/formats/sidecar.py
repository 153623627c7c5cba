"""The JSON beside every exported mesh: what it was made from, how, how far to trust it. Never who the patient is."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from arviewer.errors import OutputFailed, UsageError
from arviewer.formats.measurement import Measured
from arviewer.model.findings import Finding
from arviewer.model.surface import Surface
from arviewer.words import _
from arviewer.words.findings import message, remedy

MAX_SIDECAR_BYTES = 1 << 24
"""A larger file of that name is not one of ours and is not looked into."""

Json = dict[str, Any]


def finding_json(finding: Finding, *, anonymous: bool = False) -> Json:
    """Return a finding as scripts read it.

    Parameters
    ----------
    anonymous : bool
        Leave file names out, of the sentence too: they are often made of the patient's name. For what is kept
        beside a mesh and travels with it.
    """
    sentence, advice = message(finding.kind, finding.details), remedy(finding.kind, finding.details)
    if anonymous:
        for name in finding.files:
            sentence, advice = sentence.replace(name, "(file)"), advice.replace(name, "(file)")
    return {
        "kind": str(finding.kind),
        "severity": str(finding.severity),
        "message": sentence,
        "slices": list(finding.slices),
        "files": [] if anonymous else list(finding.files),
        "remedy": advice,
    }


def structure_json(surface: Surface, measured: Measured) -> Json:
    """Return where one structure comes from: term, state, recipe and parameters, source series, mask, error."""
    return {
        "name": surface.name,
        "term": asdict(surface.term),
        "state": str(surface.state),
        "recipe": surface.made_by.recipe,
        "parameters": dict(surface.made_by.parameters),
        "version": surface.made_by.version,
        "edits": [asdict(edit) for edit in surface.edits],
        "confirmation": None if surface.confirmation is None else asdict(surface.confirmation),
        "series_uids": list(surface.made_by.series_uids),
        "frame_of_reference_uid": surface.frame_of_reference_uid,
        "mask_sha256": surface.mask_sha256,
        "triangles": len(surface.triangles),
        "volume_ml": measured.volume_mm3 / 1000.0,
        "bounds_lps_mm": [measured.low.tolist(), measured.high.tolist()],
        "closed": surface.closed,
        "grey_share": surface.grey_share,
        "capped_mm2": surface.capped_mm2,
        "error_mm": asdict(surface.error_mm),
    }


def sidecar_bytes(content: Mapping[str, Any]) -> bytes:
    """Return a sidecar as UTF-8 text, the same for the same content."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n").encode()


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a sidecar")


def verify_sidecar(found: bytes, content: bytes, name: str) -> None:
    """Raise `OutputFailed` unless what was read back says what was meant."""
    if json.loads(found) != json.loads(content):
        raise OutputFailed(_("The file did not read back as it was meant."), name)


def sidecar_path(mesh: Path, taken: Collection[Path] = ()) -> Path:
    """Return where the sidecar of a mesh goes: NAME.json, or NAME.stl.json when NAME.json is about another file.

    Parameters
    ----------
    mesh : Path
        The mesh file.
    taken : collection of Path
        Paths that the same export already uses.

    Raises
    ------
    UsageError
        When both names belong to something else that would be lost.
    """
    choices = (mesh.with_suffix(".json"), mesh.with_name(mesh.name + ".json"))
    for path in choices:
        if path not in taken and _is_free(path, mesh.name):
            return path
    raise UsageError(
        _("{mesh} has no room for its sidecar.").format(mesh=mesh.name),
        _("{names} belong to other files.").format(names=", ".join(path.name for path in choices)),
        _("Choose another name or folder."),
    )


def _is_free(path: Path, mesh_name: str) -> bool:
    """Whether a sidecar of that mesh may take this path: nothing there, its own, or one whose mesh is gone."""
    if not os.path.lexists(path):
        return True
    try:
        if not path.is_file() or path.stat().st_size > MAX_SIDECAR_BYTES:
            return False
        content = json.loads(path.read_bytes())
        described = content["describes"]
        return isinstance(described, str) and (described == mesh_name or not path.with_name(described).exists())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def merged_findings(surfaces: Sequence[Surface]) -> tuple[Finding, ...]:
    """Return the findings of several surfaces, each once, in order."""
    seen: dict[str, Finding] = {}
    for surface in surfaces:
        for finding in surface.findings:
            seen.setdefault(repr(finding), finding)
    return tuple(seen.values())
