"""Structures as sets of voxels, with what made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from arviewer.errors import GeometryError, UsageError
from arviewer.model.findings import Finding
from arviewer.model.masks import AnyMask
from arviewer.model.study import Instance
from arviewer.model.volume import Volume, VolumeGeometry

ParameterValue = float | int | str | bool

IMPORTED = "import"
"""What `Provenance.recipe` says of a structure that another program or person made."""


class State(StrEnum):
    """Whether a named person stands behind a structure."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class CodedTerm:
    """A concept of a terminology, as DICOM codes it (PS3.3 8.8).

    Attributes
    ----------
    value, scheme, meaning : str
        (0008,0100), (0008,0102) such as "SCT", (0008,0104).
    """

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who or what made a structure.

    Attributes
    ----------
    recipe : str
        Name in the table of recipes; `IMPORTED` for a structure that came in a file.
    parameters : mapping
        Every parameter as used, defaults included; keys carry their unit (``low_hu``). Of an imported structure: the
        object it came in (``sop_instance_uid``, ``source_sha256``), its number there, and the ``tool`` that made it.
    version : str
        arviewer's version.
    series_uids : tuple of str
        The series it was made from.
    sources : tuple of Instance
        The images it was made from, so that an export can say which bytes they were.
    """

    recipe: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    version: str = ""
    series_uids: tuple[str, ...] = ()
    sources: tuple[Instance, ...] = ()


@dataclass(frozen=True, slots=True)
class MaskEdit:
    """One change of a structure's voxels after it was made.

    Attributes
    ----------
    tool : str
        Name in the table of tools.
    parameters : mapping
        As used; keys carry their unit.
    version : str
        arviewer's version.
    """

    tool: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A named person stands behind exactly these voxels.

    Attributes
    ----------
    by : str
        Name of the person, as they gave it.
    at : str
        When: ISO 8601 with the offset from UTC.
    mask_sha256 : str
        Of the voxels that were confirmed.
    """

    by: str
    at: str
    mask_sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One structure.

    Attributes
    ----------
    name : str
        What people and commands call it ("bone").
    term : CodedTerm
        Its standard meaning.
    mask : MaskBox or BrickMask
        Dense as recipes and files bring it; bricks once it was edited. ``mask.box()`` is dense in any case.
    threshold : float or None
        The value at which the grey values cross the boundary, in the volume's unit, where a threshold made it;
        None when the boundary is the mask's alone.
    inside_is_above : bool
        True when the structure is brighter than `threshold`, False when it is darker (lungs).
    made_by : Provenance
    edits : tuple of MaskEdit
        What was done to the voxels since, in order.
    confirmation : Confirmation or None
        None while proposed: every change of the voxels takes it away.
    geometry : VolumeGeometry or None
        The grid of the mask, where a file brought it on one of its own; None on the grid of the images.
    findings : tuple of Finding
        What the recipe was unsure of.
    color : tuple of float, or None
        Red, green, blue, 0 to 1, as the file it came in recommends.
    """

    name: str
    term: CodedTerm
    mask: AnyMask
    made_by: Provenance
    threshold: float | None = None
    inside_is_above: bool = True
    findings: tuple[Finding, ...] = ()
    color: tuple[float, float, float] | None = None
    edits: tuple[MaskEdit, ...] = ()
    confirmation: Confirmation | None = None
    geometry: VolumeGeometry | None = None

    @property
    def state(self) -> State:
        """Whether a named person stands behind it."""
        return State.PROPOSED if self.confirmation is None else State.CONFIRMED

    def edited(self, mask: AnyMask, edit: MaskEdit) -> Segment:
        """Return the structure with other voxels: proposed again, and the edit remembered."""
        return replace(self, mask=mask, edits=(*self.edits, edit), confirmation=None)


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The structures of one volume; they may overlap (skin encloses all).

    Attributes
    ----------
    volume : Volume
    segments : tuple of Segment
        Names are unique.
    """

    volume: Volume
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        shape = self.volume.geometry.shape_kji
        for segment in self.segments:
            box = segment.mask.box()
            ends = [s.stop for s in box.slices]
            if min(box.start_kji) < 0 or any(e > n for e, n in zip(ends, shape, strict=True)):
                raise GeometryError(
                    f"The mask of {segment.name!r} does not fit its volume.",
                    f"It ends at {ends}, grid {shape}.",
                )

    def __getitem__(self, name: str) -> Segment:
        for segment in self.segments:
            if segment.name == name:
                return segment
        raise UsageError(
            f"There is no structure {name!r} here.",
            f"There is {', '.join(s.name for s in self.segments)}.",
        )

    def volume_ml(self, name: str) -> float:
        """Return the volume of a structure by counting voxels, in ml."""
        return float(self[name].mask.box().voxels.sum() * self.volume.geometry.voxel_volume_mm3 / 1000.0)
