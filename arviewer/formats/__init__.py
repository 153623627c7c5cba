"""Files other programs read: one table of formats, and the one door through which a file leaves.

Lives here: readers and writers of meshes, readers of structures and of volumes that are no DICOM, the verified
export. May import: ``arviewer.imaging`` and what is below.
Must not know: windows, rendering. RAS and metres exist only here, on the line of the format that needs them.
"""
