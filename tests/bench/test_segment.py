"""`python -m bench segment` runs from end to end, and a mask that differs by a voxel is void."""

from __future__ import annotations

import numpy as np
import pytest

from bench import grow_jobs, segment, segment_jobs
from bench.inputs import TINY, Inputs
from bench.race import is_there


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Tiny inputs, made once."""
    return Inputs(tmp_path_factory.mktemp("inputs"), TINY)


def test_it_prints_its_table_and_exits_0_whatever_the_time(inputs, capsys):
    """Real processes, one round; the peer that is no dependency of the tests is left out."""
    assert segment.main(["--data", str(inputs.root), "--tiny", "--rounds", "1", "--without", "cc3d"]) == 0
    said = capsys.readouterr().out
    assert said.count("results equal") == 2
    assert said.count("met") + said.count("MET") >= 2


@pytest.mark.parametrize("jobs", [segment_jobs, grow_jobs])
@pytest.mark.parametrize("name", ["sitk", "cc3d"])
def test_peers_find_the_same_mask(inputs, jobs, name):
    """More than a few voxels, and fewer than the range holds."""
    if not is_there(name):
        pytest.skip(f"{name} is not installed (dependency group bench)")
    folder = str(inputs.volume(TINY.slices).path)
    mask, peers = (jobs.JOBS[program](folder)()() for program in ("ours", name))
    assert np.array_equal(mask, peers)
    assert 50 < np.count_nonzero(mask) < mask.size / 10


def test_another_mask_voids_the_race(inputs, capsys, monkeypatch):
    """Broken on purpose: the truth is another threshold's."""
    monkeypatch.setattr(segment, "LOW_HU", 590)
    arguments = ["--data", str(inputs.root), "--tiny", "--rounds", "1", "--without", "cc3d", "--only", "bone"]
    assert segment.main(arguments) == 1
    assert "VOID" in capsys.readouterr().out
