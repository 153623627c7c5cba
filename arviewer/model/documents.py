"""What can be read in a file beside its images: its header, a report, the pages of a document."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arviewer.words.reports import relation

INDENT = "  "
REPORT_INDENT = "    "
MAX_INDENT = 16
"""Levels that are indented; what is nested deeper stands at this indent, with its level in the row."""


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """One line of a header: an element, an item of a sequence, or a remark.

    Attributes
    ----------
    depth : int
        How many sequences it is inside.
    tag : str
        Such as "(0010,0010)"; "" of a remark.
    keyword : str
        Of the dictionary; of a private element its creator and, where known, its name.
    vr : str
        Two letters, as in the file or else by the dictionary; "" of an item or a remark.
    value : str
        Free of control characters; long ones shortened, with their whole length.
    count : int
        Values (VM); 0 of an item, a sequence or a remark.
    length : int or None
        Bytes of the value; None when undefined.
    identifies : bool
        The value may tell who the patient is.
    """

    depth: int
    tag: str
    keyword: str
    vr: str
    value: str
    count: int = 0
    length: int | None = 0
    identifies: bool = False

    @property
    def indent(self) -> str:
        """The blanks that show the depth."""
        return INDENT * min(self.depth, MAX_INDENT)


@dataclass(frozen=True, slots=True)
class HeaderDump:
    """All elements of a file, in the order of the file.

    Attributes
    ----------
    file : str
        Its name.
    rows : tuple of HeaderRow
    complete : bool
        Whether the whole file was walked and every element is among the rows.
    """

    file: str
    rows: tuple[HeaderRow, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One content item of a structured report.

    Attributes
    ----------
    depth : int
        Level in the content tree; 1 right below the title.
    name : str
        What it is about: the meaning of its concept name, or "".
    value : str
        What it says; "" of a heading.
    relationship : str
        To the item above, such as "CONTAINS" or "INFERRED FROM"; PS3.3 C.17.3.2.
    kind : str
        *Value Type* (0040,A040), such as "NUM".
    """

    depth: int
    name: str
    value: str
    relationship: str = ""
    kind: str = ""

    @property
    def text(self) -> str:
        """The line as people read it, indented; the lines of a longer text hang below it."""
        related, said = relation(self.relationship), ": ".join(part for part in (self.name, self.value) if part)
        indent = REPORT_INDENT * min(self.depth - 1, MAX_INDENT)
        text = indent + (f"({related}) " if related else "") + said
        return text.replace("\n", f"\n{indent}{REPORT_INDENT}")


@dataclass(frozen=True, slots=True)
class Report:
    """A structured report as plain text.

    Attributes
    ----------
    title : str
        The meaning of the root's concept name.
    facts : tuple of (caption, text)
        Date, completion, verification, who observed and who verified.
    lines : tuple of ReportLine
        In the order of the tree; the title is not among them.
    remarks : tuple of str
        What of it could not be read or is left out, in words for the reader; empty when all is there.
    """

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    lines: tuple[ReportLine, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole as people read it."""
        facts = [f"{caption}: {text}" for caption, text in self.facts]
        remarks = [f"! {remark}" for remark in self.remarks]
        body = [line.text for line in self.lines]
        return "\n".join([self.title, *facts, *remarks, "", *body])


@dataclass(frozen=True, slots=True, eq=False)
class DocumentPage:
    """One page of a document as pixels.

    Attributes
    ----------
    number, count : int
        Which page of how many, from 1.
    pixels : ndarray, shape (H, W, 3), uint8
        Row 0 is the top of the page.
    size_mm : (width, height)
        Of the paper.
    """

    number: int
    count: int
    pixels: npt.NDArray[np.uint8] = field(repr=False)
    size_mm: tuple[float, float]
