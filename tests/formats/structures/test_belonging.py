"""Whose a structure is: any part of an identity that differs refuses it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from arviewer.errors import InputRefused
from arviewer.formats.belonging import differing_identity, require_belongs
from arviewer.model.study import Attachment, AttachmentKind, Contents, Patient
from tests.structure_files import Case

ADA = Patient(name="Probe, Ada", id="7", issuer="A", birth_date="19800229")


@pytest.mark.hazard("H03")
@pytest.mark.parametrize(
    ("one", "other", "tag"),
    [
        (ADA, replace(ADA, id="8"), "0010,0020"),
        (ADA, replace(ADA, issuer="B"), "0010,0021"),
        (ADA, replace(ADA, birth_date="19800301"), "0010,0030"),
        (replace(ADA, id=""), replace(ADA, name="Zwei, Bo"), "0010,0010"),
    ],
)
def test_each_part_of_an_identity_counts(one: Patient, other: Patient, tag: str) -> None:
    """And is named; the name counts where there is no ID."""
    assert tag in differing_identity(one, other)


def test_the_same_person_differs_in_nothing() -> None:
    """Another spelling of the name under one ID is no other person; what is not said contradicts nothing."""
    for other in (ADA, replace(ADA, name="Probe A"), Patient()):
        assert differing_identity(ADA, other) == ""


@pytest.mark.hazard("H03")
def test_what_nothing_ties_to_the_patient_is_refused(case: Case) -> None:
    """A frame of reference alone is no identity."""
    one = Attachment(AttachmentKind.SEGMENTATION, Path("x.dcm"), Patient(birth_date="19800229"))
    contents = Contents(frame_of_reference_uids=(case.series.frame_of_reference_uid,))
    with pytest.raises(InputRefused, match="cannot be tied to the patient"):
        require_belongs(one, contents, case.series)
