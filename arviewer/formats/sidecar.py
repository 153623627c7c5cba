"""The JSON beside every exported file: what it was made from, how, how far to trust it. Never who the patient is."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from arviewer.errors import OutputFailed, UsageError
from arviewer.formats.measurement import Measured
from arviewer.model.findings import Finding
from arviewer.model.segmentation import Segment, State
from arviewer.model.surface import Parts, Surface, SurfaceError
from arviewer.words import _
from arviewer.words.findings import message, remedy

AGAINST = "mesh against voxels, not anatomy"
"""What every stated error of a surface is."""

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


def error_json(error: SurfaceError) -> Json:
    """Return how far a surface is from its voxels, with what that means."""
    return asdict(error) | {"label": AGAINST}


def error_line(error: SurfaceError) -> str:
    """Return the same in one line of ASCII, for a file that is not JSON."""
    known = {name: value for name, value in asdict(error).items() if value is not None}
    return f"error_mm {json.dumps(known | {'label': AGAINST})}"


def parts_line(parts: Parts, before: Parts) -> str:
    """Return how many pieces and handles a surface has, and had before it was smoothed and simplified."""
    return f"pieces {parts.pieces} of {before.pieces} handles {parts.handles} of {before.handles}"


def origin_json(structure: Surface | Segment, state: State, mask_sha256: str) -> Json:
    """Return where a structure comes from: term, state, recipe and parameters, edits, source series, mask."""
    made_by, confirmation = structure.made_by, structure.confirmation
    return {
        "name": structure.name,
        "term": asdict(structure.term),
        "state": str(state),
        "recipe": made_by.recipe,
        "parameters": dict(made_by.parameters),
        "version": made_by.version,
        # Not `asdict`: it copies deeply, and the mapping that came back from a worker cannot be copied so.
        "edits": [
            {"tool": edit.tool, "parameters": dict(edit.parameters), "version": edit.version}
            for edit in structure.edits
        ],
        "confirmation": None if confirmation is None else asdict(confirmation),
        "series_uids": list(made_by.series_uids),
        "mask_sha256": mask_sha256,
    }


def surface_json(surface: Surface, measured: Measured) -> Json:
    """Return where one surface comes from, what it measures, and how far it is from its voxels."""
    return origin_json(surface, surface.state, surface.mask_sha256) | {
        "frame_of_reference_uid": surface.frame_of_reference_uid,
        "triangles": len(surface.triangles),
        "volume_ml": measured.volume_mm3 / 1000.0,
        "bounds_lps_mm": [measured.low.tolist(), measured.high.tolist()],
        "closed": surface.closed,
        "grey_share": surface.grey_share,
        "capped_mm2": surface.capped_mm2,
        "error_mm": error_json(surface.error_mm),
        "parts": asdict(surface.parts),
        "parts_before": asdict(surface.parts_before),
    }


def now() -> str:
    """Return the time as ISO 8601 to the second, with the offset from UTC."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


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


def sidecar_path(file: Path, suffix: str, taken: Collection[Path] = ()) -> Path:
    """Return where the sidecar of a file goes: NAME.json, or NAME.stl.json when NAME.json is about another file.

    Parameters
    ----------
    file : Path
    suffix : str
        With which its name ends (".stl", ".seg.nrrd").
    taken : collection of Path
        Paths that the same export already uses.

    Raises
    ------
    UsageError
        When both names belong to something else that would be lost.
    """
    choices = (file.with_name(file.name.removesuffix(suffix) + ".json"), file.with_name(file.name + ".json"))
    for path in choices:
        if path not in taken and _is_free(path, file.name):
            return path
    raise UsageError(
        _("{file} has no room for its sidecar.").format(file=file.name),
        _("{names} belong to other files.").format(names=", ".join(path.name for path in choices)),
        _("Choose another name or folder."),
    )


def _is_free(path: Path, file_name: str) -> bool:
    """Whether a sidecar of that file may take this path: nothing there, its own, or one whose file is gone."""
    if not os.path.lexists(path):
        return True
    try:
        if not path.is_file() or path.stat().st_size > MAX_SIDECAR_BYTES:
            return False
        content = json.loads(path.read_bytes())
        described = content["describes"]
        return isinstance(described, str) and (described == file_name or not path.with_name(described).exists())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def merged_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings of several structures, each once, in order."""
    return tuple({repr(finding): finding for finding in findings}.values())
