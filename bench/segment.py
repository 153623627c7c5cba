"""``python -m bench segment``: masks, against SimpleITK and connected-components-3d + fill_voids.

Two pieces of work on the CT of 512 × 512 × 400: values of 250 HU and more, largest piece, cavities filled; and a
region grown from a seed in a vessel. Before anything is timed, each mask must be, voxel by voxel, the one that scipy
makes of the values that were written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from bench import grow_jobs
from bench.inputs import Folder, Truth, slices_hu
from bench.measure import LOW_HU
from bench.options import Options, parsed
from bench.race import Line, Race, checked, print_lines
from bench.segment_jobs import Bools, mask_hash

COMPARED = ("mask",)
PEERS = ("sitk", "cc3d")
WORKS = ("bone", "grow")
VOLUMES_AT_HAND = 8
"""Memory at hand when a job starts, in volumes: labels take two each, and some peers make three."""


@dataclass(frozen=True)
class MaskTruth(Truth):
    """What a folder holds, and the mask that is to be found in it."""

    mask: str = ""


def main(arguments: Sequence[str]) -> int:
    """Print the tables; return 1 when results differ, 0 however long it took."""
    options = parsed("segment", arguments, WORKS)
    lines, equal = lines_of(options)
    print_lines(lines)
    return 0 if equal else 1


def lines_of(options: Options) -> tuple[list[Line], bool]:
    """Run the races; return the lines of the table and whether all results were equal."""
    works = [work for name, work in (("bone", _bone), ("grow", _grow)) if options.wants(name)]
    lines = [work(options) for work in works]
    return [line for some in lines for line in some], all(lines)


def _bone(options: Options) -> list[Line]:
    labels, _count = ndimage.label(_written(options) >= LOW_HU)
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    piece = labels == sizes.argmax()
    around, _count = ndimage.label(np.pad(~piece, 1, constant_values=True))
    truth = (around != around[0, 0, 0])[1:-1, 1:-1, 1:-1]
    title = "threshold, largest piece, cavities filled"
    return _race(options, title, "bench.segment_jobs", truth, PEERS, (0.5, 0.22))


def _grow(options: Options) -> list[Line]:
    values = _written(options)
    labels, _count = ndimage.label((values >= grow_jobs.LOW_HU) & (values <= grow_jobs.HIGH_HU))
    truth = labels == labels[grow_jobs.seed_kji(values.shape)]
    return _race(options, "region grown from a seed", "bench.grow_jobs", truth, ("sitk",), (1.0, 0.5))


def _written(options: Options) -> npt.NDArray[np.int16]:
    sizes = options.inputs.sizes
    return np.stack(list(slices_hu(sizes.slices, sizes.matrix)))


def _race(
    options: Options,
    title: str,
    jobs: str,
    truth: Bools,
    against: Sequence[str],
    bar: tuple[float, float],
) -> list[Line]:
    sizes = options.inputs.sizes
    folder = options.inputs.volume(sizes.slices)
    told = Folder(folder.path, MaskTruth(**{**asdict(folder.truth), "mask": mask_hash(truth)}))
    programs = options.of(("ours", *PEERS, "limit") if jobs == "bench.segment_jobs" else ("ours", *PEERS))
    memory = VOLUMES_AT_HAND * sizes.matrix**2 * 2
    results = checked(Race(title, jobs, told, programs, COMPARED, memory=memory), options.rounds)
    return [Line.to_best(title, results, against, *bar)] if results else []
