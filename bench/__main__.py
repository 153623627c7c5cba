"""``python -m bench NAME [ARGUMENT ...]``."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = ("whole", "window")


def main() -> int:
    """Run one benchmark by name."""
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        print(f"usage: python -m bench {{{','.join(BENCHMARKS)}}} [ARGUMENT ...]", file=sys.stderr)
        return 2
    benchmark = importlib.import_module(f"bench.{sys.argv[1]}")  # only this one: Qt is not for all of them
    result: int = benchmark.main(sys.argv[2:])
    return result


if __name__ == "__main__":
    sys.exit(main())
