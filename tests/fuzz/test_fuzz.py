"""The short form of the fuzzer: its bars hold on a few hundred inputs, and it can fail."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import zlib
from random import Random

import pytest

from tests.fuzz import processes, runner
from tests.fuzz.cases import bomb, case, mutated
from tests.fuzz.containers import bomb_stream, deflate_bomb
from tests.fuzz.headers import HEADER_MUTATIONS
from tests.fuzz.pixels import PIXEL_MUTATIONS
from tests.fuzz.seeds import SYNTAXES, series
from tests.fuzz.structure import DEFLATED, inflated, nodes_of, with_value
from tests.fuzz.tally import Tally

SEED = 20260101
COUNT = 300


MAKE = functools.partial(case, SEED)


def run(numbers, target="import", make=MAKE, jobs=2):
    """Run inputs by number, and return the results by number."""
    results = {}
    seen = results.__setitem__
    runner.run(iter(numbers), make, target=target, jobs=jobs, seen=lambda one: seen(one.case.number, one))
    return results


@pytest.mark.hazard("H12", "H22")
def test_the_bars_hold():
    """Nothing but our own errors, nothing too long or too large, no good slice harmed, no silent zeros, no death."""
    tally = Tally()
    for result in run(range(COUNT)).values():
        tally.add(result)
    told = [(one.case.number, one.case.story, one.problems) for one in tally.failures]
    assert not told
    assert tally.count == COUNT
    assert tally.holds, "\n".join(tally.lines())
    assert tally.stages["loaded"] > 0
    assert tally.fates["lost and named"] > 0


@pytest.mark.hazard("H22")
def test_bombs_are_refused_within_the_bars(tmp_path):
    """Deflate, zip and bzip2: each opened once, of each kind some."""
    results = run(range(10), make=lambda number: bomb(Random(number), number))
    assert {one.case.story[0] for one in results.values()} == {"deflate_bomb", "zip_bomb", "bzip2_bomb"}
    for number, result in results.items():
        assert not result.problems, (number, result.case.story, result.problems)


def test_a_target_that_raises_is_caught_and_kept(tmp_path):
    """The fuzzer can fail: an error that is none of ours is told, the input is kept, and the replay fails again."""
    results = run(range(12), target="tests.fuzz.targets:broken", jobs=1)
    failed = [one for one in results.values() if one.problems]
    assert failed
    assert len(failed) < len(results)
    assert all("ValueError came out" in one.problems[0] for one in failed)
    kept = runner.keep(failed[0], tmp_path)
    again = runner.replay(kept, "tests.fuzz.targets:broken")
    assert "ValueError came out" in again.problems[0]
    assert not runner.replay(kept, "import").problems


@pytest.mark.parametrize(
    ("function", "told"),
    [("crash", "the process died: SIGSEGV"), ("greedy", "MiB of memory"), ("slow", "s of processor time")],
)
def test_a_target_that_dies_or_takes_too_much_is_caught(function, told, monkeypatch):
    """Death costs the child and not the runner; memory and time are measured (against smaller bars, to be quick)."""
    monkeypatch.setattr(runner, "MAX_PEAK_MIB", 500)
    if function == "slow":  # on a busy machine the others take as much
        monkeypatch.setattr(runner, "MAX_CPU_S", 0.5)
    (result,) = run([0], target=f"tests.fuzz.test_fuzz:{function}", jobs=1).values()
    assert told in result.problems[0]


def crash(path, known):
    """Die as a native decoder does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def greedy(path, known):
    """Take more memory than the bar."""
    from tests.fuzz.targets import Outcome

    assert len(bytearray(b"x") * (500 << 20))
    return Outcome("loaded", decoded=True)


def slow(path, known):
    """Take more processor time than the bar."""
    from tests.fuzz.targets import Outcome

    start = processes.cpu_s([os.getpid()])
    while processes.cpu_s([os.getpid()]) < start + 0.7:
        sum(range(100_000))
    return Outcome("loaded", decoded=True)


def test_a_harmed_good_slice_would_be_seen(monkeypatch, tmp_path):
    """The oracle can fail: where a good file differs from the truth, it says so."""
    from tests.fuzz.targets import Known, import_images

    seed = series()["plain .1 u16"]
    for k, data in enumerate(seed.files):
        nodes = nodes_of(data)
        pixels = next(node for node in nodes if node.tag == 0x7FE00010)
        changed = with_value(data, nodes, pixels, bytes(pixels.end - pixels.value)) if k in (1, 2) else data
        (tmp_path / f"{k}.dcm").write_bytes(changed)
    outcome = import_images(tmp_path, Known(seed.name, "2.dcm", placed=True))
    assert outcome.problems == ["a good slice has wrong pixels: 1.dcm", "the damaged slice: silent zeros"]


def test_inputs_are_the_same_for_the_same_seed():
    """Files, entry and story."""
    for number in range(40):
        assert case(7, number) == case(7, number)
    assert case(7, 0) != case(8, 0)


def test_there_is_a_seed_of_each_transfer_syntax_and_each_is_sound(tmp_path):
    """Undamaged, every seed loads to what was encoded: otherwise nothing said about damage means anything."""
    from tests.fuzz.targets import Known, import_images, truth_of

    assert {seed.syntax for seed in series().values()} == set(SYNTAXES)
    for name, seed in series().items():
        folder = tmp_path / name
        folder.mkdir()
        for k, data in enumerate(seed.files):
            (folder / f"{k}.dcm").write_bytes(data)
        assert truth_of(name).any()
        outcome = import_images(folder, Known(name, "2.dcm") if seed.frames == 1 else Known())
        assert (outcome.stage, outcome.decoded, outcome.problems) == ("loaded", True, []), name
        assert outcome.slice in ("unharmed", "")


def test_every_mutation_changes_something():
    """Each finds a seed it applies to."""
    idle = {one.__name__ for one, _weight in (*HEADER_MUTATIONS, *PIXEL_MUTATIONS)}
    for number, seed in itertools.product(range(6), series().values()):
        data = inflated(seed.files[0]) if seed.syntax == DEFLATED else seed.files[0]
        for mutation, _weight in (*HEADER_MUTATIONS, *PIXEL_MUTATIONS):
            if mutation(Random(number), data, nodes_of(data)) not in (None, data):
                idle.discard(mutation.__name__)
    assert not idle
    assert mutated(Random(1), series()["plain .1 u16"].files[0])[1]


def test_a_bomb_is_what_it_claims_to_be():
    """A megabyte for each kilobyte."""
    assert len(zlib.decompress(bomb_stream(b"head", 50), -zlib.MAX_WBITS)) == (50 << 20) + 4
    assert len(deflate_bomb(Random(1))) < 3 << 20
