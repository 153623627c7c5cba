"""DICOM import: find series, judge their geometry, read them into volumes.

Lives here: the header walk, grouping, the geometry verdict, decoding. May import: numpy, pydicom, imagecodecs,
``arviewer.workers``, ``arviewer.model`` and what is below. Must not know: what is done with a volume.
"""

from arviewer.imaging.dicom.description import describe
from arviewer.imaging.dicom.loading import load
from arviewer.imaging.dicom.scanning import scan
from arviewer.imaging.dicom.straightening import load_resampled

__all__ = ["describe", "load", "load_resampled", "scan"]
