"""Content of untrusted files: a mistake of ours is never told as a file that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from arviewer.errors import InputRefused
from arviewer.imaging.dicom.untrusted import content
from tests.imaging.dicom.documents import content as item
from tests.imaging.dicom.documents import report, write


@pytest.mark.parametrize("error", [IndexError, ValueError, RuntimeError, KeyError])
def test_errors_of_the_reader_pass(tmp_path: Path, error: type[Exception]) -> None:
    """They are bugs, and must be seen as such."""
    path = write(report(item("TEXT", "x", TextValue="y")), tmp_path / "a.dcm")
    with pytest.raises(error, match="ours"), content(path):
        raise error("ours")


def test_memory_that_runs_out_is_the_files_fault(tmp_path: Path) -> None:
    """Within the cap of its process."""
    path = write(report(item("TEXT", "x", TextValue="y")), tmp_path / "a.dcm")
    with pytest.raises(InputRefused, match="needs more than"), content(path):
        raise MemoryError


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """What, why, remedy."""
    with pytest.raises(InputRefused, match=r"gone\.dcm cannot be read"), content(tmp_path / "gone.dcm"):
        pass
    (tmp_path / "empty.dcm").write_bytes(b"")
    with pytest.raises(InputRefused, match="It is empty"), content(tmp_path / "empty.dcm"):
        pass
