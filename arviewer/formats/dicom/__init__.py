"""DICOM objects that carry structures: SEG and RTSTRUCT.

Lives here: reading them into segmentations on their own grid. May import: pydicom, ``arviewer.imaging`` and what is
below. Must not know: the window, the scene, mesh files.
"""
