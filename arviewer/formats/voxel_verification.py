"""The proof of a file of voxels: what a reader finds in it is held against the model, voxel by voxel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arviewer.errors import OutputFailed
from arviewer.formats.voxel_file import VoxelContent
from arviewer.model.masks import MaskBox
from arviewer.model.segmentation import Segmentation
from arviewer.model.volume import VolumeGeometry
from arviewer.words import _

PLACE_TOLERANCE_MM = 0.001
"""How far any voxel may lie from the model's: float32 keeps a coordinate up to 8 m that well, and DICOM's 16
characters better."""


def verify_voxels(found: Sequence[Segmentation], content: VoxelContent, file_name: str) -> None:
    """Prove that a file is the model: every structure by name, and each of its voxels at its place in the patient.

    Parameters
    ----------
    found : sequence of Segmentation
        As read back, each on the grid of the file.
    content : VoxelContent
        What was meant.
    file_name : str
        What messages call the file.

    Raises
    ------
    OutputFailed
        With the first thing that differs.
    """
    read = {one.segments[0].name: one for one in found}
    if sorted(read) != sorted(content.names):
        raise _differs(file_name, _("it holds {found}").format(found=", ".join(read) or _("nothing")))
    for name, mask in zip(content.names, content.masks, strict=True):
        one = read[name]
        found_mask = _in_model(one.segments[0].mask.box(), one.volume.geometry, content.geometry)
        if found_mask is None:
            raise _differs(file_name, _("{name} lies on another grid").format(name=name))
        if found_mask.sha256() != mask.sha256():
            raise _differs(file_name, _("the voxels of {name} are others").format(name=name))


def _in_model(mask: MaskBox, file: VolumeGeometry, model: VolumeGeometry) -> MaskBox | None:
    """Return a mask on the model's grid; None when its voxels do not lie on those of the model."""
    ends = [(along.start, along.stop - 1) for along in reversed(mask.slices)]
    corners = np.array([[i, j, k, 1.0] for i in ends[0] for j in ends[1] for k in ends[2]])
    lps = corners @ file.lps_from_ijk.matrix.T
    shift = np.rint((np.linalg.inv(model.lps_from_ijk.matrix) @ lps[0] - corners[0])[:3])
    expected = (corners + np.append(shift, 0.0)) @ model.lps_from_ijk.matrix.T
    if np.linalg.norm(lps - expected, axis=1).max() > PLACE_TOLERANCE_MM:
        return None
    k, j, i = (start + int(by) for start, by in zip(mask.start_kji, reversed(shift), strict=True))
    return MaskBox((k, j, i), mask.voxels)


def _differs(file_name: str, why: str) -> OutputFailed:
    return OutputFailed(
        _("The file did not read back as the model; nothing was changed."),
        f"{file_name}: {why}.",
        _("Export again; if it happens twice, report it with these figures."),
    )
