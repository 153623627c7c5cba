"""The one door through which voxels leave: checked before, written beside, read back, proved, then renamed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from arviewer.errors import GeometryError, InputRefused, TooLarge
from arviewer.formats.acceptance import require_accepted, require_human_size, require_known_kinds
from arviewer.formats.atomic import AtomicFiles
from arviewer.formats.destination import Destination, Target
from arviewer.formats.export import source_hashes
from arviewer.formats.exported import Exported, ExportedVoxels
from arviewer.formats.format import suffix_of
from arviewer.formats.refusing import refusing
from arviewer.formats.sidecar import (
    Json,
    finding_json,
    merged_findings,
    now,
    origin_json,
    sidecar_bytes,
    sidecar_path,
    verify_sidecar,
)
from arviewer.formats.voxel_file import VoxelContent, bounds_lps, file_names, measures_json
from arviewer.formats.voxel_verification import verify_voxels
from arviewer.formats.voxels import FORMATS, Format
from arviewer.model.findings import Finding
from arviewer.model.masks import MaskBox, cropped
from arviewer.model.segmentation import Segment, State
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.version import __version__
from arviewer.words import _
from arviewer.workers import memory
from arviewer.workers.progress import Progress, part, silent

BYTES_PER_VOXEL = 3
"""What writing and reading back hold at once, of the whole grid: labels, and the same as read with room to compare."""

VoxelDestination = Destination[Format, Segment]


def export_voxels(  # noqa: PLR0913 - each is a choice of the person, and all but three have a default
    segments: Sequence[Segment],
    volume: Volume,
    target: str | PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line and of the dialog
    accept: Collection[str] = (),
    one_file: bool | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write structures as voxels to one file, or each to its own in a folder; proved before they appear.

    Parameters
    ----------
    segments : sequence of Segment
        In one file, all on one grid: that of the images, or the one a file brought them on.
    volume : Volume
        The images they belong to.
    target : path
        A name with a known suffix is one file. A folder (one that exists, a path that ends in a slash, or one
        without suffix) gets NAME.seg.nrrd for each structure. Missing folders are made. NAME.json appears beside each.
    format : str, optional
        Name in `arviewer.formats.voxels.FORMATS`; by default that of the suffix, or NRRD in a folder.
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
        Unknown format or kind of finding; contradicting choices; structures that overlap in a NIfTI file.
    InputRefused
        An image file is gone or has changed since it was loaded. A structure carries an error that was not accepted;
        it is empty, or smaller than 1 mm or larger than 2 m. DICOM SEG: the images are no DICOM images.
    GeometryError
        Structures on different grids in one file.
    TooLarge
        When the labels do not fit into memory.
    OutputFailed
        The disk refused, or the file did not read back as the model. The earlier file is untouched.
    Cancelled
        By `progress`; the earlier file is untouched.
    """
    accepted = require_known_kinds(accept)
    plan = Target(target, FORMATS, format, one_file).destinations(segments)
    work = _Work(volume, accepted, now())
    contents = [work.content(each) for each in plan]
    instances = source_hashes(segments, part(progress, 0.0, 0.1))
    with AtomicFiles() as door:
        files: list[ExportedVoxels] = []
        for n, (each, content) in enumerate(zip(plan, contents, strict=True)):
            share = part(progress, 0.1 + 0.9 * n / len(plan), 0.1 + 0.9 * (n + 1) / len(plan))
            files.append(_written(door, each, content, instances, [f.sidecar for f in files], share))
        progress(1.0)
    return Exported(
        structures=tuple(segment.name for segment in segments),
        series=tuple(dict.fromkeys(uid for segment in segments for uid in segment.made_by.series_uids)),
        files=tuple(files),
        findings=merged_findings(finding for segment in segments for finding in work.findings(segment)),
        accepted=accepted,
    )


def require_possible(
    target: str | PathLike[str],
    format: str | None = None,  # noqa: A002 - as above
    accept: Collection[str] = (),
) -> None:
    """Raise `UsageError` for what `export_voxels` would refuse whatever the structures are: before they are made."""
    require_known_kinds(accept)
    Target(target, FORMATS, format).resolved()


