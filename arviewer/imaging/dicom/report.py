"""A DICOM structured report as plain text: its content tree, one line for each item; PS3.3 C.17, A.35.

`report_text` runs in a capped worker; ask `arviewer.imaging.dicom.untrusted.UntrustedReader` for it.
"""

from __future__ import annotations

import struct

from arviewer.errors import InputRefused
from arviewer.imaging.dicom.plain_text import shown, shown_lines
from arviewer.imaging.dicom.report_values import code_text, dated, value_text
from arviewer.imaging.dicom.tree import Item, opened
from arviewer.imaging.dicom.values import readable_name
from arviewer.model.documents import Report, ReportLine
from arviewer.model.study import Attachment
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

MAX_LINES = 5_000
"""Content items that are shown; the longest real reports (CAD, echo measurements) have some hundreds."""
MAX_LEVELS = 100
"""Levels of the tree that are shown; real ones stay under ten."""

CONTENT = 0x0040A730
RELATIONSHIP, VALUE_TYPE, CONCEPT_NAME, REFERENCE = 0x0040A010, 0x0040A040, 0x0040A043, 0x0040DB73

_COMPLETION = {"COMPLETE": _("complete"), "PARTIAL": _("partial: not all of it is there")}
_VERIFICATION = {"VERIFIED": _("verified"), "UNVERIFIED": _("not verified by a person who is responsible for it")}
_PRELIMINARY = {"PRELIMINARY": _("preliminary"), "FINAL": _("final")}


def report_text(attachment: Attachment, progress: Progress = silent) -> Report:
    """Return a structured report as text.

    Parameters
    ----------
    attachment : Attachment
        Of kind REPORT.
    progress : Progress

    Raises
    ------
    InputRefused
        When the file cannot be read, is no report, or is not the object that was listed.
    """
    progress(0.0, _("Reading the report"))
    with opened(attachment) as (root, missing):
        if not root.items(CONTENT) and not root.items(CONCEPT_NAME):
            raise InputRefused(
                _("{name} cannot be read as a report.").format(name=attachment.name),
                " ".join(missing) or _("It has no content: neither a title (0040,A043) nor items (0040,A730)."),
                _("Its header can be seen all the same (Header…)."),
            )
        lines, remarks = _lines(root)
        return Report(
            title=shown(code_text(root.first(CONCEPT_NAME))) or attachment.description or _("Report"),
            facts=tuple(_facts(root)),
            lines=tuple(lines),
            remarks=(*missing, *remarks),
        )


def _facts(root: Item) -> list[tuple[str, str]]:
    facts = [
        (_("Date"), dated(root.text(0x00080023), root.text(0x00080033))),
        (_("Completion"), _told(_COMPLETION, root.text(0x0040A491), root.text(0x0040A492))),
        (_("Verification"), _told(_VERIFICATION, root.text(0x0040A493))),
        (_("State"), _told(_PRELIMINARY, root.text(0x0040A496))),
    ]
    for verifier in root.items(0x0040A073):
        when = dated(verifier.text(0x0040A030))
        facts.append((_("Verified by"), _joined(_person(verifier, 0x0040A075), verifier.text(0x0040A027), when)))
    authors = [_joined(_person(author, 0x0040A123), author.text(0x00080080)) for author in root.items(0x0040A078)]
    facts += [(_("Author"), author) for author in authors]
    if root.items(0x0040A360):
        facts.append((_("Note"), _("it takes the place of an earlier report")))
    return [(caption, shown(text)) for caption, text in facts if text]


def _told(words: dict[str, str], code: str, more: str = "") -> str:
    told = words.get(code, code)
    return f"{told} ({more})" if told and more else told


def _person(item: Item, tag: int) -> str:
    return readable_name(item.text(tag))


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _lines(root: Item) -> tuple[list[ReportLine], list[str]]:
    """Return the content tree, depth first, and what is left out of it."""
    lines: list[ReportLine] = []
    left_out, unknown = 0, set()
    waiting = [(item, 1) for item in reversed(root.items(CONTENT))]
    while waiting:
        item, depth = waiting.pop()
        if len(lines) >= MAX_LINES or depth > MAX_LEVELS:
            left_out += 1
        else:
            line, is_known = _line(item, depth, root)
            lines.append(line)
            if not is_known:
                unknown.add(line.kind or "?")
        waiting += [(child, depth + 1) for child in reversed(item.items(CONTENT))]
    remarks = []
    if left_out:
        remarks.append(_("The report goes on: {count:,} more items are not shown.").format(count=left_out))
    if unknown:
        remarks.append(
            _("What items of these kinds say is not shown: {kinds}.").format(kinds=", ".join(sorted(unknown)))
        )
    return lines, remarks


def _line(item: Item, depth: int, root: Item) -> tuple[ReportLine, bool]:
    kind, relationship = shown(item.text(VALUE_TYPE)), shown(item.text(RELATIONSHIP))
    name = shown(code_text(item.first(CONCEPT_NAME)))
    if item.raw(REFERENCE):
        return ReportLine(depth, name, _reference(item, root), relationship, kind), True
    value = value_text(kind, item)
    known = value is not None
    return ReportLine(depth, name, shown_lines(value or ""), relationship, kind), known


def _reference(item: Item, root: Item) -> str:
    """Return the name of the item that another one refers to by its place in the tree; PS3.3 C.17.3.2.5."""
    element = item.elements[REFERENCE]
    raw = element.raw(256)
    places = struct.unpack(f"{'>' if element.big_endian else '<'}{len(raw) // 4}L", raw[: len(raw) // 4 * 4])
    target = root
    for place in places[1:]:
        children = target.items(CONTENT)
        if not 1 <= place <= len(children):
            target = Item()
            break
        target = children[place - 1]
    path = ".".join(map(str, places))
    name = shown(code_text(target.first(CONCEPT_NAME)))
    return (
        _("see “{name}” (item {path})").format(name=name, path=path) if name else _("see item {path}").format(path=path)
    )
