"""Windows by name, for voxels in HU."""

from __future__ import annotations

from dataclasses import dataclass

from arviewer.words import _


@dataclass(frozen=True, slots=True)
class WindowPreset:
    """A window a radiologist knows by name; center and width in HU."""

    name: str
    center: float
    width: float


PRESETS = (
    WindowPreset(_("Soft tissue"), 40, 400),
    WindowPreset(_("Lung"), -600, 1500),
    WindowPreset(_("Bone"), 400, 1800),
    WindowPreset(_("Brain"), 40, 80),
    WindowPreset(_("Vessels"), 200, 600),
    WindowPreset(_("Liver"), 80, 150),
    WindowPreset(_("Mediastinum"), 50, 350),
)


def after(window: tuple[float, float], step: int = 1) -> WindowPreset:
    """Return the preset that follows the current one; the first when none is current."""
    for index, preset in enumerate(PRESETS):
        if (preset.center, preset.width) == window:
            return PRESETS[(index + step) % len(PRESETS)]
    return PRESETS[0]
