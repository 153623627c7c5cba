"""``python -m bench NAME [NAME ...] [ARGUMENT ...]``."""

from __future__ import annotations

import importlib
import itertools
import sys

BENCHMARKS = ("scan", "load", "segment", "surface", "simplify", "whole", "window", "paint")


def main() -> int:
    """Run benchmarks by name, each with the arguments behind the names; return the gravest of their codes."""
    names = list(itertools.takewhile(lambda argument: argument in BENCHMARKS, sys.argv[1:]))
    if not names:
        print(f"usage: python -m bench {{{','.join(BENCHMARKS)}}} [NAME ...] [ARGUMENT ...]", file=sys.stderr)
        return 2
    codes = []
    for name in names:
        benchmark = importlib.import_module(f"bench.{name}")  # only this one: Qt is not for all of them
        codes.append(int(benchmark.main(sys.argv[1 + len(names) :])))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
