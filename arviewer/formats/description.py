"""What a scan found and what its attachments hold, as the JSON that scripts rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arviewer.errors import InputRefused
from arviewer.formats.structures import Listed
from arviewer.imaging import dicom
from arviewer.imaging.dicom.description import describe_finding
from arviewer.model.study import Scan


def describe(scan: Scan, contents: Sequence[Listed]) -> dict[str, Any]:
    """Return a scan as plain values, as `arviewer.imaging.dicom.describe`, with more about each attachment.

    "structures": names; "references": series, frames of reference, and how many images; "findings"; "problem": why it
    cannot be read, "" when it can.

    Parameters
    ----------
    contents : sequence
        As of `arviewer.formats.structures.listing`, one for each attachment.
    """
    document = dicom.describe(scan)
    document["attachments"] = [
        one | _contents(listed) for one, listed in zip(document["attachments"], contents, strict=True)
    ]
    return document


def _contents(listed: Listed) -> dict[str, Any]:
    if listed is None:
        return {}
    if isinstance(listed, InputRefused):
        return {"structures": [], "findings": [], "problem": listed.why}
    contents, findings = listed
    return {
        "structures": list(contents.structures),
        "references": {
            "series_uids": list(contents.series_uids),
            "frame_of_reference_uids": list(contents.frame_of_reference_uids),
            "images": len(contents.instance_uids),
        },
        "findings": [describe_finding(one) for one in findings],
        "problem": "",
    }
