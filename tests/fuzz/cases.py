"""One input of the fuzzer: which files, how they were made, what must be true of them. Made from a number alone."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.conftest import DATA
from tests.fuzz import containers, seeds
from tests.fuzz.headers import HEADER_MUTATIONS
from tests.fuzz.pixels import PIXEL_MUTATIONS
from tests.fuzz.structure import DEFLATED, deflated, inflated, nodes_of, syntax_of

MAX_SEED_BYTES = 600_000
"""Files of the data folder above this size are no seeds: writing and reading them would be all the work."""

UNPLACED = frozenset(one.__name__ for one, _weight in HEADER_MUTATIONS) - {"change_pixel_format", "cut", "nest"}
"""Mutations that may make a file another image: of another place, patient or series."""

PIXEL_SHARE = 0.62
"""Share of mutations that are of pixels, so that most inputs get as far as decoding."""

KINDS = (("file", 52), ("slice", 32), ("zip", 8), ("directory", 5), ("bomb", 0.6), ("found", 3))
"""Kinds of input and their weights. "slice" damages one file of a good series."""


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes
    ----------
    number : int
    kind : str
    files : dict of str to bytes
        By path within the input's folder.
    entry : str
        What is opened; "" for the folder.
    story : tuple of str
        The seed and what was done to it.
    series : str
        The seed series whose voxels the good files of the input hold, or "".
    victim : str
        The damaged file of the series.
    """

    number: int
    kind: str
    files: dict[str, bytes]
    entry: str
    story: tuple[str, ...]
    series: str = ""
    victim: str = ""

    @property
    def placed(self) -> bool:
        """Whether the damaged file must still be an image of the same place and series, or none."""
        return not UNPLACED & set(self.story)

    def write(self, folder: Path) -> Path:
        """Write the files into a folder, emptied first, and return the path to open."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder / self.entry if self.entry else folder


@functools.cache
def found() -> tuple[tuple[str, bytes], ...]:
    """Return the small DICOM files of the data folder; none where it is absent."""
    if not DATA.is_dir():
        return ()
    folders = ("07_*", "08_*", "11_*", "12_*", "13_*", "14_*")
    paths = sorted(path for folder in folders for path in DATA.glob(f"{folder}/**/*") if path.is_file())
    small = [path for path in paths if path.stat().st_size <= MAX_SEED_BYTES and path.suffix not in (".md", ".tsv")]
    return tuple((str(path.relative_to(DATA)), path.read_bytes()) for path in small)


def case(seed: int, number: int) -> Case:
    """Return the input of a number; the same for the same seed, on every machine with the same seed files."""
    rng = Random(f"{seed}/{number}")
    kinds = [(name, weight) for name, weight in KINDS if name != "found" or found()]
    kind = rng.choices([name for name, _weight in kinds], [weight for _name, weight in kinds])[0]
    return _MAKERS[kind](rng, number)


def mutated(rng: Random, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a file with one to three things wrong, and their names."""
    story: list[str] = []
    is_deflated = syntax_of(data) == DEFLATED
    if is_deflated:
        data = _inflated(data)
    for _n in range(rng.choices((1, 2, 3), (6, 3, 1))[0]):
        table = PIXEL_MUTATIONS if rng.random() < PIXEL_SHARE else HEADER_MUTATIONS
        for _attempt in range(8):
            mutation = rng.choices([one for one, _weight in table], [weight for _one, weight in table])[0]
            changed = mutation(rng, data, nodes_of(data)) if data else None
            if changed is not None and changed != data:
                data = changed
                story.append(mutation.__name__)
                break
    if is_deflated:
        data = deflated(data)
        if rng.random() < 0.25:
            data = _damaged_stream(rng, data)
            story.append("damaged deflate stream")
    return data, tuple(story)


def _inflated(data: bytes) -> bytes:
    try:
        return inflated(data)
    except Exception:  # noqa: BLE001 - a found file may be damaged already
        return data


def _damaged_stream(rng: Random, data: bytes) -> bytes:
    if rng.random() < 0.5:
        return data[: rng.randrange(300, max(301, len(data)))]
    changed = bytearray(data)
    changed[rng.randrange(min(350, len(data) - 1), len(data))] = rng.randrange(256)
    return bytes(changed)


def _one_seed(rng: Random) -> seeds.SeriesSeed:
    return rng.choice(list(seeds.series().values()))


def _file(rng: Random, number: int) -> Case:
    seed = _one_seed(rng)
    data, story = mutated(rng, rng.choice(seed.files))
    return Case(number, "file", {"image.dcm": data}, rng.choice(("", "image.dcm")), (seed.name, *story))


def _slice(rng: Random, number: int) -> Case:
    """One damaged file in a good series; of a good enhanced object, damaged pixels of one frame."""
    seed = rng.choice([one for one in seeds.series().values() if one.frames == 1])
    victim = rng.randrange(seeds.SLICES)
    data, story = mutated(rng, seed.files[victim])
    files = {f"{k}.dcm": data if k == victim else whole for k, whole in enumerate(seed.files)}
    return Case(number, "slice", files, "", (seed.name, *story), seed.name, f"{victim}.dcm")


def _zip(rng: Random, number: int) -> Case:
    seed = _one_seed(rng)
    data, story = mutated(rng, seed.files[0])
    files = {f"s/{k}.dcm": whole for k, whole in enumerate(seed.files[: rng.choice((1, 3))])} | {"s/bad.dcm": data}
    archive = containers.hostile_archive(rng, files) if rng.random() < 0.7 else containers.packed(files, rng)
    return Case(number, "zip", {"images.zip": archive}, "images.zip", (seed.name, *story, "zip"))


def _directory(rng: Random, number: int) -> Case:
    seed = _one_seed(rng)
    data, story = mutated(rng, seed.files[0])
    files = {f"IMAGES/{k}": whole for k, whole in enumerate(seed.files)} | {"IMAGES/BAD": data}
    listed = containers.directory(rng, list(files))
    if rng.random() < 0.6:
        listed, more = mutated(rng, listed)
        story += more
    files[rng.choice(("DICOMDIR", "dicomdir"))] = listed
    entry = rng.choice(("", next(name for name in files if name.upper() == "DICOMDIR")))
    return Case(number, "directory", files, entry, (seed.name, *story, "DICOMDIR"))


def bomb(rng: Random, number: int) -> Case:
    """Return a small file that unpacks to a very large one."""
    make = rng.choice((containers.deflate_bomb, containers.zip_bomb, containers.zip_bomb, containers.bzip2_bomb))
    if make is containers.deflate_bomb:
        return Case(number, "bomb", {"image.dcm": make(rng)}, "image.dcm", (make.__name__,))
    return Case(number, "bomb", {"images.zip": make(rng)}, "images.zip", (make.__name__,))


def _found(rng: Random, number: int) -> Case:
    name, data = rng.choice(found())
    data, story = mutated(rng, data)
    return Case(number, "found", {"image.dcm": data}, "image.dcm", (name, *story))


_MAKERS: dict[str, Callable[[Random, int], Case]] = {
    "file": _file,
    "slice": _slice,
    "zip": _zip,
    "directory": _directory,
    "bomb": bomb,
    "found": _found,
}
