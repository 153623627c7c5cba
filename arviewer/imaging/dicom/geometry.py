"""From slice positions to a grid: order, places, gaps, tilt, and the map to patient space.

Pure numpy; PS3.3 C.7.6.2.1.1. Only *Image Position (Patient)*, *Image Orientation (Patient)* and *Pixel Spacing*
speak here: thickness, declared spacing, numbers and file names do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arviewer.model.findings import Verdict
from arviewer.model.geometry import Float
from arviewer.model.study import GridFit

SAME_POSITION_MM = 0.005
"""Slices closer than this lie at one position: half the finest step of a micro-CT, far above rounding noise."""

REGULAR_SHARE = 0.05
"""Deviation from even spacing, as a share of the step, that is nobody's fault: bed seams of a PET move slices by
0.05–0.1 mm on 3.3 mm, and half a decimal of rounding is within it."""

REGULAR_MM = 0.06
"""The same for thin slices, in mm: positions written with one decimal are up to 0.05 mm off."""

UNEVEN_SHARE = 0.25
"""Deviation, as a share of the step, beyond which a slice could be taken for its neighbor: no grid fits then."""

UNEVEN_MM = 0.5
"""Deviation in mm beyond which an uneven series is no volume: what is planned on it would be off by half the width
of the finest saw blade."""

MAX_LOST_SHARE = 0.4
"""Share of places that may be lost: beyond it the gaps are how the series was acquired, not losses."""

TILT_DEG = 0.1
"""Angle between slice normal and stacking direction below which the stack counts as upright."""

TILT_MM = 0.1
"""Shift of the last slice against the first, in its plane, below which rounding may have made it."""

COSINE_TOLERANCE = 0.01
"""How far direction cosines may be from unit length and from a right angle (0.6°): three digits are rounded so."""

SAME_DIRECTION = 0.002
"""Largest difference of direction cosines (0.1°) of images that share one orientation."""

MAX_POSITION_MM = 1e5
"""No patient lies 100 m from the origin."""

SPACING_RANGE_MM = (1e-3, 100.0)
"""Pixel spacings outside are nonsense: finer than a micro-CT, or coarser than a patient."""

SINGLE_SLICE_STEP_MM = 1.0
"""Step given to a slice that stands alone: positions say nothing about it, and thickness is not spacing."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How images lie in space.

    Attributes
    ----------
    verdict : Verdict
    order : tuple of int
        Indices of the images used, ascending along the slice normal.
    places : tuple of int
        Place k of each of them.
    matrix : ndarray, shape (4, 4), or None
        Voxel (i, j, k) to LPS mm; None when no grid fits.
    duplicates : tuple of int
        Indices of the images left out because another one lies there.
    duplicate_places : tuple of int
        Place at which each of them lies; counted by position where no grid fits.
    missing : tuple of int
        Places without an image.
    fit : GridFit or None
        How well an even grid explains the positions; None for one position, which any grid explains.
    deviation_mm : tuple of float
        Distance of each image of `order` from its place on that grid.
    """

    verdict: Verdict
    order: tuple[int, ...]
    places: tuple[int, ...]
    matrix: Float | None = None
    duplicates: tuple[int, ...] = ()
    duplicate_places: tuple[int, ...] = ()
    missing: tuple[int, ...] = field(default=())
    fit: GridFit | None = None
    deviation_mm: tuple[float, ...] = ()

    @property
    def is_even(self) -> bool:
        """Whether it is one volume without a loss: regular, or sheared exactly."""
        return self.verdict in (Verdict.REGULAR, Verdict.TILTED)

    @property
    def count(self) -> int:
        """Places of the grid, lost ones included."""
        return self.places[-1] + 1 if self.places else 0


def directions(orientation: npt.ArrayLike) -> tuple[Float, Float, Float]:
    """Return unit row, column and normal direction of *Image Orientation (Patient)*.

    The normal is row × column, so that slices in its order make a right-handed grid. Cosines of few digits are
    made orthonormal here.
    """
    cosines = np.asarray(orientation, dtype=np.float64)
    row = cosines[:3] / np.linalg.norm(cosines[:3])
    column = cosines[3:] - (cosines[3:] @ row) * row
    column = column / np.linalg.norm(column)
    return row, column, np.cross(row, column)


def flaw(position: npt.ArrayLike, orientation: npt.ArrayLike, spacing: npt.ArrayLike) -> str:
    """Say what makes these values useless as geometry; "" when nothing does.

    Parameters
    ----------
    position : array_like, shape (3,), mm
    orientation : array_like, shape (6,)
    spacing : array_like, shape (2,), mm
    """
    place, cosines, step = (np.asarray(value, dtype=np.float64) for value in (position, orientation, spacing))
    if not np.isfinite(place).all() or np.abs(place).max() > MAX_POSITION_MM:
        return "Image Position (Patient) (0020,0032) is beyond 100 m"
    if not np.isfinite(cosines).all():
        return "Image Orientation (Patient) (0020,0037) holds no numbers"
    lengths = np.linalg.norm(cosines.reshape(2, 3), axis=1)
    if np.abs(lengths - 1).max() > COSINE_TOLERANCE:
        return "Image Orientation (Patient) (0020,0037) holds no unit vectors"
    if abs(float(cosines[:3] @ cosines[3:])) > COSINE_TOLERANCE:
        return "Image Orientation (Patient) (0020,0037): row and column are not at a right angle"
    low, high = SPACING_RANGE_MM
    if not np.isfinite(step).all() or step.min() < low or step.max() > high:
        return "Pixel Spacing (0028,0030) is not a size of pixels"
    return ""


def regular_tolerance(step_mm: float) -> float:
    """Return the deviation in mm up to which a series with this step is regular."""
    return max(REGULAR_MM, REGULAR_SHARE * step_mm)


def uneven_tolerance(step_mm: float) -> float:
    """Return the deviation in mm up to which a series with this step is a volume at all."""
    return max(regular_tolerance(step_mm), min(UNEVEN_MM, UNEVEN_SHARE * step_mm))


def lattice(along_mm: Float) -> npt.NDArray[np.int64]:
    """Return the place of each slice on the even lattice that explains ascending positions best.

    The step is first taken from the median gap, which a few lost slices cannot move, then from the smallest gap.
    A lattice on which the slices sit within `regular_tolerance` wins; so jitter is not mistaken for loss.

    Parameters
    ----------
    along_mm : ndarray, shape (N,), strictly ascending, N ≥ 2
    """
    gaps = np.diff(along_mm)
    fallback = np.arange(len(along_mm), dtype=np.int64)
    candidates = [_places(along_mm, float(step)) for step in (np.median(gaps), gaps.min())]
    plausible = [one for one in candidates if one[-1] + 1 - len(one) <= MAX_LOST_SHARE * (one[-1] + 1)]
    return next((one for one in plausible if _sits(along_mm, one)), plausible[0] if plausible else fallback)


def _places(along_mm: Float, step: float) -> npt.NDArray[np.int64]:
    """Count steps from slice to slice, then refine the step until the places no longer change."""
    counts = np.maximum(1, np.rint(np.diff(along_mm) / step)).astype(np.int64)
    places = np.concatenate(([0], np.cumsum(counts)))
    for _round in range(4):
        slope, start = np.polyfit(places, along_mm, 1)
        again = np.rint((along_mm - start) / slope).astype(np.int64)
        again -= again[0]
        if np.array_equal(again, places) or (np.diff(again) < 1).any():
            break
        places = again
    return places


def _sits(along_mm: Float, places: npt.NDArray[np.int64]) -> bool:
    slope, start = np.polyfit(places, along_mm, 1)
    return bool(np.abs(along_mm - start - slope * places).max() <= regular_tolerance(float(slope)))


def distinct(along_mm: Float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return, for positions along the normal, an ascending order and the number of the position of each.

    Returns
    -------
    order : ndarray of int, shape (N,)
    cluster : ndarray of int, shape (N,)
        For ``along_mm[order]``: 0 for the lowest position, 1 for the next. Images at one position keep the order
        they came in.
    """
    order = np.argsort(along_mm, kind="stable")
    steps = np.diff(along_mm[order]) > SAME_POSITION_MM
    cluster = np.concatenate(([0], np.cumsum(steps))).astype(np.int64)
    order = order[np.lexsort((order, cluster))]
    return order, cluster


