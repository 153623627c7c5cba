"""Reading files that may be hostile: each in a process that is capped, disposable, and owns nothing of the window.

The functions named here run in the worker; what they return is text and pixels, nothing that can act. One that
dies or takes too much is a refusal that names the file.
"""

from __future__ import annotations

import mmap
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from arviewer.errors import ArviewerError, InputRefused, WorkLost
from arviewer.imaging.dicom.source import MAX_MEMBER_BYTES, READ_ERRORS, Source
from arviewer.imaging.dicom.walk import Buffer
from arviewer.model.documents import DocumentPage, HeaderDump, Report
from arviewer.model.study import Attachment
from arviewer.words import _
from arviewer.workers.progress import Progress, silent
from arviewer.workers.worker import Limits, Worker

LIMITS = Limits(memory_bytes=1 << 30, cpu_s=5.0)
"""A header or a page takes tenths of a second and some 100 MiB; a file that needs more is a bomb."""

HEADER = "arviewer.imaging.dicom.dump:header_rows"
REPORT = "arviewer.imaging.dicom.report:report_text"
PAGE = "arviewer.imaging.dicom.pages:document_page"


class UntrustedReader:
    """Reads headers, reports and pages in one capped process, which starts at the first call.

    Use it from one thread at a time; `close` may come from any.
    """

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._worker = Worker(limits)

    def header(self, path: Path, member: str = "", progress: Progress = silent) -> HeaderDump:
        """Return every element of a file; see `arviewer.imaging.dicom.dump`."""
        dump: HeaderDump = self._call(HEADER, Source(path, member).name, path, member, progress=progress)
        return dump

    def report(self, attachment: Attachment, progress: Progress = silent) -> Report:
        """Return a structured report as text; see `arviewer.imaging.dicom.report`."""
        report: Report = self._call(REPORT, attachment.name, attachment, progress=progress)
        return report

    def page(self, attachment: Attachment, number: int = 1, progress: Progress = silent) -> DocumentPage:
        """Return a page of an encapsulated PDF as pixels, counted from 1; see `arviewer.imaging.dicom.pages`."""
        page: DocumentPage = self._call(PAGE, attachment.name, attachment, number, progress=progress)
        return page

    def close(self) -> None:
        """End the process; safe to call twice."""
        self._worker.close()

    def __enter__(self) -> UntrustedReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, function: str, name: str, *args: object, progress: Progress) -> Any:
        try:
            return self._worker.call(function, *args, progress=progress)
        except ArviewerError as error:
            raise as_refusal(error, name) from error


def as_refusal(error: ArviewerError, name: str) -> ArviewerError:
    """Return the refusal of a file whose reading ended the process; any other error as it is."""
    if not isinstance(error, WorkLost):
        return error
    return InputRefused(
        _("{name} cannot be read safely.").format(name=name),
        _("Reading it was ended: {why}").format(why=error.why),
        _("The file is damaged or made to do harm. Nothing else is affected; fetch it again from where it came."),
    )


@contextmanager
def content(path: Path, member: str = "") -> Iterator[Buffer]:
    """Give the bytes of a file (mapped, not read), or of a member of an archive.

    Raises
    ------
    InputRefused
        When they cannot be had, or are not those of a DICOM file.
    """
    name = Source(path, member).name
    with ExitStack() as held:
        try:
            data = _data(path, member, held)
        except READ_ERRORS as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise InputRefused(
                _("{name} cannot be read.").format(name=name),
                why or type(error).__name__,
                _("Check that you may read it, and that the medium is there."),
            ) from error
        except MemoryError as error:
            raise _too_much(name) from error
        _require_dicom(data, name)
        try:
            yield data
        except MemoryError as error:
            raise _too_much(name) from error


def _data(path: Path, member: str, held: ExitStack) -> Buffer:
    if member:
        return Source(path, member, held.enter_context(zipfile.ZipFile(path))).read(MAX_MEMBER_BYTES)
    stream = held.enter_context(path.open("rb"))
    if not path.stat().st_size:
        return b""
    return held.enter_context(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _too_much(name: str) -> InputRefused:
    return InputRefused(
        _("{name} cannot be read safely.").format(name=name),
        _("It needs more than the {size:,} MiB that reading it may take.").format(size=LIMITS.memory_bytes >> 20),
        _("The file is damaged or made to do harm. Nothing else is affected; fetch it again from where it came."),
    )


def _require_dicom(data: Buffer, name: str) -> None:
    head = bytes(data[:132])
    if head[128:132] == b"DICM" or head[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08", b"\x00\x02"):
        return
    why = _("It does not begin as DICOM files do.") if head else _("It is empty.")
    raise InputRefused(_("{name} is no DICOM file.").format(name=name), why, _("Choose another file."))
