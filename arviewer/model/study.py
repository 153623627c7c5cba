"""Who and what the images belong to: patient, series, instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.model.findings import Finding, Verdict
from arviewer.model.geometry import Float, read_only
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

    @property
    def key(self) -> tuple[str, ...]:
        """What tells patients apart: id with issuer, birth date and name together, for any alone repeats."""
        return self.id, self.issuer, self.birth_date, self.name.casefold()

    def __repr__(self) -> str:
        return "Patient(***)"


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How one pixel is stored; PS3.3 C.7.6.3.1.

    Attributes
    ----------
    rows, columns, samples
        (0028,0010), (0028,0011), (0028,0002).
    bits_allocated, bits_stored, high_bit
        (0028,0100), (0028,0101), (0028,0102).
    signed : bool
        (0028,0103) *Pixel Representation* is 1.
    is_float : bool
        Float (7FE0,0008) or Double Float (7FE0,0009) *Pixel Data*.
    photometric : str
        (0028,0004) *Photometric Interpretation*.
    """

    rows: int
    columns: int
    samples: int = 1
    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    signed: bool = False
    is_float: bool = False
    photometric: str = "MONOCHROME2"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


@dataclass(frozen=True, slots=True, eq=False)
class ModalityLut:
    """A table from stored to measured values; PS3.3 C.11.1.1.

    Attributes
    ----------
    first : int
        The stored value of the first entry; lower ones take the first entry, higher ones the last.
    values : ndarray of int32, shape (N,), read-only
        Measured values.
    """

    first: int
    values: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", read_only(np.asarray(self.values, dtype=np.int32)))

    def __call__(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Return the measured values of stored ones, of the same shape."""
        index = np.clip(stored.astype(np.int64) - self.first, 0, len(self.values) - 1)
        return self.values[index]


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """Where an image's pixels lie in its file, and how stored values become measured ones.

    Attributes
    ----------
    format : PixelFormat
    transfer_syntax : str
        (0002,0010), a UID.
    offset : int
        Of the value of *Pixel Data*, in bytes from the start of the file (of the inflated data set when deflated).
    length : int or None
        Of that value in bytes; None when it is encapsulated (compressed).
    frames : int
        Frames in the file, at least 1.
    slope, intercept : float
        (0028,1053), (0028,1052): measured value = stored value * slope + intercept.
    padding : int or None
        (0028,0120), a stored value.
    file_bytes, changed_ns : int
        Size and time of change of the file when it was scanned, so that a file exchanged since is noticed.
    lut : ModalityLut or None
        In place of slope and intercept.
    in_words : bool
        8-bit samples lie in 16-bit words (VR OW), which big endian files swap.
    """

    format: PixelFormat
    transfer_syntax: str
    offset: int
    length: int | None
    frames: int = 1
    slope: float = 1.0
    intercept: float = 0.0
    padding: int | None = None
    file_bytes: int = 0
    changed_ns: int = 0
    lut: ModalityLut | None = None
    in_words: bool = False


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
    stored : StoredPixels or None
        Where its pixels lie.
    """

    path: Path
    sop_instance_uid: str = ""
    position_lps: Float | None = None
    member: str = ""
    frame: int = 0
    stored: StoredPixels | None = None

    @property
    def name(self) -> str:
        """What messages call this image: the file's name."""
        return self.member or self.path.name


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What an instance was when it was loaded: (0008,0018), and the SHA-256 of its file in hexadecimal digits."""

    sop_instance_uid: str
    sha256: str


class PhaseKind(StrEnum):
    """What tells the volumes of one series apart."""

    TEMPORAL_POSITION = "temporal-position"
    """(0020,0100) or (0020,9128); a count."""
    TIME = "time"
    """Seconds since the first volume of the series."""
    TRIGGER = "trigger"
    """Milliseconds after the trigger, such as the R wave: (0018,1060) or (0020,9153)."""
    ECHO = "echo"
    """Echo time in ms."""
    ECHO_NUMBER = "echo-number"
    """(0018,0086), where echo times say nothing; a count."""
    B_VALUE = "b-value"
    """Diffusion weighting in s/mm²."""
    STACK = "stack"
    ACQUISITION = "acquisition"
    IMAGE_TYPE = "image-type"
    ORDER = "order"
    """The order of acquisition alone; a count from 1."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What one of several volumes of a series is: the value that tells it from the others.

    Attributes
    ----------
    kind : PhaseKind
    value : float or str
        In the unit its kind names; a text for stacks and image types.
    number, count : int
        Which of how many volumes that their values of this kind tell apart, from 1, in the order of these values.
    further : Phase or None
        What else it takes to tell it from the others, such as the echo within a time point.
    """

    kind: PhaseKind
    value: float | str
    number: int = 1
    count: int = 1
    further: Phase | None = None


@dataclass(frozen=True, slots=True)
class GridFit:
    """How well an even grid explains the positions of a series' images, and where doubt begins.

    Attributes
    ----------
    step_mm : float
        From slice to slice, along the slice normal.
    max_mm, rms_mm : float
        Distance of the positions from the grid.
    regular_mm, uneven_mm : float
        Distances up to which the series is regular, and up to which it is a volume at all.
    tilt_deg : float
        Angle between the slice normal and the stacking direction; 0 where rounding may have made it.
    """

    step_mm: float
    max_mm: float
    rms_mm: float
    regular_mm: float
    uneven_mm: float
    tilt_deg: float


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
    unit: str = ""
    """Of the rescaled values: "HU" for CT, else (0028,1054) *Rescale Type* or (0054,1001) *Units*, "" when unknown."""
    part: tuple[int, int] = (1, 1)
    """Which of how many: images of one series UID that cannot be one volume are parted, the largest part first."""
    inverted: bool = False
    """The images are meant to be shown inverted (*Photometric Interpretation* MONOCHROME1); their values are as is."""
    phase: Phase | None = None
    """What tells this volume from the others of its series; None where it is the only one at its positions."""
    fit: GridFit | None = None
    """How well an even grid explains the positions; None where they were not compared or there is one slice only."""
    pixel_steps_lps: Float | None = None
    """The way from pixel to pixel along i and along j, shape (3, 2), mm; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was looked at and left out, with the reason."""

    file: str
    why: str


class AttachmentKind(StrEnum):
    """Objects that belong to a study and are no images."""

    SEGMENTATION = "segmentation"
    """DICOM SEG, binary, fractional or labelmap."""
    STRUCTURE_SET = "structure-set"
    """RTSTRUCT: contours."""
    LABEL_MAP = "label-map"
    """NIfTI or NRRD: one number per structure in each voxel."""
    REPORT = "report"
    """DICOM SR."""
    PDF = "pdf"
    """Encapsulated PDF."""


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """An object beside the images, as its header describes it.

    Attributes
    ----------
    path, member
        The file, or the archive and the name inside it.
    description : str
        The first there is of content label, structure set label, document title and series description.
    frame_of_reference_uid : str
        Of the object itself; "" where it names none at its top level (RTSTRUCT names it inside a sequence).
    """

    kind: AttachmentKind
    path: Path
    patient: Patient
    member: str = ""
    sop_instance_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    number: int | None = None
    modality: str = ""
    description: str = ""

    @property
    def name(self) -> str:
        """What messages call it: the file's name."""
        return self.member or self.path.name


@dataclass(frozen=True, slots=True)
class Contents:
    """What a segmentation, structure set or label map holds and refers to, without its voxels or contours.

    Attributes
    ----------
    structures : tuple of str
        Names, in the order of the file.
    frame_of_reference_uids : tuple of str
        In which its structures lie; empty when it names none.
    series_uids, instance_uids : tuple of str
        Series and images it refers to.
    tool : str
        The program that made it, as it calls itself.
    """

    structures: tuple[str, ...] = ()
    frame_of_reference_uids: tuple[str, ...] = ()
    series_uids: tuple[str, ...] = ()
    instance_uids: tuple[str, ...] = ()
    tool: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a folder, file, DICOMDIR or archive holds."""

    series: tuple[Series, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    """Doubts about the folder as a whole, such as several patients in it."""
    attachments: tuple[Attachment, ...] = ()
    """Segmentations, structure sets, reports and documents."""
