"""Voxels with a place but without a patient: what NIfTI and NRRD headers say, in LPS mm, right-handed.

RAS and other axes end on the line of each reader. A grid that is left-handed in its file gets its rows in the other
order here, voxels and origin moved along, so that every voxel stays where it was in the patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.formats.refusing import Unusable
from arviewer.formats.unpacking import file_bytes, unpacked
from arviewer.imaging.dicom.geometry import MAX_POSITION_MM, SPACING_RANGE_MM
from arviewer.model.findings import Finding
from arviewer.model.geometry import Float
from arviewer.model.segmentation import CodedTerm
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _

MAX_BYTES = 1 << 34
"""Bytes of all voxels of a file."""

MAX_AXIS = 65_535
"""Voxels along an axis: none has more, and products of three stay within 64 bits."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a file says about one number of a label map.

    Attributes
    ----------
    layer : int
        Which of the label maps that lie over one another in one file.
    """

    name: str
    color: tuple[float, float, float] | None = None
    term: CodedTerm | None = None
    layer: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class GridFile:
    """A NIfTI or NRRD file by its header.

    Attributes
    ----------
    format : str
        "NIfTI", "NRRD".
    path, member
        The file that was opened, or the archive and the name inside it.
    data_path : Path
        The file with the voxels: the same but for a detached header.
    shape_kji : tuple of int
    matrix : ndarray, shape (4, 4)
        LPS mm from (i, j, k) as stored; any handedness.
    dtype : numpy dtype
        As stored, byte order included.
    count, fastest : int, bool
        Volumes in the file; whether they alternate voxel by voxel, or follow one another.
    offset : int
        Bytes before the first voxel, once unpacked. Negative: the voxels end with the file.
    encoding, packed_header : str, bool
        Of the voxels; whether the header is packed along with them.
    slope, intercept : float
    stored : bytes or None
        The whole file, where it is at hand; else it is read from `data_path`.
    says_labels : str
        Why the header itself says that the numbers are labels; "" when it does not.
    """

    format: str
    path: Path
    member: str
    data_path: Path
    shape_kji: tuple[int, int, int]
    matrix: Float
    dtype: np.dtype[Any]
    count: int = 1
    fastest: bool = False
    offset: int = 0
    encoding: str = "raw"
    packed_header: bool = True
    slope: float = 1.0
    intercept: float = 0.0
    says_labels: str = ""
    labels: Mapping[tuple[int, int], Label] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    description: str = ""
    stored: bytes | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.member or self.path.name

    @property
    def voxel_bytes(self) -> int:
        """Bytes of all its voxels."""
        k, j, i = self.shape_kji
        return k * j * i * self.count * self.dtype.itemsize

    def geometry(self, frame_of_reference_uid: str = "") -> VolumeGeometry:
        """Return the right-handed grid in LPS.

        Raises
        ------
        Unusable
            When the header's map to the patient is singular, not finite, or no size of voxels.
        """
        matrix = self.matrix
        if not np.isfinite(matrix).all() or np.abs(matrix[:3, 3]).max() > MAX_POSITION_MM:
            raise Unusable(_("its map to the patient is not finite or beyond 100 m"))
        spacing = np.linalg.norm(matrix[:3, :3], axis=0)
        low, high = SPACING_RANGE_MM
        if spacing.min() < low or spacing.max() > high:
            raise Unusable(_("its voxels are {size} mm").format(size=" × ".join(f"{step:.4g}" for step in spacing)))
        if abs(np.linalg.det(matrix[:3, :3] / spacing)) < MIN_SINE:
            raise Unusable(_("its map to the patient is singular"))
        if self.is_left_handed:
            matrix = matrix @ _rows_reversed(self.shape_kji[1])
        return VolumeGeometry.of_grid(self.shape_kji, matrix, frame_of_reference_uid)

    @property
    def is_left_handed(self) -> bool:
        """Whether the stored order of the axes mirrors the patient."""
        return bool(np.linalg.det(self.matrix[:3, :3]) < 0)

    def volumes(self) -> npt.NDArray[Any]:
        """Return all volumes as stored, shape (count, K, J, I), rows in the order of `geometry`.

        Raises
        ------
        Unusable
            When the file is cut short or damaged.
        """
        samples = self._samples(self._data())
        every = np.moveaxis(samples, -1, 0) if self.fastest else samples
        return every[:, :, ::-1] if self.is_left_handed else every

    def _samples(self, data: bytes) -> npt.NDArray[Any]:
        start = self.offset if self.packed_header else 0
        if start < 0:
            start = max(0, len(data) - self.voxel_bytes)
        if len(data) - start < self.voxel_bytes:
            raise Unusable(
                _("it is cut short: {present} of {expected} bytes of voxels").format(
                    present=max(0, len(data) - start), expected=self.voxel_bytes
                )
            )
        flat = np.frombuffer(data, self.dtype, self.voxel_bytes // self.dtype.itemsize, start)
        return flat.reshape((*self.shape_kji, self.count) if self.fastest else (self.count, *self.shape_kji))

    def _data(self) -> bytes:
        if self.voxel_bytes > MAX_BYTES:
            raise Unusable(_("it promises {size} MiB of voxels").format(size=self.voxel_bytes >> 20))
        member = self.member if self.data_path == self.path else ""
        stored = self.stored if self.stored is not None else file_bytes(self.data_path, member)
        if self.encoding == "raw" and self.offset < 0:
            return stored
        if self.packed_header:
            return unpacked(stored, self.encoding, self.offset + self.voxel_bytes)
        return unpacked(stored[self.offset :], self.encoding, self.voxel_bytes)

    def sample(self, size: int) -> npt.NDArray[Any]:
        """Return the first voxels, about `size` bytes of them, flat."""
        if self.offset < 0:
            return np.zeros(0, self.dtype)
        stored = file_bytes(self.data_path, self.member if self.data_path == self.path else "", size + self.offset)
        start = 0 if not self.packed_header else self.offset
        data = unpacked(stored if self.packed_header else stored[self.offset :], self.encoding, size + start)
        count = max(0, len(data) - start) // self.dtype.itemsize
        return np.frombuffer(data, self.dtype, min(count, self.voxel_bytes // self.dtype.itemsize), start)


MIN_SINE = 1e-3
"""Volume spanned by the unit directions of the axes below which a map is singular: axes 0.06° from one plane."""


def _rows_reversed(rows: int) -> Float:
    """Return the map from (i, j, k) with the rows in the other order to (i, j, k) as stored."""
    matrix = np.eye(4)
    matrix[1, 1], matrix[1, 3] = -1.0, rows - 1.0
    return matrix


def require_shape(counts: tuple[int, ...]) -> tuple[int, int, int]:
    """Return three axes (i, j, k) in the order (k, j, i).

    Raises
    ------
    Unusable
        When an axis has no voxels or too many.
    """
    if len(counts) != 3 or min(counts) < 1 or max(counts) > MAX_AXIS:
        raise Unusable(_("its size is {size}").format(size=" × ".join(map(str, counts))))
    return counts[2], counts[1], counts[0]
