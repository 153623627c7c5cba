"""Closed triangle surfaces in patient space, with their error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from arviewer.errors import GeometryError
from arviewer.model.findings import Finding
from arviewer.model.geometry import Float, read_only
from arviewer.model.segmentation import CodedTerm, Confirmation, MaskEdit, Provenance, State

CHUNK = 1 << 15
"""Triangles handled at a time: their corners stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class SurfaceError:
    """Distance between this mesh and the raw, unsmoothed iso-surface, in mm: mesh against voxels, not anatomy.

    Attributes
    ----------
    mean, p95, max : float
        Mean, 95th percentile and maximum, each the larger one of the two directions: mesh to raw, raw to mesh.
    samples_per_mm2 : float
        Points at which it was measured on each mm² of both; 0 where nothing was to be measured: it is the raw one.
    against : str
    """

    mean: float
    p95: float
    max: float
    samples_per_mm2: float = 0.0
    against: str = "raw iso-surface of the voxels"


@dataclass(frozen=True, slots=True)
class Parts:
    """Of how many connected pieces a mesh is, and how many handles these have together (a ring has one)."""

    pieces: int = 0
    handles: int = 0


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Surface:
    """The boundary of a structure as triangles.

    Attributes
    ----------
    name : str
    points_lps : ndarray, shape (N, 3), float64, mm, read-only
    triangles : ndarray, shape (M, 3), int32, read-only
        Indices into `points_lps`, counter-clockwise seen from outside (outward normals, positive volume).
    term, made_by, edits, confirmation, findings
        As of the segment it was made from; findings include those of the volume.
    frame_of_reference_uid : str
    mask_sha256 : str
        Of the mask it was made from, so that a stale surface is known as one.
    error_mm : SurfaceError
    closed : bool
        Every edge has exactly two triangles.
    grey_share : float
        Share of the area, 0 to 1, that follows the grey values; the rest follows the smoothed mask.
    capped_mm2 : float
        Area of the caps where the structure leaves the scan; 0 when it does not.
    parts, parts_before : Parts
        Of this mesh, and of the raw iso-surface it was made from.
    """

    name: str
    points_lps: Float
    triangles: npt.NDArray[np.int32]
    term: CodedTerm
    made_by: Provenance
    frame_of_reference_uid: str
    error_mm: SurfaceError
    closed: bool
    grey_share: float
    capped_mm2: float = 0.0
    parts: Parts = Parts()
    parts_before: Parts = Parts()
    mask_sha256: str = ""
    findings: tuple[Finding, ...] = ()
    edits: tuple[MaskEdit, ...] = ()
    confirmation: Confirmation | None = None

    def __post_init__(self) -> None:
        points = np.asarray(self.points_lps, dtype=np.float64)
        triangles = np.asarray(self.triangles, dtype=np.int32)
        if points.ndim != 2 or points.shape[1:] != (3,) or triangles.ndim != 2 or triangles.shape[1:] != (3,):
            raise GeometryError("A surface needs (N, 3) points and (M, 3) triangles.")
        object.__setattr__(self, "points_lps", read_only(points))
        object.__setattr__(self, "triangles", read_only(triangles))

    @property
    def state(self) -> State:
        """Confirmed only when a named person stands behind the very mask it was made from."""
        is_of_mask = self.confirmation is not None and self.confirmation.mask_sha256 == self.mask_sha256
        return State.CONFIRMED if is_of_mask else State.PROPOSED

    @property
    def volume_ml(self) -> float:
        """Enclosed volume in ml; positive when the normals point outward."""
        return signed_volume_mm3(self.points_lps, self.triangles) / 1000.0

    @property
    def bounds_lps(self) -> tuple[Float, Float]:
        """Lowest and highest corner, each shape (3,), mm."""
        return cast(Float, self.points_lps.min(axis=0)), cast(Float, self.points_lps.max(axis=0))


def signed_volume_mm3(points: Float, triangles: npt.NDArray[np.integer]) -> float:
    """Return the volume a closed surface encloses, positive when its normals point outward.

    The divergence theorem: a sixth of the sum of the triple products of each triangle's corners. Corners are
    taken from the surface's own centre, since far from the origin the sum would lose digits.
    """
    if len(triangles) == 0:
        return 0.0
    center = points.mean(axis=0)
    total = 0.0
    for start in range(0, len(triangles), CHUNK):
        a, b, c = (points[triangles[start : start + CHUNK, n]].T - center[:, None] for n in range(3))
        x, y, z = b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]
        total += float((a[0] * x + a[1] * y + a[2] * z).sum())
    return total / 6.0
