"""Export as a job: what the worker runs, and what it sends back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from arviewer.formats.export import export
from arviewer.formats.export_voxels import export_voxels
from arviewer.imaging.meshing import surface
from arviewer.model.segmentation import Segment, Segmentation
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.session.remaking import fitting
from arviewer.workers.progress import Progress, part, silent


def export_to(  # noqa: PLR0913  (the choices of `export`)
    surfaces: Sequence[Surface],
    target: str,
    *,
    frame: str = "lps",
    format_name: str | None = None,
    accept: Collection[str] = (),
    one_file: bool | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write surfaces as `arviewer.formats.export.export` does; return what was written as plain values.

    Parameters
    ----------
    target : str
        A file or folder; "~" is the person's own folder.
    """
    exported = export(
        surfaces,
        _path(target, one_file),
        frame=frame,
        format=format_name,
        accept=accept,
        one_file=one_file,
        progress=progress,
    )
    return exported.to_json()


def export_simplified_to(
    volume: Volume,
    segments: Sequence[Segment],
    max_error_mm: float,
    target: str,
    progress: Progress = silent,
    **choices: Any,
) -> dict[str, Any]:
    """Make surfaces with as few triangles as an error allows, and write them; see `export_to` for the choices."""
    made = []
    for n, segment in enumerate(segments):
        share = part(progress, 0.7 * n / len(segments), 0.7 * (n + 1) / len(segments))
        alone = Segmentation(volume, (fitting(segment, volume),))
        made.append(surface(alone, segment.name, max_error_mm, share, simplify=True))
    return export_to(made, target, progress=part(progress, 0.7, 1.0), **choices)


def export_voxels_to(  # noqa: PLR0913  (the choices of `export_voxels`)
    volume: Volume,
    segments: Sequence[Segment],
    target: str,
    *,
    format_name: str | None = None,
    accept: Collection[str] = (),
    one_file: bool | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write structures as voxels as `arviewer.formats.export_voxels` does; return what was written as plain values."""
    path = _path(target, one_file)
    exported = export_voxels(
        segments, volume, path, format=format_name, accept=accept, one_file=one_file, progress=progress
    )
    return exported.to_json()


def _path(target: str, one_file: bool | None) -> str:
    path = Path(target).expanduser()
    return f"{path}/" if one_file is False else str(path)
