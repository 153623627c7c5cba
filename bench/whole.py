"""``python -m bench whole [FOLDER ...]``: DICOM folder → bone STL, against the same job in SimpleITK + VTK.

Each run is a process of its own, ours and the peer's in turn, and reports the seconds of the job (imports not
counted) and its peak memory above what the imports took. LIMIT is what cannot be avoided: reading every file and
writing the bytes of the STL. The job is the same for both: values of 250 HU and more, pieces of 0.5 ml and more,
cavities filled, iso-surface, STL; once as it comes and once smoothed by a windowed sinc of 20 iterations. Ours
verifies what it wrote and, smoothed, states and bounds the error; the peer does neither. Before anything is timed,
the voxel counts of the two masks must be equal.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROUNDS = 5
BARS = {"seconds": (0.5, 0.3), "peak_mib": (0.6, 0.4)}
"""Bar and aim of each: what we need for each part of what the peer needs."""
RUNNERS = ("ours", "sitk", "limit")
ROOT = Path(__file__).parents[1]


def main(arguments: Sequence[str]) -> int:
    """Print one table for each folder; return 1 when a bar is missed or results differ."""
    folders = [Path(a) for a in arguments] or [ROOT / "sample_dicom" / "ct"]
    return max(_folder(folder, smoothed) for folder in folders for smoothed in (False, True))


def _folder(folder: Path, smoothed: bool) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        results = {name: [_run(name, folder, Path(scratch), smoothed)] for name in RUNNERS}
        ours, peer = results["ours"][0], results["sitk"][0]
        print(f"\n{folder.parent.name}/{folder.name} {ours['shape']}, {'smoothed' if smoothed else 'as it comes'}")
        if ours["mask_voxels"] != peer["mask_voxels"]:
            print(f"  VOID: the masks differ, {ours['mask_voxels']} against {peer['mask_voxels']} voxels")
            return 1
        for _round in range(ROUNDS - 1):
            for name in RUNNERS:
                results[name].append(_run(name, folder, Path(scratch), smoothed))
    print(f"  equal masks: {ours['mask_voxels']} voxels; volume of the mesh {ours['ml']:.1f} / {peer['ml']:.1f} ml")
    print(f"  {'':24}{'median s':>10}{'peak MiB':>10}{'triangles':>12}")
    for name in RUNNERS:
        row = {key: statistics.median(r[key] for r in results[name]) for key in ("seconds", "peak_mib", "triangles")}
        print(f"  {TITLES[name]:24}{row['seconds']:10.2f}{row['peak_mib']:10.0f}{row['triangles']:12.0f}")
    return max(_bar(results, key) for key in BARS)


def _bar(results: dict[str, list[dict[str, Any]]], key: str) -> int:
    ours, peer = (statistics.median(r[key] for r in results[name]) for name in ("ours", "sitk"))
    ratio = ours / peer
    bar, aim = BARS[key]
    verdict = "aim met" if ratio <= aim else "met" if ratio <= bar else "NOT MET"
    print(f"  {key}: {ratio:.2f} of the peer's, bar {bar}, aim {aim}: {verdict}")
    return 0 if ratio <= bar else 1


def _run(name: str, folder: Path, scratch: Path, smoothed: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", f"bench.whole_{name}", str(folder), str(scratch / f"{name}.stl")]
    if smoothed:
        command.append("smoothed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed on {folder.name}:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


TITLES = {"ours": "arviewer", "sitk": "SimpleITK + VTK", "limit": "LIMIT (read and write)"}
