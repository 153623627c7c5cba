"""Volumes of known truth: analytic shapes, their rasterisation with true partial volume, a whole patient.

Lives here: signed-distance shapes (`shapes`, `csg`), `raster` (shapes to voxels), `simple` (small phantoms for
tests), `noise`, and the synthetic patient (`patient` and the anatomy it is made of). May import: numpy,
``arviewer.model`` and what is below. Must not know: files, DICOM, segmentation.

Everything that decides a voxel uses only the arithmetic that IEEE 754 rounds exactly (+ − × ÷ √) and integer random
numbers, so that the same phantom comes out bit by bit on every machine.
"""
