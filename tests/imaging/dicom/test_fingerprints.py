"""Hashes of what was loaded."""

from __future__ import annotations

import hashlib
import os
import zipfile

import numpy as np
import pytest

from arviewer.errors import InputRefused
from arviewer.imaging.dicom import load, scan
from arviewer.imaging.dicom.fingerprints import fingerprints

RAMP = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
MATRIX = np.diag([0.7, 0.7, 2.0, 1.0])


def sha(data):
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def test_each_instance_has_the_hash_of_its_file(write_stack):
    """By SOP instance, in the order of the volume."""
    folder = write_stack(RAMP, MATRIX)
    (series,) = scan(folder).series
    load(series)
    found = fingerprints(series.instances)
    assert [one.sha256 for one in found] == [sha((folder / f"{k:03d}").read_bytes()) for k in range(4)]
    assert [one.sop_instance_uid for one in found] == [one.sop_instance_uid for one in series.instances]


def test_members_of_an_archive(write_stack, tmp_path):
    """The hash of the member, not of the archive."""
    folder = write_stack(RAMP, MATRIX)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"in/{path.name}")
    (series,) = scan(tmp_path / "a.zip").series
    assert [one.sha256 for one in fingerprints(series.instances)] == [
        sha((folder / f"{k:03d}").read_bytes()) for k in range(4)
    ]


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("how", ["one byte", "gone"])
def test_a_file_that_changed_since_it_was_read_is_noticed(write_stack, how):
    """It is named, and nothing that needs its hash goes on."""
    folder = write_stack(RAMP, MATRIX)
    (series,) = scan(folder).series
    path = folder / "002"
    if how == "gone":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(1, series.instances[2].stored.changed_ns + 1))
    with pytest.raises(InputRefused, match="002 is gone or has changed"):
        fingerprints(series.instances)


def test_an_archive_is_opened_once_for_all_its_members(write_stack, tmp_path, monkeypatch):
    """Each time, its whole list is read: a thousand members would take a thousand lists."""
    from arviewer.imaging.dicom import fingerprints as room

    folder = write_stack(RAMP, MATRIX)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    (series,) = scan(tmp_path / "a.zip").series
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *args, **options):
            opened.append(args)
            super().__init__(*args, **options)

    monkeypatch.setattr(room.zipfile, "ZipFile", Counted)
    found = fingerprints(series.instances)

    assert [one.sha256 for one in found] == [sha((folder / f"{k:03d}").read_bytes()) for k in range(4)]
    assert len(opened) == 1
