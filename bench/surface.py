"""``python -m bench surface [FOLDER ...]``: bone mask → smoothed surface, against VTK's filters on all cores.

The peers are 3D Slicer's default (the mask, Flying Edges, windowed sinc 40/0.01), and the most accurate composition
known: the grey values in and next to the mask, windowed sinc 20/0.03. Ours also parts grey from filled places, caps,
bounds every vertex and states the measured error. Before times count, volumes must agree and ours must be closed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.inputs import FULL, Inputs
from bench.race import Line, print_lines

ROOT = Path(__file__).parents[1]
ROUNDS = 5
BAR, AIM = 1.0, 0.6
VOLUMES_AGREE = 0.02
"""Grey values and mask place a surface up to a tenth of a voxel apart."""

TITLES = {
    "ours": "arviewer",
    "slicer": "VTK as 3D Slicer",
    "grey": "VTK on grey values",
    "quadric": "vtkQuadricDecimation",
    "fast": "fast-simplification",
}
Told = dict[str, list[dict[str, Any]]]


def main(arguments: Sequence[str]) -> int:
    """Print one table for each folder; return 1 when a bar is missed or results differ."""
    code = 0
    for folder in folders(arguments):
        told = raced("surface", ("ours", "slicer", "grey"), folder)
        volumes = [runs[0]["ml"] for runs in told.values()]
        if told["ours"][0]["bad_edges"] or max(volumes) > min(volumes) * (1 + VOLUMES_AGREE):
            print("  VOID: not closed, or volumes differ")
            return 1
        as_accurate = {name: told[name] for name in ("ours", "grey")}  # Slicer's rule is twice as far from the truth
        code |= verdict("bone mask → smoothed surface", as_accurate, BAR, AIM)
    return code


def folders(arguments: Sequence[str]) -> list[Path]:
    """Return the folders named, or the 512 × 512 × 400 CT that all benchmarks share."""
    return [Path(a) for a in arguments] or [Inputs().volume(FULL.slices).path]


def raced(work: str, programs: Sequence[str], folder: Path) -> Told:
    """Run the programs in turn, each in a process of its own, and print what each took and made."""
    there = [name for name in programs if name != "fast" or importlib.util.find_spec("fast_simplification")]
    told: Told = {name: [_run(work, name, folder)] for name in there}  # not timed: it warms the file cache
    for name in there:
        told[name] = []
    for _round in range(ROUNDS):
        for name in there:
            told[name].append(_run(work, name, folder))
    print(f"\n{folder.parent.name}/{folder.name}")
    print(f"  {'':24}{'median s':>10}{'peak MiB':>10}{'triangles':>11}{'bad edges':>11}{'ml':>9}  error mm: mean, max")
    for name, runs in told.items():
        seconds, peak = (statistics.median(run[key] for run in runs) for key in ("seconds", "peak_mib"))
        one = runs[0]
        error = f"  {one['mean_mm']:.3f}, {one['max_mm']:.2f}" if "max_mm" in one else ""
        row = f"{one['triangles']:11}{one['bad_edges']:11}{one['ml']:9.1f}"
        print(f"  {TITLES[name]:24}{seconds:10.2f}{peak:10.0f}{row}{error}")
    return told


def verdict(work: str, told: Told, bar: float, aim: float) -> int:
    """Print the line of the bar; return 1 when it is missed."""
    seconds = {name: statistics.median(run["seconds"] for run in runs) for name, runs in told.items()}
    best = min((name for name in seconds if name != "ours"), key=lambda name: seconds[name])
    line = Line(work, TITLES[best], seconds["ours"] / seconds[best], bar, aim)
    print_lines([line])
    return int(line.ratio is None or line.ratio > bar)


def _run(work: str, name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "bench.mesh_jobs", work, name, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed on {folder.name}:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
