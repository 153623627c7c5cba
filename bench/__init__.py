"""Benchmarks: our work beside a peer's, in one run, results held equal first. ``python -m bench NAME``.

Times on a shared machine are noisy: only the ratios of medians mean anything, and no test depends on them.
"""
