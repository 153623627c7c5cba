"""Structures that came in files: read in a capped process, tied to the patient and the space of the images."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from arviewer.errors import InputRefused, UsageError, WorkLost
from arviewer.formats.belonging import missing_images, require_belongs
from arviewer.formats.reading import is_grid_file, label_map_at, read_header
from arviewer.formats.refusing import refused, refusing
from arviewer.formats.unpacking import file_bytes
from arviewer.imaging.dicom.source import Source
from arviewer.model.findings import Finding
from arviewer.model.segmentation import Segment, Segmentation
from arviewer.model.study import Attachment, AttachmentKind, Contents, Instance, PixelFormat, Series, StoredPixels
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent
from arviewer.workers.worker import Limits, Worker

KINDS = (AttachmentKind.SEGMENTATION, AttachmentKind.STRUCTURE_SET, AttachmentKind.LABEL_MAP)
"""What holds structures."""

LIMITS = Limits(memory_bytes=4 << 30, cpu_s=120.0)
"""Of reading one file: the largest real label maps take a tenth of it."""

CONTENTS_LIMITS = Limits(memory_bytes=2 << 30, cpu_s=20.0)
"""Of listing one file."""

Listed = tuple[Contents, tuple[Finding, ...]] | InputRefused | None
"""What an attachment holds and what is doubtful about it, or why it cannot be read; None where it holds nothing."""

READ, CONTENTS = "arviewer.formats.structures:read", "arviewer.formats.structures:contents"


def structures(
    source: Attachment | str | os.PathLike[str],
    images: Volume | Series,
    level: float = 0.5,
    present: Sequence[str] = (),
    progress: Progress = silent,
) -> list[Segmentation]:
    """Return the structures in a SEG, RTSTRUCT, NIfTI or NRRD file, each on its own grid.

    Parameters
    ----------
    source : Attachment or path-like
        As a scan lists it; a NIfTI or NRRD file named here is taken for a label map, whatever it looks like.
    images : Volume or Series
        What the structures are to be laid over: same patient, same frame of reference.
    level : float
        Fraction, above 0 up to 1, at which the boundary of a fractional segment lies.
    present : sequence of str
        SOP instance UIDs of all images that are at hand; those of `images` without it.

    Returns
    -------
    list of Segmentation
        One segment each; the volume it refers to is its own grid, in the frame of reference of `images`.

    Raises
    ------
    InputRefused
        When the file is damaged, of another patient, or in another frame of reference; the reason names it.
    UsageError
        When the file holds no structures, or the level is out of range.
    """
    if not 0 < level <= 1:
        raise UsageError(_("A level is a fraction above 0 up to 1."), _("It is {level}.").format(level=level))
    attachment = source if isinstance(source, Attachment) else attachment_at(Path(source))
    series = images if isinstance(images, Series) else images.series
    made: list[Segmentation] = _capped(READ, LIMITS, attachment, slim(series), level, list(present), progress=progress)
    return made


def build_all(  # noqa: PLR0913  (the choices of `structures`)
    attachment: Attachment,
    series: Series,
    level: float = 0.5,
    max_error_mm: float = 0.25,
    present: Sequence[str] = (),
    names: Sequence[str] = (),
    progress: Progress = silent,
    simplify: bool = False,
    capped: bool = True,
) -> list[tuple[Segment, Surface]]:
    """Return the structures of a file with their surfaces, as jobs ask for them.

    Parameters
    ----------
    names : sequence of str
        The only ones wanted; all without it.
    max_error_mm, simplify, capped
        As of `arviewer.imaging.meshing.surface`.

    Raises
    ------
    InputRefused, UsageError
        As `structures`.
    """
    from arviewer.imaging.meshing import surface

    found = structures(attachment, series, level, present, part(progress, 0.0, 0.3))
    wanted = [one for one in found if not names or one.segments[0].name in names]
    built = []
    for n, one in enumerate(wanted):
        share = part(progress, 0.3 + 0.7 * n / len(wanted), 0.3 + 0.7 * (n + 1) / len(wanted))
        segment = one.segments[0]
        built.append((segment, surface(one, segment.name, max_error_mm, share, simplify, capped)))
    return built


def listing(attachments: Sequence[Attachment], series: Sequence[Series], progress: Progress = silent) -> list[Listed]:
    """Return what each attachment holds and what is doubtful about it, or why it cannot be read.

    Parameters
    ----------
    series : sequence of Series
        What is at hand: references to other images are dangling.

    Returns
    -------
    list
        None for attachments that hold no structures.
    """
    present = frozenset(instance.sop_instance_uid for one in series for instance in one.instances)
    found: list[Listed] = []
    worker = Worker(CONTENTS_LIMITS)
    try:
        for n, one in enumerate(attachments):
            progress(n / len(attachments), _("Looking into segmentations"))
            if one.kind not in KINDS:
                found.append(None)
                continue
            try:
                told: Contents = _call(worker, CONTENTS, one)
                found.append((told, missing_images(one.name, told, present)))
            except InputRefused as error:
                found.append(error)
    finally:
        worker.close()
    return found


def attachment_at(path: Path) -> Attachment:
    """Return the file at a path as an attachment.

    Raises
    ------
    UsageError
        When it holds no structures.
    InputRefused
        When it is not there.
    """
    if not path.is_file():
        raise InputRefused(
            _("There is no file {path}.").format(path=path), "", _("Check the path; the medium may not be there.")
        )
    if is_grid_file(path.name):
        return label_map_at(path)
    from arviewer.imaging.dicom import scan

    found = [one for one in scan(path).attachments if one.kind in KINDS]
    if len(found) != 1:
        raise UsageError(
            _("{name} holds no structures.").format(name=path.name),
            _("It is no DICOM segmentation or structure set, NIfTI or NRRD file."),
            _("`arviewer info` lists what a folder holds."),
        )
    return found[0]


def _capped(
    function: str, limits: Limits, attachment: Attachment, *args: object, progress: Progress
) -> list[Segmentation]:
    worker = Worker(limits)
    try:
        made: list[Segmentation] = _call(worker, function, attachment, *args, progress=progress)
        return made
    finally:
        worker.close()


def _call(worker: Worker, function: str, attachment: Attachment, *args: object, progress: Progress = silent) -> Any:
    """Call a reader in its process; a file that kills it is refused by name."""
    try:
        return worker.call(function, attachment, *args, progress=progress)
    except WorkLost as error:
        raise refused(attachment.name, _("reading it was stopped: {why}").format(why=error.why.rstrip("."))) from error


def slim(series: Series) -> Series:
    """Return a series with no more of its images than who they are: all that must travel to a reader."""
    return replace(series, instances=tuple(replace(one, stored=None, position_lps=None) for one in series.instances))


# ---- in the capped process ------------------------------------------------------------------------------------


def contents(attachment: Attachment, progress: Progress = silent) -> Contents:
    """Return what an attachment holds and refers to; called in a process of its own.

    Raises
    ------
    InputRefused
        When it is damaged.
    """
    with refusing(attachment.name):
        if attachment.kind is AttachmentKind.LABEL_MAP:
            from arviewer.formats.label_map import names_in

            file = read_header(attachment.path, attachment.member)
            file.geometry()
            return Contents(structures=names_in(file))
        from arviewer.formats.dicom import data_set, segmentation, structure_set

        dataset, _syntax = data_set.read_data_set(file_bytes(attachment.path, attachment.member))
        room = segmentation if attachment.kind is AttachmentKind.SEGMENTATION else structure_set
        told: Contents = room.contents_of(dataset)
        return told


def read(
    attachment: Attachment, images: Series, level: float, present: Sequence[str], progress: Progress = silent
) -> list[Segmentation]:
    """Return the structures of an attachment; called in a process of its own.

    Raises
    ------
    InputRefused
        When it is damaged, or does not belong to the images.
    """
    with refusing(attachment.name):
        sources: tuple[Instance, ...] = (_source(attachment.path, attachment),)
        data = file_bytes(attachment.path, attachment.member)
        digest = hashlib.sha256(data)
        if attachment.kind is AttachmentKind.LABEL_MAP:
            from arviewer.formats.label_map import read_label_map

            del data
            file = read_header(attachment.path, attachment.member)
            if file.data_path != file.path:
                sources = (*sources, _source(file.data_path, attachment))
                digest.update(file_bytes(file.data_path))
            made = read_label_map(file, attachment, images, progress)
            return [_with_sources(one, sources, digest.hexdigest()) for one in made]
        from arviewer.formats.dicom import data_set, segmentation, structure_set

        dataset, syntax = data_set.read_data_set(data)
        is_seg = attachment.kind is AttachmentKind.SEGMENTATION
        told = (segmentation if is_seg else structure_set).contents_of(dataset)
        require_belongs(attachment, told, images)
        own = {instance.sop_instance_uid for instance in images.instances}
        doubts = missing_images(attachment.name, told, frozenset(present) | own)
        if is_seg:
            made = segmentation.read_segmentation(dataset, syntax, attachment, images, level, progress)
        else:
            made = structure_set.read_structure_set(dataset, attachment, images, progress)
        return [_with_sources(one, sources, digest.hexdigest(), doubts) for one in made]


def _source(path: Path, attachment: Attachment) -> Instance:
    """Return a file of it with its size and time of change, so that an export can tell whether it is the same."""
    member = attachment.member
    with zipfile.ZipFile(path) if member else nullcontext() as archive:
        size, changed = Source(path, member, archive).stamp()
    stored = StoredPixels(PixelFormat(0, 0), "", 0, None, file_bytes=size, changed_ns=changed)
    return Instance(path, attachment.sop_instance_uid, member=member, stored=stored)


def _with_sources(
    one: Segmentation, sources: tuple[Instance, ...], digest: str, doubts: tuple[Finding, ...] = ()
) -> Segmentation:
    """Return a structure that knows the bytes it came from, with what is doubtful about the file."""
    (segment,) = one.segments
    parameters = MappingProxyType({**segment.made_by.parameters, "source_sha256": digest})
    made_by = replace(segment.made_by, parameters=parameters, sources=sources)
    return replace(one, segments=(replace(segment, made_by=made_by, findings=doubts + segment.findings),))
