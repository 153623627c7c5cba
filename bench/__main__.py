"""``python -m bench NAME [ARGUMENT ...]``."""

from __future__ import annotations

import sys

from bench import whole

BENCHMARKS = {"whole": whole.main}


def main() -> int:
    """Run one benchmark by name."""
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        print(f"usage: python -m bench {{{','.join(BENCHMARKS)}}} [ARGUMENT ...]", file=sys.stderr)
        return 2
    return BENCHMARKS[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
