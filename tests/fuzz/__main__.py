"""``python -m tests.fuzz``: damage valid files in every way their structure offers, and open them."""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from pathlib import Path

from tests.fuzz import runner
from tests.fuzz.runner import Result
from tests.fuzz.tally import Tally
from tests.fuzz.targets import maker

SHOWN = 20


def main() -> int:
    """Run; 0 when every bar holds, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="inputs (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same inputs (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--target", default="import", help="import, readers, or module:function (default %(default)s)")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder for inputs that fail")
    parser.add_argument("--replay", type=Path, help="open one kept input, or any file or folder, and say what happens")
    arguments = parser.parse_args()
    if arguments.replay is not None:
        return _replay(arguments.replay, arguments.target)
    return _run(arguments)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _replay(path: Path, target: str) -> int:
    result = runner.replay(path, target)
    _say(f"{' + '.join(result.case.story)}: {result.stage}{', decoded' if result.decoded else ''}")
    _say(f"{result.cpu_s:.2f} s of processor time, {result.peak_mib:.0f} MiB")
    for line in (result.slice, result.refusal, *result.problems):
        if line:
            _say(line)
    return 1 if result.problems else 0


def _run(arguments: argparse.Namespace) -> int:
    tally, start = Tally(), time.monotonic()
    shown = start

    def seen(result: Result) -> None:
        nonlocal shown
        tally.add(result)
        if result.problems:
            place = runner.keep(result, arguments.keep)
            if len(tally.failures) <= SHOWN:
                _say(f"FAILED {' + '.join(result.case.story)}: {result.problems[0]}")
                _say(f"  python -m tests.fuzz --target {arguments.target} --replay {place}")
        if sys.stderr.isatty() and time.monotonic() - shown > 1:
            shown = time.monotonic()
            sys.stderr.write(f"\r{tally.count} inputs, {len(tally.failures)} failures ")

    numbers = iter(range(arguments.first, arguments.first + arguments.count))
    make = functools.partial(maker(arguments.target), arguments.seed)
    runner.run(numbers, make, target=arguments.target, jobs=arguments.jobs, seen=seen)
    spent = time.monotonic() - start
    _say("\n".join(tally.lines()))
    _say(f"{spent:.0f} s, {tally.count / spent:.0f} inputs/s, seed {arguments.seed}")
    return 0 if tally.holds else 1


if __name__ == "__main__":
    sys.exit(main())
