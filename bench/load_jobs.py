"""One program makes a volume of a folder: ``python -m bench.load_jobs NAME FOLDER``.

Each job imports what it needs before the clock starts, finds the files of the one series in the folder by itself,
and returns voxels and affine, which are brought to one form and hashed after the clock has stopped.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.inputs import STARTER, voxel_hash
from bench.measure import measured

NIFTI_INT16 = 4
NIFTI_HEADER = 348
AFFINE_DIGITS = 3
"""Digits of mm to which affines are told: NIfTI holds float32."""


@dataclass
class Loaded:
    """What a program made of the folder.

    Attributes
    ----------
    voxels : ndarray, [k, j, i], measured values
    lps_from_ijk : ndarray, shape (3, 4), mm
    first_seconds : float or None
        When the first slice could be shown.
    """

    voxels: npt.NDArray[Any]
    lps_from_ijk: npt.NDArray[np.float64]
    first_seconds: float | None = None


Job = Callable[[], Loaded | None]


def ours(folder: str) -> Job:
    """Scan and load with arviewer; the processes that decode have started, as imports have."""
    _start_decoding(folder)
    return ours_first(folder)


def ours_first(folder: str) -> Job:
    """Scan and load with arviewer; the processes that decode start, and import, on the clock."""
    from arviewer.imaging.dicom import load, scan

    def job() -> Loaded:
        volume = load(_only(scan(folder).series))
        return Loaded(volume.voxels, volume.geometry.lps_from_ijk.matrix[:3])

    return job


def ours_shown(folder: str) -> Job:
    """Scan and load with arviewer, which hands out the first slice as soon as it has one."""
    from arviewer.imaging.dicom import load, scan

    _start_decoding(folder)

    def job() -> Loaded:
        start = time.perf_counter()
        shown: list[float] = []

        def preview(*_slice: object, **_more: object) -> None:
            shown.append(time.perf_counter() - start)

        volume = load(_only(scan(folder).series), preview=preview)
        return Loaded(volume.voxels, volume.geometry.lps_from_ijk.matrix[:3], shown[0])

    return job


def _start_decoding(folder: str) -> None:
    """Load the few small slices beside the folder that are encoded as those in it, if they are there."""
    from arviewer.imaging.dicom import load, scan

    small = Path(folder).with_name(STARTER + Path(folder).name.partition("-")[2])
    if small.is_dir():
        load(_only(scan(small).series))


def simpleitk(folder: str) -> Job:
    """Load with SimpleITK's series reader, as its manual does."""
    import SimpleITK as sitk  # noqa: N813  (its own manual calls it so)

    def job() -> Loaded:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
        image = reader.Execute()
        voxels = sitk.GetArrayViewFromImage(image)
        directions = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
        loaded = Loaded(voxels, np.column_stack([directions, image.GetOrigin()]))
        loaded.kept = image  # type: ignore[attr-defined]  # the view does not keep the image
        return loaded

    return job


def dcm2niix(folder: str) -> Job:
    """Convert with dcm2niix to a file in memory, and read that file."""
    from dcm2niix import bin as program

    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

    def job() -> Loaded:
        with tempfile.TemporaryDirectory(dir=memory) as scratch:
            command = [program, "-z", "n", "-b", "n", "-f", "volume", "-o", scratch, folder]
            subprocess.run(command, capture_output=True, check=True)
            return _read_nifti(Path(scratch) / "volume.nii")

    return job


def _read_nifti(path: Path) -> Loaded:
    """Read an uncompressed NIfTI-1 file of int16; its RAS millimeters become LPS here."""
    with path.open("rb") as file:
        header = file.read(NIFTI_HEADER)
        size = struct.unpack_from("<8h", header, 40)[1:4]
        kind, start = struct.unpack_from("<h", header, 70)[0], int(struct.unpack_from("<f", header, 108)[0])
        slope, intercept = struct.unpack_from("<2f", header, 112)
        file.seek(start)
        voxels = np.fromfile(file, "<i2", int(np.prod(size))).reshape(size[::-1])
    if kind != NIFTI_INT16:
        raise SystemExit(f"dcm2niix wrote data type {kind}")
    if (slope, intercept) != (1.0, 0.0):
        voxels *= np.int16(slope)
        voxels += np.int16(intercept)
    ras_from_ijk = np.array(struct.unpack_from("<12f", header, 280)).reshape(3, 4)
    return Loaded(voxels, ras_from_ijk * [[-1], [-1], [1]])


def limit(folder: str) -> Job:
    """Read all bytes into one buffer that is there already."""
    names = [os.path.join(root, name) for root, _folders, files in os.walk(folder) for name in files]  # noqa: PTH118
    room = memoryview(bytearray(sum(os.stat(name).st_size for name in names)))  # noqa: PTH116
    room[:] = b"\1" * len(room)

    def job() -> None:
        place = 0
        for name in names:
            with open(name, "rb", buffering=0) as file:  # noqa: PTH123
                place += file.readinto(room[place:])

    return job


JOBS: Mapping[str, Callable[[str], Job]] = {
    "ours": ours,
    "ours-first": ours_first,
    "ours-shown": ours_shown,
    "sitk": simpleitk,
    "dcm2niix": dcm2niix,
    "limit": limit,
}


def _only(series: tuple[Any, ...]) -> Any:
    if len(series) != 1:
        raise SystemExit(f"{len(series)} series where there is one")
    return series[0]


def tell(loaded: Loaded | None) -> dict[str, Any]:
    """Return what the results are compared by: voxels in the order of patient space, every axis turned to +LPS.

    The programs differ in the order of rows and slices they keep in memory, and say so in their affine; a volume is
    the same when each voxel has the same value at the same place.
    """
    if loaded is None:
        return {}
    voxels, matrix = loaded.voxels, loaded.lps_from_ijk.astype(np.float64)
    for axis in range(3):
        if matrix[axis, axis] < 0:
            last = voxels.shape[2 - axis] - 1
            voxels = np.flip(voxels, 2 - axis)
            matrix[:, 3] += last * matrix[:, axis]
            matrix[:, axis] *= -1
    if voxels.dtype != np.int16:
        narrow = voxels.astype(np.int16)
        if not np.array_equal(narrow, voxels):
            raise SystemExit("values beyond int16")
        voxels = narrow
    affine = [round(float(value), AFFINE_DIGITS) + 0.0 for value in matrix.ravel()]
    return {"voxels": voxel_hash(voxels), "lps_from_ijk": affine, "first_seconds": loaded.first_seconds}


if __name__ == "__main__":
    measured(JOBS[sys.argv[1]](sys.argv[2]), tell)
