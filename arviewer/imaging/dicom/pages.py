"""The pages of an encapsulated PDF as pixels; PS3.3 A.45.1.

`document_page` runs in a capped worker; ask `arviewer.imaging.dicom.untrusted.UntrustedReader` for it. The renderer
(PDFium, a build without JavaScript and forms) draws into memory; links, actions and embedded files are never
followed, and nothing but the pixels of one page leaves the process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from arviewer.errors import InputRefused
from arviewer.imaging.dicom.plain_text import shown
from arviewer.imaging.dicom.tree import Item, opened
from arviewer.model.documents import DocumentPage
from arviewer.model.study import Attachment
from arviewer.words import _
from arviewer.workers import memory
from arviewer.workers.progress import Progress, silent

if TYPE_CHECKING:
    import pypdfium2

MAX_DOCUMENT_BYTES = 256 << 20
"""Of the PDF; scanned letters of a hundred pages have some 50 MB."""
MAX_PAGES = 2_000
PIXELS_PER_INCH = 150.0
"""Small print can be read at it; a page of A4 has 1240 × 1754 pixels."""
MAX_SIDE = 4_096
"""Pixels along the longer side; a larger page is drawn coarser."""
MAX_PIXELS = 8_000_000

POINTS_PER_INCH = 72.0
MM_PER_INCH = 25.4

DOCUMENT, MIME_TYPE, DOCUMENT_LENGTH = 0x00420011, 0x00420012, 0x00420015
_FETCH = _("Fetch it again from where it came.")
_END_MARK = b"%%EOF"
_END_BYTES = 1024
"""The end mark of a PDF stands in its last kilobyte; ISO 32000-1 annex H.3, note 18."""


def document_page(attachment: Attachment, number: int = 1, progress: Progress = silent) -> DocumentPage:
    """Return one page of an encapsulated PDF.

    Parameters
    ----------
    attachment : Attachment
        Of kind PDF.
    number : int
        Counted from 1.
    progress : Progress

    Raises
    ------
    InputRefused
        When there is no such page, or the document is damaged, encrypted, too large, or not the one that was listed.
    """
    progress(0.0, _("Drawing the page"))
    with opened(attachment) as (root, missing):
        if missing:
            raise _refused(attachment, " ".join(missing), _FETCH)
        data = _document(root, attachment)
    with _pdf(data, attachment) as document:
        count = len(document)
        if not 1 <= number <= min(count, MAX_PAGES):
            why = _("It has {count:,} pages; page {number:,} is asked for.").format(count=count, number=number)
            limit = _("Pages 1 to {last:,} can be seen here.").format(last=min(count, MAX_PAGES))
            raise _refused(attachment, why, limit)
        return _drawn(document, number, count)


def _refused(attachment: Attachment, why: str, remedy: str) -> InputRefused:
    return InputRefused(_("{name} is not shown.").format(name=attachment.name), why, remedy)


def _document(root: Item, attachment: Attachment) -> bytes:
    """Return the PDF inside a data set."""
    kind = root.text(MIME_TYPE)
    if kind not in ("application/pdf", ""):
        why = _("Its document (0042,0012) is of kind {kind!r}, no PDF.").format(kind=shown(kind)[:64])
        raise _refused(attachment, why, _("Such documents are only listed here."))
    element = root.elements.get(DOCUMENT)
    if element is None or not element.length:
        raise _refused(attachment, _("It holds no document (0042,0011)."), _FETCH)
    if element.length > MAX_DOCUMENT_BYTES:
        why = _("The document has {size:,} MiB; {most:,} are read here.").format(
            size=element.length >> 20, most=MAX_DOCUMENT_BYTES >> 20
        )
        raise _refused(attachment, why, _("Ask its author for a smaller one."))
    data = element.raw()
    told = root.raw(DOCUMENT_LENGTH)[:4]
    length = int.from_bytes(told, "big" if element.big_endian else "little") if len(told) == 4 else 0
    if not data.startswith(b"%PDF-"):
        raise _refused(
            attachment, _("What it holds does not begin as a PDF does."), _("Such documents are only listed.")
        )
    if length > len(data) or _END_MARK not in data.rstrip(b"\0")[-_END_BYTES:]:
        raise _refused(attachment, _("The PDF in it is cut short."), _FETCH)
    return data


@contextmanager
def _pdf(data: bytes, attachment: Attachment) -> Iterator[pypdfium2.PdfDocument]:
    import pypdfium2
    from pypdfium2 import raw

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        # PDFium keeps the code of an earlier failure, so the code alone proves nothing.
        coded = getattr(error, "err_code", 0) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        if coded and b"/Encrypt" in data:
            remedy = _("Ask its author for one without a password.")
            raise _refused(attachment, _("The PDF in it is encrypted."), remedy) from error
        raise _refused(attachment, _("The PDF in it is damaged."), _FETCH) from error
    try:
        if not len(document):
            raise _refused(attachment, _("The PDF in it has no pages."), _FETCH)
        yield document
    except pypdfium2.PdfiumError as error:
        raise _refused(attachment, _("A page of the PDF in it is damaged."), _FETCH) from error
    finally:
        document.close()


def _drawn(document: pypdfium2.PdfDocument, number: int, count: int) -> DocumentPage:
    page = document[number - 1]
    width, height = page.get_size()  # points, rotation included
    scale = _scale(width, height)
    # Forms are never initialized, so neither their scripts nor their fields exist; what annotations look like is drawn.
    bitmap = page.render(scale=scale, may_draw_forms=False, draw_annots=True, rev_byteorder=True)
    drawn = bitmap.to_numpy()
    pixels = memory.empty((*drawn.shape[:2], 3), np.uint8)
    pixels[...] = drawn[:, :, :3] if drawn.ndim == 3 else drawn[:, :, None]
    mm = MM_PER_INCH / POINTS_PER_INCH
    return DocumentPage(number, count, pixels, (width * mm, height * mm))


def _scale(width: float, height: float) -> float:
    """Return pixels per point for a page of this size in points, within the caps."""
    longer, area = max(width, height, 1e-3), max(width * height, 1e-6)
    return min(PIXELS_PER_INCH / POINTS_PER_INCH, MAX_SIDE / longer, math.sqrt(MAX_PIXELS / area))
