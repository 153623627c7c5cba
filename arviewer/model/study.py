"""Who and what the images belong to: patient, series, instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from arviewer.model.findings import Finding, Verdict
from arviewer.model.geometry import Float
from arviewer.model.volume import VolumeGeometry


@dataclass(frozen=True, slots=True, repr=False)
class Patient:
    """The person, as the files say. Printing it shows no identity, so that no log can leak one.

    Attributes
    ----------
    name : str
        (0010,0010) with components joined as people read them, such as "Doe, Jane".
    id, issuer : str
        (0010,0020) and (0010,0021).
    birth_date : str
        (0010,0030) as YYYYMMDD, or "".
    sex : str
        (0010,0040): "F", "M", "O" or "".
    """

    name: str = ""
    id: str = ""
    issuer: str = ""
    birth_date: str = ""
    sex: str = ""

    def __repr__(self) -> str:
        return "Patient(***)"


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One image: a file, or one frame of a multi-frame file.

    Attributes
    ----------
    path : Path
        The file (for a member of a zip archive, the archive).
    member : str
        Name inside the archive, or "".
    frame : int
        Frame index within the file, from 0.
    sop_instance_uid : str
        (0008,0018); "" when the file has none.
    position_lps : ndarray, shape (3,), mm, or None
        (0020,0032): the centre of the first transmitted voxel.
    """

    path: Path
    sop_instance_uid: str = ""
    position_lps: Float | None = None
    member: str = ""
    frame: int = 0

    @property
    def name(self) -> str:
        """What messages call this image: the file's name."""
        return self.member or self.path.name


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Images that belong together, in the order of their position along the slice normal.

    Attributes
    ----------
    uid, study_uid, frame_of_reference_uid : str
        (0020,000E), (0020,000D), (0020,0052); "" when absent.
    number : int or None
        (0020,0011) *Series Number*.
    instances : tuple of Instance
        Sorted along the slice normal; index k of the volume counts *places*, so a lost slice has a place but
        no instance here (see `places`).
    places : tuple of int
        Place k of each instance.
    geometry : VolumeGeometry or None
        None when the images cannot be one volume; `findings` says why.
    """

    uid: str
    study_uid: str
    frame_of_reference_uid: str
    patient: Patient
    number: int | None
    modality: str
    description: str
    study_date: str = ""
    study_description: str = ""
    instances: tuple[Instance, ...] = ()
    places: tuple[int, ...] = ()
    geometry: VolumeGeometry | None = None
    verdict: Verdict = Verdict.NO_GEOMETRY
    findings: tuple[Finding, ...] = ()
    window: tuple[float, float] | None = None
    """Center and width the files propose, (0028,1050) and (0028,1051), in the unit of the volume."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was looked at and left out, with the reason."""

    file: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a folder, file, DICOMDIR or archive holds."""

    series: tuple[Series, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    """Doubts about the folder as a whole, such as several patients in it."""
