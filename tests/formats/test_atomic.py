"""Files appear whole or not at all, whatever happens: full disk, read-only disk, cancel, Ctrl-C, kill -9."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from arviewer.errors import Cancelled, OutputFailed
from arviewer.formats import atomic
from arviewer.formats.atomic import AtomicFiles
from arviewer.formats.export import export
from arviewer.formats.meshes import FORMATS, Format
from arviewer.model.surface import Surface

ROOT = Path(__file__).parents[2]
every_format = pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)


def anything(found: bytes) -> None:
    """Accept whatever was read back."""


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


class Stop:
    """Progress that raises once a share of the work is done."""

    def __init__(self, at: float, error: BaseException) -> None:
        self.at, self.error = at, error

    def __call__(self, fraction: float, what: str = "") -> None:
        if fraction >= self.at:
            raise self.error


@pytest.mark.hazard("H19")
@every_format
@pytest.mark.parametrize("at", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancel", "ctrl-c"])
def test_stopping_at_any_point_changes_nothing(
    tmp_path: Path, l_block: Surface, rod: Surface, entry: Format, at: float, error: BaseException
) -> None:
    """The earlier mesh and sidecar stay, no part stays, and a folder that was made goes again."""
    path = tmp_path / f"bone{entry.suffixes[0]}"
    export([rod], path)
    before = everything_in(tmp_path)
    with pytest.raises(type(error)):
        export([l_block], path, progress=Stop(at, error))
    assert everything_in(tmp_path) == before
    with pytest.raises(type(error)):
        export([l_block, rod], f"{tmp_path}/new/deep/", format=entry.name, progress=Stop(at, error))
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == []


FAULTY_DISK = """
import json, os, subprocess, sys
from pathlib import Path
import numpy as np
from arviewer.errors import OutputFailed
from arviewer.formats import atomic
from arviewer.formats.export import export
from arviewer.formats.meshes import FORMATS
sys.path.insert(0, {tests!r})
from conftest import make_surface, voxel_surface

folder, fault = Path({folder!r}), {fault!r}
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
points, triangles = voxel_surface({{(0, 0, 0)}})
small = make_surface(points * 10, triangles)
points, triangles = voxel_surface({{(i, j, k) for i in range(50) for j in range(50) for k in (0,)}})
large = make_surface(points * 2, triangles)
report = []
for entry in FORMATS:
    path = folder / f"bone{{entry.suffixes[0]}}"
    export([small], path)
if fault == "full, not foreseen":
    atomic.free_bytes = lambda folder: sys.maxsize
if fault.startswith("full"):
    (folder / "ballast").write_bytes(bytes(os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - 65536))
if fault == "read-only":
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
before = {{path.name: path.read_bytes() for path in folder.iterdir()}}
for entry in FORMATS:
    try:
        export([large], folder / f"bone{{entry.suffixes[0]}}")
        said = None
    except OutputFailed as error:
        said = [error.what, error.why, error.remedy]
    same = before == {{path.name: path.read_bytes() for path in folder.iterdir()}}
    report.append([entry.name, said, same])
print(json.dumps(report))
"""


def own_mounts_allowed(tmp_path: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    trial = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0


@pytest.mark.hazard("H19")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("full", "MB free"),
        ("full, not foreseen", os.strerror(errno.ENOSPC)),
        ("read-only", os.strerror(errno.EROFS)),
    ],
)
def test_a_faulty_disk_is_told_and_keeps_what_it_had(tmp_path: Path, fault: str, reason: str) -> None:
    """On a real full or read-only file system every format fails aloud, and every earlier file is untouched."""
    if not own_mounts_allowed(tmp_path):
        pytest.skip("mounting a small file system of one's own is not permitted here")
    script = FAULTY_DISK.format(tests=str(Path(__file__).parent), folder=str(tmp_path), fault=fault)
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [name for name, _said, _same in report] == [entry.name for entry in FORMATS]
    for name, said, same in report:
        assert said is not None, f"{name} claimed success"
        what, why, remedy = said
        assert what
        assert reason in why
        assert remedy
        assert same, f"{name} changed the folder"


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from conftest import make_surface, voxel_surface
from arviewer.formats.export import export
points, triangles = voxel_surface({{(i, 0, 0) for i in range(30)}})
calls = 0
def progress(fraction, what=""):
    global calls
    calls += 1
    if calls == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
export([make_surface(points, triangles)], {path!r}, progress=progress)
print(calls)
"""


