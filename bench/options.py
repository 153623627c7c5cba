"""What `scan` and `load` are told on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.inputs import FULL, TINY, Inputs
from bench.race import TITLES

ROUNDS = 5


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes
    ----------
    inputs : Inputs
    rounds : int
        Timed runs of each program.
    left_out : tuple of str
        Peers that do not take part.
    work : tuple of str
        Which work to do; empty for all.
    drop_caches : bool
    """

    inputs: Inputs
    rounds: int = ROUNDS
    left_out: tuple[str, ...] = ()
    work: tuple[str, ...] = ()

    def of(self, programs: Sequence[str]) -> tuple[str, ...]:
        """Return those of some programs that take part."""
        return tuple(name for name in programs if name not in self.left_out)

    def wants(self, work: str) -> bool:
        """Whether this work is to be done."""
        return not self.work or work in self.work


def parsed(name: str, arguments: Sequence[str], works: Sequence[str]) -> Options:
    """Read the arguments of ``python -m bench NAME``."""
    parser = argparse.ArgumentParser(prog=f"python -m bench {name}")
    parser.add_argument("--data", type=Path, help="folder for the inputs, some 2.7 GiB (default: temporary files)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"timed runs of each program (default {ROUNDS})")
    parser.add_argument("--tiny", action="store_true", help="inputs of a few small files: proves the checks, no speed")
    parser.add_argument("--without", action="append", default=[], choices=sorted(TITLES), help="leave a peer out")
    parser.add_argument("--only", action="append", default=[], choices=works, help="do only this work")
    told = parser.parse_args(arguments)
    inputs = Inputs(told.data, TINY if told.tiny else FULL)
    return Options(inputs, max(1, told.rounds), tuple(told.without), tuple(told.only))
