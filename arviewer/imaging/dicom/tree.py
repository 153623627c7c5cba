"""A data set as a tree of items, for objects whose meaning lies in nested sequences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from arviewer.errors import InputRefused
from arviewer.imaging.dicom.elements import Header
from arviewer.imaging.dicom.plain_text import decoded
from arviewer.imaging.dicom.untrusted import content
from arviewer.imaging.dicom.values import Values, patient_of
from arviewer.imaging.dicom.walk import ITEM, Buffer, Damaged, Element, Walk
from arviewer.model.study import Attachment
from arviewer.words import _

MAX_ELEMENTS = 300_000
"""Elements of one object that are kept; a report of 5,000 items has some 100,000."""
MAX_TEXT_BYTES = 1 << 20
"""Of one value."""

_IDENTITY = (0x00080005, 0x00080018, 0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040)


@dataclass(slots=True)
class Item:
    """A data set: the whole object, or an item of a sequence. Absent values are "" or empty."""

    elements: dict[int, Element] = field(default_factory=dict)
    sequences: dict[int, list[Item]] = field(default_factory=dict)

    def raw(self, tag: int) -> bytes:
        """Return the bytes of a value, at most `MAX_TEXT_BYTES`."""
        element = self.elements.get(tag)
        return element.raw(MAX_TEXT_BYTES) if element is not None else b""

    def text(self, tag: int) -> str:
        """Return a text in its character set."""
        element = self.elements.get(tag)
        if element is None:
            return ""
        return decoded(element.raw(MAX_TEXT_BYTES), element.character_set).strip("\0 ")

    def items(self, tag: int) -> list[Item]:
        """Return the items of a sequence."""
        return self.sequences.get(tag, [])

    def first(self, tag: int) -> Item:
        """Return the first item of a sequence, or an empty one."""
        return next(iter(self.items(tag)), Item())


def tree_of(data: Buffer) -> tuple[Item, list[str]]:
    """Return the data set of a file as a tree, and what of it could not be read, in words for the reader."""
    walk, root = Walk(data), Item()
    path: list[Item] = [root]
    lists: list[list[Item]] = []
    missing: list[str] = []
    try:
        for count, element in enumerate(walk.elements()):
            if count >= MAX_ELEMENTS:
                missing.append(_("Only its first {count:,} elements are read.").format(count=MAX_ELEMENTS))
                break
            _put(element, path, lists)
    except Damaged as reason:
        missing.append(_("The file cannot be read to its end: {why}.").format(why=reason))
    if walk.cut_short:
        missing += walk.remarks
    return root, missing


def _put(element: Element, path: list[Item], lists: list[list[Item]]) -> None:
    """Put an element where it belongs: `path` and `lists` hold the open item and sequence of each depth."""
    depth = element.depth
    if element.tag == ITEM:
        if not 1 <= depth <= len(lists):
            return
        del path[depth:]
        path.append(Item())
        lists[depth - 1].append(path[depth])
        return
    if depth >= len(path):
        return
    if element.is_sequence:
        del lists[depth:]
        lists.append(path[depth].sequences.setdefault(element.tag, []))
    path[depth].elements.setdefault(element.tag, element)


@contextmanager
def opened(attachment: Attachment) -> Iterator[tuple[Item, list[str]]]:
    """Give the tree of an attachment and what of it is missing, once it is sure to be the one that was listed.

    Raises
    ------
    InputRefused
        When it cannot be read, or when the file is not, or no longer, that object of that patient.
    """
    with content(attachment.path, attachment.member) as data:
        root, missing = tree_of(data)
        values = Values(Header("", {tag: root.raw(tag) for tag in _IDENTITY}))
        if patient_of(values) != attachment.patient or values.code(0x00080018) != attachment.sop_instance_uid:
            raise InputRefused(
                _("{name} is not shown.").format(name=attachment.name),
                _("The file has changed since it was listed: it is another object, or of another patient."),
                _("Open the folder again."),
            )
        yield root, missing
