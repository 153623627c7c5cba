"""Export as a job: what the worker runs, and what it sends back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from arviewer.formats.export import export
from arviewer.model.surface import Surface
from arviewer.workers.progress import Progress, silent


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
    path = Path(target).expanduser()
    full = f"{path}/" if one_file is False else str(path)
    exported = export(
        surfaces,
        full,
        frame=frame,
        format=format_name,
        accept=accept,
        one_file=one_file,
        progress=progress,
    )
    return exported.to_json()
