"""``python -m bench scan``: how fast series are found, against GDCM, ITK, dcm2niix and pydicom.

The folders are made once and kept outside the repository (``--data FOLDER``; else in the folder for temporary
files). Every program must find the series that were written, and tell the same files for each (dcm2niix tells only
how many). Ours also reads what geometry, verdict and findings need; the peers stop at six elements.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.options import Options, parsed
from bench.race import Line, Race, checked, growth, print_lines

JOBS = "bench.scan_jobs"
COMPARED = ("series", "files", "listing")
NATIVE = ("gdcm", "itk", "dcm2niix")
PROGRAMS = ("ours", *NATIVE, "pydicom", "limit")
WORKS = ("nested", "flat")


def main(arguments: Sequence[str]) -> int:
    """Print the tables; return 1 when results differ, 0 however long it took."""
    options = parsed("scan", arguments, WORKS)
    lines, equal = lines_of(options)
    print_lines(lines)
    return 0 if equal else 1


def lines_of(options: Options) -> tuple[list[Line], bool]:
    """Run the races; return the lines of the table and whether all results were equal."""
    works = [work for name, work in (("nested", _nested), ("flat", _flat)) if options.wants(name)]
    lines = [work(options) for work in works]
    return [line for some in lines for line in some], all(lines)


def _nested(options: Options) -> list[Line]:
    folder = options.inputs.nested()
    title = f"scan {folder.truth.files} files in {folder.truth.series} series"
    results = checked(Race(title, JOBS, folder, options.of(PROGRAMS), COMPARED), options.rounds)
    return [Line.to_best(title, results, NATIVE, 0.5, 0.25)] if results else []


def _flat(options: Options) -> list[Line]:
    folder, half = options.inputs.flat(), options.inputs.flat(2)
    title = f"scan {folder.truth.files} files in one flat folder"
    race = Race(title, JOBS, folder, options.of(PROGRAMS), COMPARED, other=half)
    results = checked(race, options.rounds)
    if not results:
        return []
    return [
        Line.to_best(title, results, ("pydicom",), 0.25, 0.12),
        Line.to_best(title, results, NATIVE, 0.5, 0.25),
        Line(f"growth {half.truth.files} → {folder.truth.files} files", "linear", growth(results, race), 1.15),
    ]
