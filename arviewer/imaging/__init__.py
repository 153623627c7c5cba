"""From files to volumes, from volumes to structures, from structures to surfaces.

Lives here: ``dicom`` (scan, order, decode), ``recipes`` (segmentation), ``meshing`` (surfaces), ``phantoms`` (volumes
of known truth). May import: numpy, scipy, scikit-image, pydicom (only in ``dicom``), VTK's pure filters (only in
``meshing``), ``arviewer.workers`` and what is below. Must not know: rendering, Qt, what a person clicked.
"""
