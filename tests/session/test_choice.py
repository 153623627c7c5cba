"""Which series is meant: clear cases are decided, all others are asked back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arviewer.errors import InputRefused, UsageError
from arviewer.model.findings import Finding, FindingKind, Severity, Verdict
from arviewer.model.geometry import Affine
from arviewer.model.study import Instance, Patient, Scan, Series
from arviewer.model.volume import VolumeGeometry
from arviewer.session.choice import choose


def a_series(
    uid: str,
    number: int,
    slices: int,
    *,
    modality: str = "CT",
    patient: str = "one",
    verdict: Verdict = Verdict.REGULAR,
) -> Series:
    geometry = VolumeGeometry((slices, 64, 64), Affine(np.eye(4))) if verdict is not Verdict.NO_GEOMETRY else None
    findings = () if geometry else (Finding(FindingKind.NO_GEOMETRY, Severity.ERROR),)
    return Series(
        uid, "st", "for", Patient("Secret^Name", patient), number, modality, f"series {number}",
        instances=(Instance(path=Path("x")),) * slices, geometry=geometry, verdict=verdict,
        findings=findings,
    )  # fmt: skip


def test_the_only_suitable_one_is_taken() -> None:
    """An MR beside a CT does not make "bone" ambiguous."""
    ct, mr = a_series("1", 1, 20), a_series("2", 2, 300, modality="MR")

    assert choose(Scan((ct, mr)), modalities={"CT"}) is ct


def test_the_clearly_largest_regular_one_is_taken() -> None:
    """Twice the voxels is clear."""
    thin, thick = a_series("1", 1, 200), a_series("2", 2, 100)

    assert choose(Scan((thick, thin))) is thin


@pytest.mark.parametrize(("slices", "verdict"), [(199, Verdict.REGULAR), (400, Verdict.UNEVEN)])
def test_what_is_not_clear_is_asked_with_a_list(slices: int, verdict: Verdict) -> None:
    """Less than twice, or not regular: the list has numbers and UIDs and no name."""
    scan = Scan((a_series("1.2.3", 4, slices, verdict=verdict), a_series("1.2.5", 6, 100)))

    with pytest.raises(UsageError) as caught:
        choose(scan)

    assert "1.2.3" in caught.value.remedy
    assert "1.2.5" in caught.value.remedy
    assert "Secret" not in str(caught.value)


@pytest.mark.hazard("H03")
def test_two_patients_are_never_decided_for_a_person() -> None:
    """However much larger one of them is."""
    scan = Scan((a_series("1", 1, 500), a_series("2", 2, 10, patient="two")))

    with pytest.raises(UsageError, match="several patients"):
        choose(scan)


@pytest.mark.parametrize("wanted", ["7", "1.2.7"])
def test_a_series_is_found_by_number_or_uid(wanted: str) -> None:
    """Both names work."""
    meant = a_series("1.2.7", 7, 10)

    assert choose(Scan((a_series("1.2.8", 8, 500), meant)), wanted) is meant


def test_a_number_two_series_share_is_refused() -> None:
    """Series numbers are not unique in DICOM."""
    scan = Scan((a_series("1", 7, 10), a_series("2", 7, 10)))

    with pytest.raises(UsageError, match="Several"):
        choose(scan, "7")
    with pytest.raises(UsageError, match="no series"):
        choose(scan, "8")


def test_nothing_suitable_says_why() -> None:
    """The wrong modality, or the finding that forbids 3D."""
    with pytest.raises(InputRefused, match="there is MR"):
        choose(Scan((a_series("1", 1, 10, modality="MR"),)), modalities={"CT"})
    with pytest.raises(InputRefused, match="no position"):
        choose(Scan((a_series("1", 1, 10, verdict=Verdict.NO_GEOMETRY),)))


def test_a_long_list_is_cut() -> None:
    """Two hundred series do not flood the terminal."""
    scan = Scan(tuple(a_series(str(n), n, 10) for n in range(200)))

    with pytest.raises(UsageError) as caught:
        choose(scan)

    assert len(caught.value.remedy.splitlines()) == 22
    assert "180 more" in caught.value.remedy


def test_one_of_several_volumes_of_a_series_is_chosen_by_its_place() -> None:
    """Three time points share UID and number; the second is NUMBER:2 or UID:2."""
    phases = tuple(replace(a_series("1.2", 5, 10), part=(n, 3)) for n in (1, 2, 3))

    assert choose(Scan(phases), "5:2") is phases[1]
    assert choose(Scan(phases), "1.2:3") is phases[2]
    with pytest.raises(UsageError, match="Several") as caught:
        choose(Scan(phases), "5")
    assert "1.2:2" in caught.value.remedy
