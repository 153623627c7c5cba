"""Whether a structure belongs to the images it is to be laid over: same patient, same frame of reference."""

from __future__ import annotations

from arviewer.errors import InputRefused
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.study import Attachment, Contents, Patient, Series
from arviewer.words import _


def require_belongs(attachment: Attachment, contents: Contents, images: Series) -> None:
    """Raise unless an object is of the patient and in the space of a series.

    Raises
    ------
    InputRefused
        When they are of different patients or studies, or lie in different frames of reference.
    """
    own = {instance.sop_instance_uid for instance in images.instances} - {""}
    linked = bool(own & set(contents.instance_uids))
    _require_same_patient(attachment, images, linked)
    _require_same_frame(attachment.name, contents, images, linked)


def missing_images(name: str, contents: Contents, present: frozenset[str]) -> tuple[Finding, ...]:
    """Return a finding when an object refers to images that are not among those `present` (SOP instance UIDs)."""
    missing = [uid for uid in contents.instance_uids if uid not in present]
    if not missing:
        return ()
    details: dict[str, str | int | float] = {
        "name": name,
        "missing": len(missing),
        "total": len(contents.instance_uids),
    }
    return (Finding(FindingKind.DANGLING_REFERENCE, Severity.WARNING, files=(name,), details=details),)


def _require_same_patient(attachment: Attachment, images: Series, linked: bool) -> None:
    """Values that one side lacks decide nothing, but something must tie the two together."""
    what = _("{name} is of another patient than the images.").format(name=attachment.name)
    remedy = _("Open the images that it was drawn on.")
    differing = differing_identity(attachment.patient, images.patient)
    if differing:
        raise InputRefused(what, _("{tag} differs.").format(tag=differing), remedy)
    if linked or (attachment.study_uid and attachment.study_uid == images.study_uid):
        return
    if attachment.study_uid and images.study_uid:
        raise InputRefused(
            _("{name} belongs to another study than the images.").format(name=attachment.name),
            _("It refers to none of these images; its study is {study}, theirs {other}.").format(
                study=attachment.study_uid, other=images.study_uid
            ),
            remedy,
        )
    if not (attachment.patient.id and images.patient.id):
        raise InputRefused(
            _("{name} cannot be tied to the patient of the images.").format(name=attachment.name),
            _("It shares neither Patient ID (0010,0020) nor study nor any reference with them."),
            remedy,
        )


def differing_identity(one: Patient, other: Patient) -> str:
    """Return the element in which two patients differ, "" when what both state is the same.

    The name counts only where there is no patient id: it is written in many ways.
    """
    pairs = [
        (one.id, other.id, "Patient ID (0010,0020)"),
        (one.issuer, other.issuer, "Issuer of Patient ID (0010,0021)"),
        (one.birth_date, other.birth_date, "Patient's Birth Date (0010,0030)"),
    ]
    if not (one.id and other.id):
        pairs.append((one.name.casefold(), other.name.casefold(), "Patient's Name (0010,0010)"))
    return next((tag for mine, yours, tag in pairs if mine and yours and mine != yours), "")


def _require_same_frame(name: str, contents: Contents, images: Series, linked: bool) -> None:
    frame = images.frame_of_reference_uid
    if frame and frame in contents.frame_of_reference_uids:
        return
    if linked and not (frame and contents.frame_of_reference_uids):
        return  # one side names no frame, but it was drawn on these very images
    theirs = ", ".join(contents.frame_of_reference_uids) or _("none")
    raise InputRefused(
        _("{name} lies in another frame of reference than the images.").format(name=name),
        _("It names {theirs}; the images name {frame}.").format(theirs=theirs, frame=frame or _("none")),
        _("Open the series that it was drawn on, or register one to the other first."),
    )
