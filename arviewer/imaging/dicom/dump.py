"""The header of a file as rows that a person can read and search: tag, keyword, VR, value.

`header_rows` runs in a capped worker; ask `arviewer.imaging.dicom.untrusted.UntrustedReader` for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from arviewer.errors import InputRefused
from arviewer.imaging.dicom.dump_values import Identity, describe_value
from arviewer.imaging.dicom.plain_text import shown, tag_text
from arviewer.imaging.dicom.source import Source
from arviewer.imaging.dicom.untrusted import content
from arviewer.imaging.dicom.walk import ITEM, Buffer, Damaged, Element, Walk
from arviewer.model.documents import HeaderDump, HeaderRow
from arviewer.words import _
from arviewer.workers.progress import Progress, silent

MAX_ROWS = 20_000
"""Rows that are listed; an enhanced CT of 200 frames has some 15,000."""

MAX_COUNTED = 500_000
"""Elements that are still counted after that; it takes a second or two."""

PROGRESS_ROWS = 500


def header_rows(path: Path, member: str = "", progress: Progress = silent) -> HeaderDump:
    """Return every element of a file, the file meta information included, down to where it is damaged.

    Parameters
    ----------
    path : Path
        Any DICOM file, images or not; for a member of a zip archive, the archive.
    member : str
        Name inside the archive.
    progress : Progress

    Raises
    ------
    InputRefused
        When it cannot be read or is no DICOM file.
    """
    with content(path, member) as data:
        rows, complete = _rows(data, progress)
    name = Source(path, member).name
    if not any(row.tag for row in rows):
        why = _("Nothing that can be read follows its first {count} bytes.").format(count=132)
        raise InputRefused(_("{name} is no DICOM file.").format(name=name), why, _("Choose another file."))
    return HeaderDump(name, tuple(rows), complete)


def _rows(data: Buffer, progress: Progress) -> tuple[list[HeaderRow], bool]:
    walk, identity = Walk(data), Identity()
    rows: list[HeaderRow] = []
    more, damage = 0, ""
    try:
        for element in walk.elements():
            if len(rows) < MAX_ROWS:
                rows.append(_row(element, identity))
                if len(rows) % PROGRESS_ROWS == 0:
                    progress(min(element.offset / len(element.data), 1.0), _("Reading the header"))
            else:
                more += 1
                if more > MAX_COUNTED:
                    break
    except Damaged as reason:
        damage = str(reason)
    if more:
        text = _("and more than {count:,} more elements") if more > MAX_COUNTED else _("and {count:,} more elements")
        rows.append(_remark(text.format(count=min(more, MAX_COUNTED))))
    if damage:
        rows.append(_remark(_("The file cannot be read on from here: {why}.").format(why=damage)))
    rows += [_remark(text) for text in walk.remarks]
    return identity.marked(rows), not (more or damage or walk.cut_short)


def _remark(text: str) -> HeaderRow:
    return HeaderRow(0, "", "", "", text)


def _row(element: Element, identity: Identity) -> HeaderRow:
    if element.tag == ITEM:
        text = _("item {number}").format(number=element.number)
        return HeaderRow(element.depth, tag_text(ITEM), text, "", "", 0, element.length)
    count, value = describe_value(element)
    return HeaderRow(
        depth=element.depth,
        tag=tag_text(element.tag),
        keyword=_keyword(element),
        vr=element.vr,
        value=value,
        count=count,
        length=element.length,
        identifies=identity.may_tell(element, value),
    )


def _keyword(element: Element) -> str:
    from pydicom.datadict import keyword_for_tag, private_dictionary_description

    tag = element.tag
    if tag & 0xFFFF == 0:
        return "GroupLength"
    if not tag >> 16 & 1:
        return keyword_for_tag(tag) or _("(not in the dictionary)")
    if 0x10 <= tag & 0xFFFF <= 0xFF:
        return "PrivateCreator"
    if not element.creator:
        return _("(private, without a creator)")
    try:
        name = private_dictionary_description(tag, element.creator).strip("[]")
    except KeyError:
        name = ""
    creator = shown(element.creator)
    return f"{creator}: {name}" if name and name != "Unknown" else creator


def as_lines(dump: HeaderDump) -> Iterator[str]:
    """Yield a line of text for each row: tag, VR, keyword, value; nested ones indented."""
    for row in dump.rows:
        if not row.tag:
            yield f"! {row.value}"
            continue
        head = f"{row.indent}{row.tag} {row.vr:<2} {row.keyword}"
        yield f"{head} = {row.value}" if row.value else head
