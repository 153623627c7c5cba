"""One program finds the series in a folder: ``python -m bench.scan_jobs NAME FOLDER``.

Each job imports what it needs before the clock starts and returns {series UID: [files]}, which is hashed after it
has stopped. The peers read the six elements that sorting needs; ours reads all it needs for geometry, verdict and
findings.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.inputs import listing_hash
from bench.measure import measured

FilesOf = dict[str, list[str]]
"""Series UID → paths."""

UNNAMED = "files of which only the number is told"

SORTING_TAGS = (
    (0x0020, 0x000E),  # Series Instance UID
    (0x0008, 0x0018),  # SOP Instance UID
    (0x0020, 0x0013),  # Instance Number
    (0x0020, 0x0032),  # Image Position (Patient)
    (0x0020, 0x0037),  # Image Orientation (Patient)
    (0x0028, 0x0030),  # Pixel Spacing
)

LIMIT_BYTES = 8 << 10
"""Read of each file by the LIMIT job: a header as scanners write it."""


def ours(folder: str) -> Callable[[], FilesOf]:
    """Scan with arviewer: geometry, verdict and findings included."""
    from arviewer.imaging.dicom import scan

    def job() -> FilesOf:
        files_of: FilesOf = {}
        for series in scan(folder).series:
            files_of.setdefault(series.uid, []).extend(str(one.path) for one in series.instances)
        return files_of

    return job


def gdcm(folder: str) -> Callable[[], FilesOf]:
    """Scan with GDCM's own scanner, its fastest way."""
    import gdcm as library

    def job() -> FilesOf:
        directory = library.Directory()
        directory.Load(folder, True)
        scanner = library.Scanner()
        for group, element in SORTING_TAGS:
            scanner.AddTag(library.Tag(group, element))
        if not scanner.Scan(directory.GetFilenames()):
            raise SystemExit("gdcm.Scanner failed")
        uid = library.Tag(*SORTING_TAGS[0])
        files_of: FilesOf = {}
        for name in directory.GetFilenames():
            files_of.setdefault(scanner.GetValue(name, uid).rstrip("\0 "), []).append(name)
        return files_of

    return job


def itk(folder: str) -> Callable[[], FilesOf]:
    """Scan with ITK's GDCMSeriesFileNames; SimpleITK does the same, once again for each series."""
    import itk as library

    library.GDCMSeriesFileNames  # noqa: B018 - ITK loads a class when first asked for

    def job() -> FilesOf:
        names = library.GDCMSeriesFileNames.New()
        names.SetUseSeriesDetails(False)
        names.SetRecursive(True)
        names.SetDirectory(folder)
        return {uid: list(names.GetFileNames(uid)) for uid in names.GetSeriesUIDs()}

    return job


def pydicom(folder: str) -> Callable[[], FilesOf]:
    """Scan with pydicom, specific tags, pixels left out."""
    from pydicom import dcmread
    from pydicom.tag import Tag

    tags = [Tag(group, element) for group, element in SORTING_TAGS]

    def job() -> FilesOf:
        files_of: FilesOf = {}
        for root, _folders, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)  # noqa: PTH118 - the peer's fastest way
                dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(tags))
                for tag in tags:
                    dataset.get(tag)
                files_of.setdefault(str(dataset.SeriesInstanceUID), []).append(path)
        return files_of

    return job


def dcm2niix(folder: str) -> Callable[[], FilesOf]:
    """List series with dcm2niix: it tells their UIDs and how many files it found, not which."""
    from dcm2niix import bin as program

    def job() -> FilesOf:
        command = [program, "-n", "-1", "-f", "%j", "-d", "9", folder]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        uids = [line.rsplit("/", 1)[1] for line in lines if line.startswith("\t")]
        found = next(int(line.split()[1]) for line in lines if line.startswith("Found "))
        return {**{uid: [] for uid in uids}, UNNAMED: [""] * found}

    return job


def limit(folder: str) -> Callable[[], FilesOf]:
    """Open every file and read its first 8 KiB: what no program can avoid."""

    def job() -> FilesOf:
        for root, _folders, names in os.walk(folder):
            for name in names:
                file = os.open(os.path.join(root, name), os.O_RDONLY)  # noqa: PTH118
                os.read(file, LIMIT_BYTES)
                os.close(file)
        return {}

    return job


JOBS: Mapping[str, Callable[[str], Callable[[], FilesOf]]] = {
    "ours": ours,
    "gdcm": gdcm,
    "itk": itk,
    "dcm2niix": dcm2niix,
    "pydicom": pydicom,
    "limit": limit,
}


def tell(folder: str, files_of: FilesOf) -> dict[str, Any]:
    """Return what the results are compared by."""
    unnamed = files_of.pop(UNNAMED, [])
    if unnamed:
        return {"series": len(files_of), "files": len(unnamed)}
    relative = {uid: [str(Path(name).relative_to(folder)) for name in names] for uid, names in files_of.items()}
    files = sum(map(len, relative.values()))
    return {"series": len(files_of), "files": files, "listing": listing_hash(relative)}


if __name__ == "__main__":
    measured(JOBS[sys.argv[1]](sys.argv[2]), lambda result: tell(sys.argv[2], result))
