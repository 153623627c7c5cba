"""Structures as sets of voxels, with what made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from arviewer.errors import GeometryError, UsageError
from arviewer.model.findings import Finding
from arviewer.model.geometry import read_only
from arviewer.model.study import Instance
from arviewer.model.volume import Volume

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


@dataclass(frozen=True, slots=True, eq=False)
class MaskBox:
    """A mask cropped to the box it occupies.

    Attributes
    ----------
    start_kji : tuple of int
        Index of the box's first voxel in the volume.
    voxels : ndarray of bool, read-only
        True inside the structure.
    """

    start_kji: tuple[int, int, int]
    voxels: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        object.__setattr__(self, "voxels", read_only(self.voxels))

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index into an array of the volume's shape."""
        k, j, i = (slice(s, s + n) for s, n in zip(self.start_kji, self.voxels.shape, strict=True))
        return k, j, i


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One structure.

    Attributes
    ----------
    name : str
        What people and commands call it ("bone").
    term : CodedTerm
        Its standard meaning.
    mask : MaskBox
    threshold : float or None
        The value at which the grey values cross the boundary, in the volume's unit, where a threshold made it;
        None when the boundary is the mask's alone.
    inside_is_above : bool
        True when the structure is brighter than `threshold`, False when it is darker (lungs).
    state : State
    made_by : Provenance
    findings : tuple of Finding
        What the recipe was unsure of.
    color : tuple of float, or None
        Red, green, blue, 0 to 1, as the file it came in recommends.
    """

    name: str
    term: CodedTerm
    mask: MaskBox
    made_by: Provenance
    threshold: float | None = None
    inside_is_above: bool = True
    state: State = State.PROPOSED
    findings: tuple[Finding, ...] = ()
    color: tuple[float, float, float] | None = None


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
            ends = [s.stop for s in segment.mask.slices]
            if min(segment.mask.start_kji) < 0 or any(e > n for e, n in zip(ends, shape, strict=True)):
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
        return float(self[name].mask.voxels.sum() * self.volume.geometry.voxel_volume_mm3 / 1000.0)
