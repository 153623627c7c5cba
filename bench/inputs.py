"""What the benchmarks read: folders of synthetic CT, made once and kept in a cache folder outside the repository.

Every folder has a `Truth` beside it (``NAME.json``), written last: what was put in, against which every result is
held. A folder without it, or with one of other parameters, is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.headers import SeriesHeader

VERSION = 1
"""Raise it whenever what is written changes: older caches are made again."""

SPARE_BYTES = 1 << 30
"""Disk left to everything else."""

STARTER = "starter-"
"""Folders of a few small slices: they begin with it, their encoding follows."""

STARTER_SLICES, STARTER_MATRIX = 12, 32

HEADER_BYTES = 6 << 10
SPACING_MM = (0.7, 0.8, 1.25)
ORIGIN_LPS = (-210.5, -180.25, -940.0)


@dataclass(frozen=True)
class Sizes:
    """How large the inputs are.

    Attributes
    ----------
    slices, more_slices, matrix : int
        Of the volumes; `more_slices` for growth.
    series, files : int
        Nested folders of `series` series with `files` in all.
    flat_series, flat_files, flat_matrix : int
        One folder of small images, and one of half as many.
    """

    slices: int = 400
    more_slices: int = 1000
    matrix: int = 512
    series: int = 8
    files: int = 2000
    flat_series: int = 20
    flat_files: int = 5000
    flat_matrix: int = 128


FULL = Sizes()
TINY = Sizes(slices=12, more_slices=30, matrix=64, series=3, files=18, flat_series=4, flat_files=40, flat_matrix=16)
"""For the test of the benchmark itself."""


@dataclass(frozen=True)
class Truth:
    """What a folder holds.

    Attributes
    ----------
    series : int
    files : int
    bytes : int
    listing : str
        `listing_hash` of series UID → file names.
    voxels : str
        SHA-256 of the volume in HU, int16 little endian, [k, j, i] with k along +z of patient space; "" for several
        series.
    lps_from_ijk : list of float
        The first three rows of the affine, row by row, mm; empty for several series.
    """

    series: int
    files: int
    bytes: int
    listing: str
    voxels: str = ""
    lps_from_ijk: tuple[float, ...] = ()


@dataclass(frozen=True)
class Folder:
    """An input and its truth."""

    path: Path
    truth: Truth


def listing_hash(files_of: Mapping[str, list[str]]) -> str:
    """Return one hash of which files (paths relative to the folder) belong to which series UID."""
    lines = sorted(f"{uid}\t{name}" for uid, names in files_of.items() for name in names)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def voxel_hash(voxels: npt.NDArray[np.int16]) -> str:
    """Return the hash of a volume [k, j, i] in HU."""
    return hashlib.sha256(np.ascontiguousarray(voxels, dtype="<i2").data).hexdigest()[:16]


class Inputs:
    """The cache folder.

    Parameters
    ----------
    root : Path or None
        None for a folder of this user in the folder for temporary files.
    sizes : Sizes
    """

    def __init__(self, root: Path | None = None, sizes: Sizes = FULL) -> None:
        self.root = root or Path(tempfile.gettempdir()) / f"arviewer-bench-{os.getuid()}"
        self.sizes = sizes
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def volume(self, slices: int, encoding: str = "none") -> Folder:
        """Return a folder of one series of CT slices; `encoding` is a key of `bench.headers.ENCODERS`."""
        return self._folder(f"ct{slices}-{encoding}", slices * 2 * self.sizes.matrix**2, _volume, slices, encoding)

    def starter(self, encoding: str) -> Folder:
        """Return a few small slices, with which a program gets ready to decode."""
        return self._folder(STARTER + encoding, 0, _starter, encoding)

    def nested(self) -> Folder:
        """Return folders in folders, one for each series, full-size images without extension."""
        return self._folder("nested", self.sizes.files * 2 * self.sizes.matrix**2, _nested)

    def flat(self, share: int = 1) -> Folder:
        """Return one folder in which the small images of all series lie together; 1/`share` of them."""
        size = self.sizes.flat_files * 2 * self.sizes.flat_matrix**2 // share
        return self._folder(f"flat{self.sizes.flat_files // share}", size, _flat, share)

    def _folder(self, name: str, pixel_bytes: int, make: object, *arguments: object) -> Folder:
        path, note = self.root / name, self.root / f"{name}.json"
        wanted = {"version": VERSION, "sizes": asdict(self.sizes)}
        if note.exists():
            kept = json.loads(note.read_text(encoding="utf-8"))
            if kept.get("made") == wanted:
                truth = kept["truth"]
                return Folder(path, Truth(**{**truth, "lps_from_ijk": tuple(truth["lps_from_ijk"])}))
        note.unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        self._require_space(pixel_bytes + HEADER_BYTES * self.sizes.files)
        print(f"making {path} ...", flush=True)
        path.mkdir(parents=True)
        assert callable(make)
        truth = make(path, self.sizes, *arguments)
        note.write_text(json.dumps({"made": wanted, "truth": asdict(truth)}), encoding="utf-8")
        return Folder(path, truth)

    def _require_space(self, size: int) -> None:
        free = shutil.disk_usage(self.root).free
        if free < size + SPARE_BYTES:
            raise SystemExit(
                f"{self.root} has {free >> 20} MiB free; the next input needs {size >> 20} MiB and "
                f"{SPARE_BYTES >> 20} MiB are left to others. Choose another folder with --data."
            )


def slices_hu(count: int, matrix: int, seed: int = 1) -> Iterator[npt.NDArray[np.int16]]:
    """Yield slices of a noisy chest-like CT with contrast: body, lungs, vessels, spine, noise of 20 HU; no two alike.

    Asymmetric in every direction, so that a mirrored or reversed volume is never equal.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:matrix, 0:matrix] / matrix - 0.5
    for k in range(count):
        t = k / count
        hu = np.full((matrix, matrix), -1000.0, dtype=np.float32)
        hu[(columns / 0.43) ** 2 + (rows / 0.34) ** 2 < 1] = 40
        for side, size in ((-0.2, 0.15), (0.19, 0.13)):
            hu[((columns - side) / size) ** 2 + (rows / (0.2 + 0.04 * np.sin(3 * t))) ** 2 < 1] = -850
        hu[(columns - 0.02) ** 2 + (rows - 0.26) ** 2 < 0.05**2] = 600
        for x, y, radius in ((0.05, 0.1, 0.03), (-0.02, -0.05 + 0.05 * t, 0.04), (0.2 * np.cos(6 * t), 0.0, 0.012)):
            hu[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = 350
        hu += rng.normal(0, 20, hu.shape).astype(np.float32)
        yield np.clip(np.rint(hu), -1024, 3071).astype(np.int16)


def _volume(path: Path, sizes: Sizes, slices: int, encoding: str) -> Truth:
    header = SeriesHeader(f"volume {slices}", 1, sizes.matrix, SPACING_MM, ORIGIN_LPS, encoding)
    digest = hashlib.sha256()
    names, size = [], 0
    for k, hu in enumerate(slices_hu(slices, sizes.matrix)):
        digest.update(hu.astype("<i2").data)
        # Instance numbers run against position, names are in neither order: only positions tell.
        name = f"IM{(k * 7919) % 10007:05d}"
        size += header.write(path / name, slices - k, k, hu)
        names.append(name)
    if len(set(names)) < slices:
        raise SystemExit("two slices have one name")
    column, row, step = SPACING_MM[1], SPACING_MM[0], SPACING_MM[2]
    affine = (column, 0, 0, ORIGIN_LPS[0], 0, row, 0, ORIGIN_LPS[1], 0, 0, step, ORIGIN_LPS[2])
    listing = listing_hash({header.uid: names})
    return Truth(1, slices, size, listing, digest.hexdigest()[:16], tuple(map(float, affine)))


def _starter(path: Path, sizes: Sizes, encoding: str) -> Truth:
    return _volume(path, replace(sizes, matrix=STARTER_MATRIX), STARTER_SLICES, encoding)


def _nested(path: Path, sizes: Sizes) -> Truth:
    files_of: dict[str, list[str]] = {}
    each, size = sizes.files // sizes.series, 0
    few = list(slices_hu(4, sizes.matrix))
    for number in range(1, sizes.series + 1):
        header = SeriesHeader("nested", number, sizes.matrix, SPACING_MM, ORIGIN_LPS, "none")
        folder = path / f"PAT{number % 2}" / f"ST{number % 4}" / f"SE{number:04d}"
        folder.mkdir(parents=True)
        for k in range(each):
            file = folder / f"IM{k:04d}"
            size += header.write(file, k + 1, k, few[k % len(few)])
            files_of.setdefault(header.uid, []).append(str(file.relative_to(path)))
    return Truth(sizes.series, each * sizes.series, size, listing_hash(files_of))


def _flat(path: Path, sizes: Sizes, share: int) -> Truth:
    files_of: dict[str, list[str]] = {}
    count, size = sizes.flat_series // share, 0
    each = sizes.flat_files // sizes.flat_series
    few = list(slices_hu(4, sizes.flat_matrix))
    headers = [
        SeriesHeader("flat", number, sizes.flat_matrix, SPACING_MM, ORIGIN_LPS, "none")
        for number in range(1, count + 1)
    ]
    for k in range(each):
        for number, header in enumerate(headers):
            name = f"{header.file_uid(k)}.dcm"
            size += header.write(path / name, k + 1, k, few[(k + number) % len(few)])
            files_of.setdefault(header.uid, []).append(name)
    return Truth(count, count * each, size, listing_hash(files_of))
