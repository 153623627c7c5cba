"""The values everything else talks about: volumes, structures, surfaces, scenes, findings.

Lives here: immutable values and the arithmetic of space. May import: numpy, the standard library,
``arviewer.errors`` and ``arviewer.words``. Must not know: files, pydicom, scikit-image, VTK, Qt.

Patient space is DICOM LPS in millimetres (x to the patient's Left, y to Posterior, z to Superior;
PS3.3 C.7.6.2.1.1). Arrays are ``voxels[k, j, i]``; affines take (i, j, k) with voxel centres at integers.
"""
