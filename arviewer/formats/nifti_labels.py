"""Write a NIfTI-1 label map: one number for each structure, names and colors in a table behind the header.

The table is the one that Connectome Workbench and TotalSegmentator write (extension code 30); where the structures
come from is a comment (code 6). RAS begins and ends here.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from arviewer.errors import UsageError
from arviewer.formats.frames import FRAMES
from arviewer.formats.nifti import LABEL_INTENT
from arviewer.formats.voxel_file import Labels, VoxelContent, bytes_of, gzipped, overlap, painted
from arviewer.version import __version__
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

COMMENT, LABEL_TABLE = 6, 30
"""Extension codes."""

MILLIMETRES, SCANNER = 2, 1

MAX_SHEAR = 1e-6
"""Largest cosine between axes that a quaternion is written for: it cannot hold a tilted gantry."""


def write_nifti(content: VoxelContent, progress: Progress = silent) -> bytes:
    """Return the bytes of an uncompressed file (.nii).

    Raises
    ------
    UsageError
        When structures overlap: a label map has one number in each voxel.
    """
    head, labels = _parts(content)
    return head + bytes_of(labels)


def write_packed_nifti(content: VoxelContent, progress: Progress = silent) -> bytes:
    """Return the bytes of a compressed file (.nii.gz); raises as `write_nifti`."""
    progress(0.0, _("Painting labels"))
    head, labels = _parts(content)
    return gzipped([head, bytes_of(labels)], part(progress, 0.1, 1.0))


def _parts(content: VoxelContent) -> tuple[bytes, Labels]:
    """Return header with extensions, and the labels, i fastest."""
    _require_apart(content)
    labels = painted(content.geometry, content.masks, (0,) * len(content.masks))[..., 0]
    return _head(content, labels), labels


def _require_apart(content: VoxelContent) -> None:
    for n, one in enumerate(content.masks):
        for m in range(n):
            if overlap(one, content.masks[m]):
                raise UsageError(
                    _("Structures that overlap cannot share a NIfTI file."),
                    _("{one} and {other} have voxels in common.").format(one=content.names[m], other=content.names[n]),
                    _("End the folder's name with a slash for one file each, or write a .seg.nrrd or .dcm file."),
                )


def _head(content: VoxelContent, labels: Labels) -> bytes:
    from nibabel.nifti1 import Nifti1Extension, Nifti1Header

    matrix = FRAMES["ras"] @ content.geometry.lps_from_ijk.matrix
    kind: Any = Nifti1Header  # its methods carry no types
    header = kind()
    header.set_data_dtype(labels.dtype)
    header.set_data_shape(labels.shape[::-1])
    header.set_sform(matrix, SCANNER)
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    is_orthogonal = np.abs(axes.T @ axes - np.eye(3)).max() < MAX_SHEAR
    header.set_qform(matrix, SCANNER if is_orthogonal else 0)
    header.set_xyzt_units(MILLIMETRES)
    header["intent_code"] = LABEL_INTENT
    header["intent_name"] = str(content.state).encode()
    header["descrip"] = f"arviewer {__version__} SPACE=RAS UNIT=mm STATE={content.state}".encode()[:79]
    header["magic"] = b"n+1"
    extension: Any = Nifti1Extension
    for code, text in ((LABEL_TABLE, _table(content)), (COMMENT, json.dumps(content.told))):
        header.extensions.append(extension(code, text.encode()))
    out = io.BytesIO()
    header["vox_offset"] = 352 + header.extensions.get_sizeondisk()
    header.write_to(out)
    return out.getvalue()


def _table(content: VoxelContent) -> str:
    rows = []
    for n, name in enumerate(content.names):
        red, green, blue = content.color(n)
        rows.append(
            f'<Label Key="{n + 1}" Red="{red:.6f}" Green="{green:.6f}" Blue="{blue:.6f}" Alpha="1">'
            f"<![CDATA[{name}]]></Label>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><CaretExtension><VolumeInformation Index="0"><LabelTable>'
        + "".join(rows)
        + "</LabelTable><VolumeType><![CDATA[Label]]></VolumeType></VolumeInformation></CaretExtension>"
    )
