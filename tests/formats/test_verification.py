"""The proof refuses: every way in which a writer could be wrong must leave no file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arviewer.errors import OutputFailed
from arviewer.formats import atomic, meshes
from arviewer.formats.export import export
from arviewer.formats.mesh_file import Notes, Part
from arviewer.formats.meshes import FORMATS, Format
from arviewer.model.surface import Surface
from arviewer.workers.progress import Progress, silent

Mutation = Callable[[Part, Notes], tuple[Part, Notes]]


def points_times(*factors: float) -> Mutation:
    return lambda part, notes: (replace(part, points=part.points * factors), notes)


def shifted(*offset_mm: float) -> Mutation:
    return lambda part, notes: (replace(part, points=part.points + offset_mm), notes)


def one_corner_moved(part: Part, notes: Notes) -> tuple[Part, Notes]:
    points = part.points.copy()
    points[len(points) // 2, 1] += 0.002
    return replace(part, points=points), notes


def rewound_mirror(part: Part, notes: Notes) -> tuple[Part, Notes]:
    return replace(part, points=part.points * (-1, 1, 1), triangles=part.triangles[:, ::-1]), notes


MUTATIONS: dict[str, Mutation] = {
    "flip x": points_times(-1, 1, 1),
    "flip y": points_times(1, -1, 1),
    "flip z": points_times(1, 1, -1),
    "flip all": points_times(-1, -1, -1),
    "mirror, rewound": rewound_mirror,
    "RAS for LPS": points_times(-1, -1, 1),
    "swap y and z": lambda part, notes: (replace(part, points=part.points[:, [0, 2, 1]]), notes),
    "times 10": points_times(10, 10, 10),
    "times 1000": points_times(1000, 1000, 1000),
    "metres": points_times(0.001, 0.001, 0.001),
    "one axis 0.1 % longer": points_times(1, 1, 1.001),
    "shift 0.01 mm": shifted(0.01, 0, 0),
    "one corner 0.002 mm": one_corner_moved,
    "last triangle lost": lambda part, notes: (replace(part, triangles=part.triangles[:-1]), notes),
    "first triangle lost": lambda part, notes: (replace(part, triangles=part.triangles[1:]), notes),
    "one triangle twice": lambda part, notes: (
        replace(part, triangles=np.concatenate([part.triangles[:-1], part.triangles[:1]])),
        notes,
    ),
    "winding reversed": lambda part, notes: (replace(part, triangles=part.triangles[:, ::-1]), notes),
    "other frame stated": lambda part, notes: (part, replace(notes, frame="ras")),
    "other unit stated": lambda part, notes: (part, replace(notes, unit="um")),
    "confirmation invented": lambda part, notes: (part, replace(notes, state="confirmed")),
    "error belittled": lambda part, notes: (part, replace(notes, max_error_mm=0.0)),
}


def mutant(entry: Format, mutation: Mutation) -> Format:
    """Return the format with a writer that makes one mistake."""

    def write(parts: Sequence[Part], notes: Notes, progress: Progress = silent) -> memoryview:
        changed = [mutation(part, notes) for part in parts]
        return entry.write([part for part, _notes in changed], changed[0][1], progress)

    return replace(entry, write=write)


@pytest.mark.hazard("H02", "H05")
@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_a_writer_that_errs_leaves_no_file(
    tmp_path: Path, l_block: Surface, entry: Format, mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake is found before the rename: OutputFailed, and the folder is as it was."""
    monkeypatch.setattr(meshes, "FORMATS", tuple(mutant(each, mutation) for each in FORMATS))
    with pytest.raises(OutputFailed) as caught:
        export([l_block], tmp_path / f"bone{entry.suffixes[0]}")
    assert f"bone{entry.suffixes[0]}" in caught.value.why
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_groups_under_wrong_names_are_refused(
    tmp_path: Path, l_block: Surface, rod: Surface, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An OBJ whose groups are exchanged has every corner in place and is refused all the same."""

    def exchanged(parts: Sequence[Part], notes: Notes, progress: Progress = silent) -> memoryview:
        names = [part.name for part in parts][::-1]
        renamed = [replace(part, name=name) for part, name in zip(parts, names, strict=True)]
        return meshes.write_obj(renamed, notes, progress)

    wrong = tuple(replace(each, write=exchanged) if each.name == "obj" else each for each in FORMATS)
    monkeypatch.setattr(meshes, "FORMATS", wrong)
    with pytest.raises(OutputFailed, match="groups"):
        export([l_block, rod], tmp_path / "both.obj")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_bits_that_rot_on_the_disk_are_refused(
    tmp_path: Path, l_block: Surface, entry: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that gives back one other bit, wherever it lies, fails the export; normals and padding count too."""
    honest, at = atomic._read_back, [0]

    def rotten(descriptor: int) -> bytes:
        data = bytearray(honest(descriptor))
        data[at[0] % len(data)] ^= 1
        return bytes(data)

    monkeypatch.setattr(atomic, "_read_back", rotten)
    for at[0] in range(0, 6000, 211):
        with pytest.raises(OutputFailed):
            export([l_block], tmp_path / f"bone{entry.suffixes[0]}")
        assert list(tmp_path.iterdir()) == []
