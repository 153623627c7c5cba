"""What a SEG says about each segment: its term, who or what made it, and whether a person stands behind it."""

from __future__ import annotations

from pydicom.dataset import Dataset

from arviewer.formats.dicom.data_set import cielab_of_color
from arviewer.formats.voxel_file import VoxelContent, category_of
from arviewer.imaging.recipes import RECIPES
from arviewer.imaging.recipes.click import NAMES as CLICK
from arviewer.model.segmentation import IMPORTED, CodedTerm, Segment, State
from arviewer.version import __version__
from arviewer.words import _

ALGORITHM_TYPES = ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL")
"""(0062,0008), PS3.3 C.8.20.2."""

TISSUE = CodedTerm("85756007", "SCT", "Tissue")
"""What is said of a structure without a code."""

MAX_SHORT_TEXT, MAX_LONG_TEXT, MAX_LONG_STRING = 1024, 10240, 64
"""Characters of VR ST, LT and LO (PS3.5 6.2)."""


def coded_item(term: CodedTerm) -> Dataset:
    """Return a coded term as the item of a sequence (PS3.3 8.8)."""
    item = Dataset()
    setattr(item, "CodeValue" if len(term.value) <= 16 else "LongCodeValue", term.value)
    item.CodingSchemeDesignator, item.CodeMeaning = term.scheme, (term.meaning or term.value)[:MAX_LONG_STRING]
    return item


def segment_item(content: VoxelContent, number: int) -> Dataset:
    """Return the item of *Segment Sequence* of one structure, counted from 0."""
    segment = content.segments[number]
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel = number + 1, content.names[number]
    item.SegmentDescription = _description(content, number)[:MAX_SHORT_TEXT]
    kind = segment.term if segment.term.value and segment.term.scheme else TISSUE
    category = TISSUE if kind is TISSUE else category_of(kind)
    item.SegmentedPropertyCategoryCodeSequence = [coded_item(category)]
    item.SegmentedPropertyTypeCodeSequence = [coded_item(kind)]
    item.SegmentAlgorithmType = algorithm_type(segment)
    if item.SegmentAlgorithmType != "MANUAL":
        item.SegmentAlgorithmName = f"arviewer {segment.made_by.recipe}"[:MAX_LONG_STRING]
        item.SegmentationAlgorithmIdentificationSequence = [_algorithm(segment, item.SegmentAlgorithmName)]
    item.RecommendedDisplayCIELabValue = list(cielab_of_color(content.color(number)))
    return item


def algorithm_type(segment: Segment) -> str:
    """Return whether a program, a person, or both drew a structure."""
    if segment.made_by.recipe == IMPORTED:
        stated = str(segment.made_by.parameters.get("algorithm", "")).partition(" ")[0]
        return "SEMIAUTOMATIC" if segment.edits or stated not in ALGORITHM_TYPES else stated
    if segment.made_by.recipe not in RECIPES:
        return "MANUAL"  # begun with an empty mask and drawn by hand
    return "SEMIAUTOMATIC" if segment.edits or CLICK[0] in segment.made_by.parameters else "AUTOMATIC"


def _algorithm(segment: Segment, name: str) -> Dataset:
    item = Dataset()
    item.AlgorithmFamilyCodeSequence = [coded_item(CodedTerm("123104", "DCM", "Morphological Operations"))]
    item.AlgorithmName, item.AlgorithmVersion = name, segment.made_by.version or __version__
    item.AlgorithmParameters = _parameters(segment)[:MAX_LONG_TEXT]
    item.AlgorithmSource = "arviewer"
    return item


def _parameters(segment: Segment) -> str:
    steps = [(segment.made_by.recipe, segment.made_by.parameters)]
    steps += [(edit.tool, edit.parameters) for edit in segment.edits]
    return "; ".join(" ".join([name, *(f"{key}={value}" for key, value in given.items())]) for name, given in steps)


def _description(content: VoxelContent, number: int) -> str:
    segment, told = content.segments[number], content.told["structures"][number]
    confirmation = segment.confirmation
    if content.states[number] is State.CONFIRMED and confirmation is not None:
        state = _("Confirmed by {by}, {at}.").format(by=confirmation.by, at=confirmation.at)
    else:
        state = _("Proposed, not confirmed by a person.")
    edits = _("Edits: {tools}.").format(tools=", ".join(edit.tool for edit in segment.edits)) if segment.edits else ""
    made = _("Made by {recipe}, arviewer {version}.").format(
        recipe=segment.made_by.recipe, version=segment.made_by.version or __version__
    )
    voxels = _("Voxels: SHA-256 {sha}.").format(sha=told["mask_sha256"])
    return " ".join(part for part in (state, made, edits, voxels) if part)
