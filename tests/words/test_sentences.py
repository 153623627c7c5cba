"""Every kind has its words."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from arviewer.model.findings import FindingKind
from arviewer.words import findings
from arviewer.words.printable import cleaned, printable


def test_every_kind_of_finding_has_a_sentence_and_no_other() -> None:
    """A new kind cannot be forgotten here."""
    assert set(findings.kinds()) == {kind.value for kind in FindingKind}


@pytest.mark.parametrize("kind", findings.kinds())
def test_sentence_and_remedy_are_filled_from_details(kind: str) -> None:
    """Both are sentences: capital letter, full stop, no brace left."""
    fields = {
        name: 1.5 if spec else "Xy."
        for template in findings._SENTENCES[kind]
        for _, name, spec, _ in Formatter().parse(template)
        if name
    }

    for text in (findings.message(kind, fields), findings.remedy(kind, fields)):
        assert text[0].isupper() or text[0].isdigit()
        assert text.endswith((".", ".)", "Xy.")), text
        assert "{" not in text


def test_the_page_of_findings_lists_every_kind() -> None:
    """What a message can name, the manual explains."""
    page = (Path(__file__).parents[2] / "docs/users/findings.md").read_text(encoding="utf-8")

    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]

    assert listed == list(findings.kinds())


@pytest.mark.parametrize("kind", findings.kinds())
def test_one_is_not_spoken_of_as_many(kind: str) -> None:
    """Whatever counts images, slices, files or planes has words for one of them."""
    template = findings._SENTENCES[kind][0]
    details = {name: "Xy." for _, name, spec, _ in Formatter().parse(template) if name and not spec}
    if "count" not in details or kind in {"multiple-patients", "multiple-volumes", "mixed-frame-of-reference"}:
        return  # of these there are two at least

    assert findings.message(kind, {**details, "count": 1}).count("1") == 1
    for many in ("1 slices", "1 images", "1 parts", "1 planes", "; 1 were", "places"):
        assert many not in findings.message(kind, {**details, "count": 1})
    assert "2" in findings.message(kind, {**details, "count": 2})


def test_foreign_text_is_shown_without_what_steers_a_screen() -> None:
    """White space of any kind is a blank; escapes and direction overrides go, or are written out."""
    foreign = "胸部\u3000CT\u00a0x\u202e\x1b[2J"
    assert cleaned(foreign) == "胸部 CT x[2J"
    assert printable(foreign) == "胸部 CT x\\u202e\\x1b[2J"
    assert printable("a\nb\r\tc\u2028") == "a\nb\\r c\\u2028"
