"""The one door through which a mesh leaves: checked before, written beside, read back, proved, then renamed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from arviewer.formats import meshes
from arviewer.formats.acceptance import require_exportable, require_known_kinds, require_one_space
from arviewer.formats.atomic import AtomicFiles
from arviewer.formats.destination import Destination, Target
from arviewer.formats.exported import Exported, ExportedMesh
from arviewer.formats.frames import file_from_lps, in_frame
from arviewer.formats.measurement import Measured
from arviewer.formats.mesh_file import Notes, Part
from arviewer.formats.meshes import Format
from arviewer.formats.sidecar import (
    Json,
    error_line,
    finding_json,
    merged_findings,
    now,
    parts_line,
    sidecar_bytes,
    sidecar_path,
    surface_json,
    verify_sidecar,
)
from arviewer.formats.verification import Expected, verify_mesh
from arviewer.imaging.dicom.fingerprints import fingerprints
from arviewer.model.findings import Finding
from arviewer.model.segmentation import Segment, State
from arviewer.model.surface import Parts, Surface, SurfaceError
from arviewer.version import __version__
from arviewer.workers.progress import Progress, part, silent

MeshDestination = Destination[Format, Surface]


def export(  # noqa: PLR0913 - each is a choice of the person, and all but two have a default
    surfaces: Sequence[Surface],
    target: str | PathLike[str],
    *,
    frame: str = "lps",
    format: str | None = None,  # noqa: A002 - the word of the command line and of the dialog
    accept: Collection[str] = (),
    one_file: bool | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write surfaces to one mesh file, or each to its own in a folder; proved before they appear.

    Parameters
    ----------
    surfaces : sequence of Surface
    target : path
        A name with a mesh suffix is one file. A folder (one that exists, a path that ends in a slash, or one
        without suffix) gets NAME.stl for each structure. Missing folders are made. NAME.json appears beside each.
    frame : {"lps", "ras"}
        Axes of the file.
    format : str, optional
        Name in `arviewer.formats.meshes.FORMATS`; by default that of the suffix, or STL in a folder.
    accept : collection of str
        Kinds of findings that the person accepts by name, such as "missing-slices".
    one_file : bool, optional
        True: `target` is a file, and gets a suffix when it has none. False: it is a folder.
    progress : Progress

    Returns
    -------
    Exported

    Raises
    ------
    UsageError
        Unknown format, frame or kind of finding; contradicting choices.
    InputRefused
        An image file is gone or has changed since it was loaded. A surface touches lost slices or carries another
        error that was not accepted; it is empty, or smaller than 1 mm or larger than 2 m, which means a wrong unit.
    GeometryError
        Surfaces of different frames of reference in one file; a surface that is inside out.
    OutputFailed
        The disk refused, or the file did not read back as the model. The earlier file is untouched.
    Cancelled
        By `progress`; the earlier file is untouched.
    """
    accepted = require_known_kinds(accept)
    file_from_lps(frame)  # an unknown frame is refused before anything is done
    plan = Target(target, meshes.FORMATS, format, one_file).destinations(surfaces)
    for each in plan:
        require_one_space(each.structures)
    first = 0.1
    measures = _measured(surfaces, accepted, part(progress, 0.0, first / 2))
    instances = source_hashes(surfaces, part(progress, first / 2, first))
    written = _Written(frame, measures, accepted, instances)
    with AtomicFiles() as door:
        files = written.all(door, plan, part(progress, first, 1.0))
        progress(1.0)
    return Exported(
        structures=tuple(surface.name for surface in surfaces),
        series=_series(surfaces),
        files=files,
        findings=_findings(surfaces),
        accepted=accepted,
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """What all files of one export share."""

    frame: str
    measures: Mapping[Surface, Measured]
    accepted: tuple[str, ...]
    instances: list[Json]

    def all(self, door: AtomicFiles, plan: Sequence[MeshDestination], progress: Progress) -> tuple[ExportedMesh, ...]:
        """Write each mesh and its sidecar through the door."""
        taken = {each.path for each in plan}
        files = []
        for number, each in enumerate(plan):
            share = part(progress, number / len(plan), (number + 1) / len(plan))
            sidecar = sidecar_path(each.path, each.path.suffix, taken)
            taken.add(sidecar)
            notes = _notes(each, self.frame)
            mesh = _mesh_file(each, notes, self.measures, share)
            sha256 = door.add(each.path, mesh.render, mesh.verify, part(share, 0.3, 0.7))
            file = _described(each, sidecar, notes, mesh.expected.measures, sha256)
            told = _sidecar_content(each, file, self.measures, self.accepted) | {"instances": self.instances}
            content = sidecar_bytes(told)
            door.add(sidecar, content, partial(verify_sidecar, content=content, name=sidecar.name))
            files.append(file)
        return tuple(files)


def require_possible(
    target: str | PathLike[str],
    frame: str = "lps",
    format: str | None = None,  # noqa: A002 - as above
    accept: Collection[str] = (),
) -> None:
    """Raise `UsageError` for what `export` would refuse whatever the surfaces are: before they are made."""
    require_known_kinds(accept)
    file_from_lps(frame)
    Target(target, meshes.FORMATS, format).resolved()


def _measured(surfaces: Sequence[Surface], accepted: tuple[str, ...], progress: Progress) -> dict[Surface, Measured]:
    shares = len(surfaces)
    return {
        surface: require_exportable(surface, accepted, part(progress, number / shares, (number + 1) / shares))
        for number, surface in enumerate(surfaces)
    }


def source_hashes(structures: Sequence[Surface | Segment], progress: Progress) -> list[Json]:
    """Return which images structures were made from, with the SHA-256 of each; complete before anything is written.

    Raises
    ------
    InputRefused
        When one of the files is gone or has changed since.
    """
    sources = dict.fromkeys(instance for one in structures for instance in one.made_by.sources)
    return [asdict(one) for one in fingerprints(sources, progress)]


def _notes(each: MeshDestination, frame: str) -> Notes:
    return Notes(
        frame=frame,
        unit=each.format.unit,
        state=str(_state(each.structures)),
        max_error_mm=max(surface.error_mm.max for surface in each.structures),
        version=__version__,
        details=tuple(
            detail
            for name, surface in zip(each.names, each.structures, strict=True)
            for detail in (
                f"{name} {error_line(surface.error_mm)}",
                f"{name} {parts_line(surface.parts, surface.parts_before)}",
                f"{name} mask sha256 {surface.mask_sha256}",
            )
        ),
    )


@dataclass(frozen=True, slots=True)
class _MeshFile:
    """How one mesh file is made, and how it is proved."""

    name: str
    parts: tuple[Part, ...]
    notes: Notes
    expected: Expected
    format: Format
    progress: Progress

    def render(self) -> memoryview:
        """Return the whole file."""
        return self.format.write(self.parts, self.notes, part(self.progress, 0.0, 0.3))

    def verify(self, found: bytes) -> None:
        """Raise unless the bytes read back are the model."""
        mesh = self.format.read(found, self.name, part(self.progress, 0.7, 0.85))
        verify_mesh(mesh, self.expected, self.name, part(self.progress, 0.85, 1.0))


def _mesh_file(each: MeshDestination, notes: Notes, measures: Mapping[Surface, Measured], share: Progress) -> _MeshFile:
    space = each.structures[0].frame_of_reference_uid
    to_file = file_from_lps(notes.frame, space)
    parts = tuple(
        Part(name, in_frame(surface.points_lps, to_file), surface.triangles)
        for name, surface in zip(each.names, each.structures, strict=True)
    )
    groups = each.names if "groups" in each.format.carries else ()
    lines = (notes.line(), *(notes.details if "names" in each.format.carries else ()))
    expected = Expected(each.structures, tuple(measures[s] for s in each.structures), to_file, lines, groups)
    return _MeshFile(each.path.name, parts, notes, expected, each.format, share)


def _described(
    each: MeshDestination, sidecar: Path, notes: Notes, measures: Sequence[Measured], sha256: str
) -> ExportedMesh:
    low, high = np.min([m.low for m in measures], axis=0), np.max([m.high for m in measures], axis=0)
    return ExportedMesh(
        path=each.path,
        sidecar=sidecar,
        structures=tuple(surface.name for surface in each.structures),
        format=each.format.name,
        unit=notes.unit,
        frame=notes.frame,
        triangles=sum(len(surface.triangles) for surface in each.structures),
        volume_ml=sum(m.volume_mm3 for m in measures) / 1000.0,
        bounds_lps_mm=(tuple(low.tolist()), tuple(high.tolist())),
        closed=all(surface.closed for surface in each.structures),
        error_mm=_joined_error(each.structures),
        parts=_joined_parts(surface.parts for surface in each.structures),
        parts_before=_joined_parts(surface.parts_before for surface in each.structures),
        state=_state(each.structures),
        sha256=sha256,
    )


def _joined_error(surfaces: Sequence[Surface]) -> SurfaceError:
    errors = [surface.error_mm for surface in surfaces]
    if len(errors) == 1:
        return errors[0]
    return SurfaceError(
        mean=float(np.average([e.mean for e in errors], weights=[len(surface.triangles) for surface in surfaces])),
        p95=max(e.p95 for e in errors),
        max=max(e.max for e in errors),
        samples_per_mm2=min(e.samples_per_mm2 for e in errors),
    )


def _joined_parts(parts: Iterable[Parts]) -> Parts:
    counts = list(parts)
    return Parts(sum(one.pieces for one in counts), sum(one.handles for one in counts))


def _state(surfaces: Sequence[Surface]) -> State:
    confirmed = all(surface.state is State.CONFIRMED for surface in surfaces)
    return State.CONFIRMED if confirmed else State.PROPOSED


def _findings(surfaces: Sequence[Surface]) -> tuple[Finding, ...]:
    return merged_findings(finding for surface in surfaces for finding in surface.findings)


def _series(surfaces: Sequence[Surface]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(uid for surface in surfaces for uid in surface.made_by.series_uids))


def _sidecar_content(
    each: MeshDestination, file: ExportedMesh, measures: Mapping[Surface, Measured], accepted: tuple[str, ...]
) -> Json:
    series = _series(each.structures)
    return {
        "describes": each.path.name,
        "version": __version__,
        "exported_at": now(),
        "structure": "+".join(file.structures),
        "series": "+".join(series),
        "series_uids": list(series),
        "frame_of_reference_uid": each.structures[0].frame_of_reference_uid,
        "state": str(file.state),
        "files": [file.to_json() | {"path": each.path.name, "sidecar": file.sidecar.name}],
        "structures": [surface_json(surface, measures[surface]) for surface in each.structures],
        "findings": [finding_json(finding, anonymous=True) for finding in _findings(each.structures)],
        "accepted": list(accepted),
    }
