"""``python -m bench load``: folder → volume in measured values, against SimpleITK and dcm2niix.

Each program finds the files of the one series in the folder, puts them in order and makes the volume. Before
anything is timed, every voxel must have the value that was written at its place in the patient: the programs keep
rows and slices in different orders, and their affines say so. dcm2niix writes its file into memory.

Imports are not counted, for nobody. Ours decodes in processes of its own, which import too: they have started before
the clock does, as they have for every series but the first of a session; "first of a session" counts their start.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from arviewer.imaging.dicom import load as ours
from bench.inputs import Folder
from bench.options import Options, parsed
from bench.race import OTHER, TITLES, Line, Race, Runs, checked, evict, growth, print_lines, resident_share

JOBS = "bench.load_jobs"
COMPARED = ("voxels", "lps_from_ijk")
PEERS = ("sitk", "dcm2niix")
COMPRESSED = {"jpeg-ls": (0.6, 0.4), "jpeg-lossless": (0.6, 0.4), "rle": (0.6, 0.2), "jpeg-2000": (0.9, 0.7)}
"""Bar and aim of each."""

WORKS = ("uncompressed", "cold", *COMPRESSED)
SHOWN = "ours-shown"
SHOWN_BAR = 0.2
LONG_S = 1.0
"""Loads shorter than this need no first slice ahead of the others."""

VOLUMES_AT_HAND = 4
"""Memory at hand when a job starts, in volumes: the peers take three."""

MEMORY_BAR = 1.15
MAX_RESIDENT = 0.01
"""Share of the bytes that may still be in the file cache for a run to count as cold."""


def main(arguments: Sequence[str]) -> int:
    """Print the tables; return 1 when results differ, 0 however long it took."""
    options = parsed("load", arguments, WORKS)
    lines, equal = lines_of(options)
    print_lines(lines)
    return 0 if equal else 1


def lines_of(options: Options) -> tuple[list[Line], bool]:
    """Run the races; return the lines of the table and whether all results were equal."""
    lines: list[list[Line]] = []
    if options.wants("uncompressed"):
        lines.append(_uncompressed(options))
    if options.wants("cold"):
        lines.append(_cold(options))
    lines += [_compressed(options, encoding) for encoding in COMPRESSED if options.wants(encoding)]
    return [line for some in lines for line in some], all(lines)


def _programs() -> tuple[str, ...]:
    shown = (SHOWN,) if "preview" in inspect.signature(ours).parameters else ()
    return ("ours", *shown, *PEERS, "limit")


def _memory(options: Options) -> int:
    return VOLUMES_AT_HAND * options.inputs.sizes.matrix**2 * 2


def _uncompressed(options: Options) -> list[Line]:
    sizes = options.inputs.sizes
    folder, more = options.inputs.volume(sizes.slices), options.inputs.volume(sizes.more_slices)
    title = f"{sizes.slices} × {sizes.matrix}² uncompressed, warm"
    race = Race(title, JOBS, folder, options.of(_programs()), COMPARED, other=more, memory=_memory(options))
    results = checked(race, options.rounds)
    if not results:
        return []
    volume_mib = sizes.slices * sizes.matrix**2 * 2 / (1 << 20)
    return [
        Line.to_best(title, results, ("sitk",), 0.2, 0.1),
        Line.to_best(title, results, ("limit",), 6, 2.5),
        Line(f"growth {sizes.slices} → {sizes.more_slices} slices", "linear", growth(results, race), 1.15),
        Line(
            f"peak memory, {sizes.slices} slices",
            f"its {volume_mib:.0f} MiB",
            results["ours"].peak_mib / volume_mib,
            MEMORY_BAR,
        ),
        Line(
            f"peak memory, {sizes.more_slices} slices",
            f"its {volume_mib * sizes.more_slices / sizes.slices:.0f} MiB",
            results[OTHER].peak_mib / (volume_mib * sizes.more_slices / sizes.slices),
            MEMORY_BAR,
        ),
        *_shown(title, results),
    ]


def _cold(options: Options) -> list[Line]:
    sizes = options.inputs.sizes
    folder = options.inputs.volume(sizes.slices)
    title = f"{sizes.slices} × {sizes.matrix}² uncompressed, cold"
    note = _coldness(folder)
    race = Race(
        title, JOBS, folder, options.of(("ours", "sitk", "limit")), COMPARED, cold=True, memory=_memory(options)
    )
    results = checked(race, options.rounds)
    print(f"  files thrown out of the cache one by one (posix_fadvise), before every run: {note}")
    if not results:
        return []
    return [Line.to_best(title, results, ("sitk",), 0.4, 0.2)]


def _coldness(folder: Folder) -> str:
    """Say how much of a folder is still in the file cache after it was thrown out."""
    evict(folder.path)
    share = resident_share(folder.path)
    return f"{share:.1%} stay" + ("" if share <= MAX_RESIDENT else ", NOT COLD: the system keeps them")


def _compressed(options: Options, encoding: str) -> list[Line]:
    sizes = options.inputs.sizes
    folder = options.inputs.volume(sizes.slices, encoding)
    options.inputs.starter(encoding)
    title = f"{sizes.slices} × {sizes.matrix}² {encoding}"
    programs = options.of(("ours-first", *_programs()))
    race = Race(title, JOBS, folder, programs, COMPARED, memory=_memory(options))
    results = checked(race, options.rounds)
    if not results:
        return []
    return [Line.to_best(title, results, PEERS, *COMPRESSED[encoding]), *_shown(title, results)]


def _shown(title: str, results: dict[str, Runs]) -> list[Line]:
    """Return the line of the first slice, where the whole load takes long enough for it to matter."""
    whole = results["ours"].median("seconds")
    if SHOWN not in results or whole <= LONG_S:
        return []
    ratio = results[SHOWN].median("first_seconds") / results[SHOWN].median("seconds")
    return [Line(f"first slice, {title}", f"{TITLES['ours']}, whole load", ratio, SHOWN_BAR)]
