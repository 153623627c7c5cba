"""A mask moved by a few voxels."""

from __future__ import annotations

import numpy as np

from arviewer.imaging.runs import Mask


def shifted(mask: Mask, axis: int, by: int) -> Mask:
    """Return the mask of which the voxel `by` further along an axis is set; False beyond the end."""
    out = np.zeros_like(mask)
    here, there = [slice(None)] * 3, [slice(None)] * 3
    here[axis], there[axis] = (slice(None, -by), slice(by, None)) if by > 0 else (slice(-by, None), slice(None, by))
    out[tuple(here)] = mask[tuple(there)]
    return out
