"""The sentence and the remedy of each kind of finding; details fill the braces."""

from __future__ import annotations

from collections.abc import Mapping

from arviewer.words import _

_SENTENCES: dict[str, tuple[str, str]] = {
    "missing-slices": (
        _("{count} slices are missing; their places are kept empty."),
        _("Fetch the series again; 3D that touches the gap needs to be accepted by name."),
    ),
    "uneven-spacing": (
        _("Slice positions deviate from even spacing by up to {max_mm:.3f} mm (RMS {rms_mm:.3f} mm)."),
        _("Distances across slices carry this error; beyond {tolerance_mm:.3f} mm 3D needs a resampling by name."),
    ),
    "duplicate-position": (
        _("{count} images lie at the position of another one and were left out."),
        _("Check whether two acquisitions were mixed into one series."),
    ),
    "duplicate-instance": (
        _("{count} images are there twice."),
        _("Nothing to do: one copy of each is used."),
    ),
    "conflicting-copies": (
        _("{count} images bear the UID of another one, but hold other pixels; they were left out."),
        _("Find out which are the right ones: these images were changed, or their UIDs are wrong."),
    ),
    "tilted": (
        _("The slices are sheared by {angle_deg:.1f}° (tilted gantry); the exact sheared geometry is used."),
        _("Nothing to do for surfaces and measurements; --resample makes an upright copy for programs that need one."),
    ),
    "resampled": (
        _(
            "The voxels were interpolated onto an even, upright grid (slices were sheared by {angle_deg:.1f}° and up to"
            " {uneven_mm:.2f} mm off; the widest gap bridged is {gap_mm:.2f} mm)."
        ),
        _("Fine detail is blurred; open the series as it is to see the original voxels."),
    ),
    "left-handed-order": (
        _("The instance numbers run against the slice normal; the slices are ordered by position."),
        _("Nothing to do here; a program that stacks by number shows this series mirrored."),
    ),
    "mixed-orientation": (
        _("The images do not share one orientation ({count} images)."),
        _("Open each orientation as a part of its own."),
    ),
    "mixed-matrix": (
        _("The images do not share one matrix and pixel spacing; {count} were set apart."),
        _("Open each matrix as a part of its own."),
    ),
    "mixed-pixel-format": (
        _("The images do not share one pixel format or unit; {count} were set apart."),
        _("Open each part by itself; ask for the original series where slices are missing."),
    ),
    "mixed-frame-of-reference": (
        _("The images name {count} frames of reference; they are never merged."),
        _("Open each as a volume of its own; only a registration can lay them over each other."),
    ),
    "localizer": (_("{count} localizer images were set apart."), _("Nothing to do.")),
    "multiple-volumes": (
        _("{count} volumes share one series; each is opened alone."),
        _("Choose one of its volumes."),
    ),
    "no-geometry": (
        _("The images carry no position or orientation in the patient."),
        _("Export the series again with Image Position and Image Orientation (Patient)."),
    ),
    "no-frame-of-reference": (
        _("The images name no common frame of reference."),
        _("The series can be viewed alone; nothing can be laid over it."),
    ),
    "non-square-pixels": (
        _("Pixels are {row_mm:.3f} × {column_mm:.3f} mm; programs that assume square pixels distort them."),
        _("Nothing to do here: both spacings are used."),
    ),
    "rescale-varies": (
        _("The rescale differs from slice to slice (slope {low:g} to {high:g}); each slice was rescaled with its own."),
        _("Nothing to do."),
    ),
    "lossy": (
        _("The images were compressed with loss (ratio {ratio})."),
        _("Do not measure fine detail; ask for the original images."),
    ),
    "corrupt-slice": (
        _("{count} slices could not be decoded and are marked as lost: {why}"),
        _("Fetch these files again."),
    ),
    "multiple-patients": (
        _("The folder holds images of {count} patients; they are never merged."),
        _("Choose one series by its number or UID."),
    ),
    "no-uids": (
        _("The files carry no series UID; they were grouped by what they have in common."),
        _("Nothing to do."),
    ),
    "single-slice": (
        _("There is one slice only; distances across it cannot be measured."),
        _("Open the whole series to see it in 3D."),
    ),
    "unsupported": (_("{why}"), _("{remedy}")),
    "inverted-display": (
        _("The images are meant to be shown inverted (MONOCHROME1): low values bright. The values are unchanged."),
        _("Nothing to do: the slices are shown so, measurements and surfaces use the values."),
    ),
    "cropped": (
        _("Only a part of the series was loaded: {size} of {whole} voxels."),
        _("Open the whole series to see what lies outside."),
    ),
    "coarser": (
        _("Only one voxel in {step} along each axis was loaded; details under {detail_mm:.1f} mm can be missed."),
        _("Open the series in full, or a smaller part of it, before anything is measured."),
    ),
    "leaves-scan": (
        _("{name} leaves the scan and is capped there ({area_mm2:.0f} mm²)."),
        _("Do not take the cap for anatomy."),
    ),
    "touching": (
        _("{name} touches {other} at the same brightness; the border between them was drawn by shape."),
        _("Check the border on the slices."),
    ),
    "leak-risk": (
        _("{name} may have run out into its surroundings: {area_mm2:.0f} mm² of its boundary is faint."),
        _("Look at these places in the slices; cut off what does not belong."),
    ),
    "thin": (
        _("{share_percent:.0f} % of {name} is no thicker than {thickness_mm:.1f} mm: it may have gaps, or be noise."),
        _("Look at these places in the slices before you rely on the surface."),
    ),
    "threshold-sensitive": (
        _("A threshold 10 % lower or higher changes {name} by {lower_percent:+.0f} % or {higher_percent:+.0f} %."),
        _("Compare the outline with the slices, and mend the threshold."),
    ),
    "parts-lost": (
        _(
            "The surface of {name} has {pieces} pieces and {handles} handles; the voxels had {pieces_before} and"
            " {handles_before}."
        ),
        _("Choose a smaller error, or look for the lost parts in the slices."),
    ),
    "coarse-mesh": (
        _("{name} was made of {triangles} triangles, and is up to {max_mm:.2f} mm (mean {mean_mm:.2f}) off the data."),
        _("For looking only: measure and print a surface with a smaller error."),
    ),
    "dangling-reference": (
        _("{missing} of the {total} images that {name} refers to are not here."),
        _("Only its frame of reference ties it to these images: check on the slices that it fits."),
    ),
    "frame-assumed": (
        _("{name} names no patient and no frame of reference; it was laid over these images because {why}."),
        _("Make sure that it belongs to them, and check on the slices that it fits."),
    ),
    "left-out": (
        _("{count} parts of {name} were left out: {why}"),
        _("Check on the slices that nothing you need is missing."),
    ),
    "planes-without-contour": (
        _("{name} has no contour on {count} planes between its first and its last one; it is empty there."),
        _("Check on the slices whether they were meant to be filled in."),
    ),
    "step-assumed": (
        _("{name} lies on planes whose distance cannot be known from positions; {step_mm:.3f} mm was assumed."),
        _("Do not take its thickness and volume for measured."),
    ),
    "two-geometries": (
        _("The header places the voxels in two ways, up to {max_mm:.3f} mm apart; the {used} was used."),
        _("Check on the slices that it fits; write the file again with one geometry."),
    ),
    "unit-assumed": (
        _("{name} names no unit of length; millimetres were assumed."),
        _("Check a known distance before you measure."),
    ),
}

