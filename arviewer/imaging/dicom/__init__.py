"""DICOM import: find series, judge their geometry, read them into volumes.

Lives here: the header walk, grouping, the geometry verdict, decoding. May import: numpy, pydicom, imagecodecs,
``arviewer.workers``, ``arviewer.model`` and what is below. Must not know: what is done with a volume.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arviewer.imaging.dicom.description import describe
    from arviewer.imaging.dicom.loading import load
    from arviewer.imaging.dicom.scanning import scan
    from arviewer.imaging.dicom.straightening import load_resampled

__all__ = ["describe", "load", "load_resampled", "scan"]

_ROOMS = {
    "describe": "arviewer.imaging.dicom.description",
    "load": "arviewer.imaging.dicom.loading",
    "load_resampled": "arviewer.imaging.dicom.straightening",
    "scan": "arviewer.imaging.dicom.scanning",
}


def __getattr__(name: str) -> Any:
    """Import a verb when it is first asked for: a decoding process, which needs none, starts in half the time."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
