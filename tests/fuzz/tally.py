"""What a run came to: counted, held against the bars, printed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.fuzz.runner import MAX_CPU_S, MAX_PEAK_MIB, Result
from tests.fuzz.seeds import LOSSY, SYNTAXES

DECODED_SHARE = 0.5
"""Share of the inputs that must get as far as decoding, for the run to say anything about decoders."""


@dataclass
class Tally:
    """The counts of a run.

    Attributes
    ----------
    failures : list of Result
        Inputs that broke a bar or a promise.
    """

    count: int = 0
    decoded: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    by_syntax: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    failures: list[Result] = field(default_factory=list)
    slowest: Result | None = None
    largest: Result | None = None

    def add(self, result: Result) -> None:
        """Count one input."""
        self.count += 1
        self.decoded += result.decoded
        self.stages[result.stage] += 1
        self.kinds[result.case.kind] += 1
        if result.slice:
            self.fates[result.slice] += 1
            self.by_syntax[result.syntax][result.slice] += 1
        if result.problems:
            self.failures.append(result)
        if self.slowest is None or result.cpu_s > self.slowest.cpu_s:
            self.slowest = result
        if self.largest is None or result.peak_mib > self.largest.peak_mib:
            self.largest = result

    @property
    def holds(self) -> bool:
        """Whether every bar holds."""
        return not self.failures and self.decoded >= DECODED_SHARE * self.count

    def lines(self) -> list[str]:
        """Return the tally in words."""
        share = self.decoded / max(1, self.count)
        lines = [
            f"{self.count} inputs: " + ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common()),
            f"{self.decoded} ({share:.0%}) got as far as decoding pixels (bar {DECODED_SHARE:.0%})",
            "furthest: " + ", ".join(f"{count} {stage}" for stage, count in self.stages.most_common()),
        ]
        if self.slowest is not None and self.largest is not None:
            lines += [
                f"at most {self.slowest.cpu_s:.2f} s of processor (bar {MAX_CPU_S:g} s; {self.slowest.case.number})",
                f"at most {self.largest.peak_mib:.0f} MiB (bar {MAX_PEAK_MIB} MiB; {self.largest.case.number})",
            ]
        if self.fates:
            lines += ["one damaged slice in a good series:"]
            lines += [f"  {count:6d} {fate}" for fate, count in self.fates.most_common()]
            lines += self._wrong_lines()
        problems = Counter(self._kind(problem) for one in self.failures for problem in one.problems)
        lines += [f"{len(self.failures)} failures"] + [f"  {count:6d} {what}" for what, count in problems.most_common()]
        return lines

    @staticmethod
    def _kind(problem: str) -> str:
        return "".join("#" if letter.isdigit() else letter for letter in problem)[:120]

    def _wrong_lines(self) -> list[str]:
        """Return how often a damaged slice was decoded to wrong pixels without complaint, by transfer syntax."""
        lines = ["decoded without complaint, to wrong pixels (no reader can know; a hash of the sound file could):"]
        for syntax in SYNTAXES:
            counts = self.by_syntax.get(syntax)
            if counts:
                noticed = sum(counts.values()) - counts["wrong pixels"] - counts["unharmed"]
                kind = "lossy" if syntax in LOSSY else "lossless"
                lines.append(
                    f"  {syntax:24s} {kind:8s} {counts['wrong pixels']:5d} wrong, {counts['unharmed']:5d} unharmed,"
                    f" {noticed:5d} noticed"
                )
        return lines