@dataclass(frozen=True, slots=True)
class _Work:
    """What all files of one export share."""

    volume: Volume
    accepted: tuple[str, ...]
    exported_at: str

    def findings(self, segment: Segment) -> tuple[Finding, ...]:
        """Return what is doubtful about a structure and about the images it lies in."""
        return self.volume.findings + segment.findings

    def content(self, each: VoxelDestination) -> VoxelContent:
        """Return what goes into one file, once it may leave."""
        geometry = self._grid(each.structures)
        masks = tuple(self._mask(segment, geometry) for segment in each.structures)
        _require_memory(geometry, each.path.name)
        hashes = [mask.sha256() for mask in masks]
        states = tuple(_state(segment, sha) for segment, sha in zip(each.structures, hashes, strict=True))
        told = self._told(each, geometry)
        told["structures"] = [
            origin_json(segment, state, sha) | measures_json(mask, geometry)
            for segment, state, sha, mask in zip(each.structures, states, hashes, masks, strict=True)
        ]
        names = file_names(each.structures)
        return VoxelContent(geometry, self.volume.series, each.structures, names, masks, states, self.exported_at, told)

    def _grid(self, segments: Sequence[Segment]) -> VolumeGeometry:
        grids = [segment.geometry or self.volume.geometry for segment in segments]
        for segment, grid in zip(segments, grids, strict=True):
            if not grid.same_grid(grids[0]):
                raise GeometryError(
                    _("Structures on different grids cannot share a file."),
                    _("{first} and {other} do not lie on the same voxels.").format(
                        first=segments[0].name, other=segment.name
                    ),
                    _("Export each to its own file: end the folder's name with a slash."),
                )
        return grids[0]

    def _mask(self, segment: Segment, geometry: VolumeGeometry) -> MaskBox:
        require_accepted(segment.name, self.findings(segment), self.accepted)
        box = segment.mask.box()
        mask = cropped(box.voxels, box.start_kji)
        if mask.nbytes == 0:
            raise InputRefused(
                _("{name} has no voxels to export.").format(name=segment.name), "", _("Segment it again.")
            )
        low, high = bounds_lps(mask, geometry)
        require_human_size(segment.name, low, high)
        return mask

    def _told(self, each: VoxelDestination, geometry: VolumeGeometry) -> Json:
        """Return what the file and its sidecar say, but for each structure alone."""
        series = tuple(dict.fromkeys(uid for segment in each.structures for uid in segment.made_by.series_uids))
        found = merged_findings(finding for segment in each.structures for finding in self.findings(segment))
        k, j, i = geometry.shape_kji
        return {
            "version": __version__,
            "exported_at": self.exported_at,
            "series_uids": list(series),
            "frame_of_reference_uid": geometry.frame_of_reference_uid,
            "size_ijk": [i, j, k],
            "lps_from_ijk": geometry.lps_from_ijk.matrix.tolist(),
            "findings": [finding_json(finding, anonymous=True) for finding in found],
            "accepted": list(self.accepted),
        }


def _state(segment: Segment, mask_sha256: str) -> State:
    """Return confirmed only when these very voxels were."""
    is_of_mask = segment.confirmation is not None and segment.confirmation.mask_sha256 == mask_sha256
    return State.CONFIRMED if is_of_mask else State.PROPOSED


def _require_memory(geometry: VolumeGeometry, name: str) -> None:
    need, free = BYTES_PER_VOXEL * int(np.prod(geometry.shape_kji)), memory.available_bytes()
    if free is not None and need > free:
        raise TooLarge(
            _("{name} cannot be written: its voxels do not fit into memory.").format(name=name),
            _("It needs {need} MiB, {free} MiB are free.").format(need=need >> 20, free=free >> 20),
            _("Close other programs, or load a part of the images only."),
        )


def _written(
    door: AtomicFiles,
    each: VoxelDestination,
    content: VoxelContent,
    instances: list[Json],
    taken: Sequence[Path],
    progress: Progress,
) -> ExportedVoxels:
    """Write one file and its sidecar through the door."""
    sidecar = sidecar_path(each.path, suffix_of(each.path.name, FORMATS), [each.path, *taken])
    sha256 = door.add(
        each.path,
        partial(each.format.write, content, part(progress, 0.0, 0.5)),
        partial(_verify, each, content, part(progress, 0.6, 1.0)),
        part(progress, 0.5, 0.6),
    )
    structures = content.told["structures"]
    lows, highs = np.array([one["bounds_lps_mm"] for one in structures]).transpose(1, 0, 2)
    file = ExportedVoxels(
        path=each.path,
        sidecar=sidecar,
        structures=tuple(segment.name for segment in each.structures),
        format=each.format.name,
        unit=each.format.unit,
        frame=each.format.frames[0],
        volume_ml=sum(one["volume_ml"] for one in structures),
        bounds_lps_mm=(tuple(lows.min(axis=0).tolist()), tuple(highs.max(axis=0).tolist())),
        state=content.state,
        sha256=sha256,
        voxels=sum(one["voxels"] for one in structures),
    )
    told = {
        "describes": each.path.name,
        "structure": "+".join(file.structures),
        "series": "+".join(content.told["series_uids"]),
        "state": str(content.state),
        "files": [file.to_json() | {"path": each.path.name, "sidecar": sidecar.name}],
        **content.told,
        "instances": instances,
    }
    text = sidecar_bytes(told)
    door.add(sidecar, text, partial(verify_sidecar, content=text, name=sidecar.name))
    return file


def _verify(each: VoxelDestination, content: VoxelContent, progress: Progress, found: bytes) -> None:
    """Raise unless the bytes read back are the model."""
    with refusing(each.path.name):
        read = each.format.read(found, each.path.name, content.series, progress)
    verify_voxels(read, content, each.path.name)
