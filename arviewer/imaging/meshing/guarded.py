"""Surfaces near the limit of memory are made in a disposable process.

VTK ends its process when it gets no memory (an exception of C++ that Python cannot catch), and scikit-image's marching
cubes does too. So the need is estimated first; what comes near to what is free runs where it can take nobody along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from arviewer.errors import TooLarge, WorkLost
from arviewer.imaging.meshing import extract
from arviewer.imaging.meshing.extract import MAX_ERROR_MM
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import Segmentation
from arviewer.model.surface import Surface
from arviewer.words import _
from arviewer.workers.memory import available_bytes
from arviewer.workers.progress import Progress, silent
from arviewer.workers.worker import Limits, Worker

BYTES_PER_FACE = 220
"""Memory at the peak for each voxel face on the boundary, smoothing included: about two triangles and one vertex, of
which points, moves, normals and the filter's own copies are held at once. Measured 150 to 200."""

SIMPLIFY_FACTOR = 2
"""How much more it is when triangles are merged and distances measured."""

FACES_PER_VOXEL = 3
"""Faces that a voxel of the box can add at most, each face shared by two: a checkerboard."""

SAMPLED_SLICES = 64
"""Slices on which the boundary is counted; those between are like them."""

NEAR_SHARE = 0.5
"""Share of the free memory from which on a surface is not made in the caller's process."""

SPARE_BYTES = 256 << 20
"""Memory left to everything else."""

LIBRARIES_BYTES = 320 << 20
"""What a process takes before it makes a surface: with less, some numeric libraries wait for ever in their imports."""

MAX_CPU_S = 600.0


def surface(
    segmentation: Segmentation,
    name: str,
    max_error_mm: float = MAX_ERROR_MM,
    progress: Progress = silent,
    simplify: bool = False,
    capped: bool = True,
) -> Surface:
    """Make the surface of a structure in LPS mm; see `arviewer.imaging.meshing.extract.surface`.

    Raises
    ------
    UsageError
        When there is no such segment, or the bound is negative or not a number.
    NothingFound
        When the segment is empty.
    TooLarge
        When it does not fit into memory; nothing else is harmed.
    """
    options = {"max_error_mm": max_error_mm, "simplify": simplify, "capped": capped}
    made: Surface = _run(extract.surface, segmentation, name, progress, SIMPLIFY_FACTOR if simplify else 1, options)
    return made


def levels(
    segmentation: Segmentation, name: str, max_triangles: Sequence[int], progress: Progress = silent
) -> tuple[Surface, ...]:
    """Make a surface for each budget of triangles; see `arviewer.imaging.meshing.extract.levels`.

    Raises
    ------
    UsageError, NothingFound, TooLarge
        As of `surface`.
    """
    options = {"max_triangles": tuple(max_triangles)}
    made: tuple[Surface, ...] = _run(extract.levels, segmentation, name, progress, SIMPLIFY_FACTOR, options)
    return made


def _run(
    function: Callable[..., Any],
    segmentation: Segmentation,
    name: str,
    progress: Progress,
    factor: int,
    options: Mapping[str, Any],
) -> Any:
    """Call a function here, or, where memory may not do, in a process of its own."""
    free = available_bytes()
    need = 0 if free is None else factor * needed_bytes(segmentation[name].mask.box(), NEAR_SHARE * free)
    if free is None or need <= NEAR_SHARE * free:
        return function(segmentation, name, progress=progress, **options)
    if need + LIBRARIES_BYTES + SPARE_BYTES > free:
        raise _too_large(
            name, _("It needs about {need} MiB, {free} MiB are free.").format(need=need >> 20, free=free >> 20)
        )
    worker = Worker(Limits(free - SPARE_BYTES, MAX_CPU_S))
    try:
        path = f"{function.__module__}:{function.__name__}"
        return worker.call(path, segmentation, name, progress=progress, **options)
    except WorkLost as error:
        raise _too_large(name, error.why) from error
    finally:
        worker.close()


def needed_bytes(mask: MaskBox, enough: float) -> int:
    """Return about how much memory the surface of a mask takes at the peak, in bytes.

    Parameters
    ----------
    enough : float
        Bytes below which the exact number does not matter: then the boundary is not counted, only bounded.
    """
    bound = mask.voxels.size * FACES_PER_VOXEL * BYTES_PER_FACE
    if bound <= enough:
        return bound
    voxels = mask.voxels
    step = -(-len(voxels) // SAMPLED_SLICES)
    faces = 0
    for k in range(0, len(voxels), step):  # slice by slice: the differences of all at once would be three masks
        plane, before = voxels[k], voxels[k - 1] if k else False
        faces += int(np.count_nonzero(plane != before))
        faces += int(np.count_nonzero(plane[1:] != plane[:-1])) + int(np.count_nonzero(plane[:, 1:] != plane[:, :-1]))
        faces += int(np.count_nonzero(plane[[0, -1]])) + int(np.count_nonzero(plane[:, [0, -1]]))
    faces = faces * step + int(np.count_nonzero(voxels[-1]))
    return faces * BYTES_PER_FACE


def _too_large(name: str, why: str) -> TooLarge:
    return TooLarge(
        _("The surface of {name} does not fit into memory.").format(name=name),
        why,
        _("Close other programs, or load the series coarser or a box of it."),
    )
