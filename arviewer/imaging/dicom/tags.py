"""The elements that import reads, by what they are for."""

from __future__ import annotations

from arviewer.words import _

NO_IMAGES = {
    "SEG": _("it is a segmentation, not images"),
    "RTDOSE": _("it is a radiotherapy dose, not images"),
    "RTSTRUCT": _("it is a radiotherapy structure set, not images"),
    "RTPLAN": _("it is a radiotherapy plan, not images"),
    "SR": _("it is a report, not images"),
    "PR": _("it is a presentation state, not images"),
    "KO": _("it is a selection of images, not images"),
    "REG": _("it is a registration, not images"),
    "DOC": _("it is a document, not images"),
    "M3D": _("it is a surface model, not images"),
}
"""Modalities (0008,0060) whose objects are no images, and what they are."""

_WANTED = """
    00080005 00080008 00080016 00080018 00080020 00080022 00080023 00080032 00080033 00080060 00081030 0008103E
    00100010 00100020 00100021 00100030 00100040
    00180081 00180086 00181060 00189087
    0020000D 0020000E 00200011 00200012 00200013 00200032 00200037 00200052 00200100 00209056
    00280002 00280004 00280008 00280010 00280011 00280030 00280100 00280101 00280102 00280103 00280120
    00281050 00281051 00281052 00281053 00281054 00282110 00282112 00283000
    00420010 00541001 00700080 30060002 52009229 52009230
"""

WANTED = frozenset(int(tag, 16) for tag in _WANTED.split())
"""The tags that import reads."""

POSITION = 0x00200032

SLICE_TAGS = frozenset((0x00080018, 0x00080022, 0x00080023, 0x00080032, 0x00080033, 0x00200013, POSITION))
"""What differs between any two slices: UID, dates and times, number and position; `_image` reads these, `_common`
none."""

COMMON_TAGS = tuple(sorted(WANTED - SLICE_TAGS))

MODALITY_LUT = 0x00283000

B_VALUE = 0x00189087
"""*Diffusion b-value*, a binary number."""

PARTING_TAGS = (0x00200100, 0x00180086, 0x00180081, B_VALUE, 0x00209056, 0x00200012, 0x00181060, 0x00080008)
"""What may tell volumes at the same positions apart, surest first: temporal position, echo, echo time, b-value,
stack, acquisition, trigger time, image type."""

LOCALIZERS = frozenset(("LOCALIZER", "SCOUT", "TOPOGRAM"))
