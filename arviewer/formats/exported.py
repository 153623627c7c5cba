"""What an export wrote, for people and for scripts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from arviewer.formats.sidecar import Json, error_json, finding_json
from arviewer.model.findings import Finding
from arviewer.model.segmentation import State
from arviewer.model.surface import Parts, SurfaceError


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file that was written and proved.

    Attributes
    ----------
    path, sidecar : Path
        The file and the JSON beside it.
    structures : tuple of str
        Names of the structures in it, in order.
    format, unit, frame : str
        Of the file: "stl", "mm", "lps".
    volume_ml : float
        Sum of the structures.
    bounds_lps_mm : pair of (x, y, z)
        Lowest and highest corner in LPS, whatever the frame of the file.
    state : State
        Confirmed only when every structure is.
    sha256 : str
        Of the file.
    """

    path: Path
    sidecar: Path
    structures: tuple[str, ...]
    format: str
    unit: str
    frame: str
    volume_ml: float
    bounds_lps_mm: tuple[tuple[float, ...], tuple[float, ...]]
    state: State
    sha256: str

    def to_json(self) -> Json:
        """Return the file as scripts read it."""
        return asdict(self) | {
            "path": str(self.path),
            "sidecar": str(self.sidecar),
            "structures": list(self.structures),
            "bounds_lps_mm": [list(corner) for corner in self.bounds_lps_mm],
            "state": str(self.state),
        }


@dataclass(frozen=True, slots=True)
class ExportedMesh(ExportedFile):
    """A mesh file.

    Attributes
    ----------
    triangles : int
    closed : bool
        Every structure is.
    error_mm : SurfaceError
        Of several structures: mean by number of triangles, and the largest 95th percentile and maximum.
    parts, parts_before : Parts
        Pieces and handles of all surfaces, and of the raw iso-surfaces they were made from.
    """

    triangles: int
    closed: bool
    error_mm: SurfaceError
    parts: Parts
    parts_before: Parts

    def to_json(self) -> Json:
        """Return the file as scripts read it."""
        return ExportedFile.to_json(self) | {"error_mm": error_json(self.error_mm)}


@dataclass(frozen=True, slots=True)
class ExportedVoxels(ExportedFile):
    """A file of voxels: label maps or a segmentation.

    Attributes
    ----------
    voxels : int
        Of all structures; one that two of them share counts twice.
    """

    voxels: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes
    ----------
    structures, series : tuple of str
        Names of the structures, UIDs of the series they were made from.
    files : tuple of ExportedFile
    findings : tuple of Finding
        Of all structures, each once.
    accepted : tuple of str
        Kinds of findings that were accepted by name.
    """

    structures: tuple[str, ...]
    series: tuple[str, ...]
    files: tuple[ExportedFile, ...]
    findings: tuple[Finding, ...]
    accepted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the document that scripts read; several structures or series are joined with "+"."""
        return {
            "structure": "+".join(self.structures),
            "series": "+".join(self.series),
            "structures": list(self.structures),
            "series_uids": list(self.series),
            "files": [file.to_json() for file in self.files],
            "findings": [finding_json(finding) for finding in self.findings],
            "accepted": list(self.accepted),
        }