_OF_ONE: dict[str, str] = {
    "missing-slices": _("1 slice is missing; its place is kept empty."),
    "duplicate-position": _("1 image lies at the position of another one and was left out."),
    "duplicate-instance": _("1 image is there twice."),
    "conflicting-copies": _("1 image bears the UID of another one, but holds other pixels; it was left out."),
    "mixed-orientation": _("The images do not share one orientation (1 image)."),
    "mixed-matrix": _("The images do not share one matrix and pixel spacing; 1 was set apart."),
    "mixed-pixel-format": _("The images do not share one pixel format or unit; 1 was set apart."),
    "localizer": _("1 localizer image was set apart."),
    "corrupt-slice": _("1 slice could not be decoded and is marked as lost: {why}"),
    "left-out": _("1 part of {name} was left out: {why}"),
    "planes-without-contour": _(
        "{name} has no contour on 1 plane between its first and its last one; it is empty there."
    ),
}
"""What is said where `count` is 1."""


def message(kind: str, details: Mapping[str, str | int | float]) -> str:
    """Return the sentence a person reads for a finding of that kind."""
    sentence = _OF_ONE.get(kind) if details.get("count") == 1 else None
    return (sentence or _SENTENCES[kind][0]).format(**details)


def remedy(kind: str, details: Mapping[str, str | int | float]) -> str:
    """Return what a person can do about a finding of that kind."""
    return _SENTENCES[kind][1].format(**details)


def kinds() -> tuple[str, ...]:
    """Return every kind that has a sentence."""
    return tuple(_SENTENCES)