def arrange(positions: Float, orientation: npt.ArrayLike, spacing: tuple[float, float]) -> Arrangement:
    """Order images by position, find their places on an even lattice, and fit the grid.

    Parameters
    ----------
    positions : ndarray, shape (N, 3), mm
        *Image Position (Patient)* of each image; of images at one position the first is used.
    orientation : array_like, shape (6,)
    spacing : (float, float), mm
        *Pixel Spacing*: between rows first, between columns second.

    Notes
    -----
    The grid passes through the first and the last position where that explains all others within the regular
    tolerance, and is the least-squares fit otherwise. Its third column is the real step from slice to slice, so
    that a tilted gantry gives a sheared map (PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1, taken over a stack).
    """
    normal, steps = directions(orientation)[2], pixel_steps(orientation, spacing)
    order, cluster = distinct(positions @ normal)
    first = np.concatenate(([True], np.diff(cluster) > 0))
    used, duplicates = order[first], tuple(int(n) for n in order[~first])
    points = positions[used]
    if len(used) == 1:
        matrix = _matrix(steps, normal * SINGLE_SLICE_STEP_MM, points[0])
        verdict = Verdict.DUPLICATES if duplicates else Verdict.REGULAR
        at = (0,) * len(duplicates)
        return Arrangement(verdict, (int(used[0]),), (0,), None if duplicates else matrix, duplicates, at)
    places = lattice(points @ normal)
    step, origin, deviation = _fit(points, places, normal)
    step_mm = float(step @ normal)
    fit = GridFit(
        step_mm=step_mm,
        max_mm=float(deviation.max()),
        rms_mm=float(np.sqrt(np.mean(deviation**2))),
        regular_mm=regular_tolerance(step_mm),
        uneven_mm=uneven_tolerance(step_mm),
        tilt_deg=_tilt_deg(step, normal, int(places[-1])),
    )
    fits = fit.max_mm <= fit.uneven_mm
    missing = tuple(int(k) for k in np.setdiff1d(np.arange(places[-1] + 1), places))
    return Arrangement(
        verdict=_verdict(fit, missing, duplicates),
        order=tuple(int(n) for n in used),
        places=tuple(int(k) for k in places),
        matrix=_matrix(steps, step, origin) if fits else None,
        duplicates=duplicates,
        duplicate_places=tuple(int(places[n]) if fits else int(n) for n in cluster[~first]),
        missing=missing,
        fit=fit,
        deviation_mm=tuple(float(one) for one in deviation),
    )


