"""What can hurt a patient, and the rule that each control that is built has a test that passes.

Where several processes run the tests, each report brings its test's hazards along, and the first process judges.

A test that proves a control carries ``@pytest.mark.hazard("H01")``. After a run of the whole suite, a hazard
whose control is built but has no passing test fails the run. ``pytest --write-hazards`` writes the matrix to
``docs/hazards.md``; a test holds that page against this table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

PROPERTY = "hazard"
PAGE = Path(__file__).parents[1] / "docs" / "hazards.md"


@dataclass(frozen=True)
class Hazard:
    """One way to hurt a patient; `built` says whether its control exists."""

    what: str
    control: str
    built: bool = False


HAZARDS = {
    "H01": Hazard(
        "Wrong side planned or operated on",
        "One typed frame (LPS, mm) from file to picture; mirrors refused; side letters computed from the matrix",
        built=True,
    ),
    "H02": Hazard(
        "Mirrored mesh leaves the program",
        "Signed volume, side and place read back before the file appears; frame stated in the file",
        built=True,
    ),
    "H03": Hazard("Wrong patient loaded", "Patients never merged; choice asked; banner always in sight", built=True),
    "H04": Hazard("Plan of one patient on images of another", "Plans bound to instance UIDs and hashes"),
    "H05": Hazard("Scale error (mm, m, µm)", "One unit inside; unit stated in every file; size checked", built=True),
    "H06": Hazard("Wrong voxel size", "Spacing from positions and PixelSpacing only; nonsense refused", built=True),
    "H07": Hazard(
        "Missing slice filled in silently", "Lost slices keep their place, marked; export refused", built=True
    ),
    "H08": Hazard("Tilted gantry stacked straight", "Sheared affine kept exactly", built=True),
    "H09": Hazard("Wrong slice order", "Order by position along the slice normal only", built=True),
    "H10": Hazard("Two phases or orientations mixed", "Split by what makes a volume", built=True),
    "H11": Hazard("Wrong intensities", "Rescale per instance; high bits masked; padding excluded", built=True),
    "H12": Hazard(
        "Corrupt pixels decoded silently",
        "One decoder per transfer syntax; lengths and end markers checked",
        built=True,
    ),
    "H13": Hazard("Lossy images measured", "Finding in views and exports", built=True),
    "H14": Hazard(
        "Anatomy lost by smoothing or thresholds", "Error bounded and stated; mask outline on the slices", built=True
    ),
    "H15": Hazard("Stale or wrong registration", "Same frame of reference or an explicit, dated registration"),
    "H16": Hazard("Frozen tracking shown as live", "Watchdog on the age of a pose"),
    "H17": Hazard("Stereo wrong: eyes swapped, scale", "Eye poses and frusta against closed form"),
    "H18": Hazard("Overload in the headset", "Triangle budget, frame-time governor"),
    "H19": Hazard("Plan lost", "Atomic verified saves, journal, generations"),
    "H20": Hazard("Old recovered plan taken as current", "Recovery by content and sequence number"),
    "H21": Hazard("Measurement wrong or misplaced", "World-space mm, recomputed on load"),
    "H22": Hazard(
        "Crafted file runs code or exhausts memory", "Capped disposable workers, no unsafe deserialization", built=True
    ),
    "H23": Hazard("Identity leaks by export, log or demo", "No name in any file but the case"),
    "H24": Hazard("Incomplete series from an archive accepted", "Counts compared before a series is shown"),
    "H25": Hazard("Outdated or hidden structure trusted", "Mask hash in every export; stale ones marked", built=True),
}


class HazardMatrix:
    """Collects which marked tests passed, and judges at the end."""

    def __init__(self) -> None:
        self.marked: dict[str, set[str]] = defaultdict(set)
        self.passed: set[str] = set()
        self.whole_suite = False

    def pytest_configure(self, config: pytest.Config) -> None:
        self.whole_suite = not config.option.keyword and not config.option.markexpr and not config.option.file_or_dir

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("hazard"):
                for hazard in mark.args:
                    if hazard not in HAZARDS:
                        raise pytest.UsageError(f"{item.nodeid} names the unknown hazard {hazard!r}")
                    self.marked[hazard].add(item.nodeid)
                    item.user_properties.append((PROPERTY, hazard))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, hazard in report.user_properties:
            if name == PROPERTY:
                self.marked[str(hazard)].add(report.nodeid)
        if report.when == "call" and report.passed:
            self.passed.add(report.nodeid)

    def unproved(self) -> list[str]:
        """Hazards whose control is built, but which no passing test proves."""
        return [name for name, hazard in HAZARDS.items() if hazard.built and not self.marked[name] & self.passed]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput"):
            return  # one of several: the process that started it has all reports
        if session.config.option.write_hazards:
            PAGE.write_text(self.page(), encoding="utf-8")
        if self.whole_suite and not session.config.option.collectonly and (missing := self.unproved()):
            print(f"\nNo passing test proves the control of: {', '.join(missing)}")  # noqa: T201
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def page(self) -> str:
        """The matrix as a page: hazards, controls, and the files whose tests prove them."""
        lines = [
            "# Hazards and what proves their control",
            "",
            "arviewer is for research and for the review of plans. It is not a medical device, not for diagnostic use,",
            "and it guides no instrument. It is built as if a hospital had to trust it all the same: each hazard below",
            "is controlled in software, and a control counts as built only while a test that proves it passes",
            "(`make test` fails otherwise). Open ones are listed, never dropped.",
            "",
            "| id | hazard | control | proved by |",
            "|---|---|---|---|",
        ]
        for name, hazard in HAZARDS.items():
            files = sorted({node.split("::")[0] for node in self.marked[name]})
            proof = ", ".join(f"`{file}`" for file in files) if files else "—"
            state = proof if hazard.built else f"**open**{' (begun: ' + proof + ')' if files else ''}"
            lines.append(f"| {name} | {hazard.what} | {hazard.control} | {state} |")
        return "\n".join([*lines, ""])