@pytest.mark.hazard("H19")
def test_kill_9_at_any_point_leaves_the_earlier_file(tmp_path: Path, rod: Surface) -> None:
    """Killed at six points of the way: earlier mesh and sidecar intact each time; the next export tidies up."""
    path = tmp_path / "bone.stl"

    def attempt(target: Path, at: int) -> subprocess.CompletedProcess[str]:
        script = KILLED.format(tests=str(Path(__file__).parent), at=at, path=str(target))
        return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    calls = int(attempt(tmp_path / "dry" / "bone.stl", 0).stdout)
    export([rod], path)
    before = everything_in(tmp_path)
    for at in sorted({1 + n * (calls - 1) // 5 for n in range(6)}):
        assert attempt(path, at).returncode == -signal.SIGKILL
        after = everything_in(tmp_path)
        assert {name: after[name] for name in before} == before
        assert set(after) - set(before) <= {".bone.stl.part", ".bone.json.part"}
    assert attempt(path, 0).returncode == 0
    assert set(everything_in(tmp_path)) == set(before)
    assert everything_in(tmp_path)["bone.stl"] != before["bone.stl"]


@pytest.mark.parametrize("earlier", [True, False], ids=["replacing", "new"])
@pytest.mark.parametrize("at", [1, 2])
def test_a_rename_that_fails_is_rolled_back(
    tmp_path: Path, earlier: bool, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the second of two renames fails, the first one's earlier file is back under its name."""
    if earlier:
        for name in "ab":
            (tmp_path / name).write_bytes(b"earlier " + name.encode())
    before = everything_in(tmp_path)
    honest, renames = Path.replace, 0

    def failing(self: Path, target: Path) -> Path:
        nonlocal renames
        renames += self.suffix == ".part"
        if self.suffix == ".part" and renames == at:
            raise OSError(errno.EIO, "no such luck")
        return honest(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    files = AtomicFiles()
    for name in "ab":
        files.add(tmp_path / name, b"new", anything)
    with pytest.raises(OutputFailed, match=os.strerror(errno.EIO)):
        files.__exit__(None, None, None)
    assert everything_in(tmp_path) == before


def test_disks_without_hard_links_roll_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the earlier file cannot get a second name, a copy takes its place, and goes again afterwards."""

    def unsupported(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no hard links on FAT")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    (tmp_path / "a").write_bytes(b"earlier")
    monkeypatch.setattr(atomic, "_sync_folder", lambda folder: (_ for _ in ()).throw(OSError(errno.EIO, "")))
    with pytest.raises(OutputFailed), AtomicFiles() as files:
        files.add(tmp_path / "a", b"new", anything)
    assert everything_in(tmp_path) == {"a": b"earlier"}
    monkeypatch.undo()
    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    with AtomicFiles() as files:
        files.add(tmp_path / "a", b"new", anything)
    assert everything_in(tmp_path) == {"a": b"new"}


def test_the_first_added_appears_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is flushed to the disk before it is read back; all are verified before a rename; the folder comes last."""
    happened: list[str] = []
    honest = Path.replace

    def noted(self: Path, target: Path) -> Path:
        happened.append(f"rename {Path(target).name}")
        return honest(self, target)

    monkeypatch.setattr(Path, "replace", noted)
    flush = os.fsync

    def noted_flush(descriptor: int) -> None:
        happened.append("flush " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted_flush)
    with AtomicFiles() as files:
        files.add(tmp_path / "mesh", b"m", lambda found: happened.append(f"verify {found!r}"))
        files.add(tmp_path / "sidecar", b"s", lambda found: happened.append(f"verify {found!r}"))
    assert happened == [
        *("flush .mesh.part", "verify b'm'", "flush .sidecar.part", "verify b's'"),
        *("rename sidecar", "rename mesh", f"flush {tmp_path.name}"),
    ]


def test_two_programs_do_not_mix_their_bytes(tmp_path: Path) -> None:
    """While one writes a target, another is told so; afterwards it may."""
    target = tmp_path / "bone.stl"
    with AtomicFiles() as first:
        first.add(target, b"first", anything)
        with pytest.raises(OutputFailed, match="another program"), AtomicFiles() as second:
            second.add(target, b"second", anything)
    assert everything_in(tmp_path) == {"bone.stl": b"first"}
    with AtomicFiles() as second:
        second.add(target, b"second", anything)
    assert everything_in(tmp_path) == {"bone.stl": b"second"}


def test_a_part_that_went_away_before_the_lock_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the other program renames its part between our opening and our lock, its finished file is not touched."""
    target, honest = tmp_path / "bone.stl", fcntl.flock

    def late(descriptor: int, operation: int) -> None:
        (tmp_path / ".bone.stl.part").replace(target)
        target.write_bytes(b"finished by the other")
        honest(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(OutputFailed, match="another program"), AtomicFiles() as files:
        files.add(target, b"new", anything)
    assert everything_in(tmp_path) == {"bone.stl": b"finished by the other"}


def test_a_part_left_by_a_killed_program_is_taken_over(tmp_path: Path) -> None:
    """A longer leftover of that name does not shine through, and is gone afterwards."""
    (tmp_path / ".bone.stl.part").write_bytes(b"left behind by a program that was killed")
    with AtomicFiles() as files:
        files.add(tmp_path / "bone.stl", b"new", anything)
    assert everything_in(tmp_path) == {"bone.stl": b"new"}


@every_format
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder, suffix: (folder / f"bone{suffix}").mkdir() or folder / f"bone{suffix}", errno.EISDIR),
        (lambda folder, suffix: folder / f"{'n' * 300}{suffix}", errno.ENAMETOOLONG),
        (lambda folder, suffix: (folder / "file").write_text("") or folder / "file" / f"bone{suffix}", errno.ENOTDIR),
    ],
    ids=["directory", "long name", "file as folder"],
)
def test_a_target_that_cannot_be_is_told(tmp_path: Path, l_block: Surface, entry: Format, make, reason: int) -> None:
    """A directory of that name, too long a name, a file where a folder should be: what, why and remedy."""
    target = make(tmp_path, entry.suffixes[0])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputFailed) as caught:
        export([l_block], target)
    assert os.strerror(reason) in caught.value.why
    assert caught.value.remedy
    assert sorted(tmp_path.rglob("*")) == before


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    """A link to /dev/full is followed to the device, and the device is refused."""
    (tmp_path / "bone.stl").symlink_to("/dev/full")
    with pytest.raises(OutputFailed, match="device"), AtomicFiles() as files:
        files.add(tmp_path / "bone.stl", b"new", anything)
    assert Path("/dev/full").is_char_device()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """A target that is a symbolic link keeps pointing; the file it points to is the one replaced."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"earlier")
    (tmp_path / "a").symlink_to(tmp_path / "real" / "a")
    with AtomicFiles() as files:
        files.add(tmp_path / "a", b"new", anything)
    assert (tmp_path / "a").is_symlink()
    assert everything_in(tmp_path / "real") == {"a": b"new"}


def test_a_write_protected_file_is_kept(tmp_path: Path) -> None:
    """A rename would replace it without asking; a file without any right to write is refused instead."""
    (tmp_path / "a").write_bytes(b"precious")
    (tmp_path / "a").chmod(0o444)
    with pytest.raises(OutputFailed, match="write-protected"), AtomicFiles() as files:
        files.add(tmp_path / "a", b"new", anything)
    assert everything_in(tmp_path) == {"a": b"precious"}