def _fit(points: Float, places: npt.NDArray[np.int64], normal: Float) -> tuple[Float, Float, Float]:
    """Return the step vector, the position of place 0, and the distance of each point from its place."""
    step, origin = (points[-1] - points[0]) / places[-1], points[0]
    deviation = np.linalg.norm(points - origin - places[:, None] * step, axis=1)
    if deviation.max() > regular_tolerance(float(step @ normal)):
        step, origin = np.polyfit(places, points, 1)
        deviation = np.linalg.norm(points - origin - places[:, None] * step, axis=1)
    return np.asarray(step), np.asarray(origin), np.asarray(deviation)


def pixel_steps(orientation: npt.ArrayLike, spacing: tuple[float, float]) -> Float:
    """Return the way from pixel to pixel along i and along j, shape (3, 2), mm.

    *Pixel Spacing* gives the distance between rows first; going along a row crosses columns, the second value.
    """
    row, column, _normal = directions(orientation)
    return np.stack([row * spacing[1], column * spacing[0]], axis=1)


def _matrix(steps: Float, step: Float, origin: Float) -> Float:
    matrix = np.eye(4)
    matrix[:3, :2], matrix[:3, 2], matrix[:3, 3] = steps, step, origin
    return matrix


def _tilt_deg(step: Float, normal: Float, places: int) -> float:
    sideways = float(np.linalg.norm(step - (step @ normal) * normal))
    angle = float(np.degrees(np.arctan2(sideways, step @ normal)))
    return angle if angle > TILT_DEG and sideways * places > TILT_MM else 0.0


def _verdict(fit: GridFit, missing: tuple[int, ...], duplicates: tuple[int, ...]) -> Verdict:
    """Return the gravest of what was found."""
    if fit.max_mm > fit.uneven_mm:
        return Verdict.UNEVEN
    if duplicates:
        return Verdict.DUPLICATES
    if missing:
        return Verdict.MISSING_SLICES
    if fit.max_mm > fit.regular_mm:
        return Verdict.UNEVEN
    return Verdict.TILTED if fit.tilt_deg else Verdict.REGULAR


def tolerances() -> dict[str, float]:
    """Return every tolerance that decides a verdict, by name; lengths in mm, angles in degrees, shares of the step."""
    return {
        "same_position_mm": SAME_POSITION_MM,
        "regular_share_of_step": REGULAR_SHARE,
        "regular_mm": REGULAR_MM,
        "uneven_share_of_step": UNEVEN_SHARE,
        "uneven_mm": UNEVEN_MM,
        "max_lost_share": MAX_LOST_SHARE,
        "tilt_deg": TILT_DEG,
        "tilt_mm": TILT_MM,
        "cosine_length": COSINE_TOLERANCE,
        "same_direction_cosine": SAME_DIRECTION,
    }
