"""Worker processes: values travel unharmed, cancel is prompt, a death is survived."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from arviewer.errors import Bug, Cancelled, GeometryError, MachineLacks
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.geometry import Affine
from arviewer.model.study import Patient, Series
from arviewer.model.volume import Volume, VolumeGeometry
from arviewer.workers import memory, wire
from arviewer.workers.worker import Worker

ECHO = "arviewer.workers.echo:echo"


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def a_volume(voxels: np.ndarray) -> Volume:
    matrix = np.diag([0.5, 0.7, 2.0, 1.0])
    geometry = VolumeGeometry(voxels.shape, Affine(matrix, to_space="for", from_space="grid"))
    finding = Finding(FindingKind.MISSING_SLICES, Severity.ERROR, slices=(1,), details={"count": 1})
    series = Series("1.2", "1.1", "for", Patient("Doe, Jane"), 3, "CT", "thin", findings=(finding,))
    return Volume(voxels, geometry, series, "HU", np.array([True, False, True]), series.findings)


def test_a_volume_comes_back_equal_and_read_only(worker: Worker) -> None:
    """Arrays, dataclasses, enums, mappings and identity survive the journey both ways."""
    volume = a_volume(np.arange(24, dtype=np.int16).reshape(3, 4, 2))

    back, again = worker.call(ECHO, (volume, volume))

    assert back is again
    assert np.array_equal(back.voxels, volume.voxels)
    assert back.voxels.dtype == np.int16
    assert not back.voxels.flags.writeable
    assert back.geometry.lps_from_ijk.to_space == "for"
    assert np.array_equal(back.geometry.lps_from_ijk.matrix, volume.geometry.lps_from_ijk.matrix)
    assert back.findings == volume.findings
    assert back.findings[0] is back.series.findings[0]
    assert back.series.patient == volume.series.patient


def test_a_shared_array_is_not_copied(worker: Worker) -> None:
    """An array from `memory.empty` is the same memory on both sides and on its way back."""
    shared = memory.empty((5, 6), np.float32)
    shared[...] = 7

    back = worker.call(ECHO, shared)
    shared[2, 3] = 42

    assert back[2, 3] == 42


def test_an_error_keeps_its_class_and_words(worker: Worker) -> None:
    """A value is checked again on arrival, and the refusal comes back as the same kind of error."""
    spoiled = Affine(np.eye(4))
    object.__setattr__(spoiled, "matrix", np.diag([0.0, 1.0, 1.0, 1.0]))

    with pytest.raises(GeometryError, match="invertible"):
        worker.call(ECHO, spoiled)


def test_an_unforeseen_error_is_a_bug_with_its_text(worker: Worker) -> None:
    """Anything else becomes a Bug that carries the traceback, and the worker goes on."""
    with pytest.raises(Bug) as caught:
        worker.call("arviewer.workers.echo:echo", 1, no_such_argument=2)

    assert "no_such_argument" in caught.value.why
    assert worker.call(ECHO, 5) == 5


def test_a_function_outside_the_program_is_not_called(worker: Worker) -> None:
    """The door is for functions of arviewer only."""
    with pytest.raises(Bug, match="failed"):
        worker.call("os:system", "true")


def test_cancel_ends_the_child_and_the_next_call_works(worker: Worker) -> None:
    """A progress call that raises ends the work at once; a new child serves the next call."""
    seen: list[float] = []

    def stop(fraction: float, what: str = "") -> None:
        seen.append(fraction)
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        worker.call(ECHO, 1, duration_s=60.0, progress=stop)

    assert seen[-1] < 0.1
    assert worker.call(ECHO, 2) == 2


def test_a_killed_child_is_told_and_replaced(worker: Worker) -> None:
    """kill -9 of the child costs that call only."""
    worker.warm()

    def shoot(fraction: float, what: str = "") -> None:
        if fraction > 0:
            os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(MachineLacks, match="SIGKILL"):
        worker.call(ECHO, 1, duration_s=60.0, progress=shoot)

    assert worker.call(ECHO, 3) == 3


def test_close_from_another_thread_ends_a_waiting_call() -> None:
    """Closing the window does not wait for a long job."""
    worker = Worker()
    started = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            worker.call(ECHO, 1, duration_s=60.0, progress=lambda *_: started.set())
        except Cancelled as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(30)
    worker.close()
    thread.join(30)

    assert not thread.is_alive()
    assert isinstance(errors[0], Cancelled)


def open_descriptors() -> set[tuple[str, int]]:
    """Number and inode of each: garbage of earlier tests may close its own at any moment, so a count tells nothing."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add((path.name, path.stat().st_ino))
    return found


def test_memory_is_freed_with_the_last_array() -> None:
    """A block's descriptor is closed when its last array is gone."""
    before = open_descriptors()
    arrays = [memory.empty((1000,), np.uint8) for _ in range(20)]
    ours = open_descriptors() - before
    assert len(ours) >= 20

    del arrays
    gc.collect()

    assert not ours & open_descriptors()


@pytest.mark.parametrize("name", ["os:system", "arviewer.model.volume:np", "arviewer.model.geometry:read_only"])
def test_a_message_cannot_build_anything_but_model_values(name: str) -> None:
    """What a worker sends is data: no class outside the model is ever constructed."""
    with pytest.raises(Bug, match="not a model value"):
        wire.unpack({"n": 0, "c": name, "f": {}}, [])


def test_no_process_to_be_had_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is out of processes or descriptors says so; nothing stays open."""
    import subprocess

    def full(*_args: object, **_kwargs: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    before = open_descriptors()
    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(MachineLacks, match="Resource temporarily unavailable"):
        Worker().call(ECHO, 1)
    assert not open_descriptors() - before


@pytest.mark.parametrize("shared", [True, False])
def test_a_part_is_put_into_its_place(shared: bool) -> None:
    """In a block or in ordinary memory, in a view that begins anywhere; nothing beside it changes."""
    whole = memory.empty((6, 300, 70), np.int16) if shared else np.zeros((6, 300, 70), np.int16)
    view = whole[1:]
    part = np.arange(300 * 70, dtype=np.int16).reshape(300, 70)
    memory.put(view, 2, part)
    np.testing.assert_array_equal(whole[3], part)
    assert not np.delete(whole, 3, 0).any()


def test_a_child_that_died_idle_is_replaced_and_leaves_nothing_open() -> None:
    """Killed between two calls: the next one gets a new child, and the way to the old one is closed."""
    worker = Worker()
    assert worker.call(ECHO, 1) == 1
    before = open_descriptors()
    process = worker._process
    assert process is not None
    process.kill()
    process.wait()

    assert worker.call(ECHO, 2) == 2

    assert len(open_descriptors()) <= len(before)
    assert worker._process is not process
    worker.close()
    gc.collect()
