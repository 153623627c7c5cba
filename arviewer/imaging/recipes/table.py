"""The table of recipes: the panel, the command line and the documentation are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from arviewer.imaging.parameter import Parameter
from arviewer.imaging.recipes.recipe import Found, Recipe
from arviewer.model.segmentation import CodedTerm
from arviewer.model.volume import Volume
from arviewer.words import _
from arviewer.workers.progress import Progress

LOWEST_HU, HIGHEST_HU = -1024.0, 32767.0
"""The range of CT values a person may name; metal goes beyond 3071 where the scanner stores extended values."""


def _bone(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.bone import bone  # here, so that a window can show the table without scipy

    return bone(volume, values, given, progress)


def _cortical(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.bone import cortical

    return cortical(volume, values, given, progress)


def _skin(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.skin import skin

    return skin(volume, values, given, progress)


def _lungs(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.lungs import lungs

    return lungs(volume, values, given, progress)


def _left_lung(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.lungs import one_lung

    return one_lung(volume, values, given, progress, "left")


def _right_lung(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.lungs import one_lung

    return one_lung(volume, values, given, progress, "right")


def _airways(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.airways import airways

    return airways(volume, values, given, progress)


def _metal(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.metal import metal

    return metal(volume, values, given, progress)


def _vessels(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.vessels import vessels

    return vessels(volume, values, given, progress)


def _organ(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.organ import organ

    return organ(volume, values, given, progress)


def _head(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.head import head

    return head(volume, values, given, progress)


def _brain(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.brain import brain

    return brain(volume, values, given, progress)


def _lesion(volume: Volume, values: Mapping[str, float], given: frozenset[str], progress: Progress) -> Found:
    from arviewer.imaging.recipes.lesion import lesion

    return lesion(volume, values, given, progress)


_ISLAND = Parameter("min_island_ml", "ml", 0.2, 0.0, 1000.0, _("Smaller pieces that stand alone are left out."))
_BONE = Recipe(
    name="bone",
    term=CodedTerm("272673000", "SCT", "Bone"),
    modalities=("CT",),
    unit="HU",
    parameters=(
        Parameter("low_hu", "HU", 250.0, LOWEST_HU, HIGHEST_HU, _("Bone is at least this bright.")),
        Parameter("high_hu", "HU", HIGHEST_HU, LOWEST_HU, HIGHEST_HU, _("Bone is at most this bright.")),
        Parameter(
            "separate_vessels",
            "",
            1.0,
            0.0,
            1.0,
            _("1 takes contrast-filled vessels off the bone; 0, as with a threshold given, leaves them."),
        ),
        _ISLAND,
    ),
    color=(0.93, 0.87, 0.73),
    help=_("Bones with their marrow, without the contrast-filled vessels that are as bright."),
    function=_bone,
)
_LUNGS = Recipe(
    name="lungs",
    term=CodedTerm("74101002", "SCT", "Pair of lungs"),
    modalities=("CT",),
    unit="HU",
    parameters=(
        Parameter("high_hu", "HU", -400.0, LOWEST_HU, 0.0, _("Lung is at most this bright.")),
        replace(_ISLAND, default=30.0),
    ),
    color=(0.55, 0.72, 0.86),
    help=_("Both lungs with the vessels in them, without the windpipe and the main bronchi."),
    function=_lungs,
)
_TABLE = (
    _BONE,
    replace(
        _BONE,
        name="bone-cortical",
        help=_("The dense shell of bones alone: as bone, with marrow and cavities left open."),
        function=_cortical,
    ),
    Recipe(
        name="skin",
        term=CodedTerm("39937001", "SCT", "Skin"),
        modalities=("CT",),
        unit="HU",
        parameters=(
            Parameter("low_hu", "HU", -500.0, LOWEST_HU, 0.0, _("The body is at least this bright.")),
            replace(_ISLAND, default=50.0),
        ),
        color=(0.90, 0.72, 0.60),
        help=_("The outer boundary of the body, all inside filled, without the table."),
        function=_skin,
    ),
    _LUNGS,
    replace(
        _LUNGS,
        name="lung-right",
        term=CodedTerm("3341006", "SCT", "Right lung"),
        help=_("The patient's right lung."),
        function=_right_lung,
    ),
    replace(
        _LUNGS,
        name="lung-left",
        term=CodedTerm("44029006", "SCT", "Left lung"),
        color=(0.50, 0.64, 0.84),
        help=_("The patient's left lung."),
        function=_left_lung,
    ),
    Recipe(
        name="airways",
        term=CodedTerm("110726009", "SCT", "Trachea and bronchus"),
        modalities=("CT",),
        unit="HU",
        parameters=(
            Parameter("high_hu", "HU", -500.0, LOWEST_HU, 0.0, _("The boundary between air and wall.")),
            Parameter(
                "reach_hu",
                "HU",
                0.0,
                LOWEST_HU,
                0.0,
                _("Air is followed while it is darker than this; 0 takes the last limit that does not flood a lung."),
            ),
        ),
        color=(0.60, 0.86, 0.88),
        help=_("Windpipe, main bronchi, and branches as far as nothing leaks into the lung."),
        function=_airways,
    ),
    Recipe(
        name="metal",
        term=CodedTerm("40388003", "SCT", "Implant"),
        modalities=("CT",),
        unit="HU",
        parameters=(
            Parameter("low_hu", "HU", 2500.0, LOWEST_HU, HIGHEST_HU, _("Metal is at least this bright.")),
            Parameter("core_hu", "HU", 2800.0, LOWEST_HU, HIGHEST_HU, _("Each piece holds something this bright.")),
            replace(_ISLAND, default=0.02),
        ),
        color=(0.60, 0.62, 0.66),
        help=_("Implants, screws and plates, without streaks and dense bone."),
        function=_metal,
    ),
    Recipe(
        name="vessels",
        term=CodedTerm("59820001", "SCT", "Blood vessel"),
        modalities=("CT",),
        unit="HU",
        parameters=(
            Parameter(
                "low_hu",
                "HU",
                180.0,
                0.0,
                HIGHEST_HU,
                _("Contrast is at least this bright; given by name, it is also the boundary of the lumen."),
            ),
            replace(_ISLAND, default=0.2),
        ),
        color=(0.78, 0.16, 0.16),
        help=_("Heart chambers and vessels filled with contrast, parted from bone."),
        function=_vessels,
    ),
    Recipe(
        name="organ",
        term=CodedTerm("91772007", "SCT", "Organ"),
        modalities=("CT",),
        unit="HU",
        parameters=(
            Parameter(
                "tolerance_hu",
                "HU",
                0.0,
                0.0,
                200.0,
                _("How far its brightness may lie from its mean nearby; 0 measures it."),
            ),
            Parameter("neck_mm", "mm", 6.0, 0.0, 30.0, _("What hangs on by a neck narrower than this is cut off.")),
            Parameter(
                "width_mm",
                "mm",
                0.0,
                0.0,
                500.0,
                _("What is wider than this is left out, as the heart at an aorta (40); 0 leaves out nothing."),
            ),
            Parameter("max_ml", "ml", 3000.0, 1.0, 50000.0, _("No organ is larger; one that is has run out.")),
        ),
        color=(0.62, 0.32, 0.24),
        help=_("A soft organ or a wide vessel from one click: liver, spleen, kidney, aorta."),
        function=_organ,
        click=_("the middle of the organ"),
    ),
    Recipe(
        name="head",
        term=CodedTerm("69536005", "SCT", "Head"),
        modalities=("MR",),
        unit="",
        parameters=(
            Parameter(
                "level_percent",
                "%",
                15.0,
                1.0,
                90.0,
                _("The head is at least this bright, of the robust range; not given by name, it is measured."),
            ),
        ),
        color=(0.90, 0.72, 0.60),
        help=_("The outer boundary of the head in MR, mouth and sinuses filled."),
        function=_head,
    ),
    Recipe(
        name="brain",
        term=CodedTerm("12738006", "SCT", "Brain"),
        modalities=("MR",),
        unit="",
        parameters=(
            Parameter(
                "fluid_percent",
                "%",
                55.0,
                10.0,
                95.0,
                _("What is darker than this share of the brain's usual signal is fluid or bone."),
            ),
            Parameter(
                "edge_percent",
                "%",
                45.0,
                10.0,
                90.0,
                _("How dark it must be round the brain; more finds less, less may run out into the scalp."),
            ),
            Parameter("fold_mm", "mm", 2.0, 0.0, 10.0, _("Folds narrower than twice this are filled.")),
        ),
        color=(0.91, 0.66, 0.62),
        help=_("The brain in T1-weighted MR, ventricles filled, down to the spinal cord."),
        function=_brain,
    ),
    Recipe(
        name="lesion",
        term=CodedTerm("52988006", "SCT", "Lesion"),
        modalities=("MR",),
        unit="",
        parameters=(
            Parameter("reach_mm", "mm", 40.0, 5.0, 150.0, _("No part of the lesion is further from the click.")),
            Parameter(
                "border_percent",
                "%",
                50.0,
                10.0,
                90.0,
                _("The boundary lies this share of the way from the surroundings' signal to the lesion's."),
            ),
        ),
        color=(0.80, 0.45, 0.10),
        help=_("A lesion that takes up contrast agent, with its dead core, from one click."),
        function=_lesion,
        click=_("the bright part of the lesion"),
    ),
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _TABLE})
"""Every recipe by name."""
