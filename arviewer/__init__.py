"""DICOM in, measured and side-safe 3D anatomy out: the verbs, for scripts.

>>> import arviewer
>>> series = arviewer.scan("sample_dicom")[0]
>>> volume = arviewer.load(series)
>>> bone = arviewer.segment(volume, "bone")
>>> arviewer.export(bone, "bone.seg.nrrd")
>>> arviewer.export(arviewer.surface(bone, "bone"), "bone.stl")

All values are immutable; space is DICOM LPS in mm. A ``progress`` is called as ``progress(fraction, what)`` and may
raise `arviewer.errors.Cancelled` to stop. Each verb imports its room when it is called, so that
``import arviewer`` costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from arviewer.version import __version__
from arviewer.workers.progress import Progress, silent

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    import numpy.typing as npt

    from arviewer.formats.exported import Exported
    from arviewer.model.segmentation import ParameterValue, Segmentation
    from arviewer.model.study import Attachment, Series
    from arviewer.model.surface import Surface
    from arviewer.model.volume import Volume

__all__ = ["__version__", "draw", "export", "load", "resample", "scan", "segment", "structures", "surface"]


def scan(path: str | PathLike[str], progress: Progress = silent) -> list[Series]:
    """Find the series in a folder, file, DICOMDIR or zip archive: DICOM, NIfTI and NRRD.

    Returns
    -------
    list of Series
        With geometry, verdict and findings; the largest first.

    Raises
    ------
    InputRefused
        When the path does not exist or holds no images.
    """
    from arviewer.formats.reading import scan as run

    return list(run(path, progress).series)


def load(
    series: Series,
    progress: Progress = silent,
    *,
    box: Sequence[tuple[int, int]] | None = None,
    coarser: int = 1,
) -> Volume:
    """Read a series into a volume: ``voxels[k, j, i]`` in HU (CT), geometry in LPS mm, findings.

    Parameters
    ----------
    box : three pairs of int, optional
        First voxel and the one behind the last along i, j and k: only these are loaded.
    coarser : int
        Load every n-th voxel along each axis only.

    Raises
    ------
    InputRefused
        When the series cannot be one volume; the reason names the file or tag.
    TooLarge
        When it does not fit into memory; a box or a coarser grid may.
    """
    from arviewer.formats.reading import load as run

    return run(series, progress, box=box, coarser=coarser)


def resample(series: Series, progress: Progress = silent) -> Volume:
    """Read a tilted or uneven series onto an even, upright grid: interpolated, and said so in a finding.

    Also a series too uneven to be a volume as it is; gaps of more than twice the median gap stay empty and invalid.

    Raises
    ------
    InputRefused
        When it cannot be a volume for another reason than its spacing.
    """
    from arviewer.imaging.dicom import load_resampled

    return load_resampled(series, progress)


def segment(
    volume: Volume,
    recipe: str,
    progress: Progress = silent,
    at_lps: Sequence[float] | None = None,
    **parameters: ParameterValue,
) -> Segmentation:
    """Find a structure with a recipe ("bone", "skin", "lungs", "organ", ...: docs/users/recipes.md).

    Parameters
    ----------
    at_lps : three floats, optional
        Where to begin, LPS mm, for the recipes that need a click.
    **parameters
        The recipe's own, with units in their names (``low_hu=250``).

    Raises
    ------
    UsageError
        When there is no such recipe or parameter.
    NothingFound
        When the volume holds no such structure.
    """
    from arviewer.imaging.recipes import segment as run

    return run(volume, recipe, progress, at_lps, **parameters)


def structures(
    source: Attachment | str | PathLike[str], images: Volume | Series, level: float = 0.5, progress: Progress = silent
) -> list[Segmentation]:
    """Return the structures in a DICOM SEG, RTSTRUCT, NIfTI or NRRD file that belong to these images.

    Each comes as a segmentation of its own, on its own grid, in the frame of reference of the images.

    Parameters
    ----------
    level : float
        Fraction, above 0 up to 1, at which the boundary of a fractional segment lies.

    Raises
    ------
    InputRefused
        When the file is damaged, of another patient, or in another frame of reference.
    UsageError
        When the file holds no structures.
    """
    from arviewer.formats.structures import structures as run

    return run(source, images, level, progress=progress)


def surface(
    segmentation: Segmentation,
    name: str,
    max_error_mm: float = 0.25,
    progress: Progress = silent,
    simplify: bool = False,
    capped: bool = True,
) -> Surface:
    """Return the closed surface of a structure in LPS mm, outward normals, error measured and stated.

    Parameters
    ----------
    max_error_mm : float
        How far any point may be from the raw iso-surface, in mm.
    simplify : bool
        Whether to use as few triangles as that allows.
    capped : bool
        Whether to close it where the structure leaves the scan; otherwise it is open there.
    """
    from arviewer.imaging.meshing import surface as run

    return run(segmentation, name, max_error_mm, progress, simplify, capped)


def export(
    structures: Segmentation | Surface | Sequence[Surface], path: str | PathLike[str], **options: Any
) -> Exported:
    """Write surfaces as meshes (STL, PLY, OBJ), or a segmentation as voxels (.seg.nrrd, .nii.gz, .nii, DICOM SEG).

    To one file, or each structure to its own in a folder; verified before it appears, with NAME.json beside it.

    Parameters
    ----------
    **options
        ``accept=("missing-slices",)``, ``format=...`` for a folder, and of surfaces ``frame="lps"`` or ``"ras"``: see
        `arviewer.formats.export.export` and `arviewer.formats.export_voxels.export_voxels`.
    """
    from arviewer.formats.export import export as run
    from arviewer.formats.export_voxels import export_voxels
    from arviewer.model.segmentation import Segmentation
    from arviewer.model.surface import Surface

    if isinstance(structures, Segmentation):
        return export_voxels(structures.segments, structures.volume, path, **options)
    return run([structures] if isinstance(structures, Surface) else list(structures), path, **options)


def draw(
    surfaces: Sequence[Surface],
    view: str = "anterior",
    stereo: str = "off",
    size: tuple[int, int] = (1280, 960),
) -> npt.NDArray[np.uint8]:
    """Return a picture of surfaces, shape (height, width, 3): R L A P H F marks, scale bar.

    Parameters
    ----------
    view : {"anterior", "posterior", "left", "right", "head", "feet"}
        The side of the patient the reader looks at.
    stereo : {"off", "side-by-side", "top-bottom", "anaglyph"}
    size : (width, height) in pixels
    """
    from arviewer.render.picture import draw as run

    return run(surfaces, view=view, stereo=stereo, size=size)
