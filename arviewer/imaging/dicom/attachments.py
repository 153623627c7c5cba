"""Objects beside the images that are of use: segmentations, contours, reports, documents."""

from __future__ import annotations

from arviewer.imaging.dicom.elements import Header
from arviewer.imaging.dicom.source import Source
from arviewer.imaging.dicom.values import Values, patient_of
from arviewer.model.study import Attachment, AttachmentKind

_SR = "1.2.840.10008.5.1.4.1.1.88."
_KINDS = {
    "1.2.840.10008.5.1.4.1.1.66.4": AttachmentKind.SEGMENTATION,
    "1.2.840.10008.5.1.4.1.1.66.7": AttachmentKind.SEGMENTATION,  # label map segmentation
    "1.2.840.10008.5.1.4.1.1.481.3": AttachmentKind.STRUCTURE_SET,
    "1.2.840.10008.5.1.4.1.1.104.1": AttachmentKind.PDF,
}
"""By *SOP Class UID*; PS3.4 B.5."""

_BY_MODALITY = {
    "SEG": AttachmentKind.SEGMENTATION,
    "RTSTRUCT": AttachmentKind.STRUCTURE_SET,
    "SR": AttachmentKind.REPORT,
}
"""By *Modality*, for files without a SOP class."""

_LABELS = (0x00700080, 0x30060002, 0x00420010, 0x0008103E)
"""*Content Label*, *Structure Set Label*, *Document Title*, *Series Description*."""


def attachment_of(header: Header, source: Source) -> Attachment | None:
    """Return what an object that holds no images is, or None when it is nothing that can be used."""
    values = Values(header)
    kind = _kind(values.code(0x00080016), values.code(0x00080060))
    if kind is None:
        return None
    return Attachment(
        kind=kind,
        path=source.path,
        member=source.member,
        patient=patient_of(values),
        sop_instance_uid=values.code(0x00080018),
        series_uid=values.code(0x0020000E),
        study_uid=values.code(0x0020000D),
        frame_of_reference_uid=values.code(0x00200052),
        number=values.integer(0x00200011),
        modality=values.code(0x00080060),
        description=next((text for tag in _LABELS if (text := values.text(tag))), ""),
    )


def _kind(sop_class: str, modality: str) -> AttachmentKind | None:
    if sop_class.startswith(_SR):
        return AttachmentKind.REPORT
    return _KINDS.get(sop_class) or (None if sop_class else _BY_MODALITY.get(modality))
