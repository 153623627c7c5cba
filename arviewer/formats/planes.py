"""Where the planes of a structure lie: from positions alone to a lattice of equal steps, whatever is left out.

A segmentation may leave out empty frames, and contours are drawn only where there is something. So the step is
taken from the images when every plane lies on one of their slices, else from the planes' own distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arviewer.formats.refusing import Unusable
from arviewer.imaging.dicom.geometry import SAME_DIRECTION, SAME_POSITION_MM, regular_tolerance
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Float
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _

ON_SLICE_SHARE = 0.1
"""Distance from a slice of the images, as a share of their step, within which a plane counts as lying on it: bed
seams of a PET are up to 3 % off, the next lattice of a different scan is not so by chance on several planes."""

MAX_OFF_SHARE = 0.25
"""Deviation from equal steps, as a share of the step, beyond which no lattice fits."""

MAX_PLANES = 20_000
"""Places of a lattice: no scan has more slices."""


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Equal steps along a normal.

    Attributes
    ----------
    places : ndarray of int64, shape (N,)
        Of each plane that was given; the lowest is 0.
    start_mm, step_mm : float
        Distance of place 0 along the normal, and between places.
    deviations_mm : ndarray, shape (N,)
        How far each plane lies from its place.
    is_known : bool
        The step follows from positions; else it was declared or assumed.
    room : tuple of bool
        Whether anything lies before the first place, and after the last: False where the images end there.
    """

    places: npt.NDArray[np.int64]
    start_mm: float
    step_mm: float
    deviations_mm: Float
    is_known: bool = True
    room: tuple[bool, bool] = (True, True)

    def doubts(self, name: str) -> list[Finding]:
        """Return what is doubtful about the places of the planes of a structure, or of a file, of that name."""
        findings = []
        if not self.is_known:
            assumed: dict[str, str | int | float] = {"name": name, "step_mm": self.step_mm}
            findings.append(Finding(FindingKind.STEP_ASSUMED, Severity.WARNING, details=assumed))
        off, tolerance = float(self.deviations_mm.max()), regular_tolerance(self.step_mm)
        if off > tolerance:
            rms = float(np.sqrt(np.mean(self.deviations_mm**2)))
            uneven = {"max_mm": off, "rms_mm": rms, "tolerance_mm": tolerance}
            findings.append(Finding(FindingKind.UNEVEN_SPACING, Severity.WARNING, details=uneven))
        return findings


def lattice(
    along_mm: Float, normal: Float, images: VolumeGeometry | None = None, declared_mm: float | None = None
) -> Lattice:
    """Return the lattice on which planes lie.

    Parameters
    ----------
    along_mm : ndarray, shape (N,)
        Distance of each plane from the origin along the normal; several may be the same.
    normal : ndarray, shape (3,)
        Unit normal of the planes, LPS.
    images : VolumeGeometry or None
        The slices that the planes may lie on.
    declared_mm : float or None
        Thickness that the file declares: taken only for a plane that stands alone.

    Raises
    ------
    Unusable
        When no lattice of equal steps holds the planes.
    """
    on_images = _on_slices(along_mm, normal, images)
    if on_images is not None:
        return on_images
    ordered = np.unique(np.round(along_mm / SAME_POSITION_MM)) * SAME_POSITION_MM
    gaps = np.diff(ordered)
    gaps = gaps[gaps > 2 * SAME_POSITION_MM]
    if len(gaps) == 0:
        step = float(declared_mm) if declared_mm and np.isfinite(declared_mm) and declared_mm > 0 else 1.0
        return Lattice(np.zeros(len(along_mm), np.int64), float(along_mm.mean()), step, np.zeros(len(along_mm)), False)
    step = float(np.median(gaps[gaps < 1.5 * gaps.min()]))
    return _fitted(along_mm, step)


def _fitted(along_mm: Float, step: float) -> Lattice:
    """Count steps from each plane to the next, so that small deviations do not add up; then fit start and step."""
    order = np.argsort(along_mm, kind="stable")
    jumps = np.rint(np.diff(along_mm[order]) / step)
    if jumps.sum() > MAX_PLANES:
        raise Unusable(_("its planes lie {count:.3g} steps apart").format(count=jumps.sum()))
    places = np.zeros(len(along_mm), np.int64)
    places[order] = np.concatenate(([0], np.cumsum(jumps))).astype(np.int64)
    fitted_step, start = np.polyfit(places, along_mm, 1)
    deviations = np.abs(start + fitted_step * places - along_mm)
    if deviations.max() > MAX_OFF_SHARE * fitted_step:
        raise Unusable(
            _("its planes are unevenly spaced: up to {off:.3f} mm off a step of {step:.3f} mm").format(
                off=deviations.max(), step=fitted_step
            )
        )
    return Lattice(places, float(start), float(fitted_step), deviations)


def _on_slices(along_mm: Float, normal: Float, images: VolumeGeometry | None) -> Lattice | None:
    """Return the images' own lattice when every plane lies on one of their slices, else None."""
    if images is None or not is_parallel(normal, images):
        return None
    matrix = images.lps_from_ijk.matrix
    signed_step, start = float(normal @ matrix[:3, 2]), float(normal @ matrix[:3, 3])
    exact = (along_mm - start) / signed_step
    slices = np.rint(exact)
    count = images.shape_kji[0]
    if count < 2 or (np.abs(exact - slices) > ON_SLICE_SHARE).any() or slices.min() < 0 or slices.max() >= count:
        return None
    step = abs(signed_step)
    forward = signed_step > 0
    first = slices.min() if forward else slices.max()
    places = (slices - first if forward else first - slices).astype(np.int64)
    ends = (slices.min() > 0, slices.max() < count - 1)
    return Lattice(
        places,
        float(start + first * signed_step),
        step,
        np.abs(exact - slices) * step,
        room=ends if forward else (ends[1], ends[0]),
    )


def is_parallel(normal: Float, images: VolumeGeometry) -> bool:
    """Whether planes of this normal are parallel to the slices of the images."""
    return bool(np.linalg.norm(np.cross(normal, slice_normal(images))) < SAME_DIRECTION)


def slice_normal(images: VolumeGeometry) -> Float:
    """Return the unit normal of the slices, row × column direction, shape (3,)."""
    matrix = images.lps_from_ijk.matrix
    normal = np.cross(matrix[:3, 0], matrix[:3, 1])
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)
