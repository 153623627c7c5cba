"""What is doubtful about the data: typed findings that travel with a volume and all that is made of it.

A finding holds a kind and its numbers, never a sentence; `arviewer.words` turns it into one. Every doubt ends
up in the views, in measurements and in exports, and never only in a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How far a finding reaches."""

    NOTE = "note"
    """Good to know; nothing measured from the data changes."""
    WARNING = "warning"
    """Measured from the data, something may be wrong; it is shown wherever the data are."""
    ERROR = "error"
    """The series cannot be a volume, or a part of it is lost; 3D from it needs an explicit acceptance."""


class FindingKind(StrEnum):
    """Every kind of doubt there is; public names that scripts rely on (docs/users/findings.md)."""

    MISSING_SLICES = "missing-slices"
    UNEVEN_SPACING = "uneven-spacing"
    DUPLICATE_POSITION = "duplicate-position"
    DUPLICATE_INSTANCE = "duplicate-instance"
    CONFLICTING_COPIES = "conflicting-copies"
    """Two files bear the UID of one image and hold different pixels."""
    TILTED = "tilted"
    RESAMPLED = "resampled"
    """The voxels were interpolated onto another grid, because someone asked for it."""
    LEFT_HANDED_ORDER = "left-handed-order"
    """The instance numbers run against row × column: stacked by number, the anatomy would be mirrored."""
    MIXED_ORIENTATION = "mixed-orientation"
    MIXED_MATRIX = "mixed-matrix"
    MIXED_PIXEL_FORMAT = "mixed-pixel-format"
    MIXED_FRAME_OF_REFERENCE = "mixed-frame-of-reference"
    LOCALIZER = "localizer"
    MULTIPLE_VOLUMES = "multiple-volumes"
    NO_GEOMETRY = "no-geometry"
    NO_FRAME_OF_REFERENCE = "no-frame-of-reference"
    NON_SQUARE_PIXELS = "non-square-pixels"
    RESCALE_VARIES = "rescale-varies"
    LOSSY = "lossy"
    CORRUPT_SLICE = "corrupt-slice"
    MULTIPLE_PATIENTS = "multiple-patients"
    NO_UIDS = "no-uids"
    SINGLE_SLICE = "single-slice"
    """One slice alone; how thick it is cannot be known from positions."""
    UNSUPPORTED = "unsupported"
    INVERTED_DISPLAY = "inverted-display"
    """MONOCHROME1: low values are meant to be shown bright; the values themselves are as they are."""
    CROPPED = "cropped"
    """Only a box of the series was loaded."""
    COARSER = "coarser"
    """Only every n-th voxel along each axis was loaded."""
    LEAVES_SCAN = "leaves-scan"
    """A structure reaches the border of the scan; its surface is capped there."""
    TOUCHING = "touching"
    """A structure was parted from a neighbour of the same brightness by shape alone."""
    LEAK_RISK = "leak-risk"
    """A structure reaches a border of the images, or its neighbour, through a narrow or faint place."""
    THIN = "thin"
    """Parts of a structure are no thicker than a voxel or two."""
    THRESHOLD_SENSITIVE = "threshold-sensitive"
    """A slightly other threshold would give a clearly other volume."""
    PARTS_LOST = "parts-lost"
    """A surface has fewer pieces or handles than the voxels it was made from."""
    COARSE_MESH = "coarse-mesh"
    """A surface is further from the voxels than it may be by default, since it had to be of few triangles."""
    DANGLING_REFERENCE = "dangling-reference"
    """A segmentation or structure set refers to images that are not here."""
    FRAME_ASSUMED = "frame-assumed"
    """A file without patient and frame of reference was laid over the images because its grid fits."""
    LEFT_OUT = "left-out"
    """Parts of a file were left out."""
    PLANES_WITHOUT_CONTOUR = "planes-without-contour"
    STEP_ASSUMED = "step-assumed"
    """Positions alone do not say how thick a plane of a structure is."""
    TWO_GEOMETRIES = "two-geometries"
    """A file places its voxels in two ways that differ."""
    UNIT_ASSUMED = "unit-assumed"


class Verdict(StrEnum):
    """What the positions of a series say about it as a volume; public names that scripts rely on."""

    REGULAR = "regular"
    UNEVEN = "uneven"
    MISSING_SLICES = "missing-slices"
    DUPLICATES = "duplicates"
    TILTED = "tilted"
    MIXED = "mixed"
    NO_GEOMETRY = "no-geometry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt about the data.

    Attributes
    ----------
    kind, severity
        What it is and how far it reaches.
    slices : tuple of int
        Slice indices k it concerns (of a series that is no volume, positions in the order of its images); empty when
        it concerns the whole.
    files : tuple of str
        File names it concerns; empty when it concerns all.
    details : mapping of str to str, int or float
        The numbers for the sentence; keys carry units (``deviation_mm``).
    places_lps : tuple of (x, y, z), mm
        Where to look first, the most doubtful first; empty when it is nowhere in particular.
    """

    kind: FindingKind
    severity: Severity
    slices: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    details: Mapping[str, str | int | float] = field(default_factory=dict)
    places_lps: tuple[tuple[float, float, float], ...] = ()
