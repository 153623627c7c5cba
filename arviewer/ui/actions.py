"""The one table of actions: menus, toolbar, shortcuts and the page of keys are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arviewer.imaging.tools import TOOLS, Tool
from arviewer.ui.window_presets import PRESETS
from arviewer.words import _

if TYPE_CHECKING:
    from arviewer.ui.main_window import MainWindow

Check = Callable[["MainWindow"], bool]


def _always(window: MainWindow) -> bool:
    return True


def _has_volume(window: MainWindow) -> bool:
    return window.document.scene.volume is not None


def _has_hu(window: MainWindow) -> bool:
    volume = window.document.scene.volume
    return volume is not None and volume.unit == "HU"


def _has_structures(window: MainWindow) -> bool:
    return bool(window.document.scene.items)


def _may_step_volume(window: MainWindow) -> bool:
    return window.phase_bar.count > 1 and not window.reviewing.tools.has_brush  # which has the same keys


def _has_brush(window: MainWindow) -> bool:
    return window.reviewing.tools.has_brush


def _has_places(window: MainWindow) -> bool:
    return window.structures.checks.count > 0


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    Attributes
    ----------
    name : str
        Its id, such as "open-folder".
    text : str
        In the menu; "&" marks the mnemonic.
    menu : str
        The menu it stands in; `MENUS` has their order.
    run : callable
        Takes the window.
    keys : str
        Shortcuts in Qt's portable form, several parted by ";"; "" for none.
    tip : str
        One line for the tooltip, to which the shortcut is added.
    enabled : callable
        Whether it can be done now.
    toolbar : str
        Text on the toolbar; "" when it does not stand there.
    checked : callable or None
        Of a switch: whether it is on.
    in_views : bool
        The shortcut counts only while a view has the focus (keys that buttons need, such as Space).
    words : callable or None
        Text of the menu entry where it changes ("Undo Color of bone").
    """

    name: str
    text: str
    menu: str
    run: Callable[[MainWindow], None]
    keys: str = ""
    tip: str = ""
    enabled: Check = _always
    toolbar: str = ""
    checked: Check | None = None
    in_views: bool = False
    words: Callable[[MainWindow], str] | None = None


MENUS = {
    "file": _("&File"), "edit": _("&Edit"), "repair": _("&Repair"), "view": _("&View"), "window": _("&Window"),
    "help": _("&Help"),
}  # fmt: skip

VIEWS = (
    ("anterior", _("&Anterior")),
    ("posterior", _("&Posterior")),
    ("left", _("&Left")),
    ("right", _("&Right")),
    ("head", _("&Head")),
    ("feet", _("&Feet")),
)


def _undo_words(window: MainWindow) -> str:
    words = window.document.undo_words
    return _("&Undo {what}").format(what=words) if words else _("&Undo")


def _redo_words(window: MainWindow) -> str:
    words = window.document.redo_words
    return _("&Redo {what}").format(what=words) if words else _("&Redo")


def _view_action(number: int, view: str, text: str) -> Action:
    return Action(
        f"view-{view}", text, "view", lambda window: window.grid.view_3d.stand(view), str(number),
        _("Look at the 3D view from this side: {side}").format(side=text.replace("&", "").lower()),
        _has_volume, toolbar=text.replace("&", ""),
    )  # fmt: skip


TOOL_KEYS = {"paint": "B", "erase": "E", "threshold": "T", "grow": "G", "cut-inside": "K", "smooth": "M"}
"""Of the tools that are reached for most."""


def _tool_action(tool: Tool) -> Action:
    return Action(
        f"tool-{tool.name}", f"{tool.title}", "repair", lambda w: w.reviewing.take_up(tool.name),
        TOOL_KEYS.get(tool.name, ""), tool.help, lambda w: w.reviewing.can_repair,
        checked=lambda w: w.structures.tools.tool is tool,
    )  # fmt: skip


ACTIONS: tuple[Action, ...] = (
    Action("open-folder", _("&Open Folder…"), "file", lambda w: w.ask_folder(), "Ctrl+O",
           _("Open a folder of DICOM images"), toolbar=_("Open")),
    Action("open-file", _("Open &File…"), "file", lambda w: w.ask_file(), "Ctrl+Shift+O",
           _("Open a DICOM file, a DICOMDIR or a zip archive")),
    Action("export", _("&Export…"), "file", lambda w: w.exporting.ask(), "Ctrl+E",
           _("Write structures as meshes"), _has_structures, toolbar=_("Export")),
    Action("quit", _("&Quit"), "file", lambda w: w.leave(), "Ctrl+Q", _("Close the window")),
    Action("undo", _("&Undo"), "edit", lambda w: w.document.undo(), "Ctrl+Z", _("Take back the last change"),
           lambda w: bool(w.document.undo_words), toolbar=_("Undo"), words=_undo_words),
    Action("redo", _("&Redo"), "edit", lambda w: w.document.redo(), "Ctrl+Shift+Z;Ctrl+Y",
           _("Do again what was taken back"), lambda w: bool(w.document.redo_words), toolbar=_("Redo"),
           words=_redo_words),
    Action("toggle-structure", _("&Show or Hide Structure"), "edit", lambda w: w.structures.toggle_visible(), "Space",
           _("Show or hide the current structure"), _has_structures, in_views=True),
    Action("delete-structure", _("&Delete Structure"), "edit", lambda w: w.structures.remove_current(), "Del",
           _("Delete the current structure"), _has_structures, in_views=True),
    Action("cancel", _("&Cancel"), "edit", lambda w: w.cancel(), "Esc",
           _("Stop the work that is running, or show all four views again"), lambda w: w.can_cancel),
    *(_tool_action(tool) for tool in TOOLS.values()),
    Action("larger-brush", _("&Larger Brush"), "repair", lambda w: w.reviewing.tools.resize_brush(1), "]",
           _("Make the brush larger (or Shift and the wheel)"), _has_brush),
    Action("smaller-brush", _("S&maller Brush"), "repair", lambda w: w.reviewing.tools.resize_brush(-1), "[",
           _("Make the brush smaller (or Shift and the wheel)"), _has_brush),
    Action("next-place", _("&Next Place to Check"), "repair", lambda w: w.reviewing.step(1), "N",
           _("Look at the next doubtful place of the current structure"), _has_places),
    Action("previous-place", _("&Previous Place to Check"), "repair", lambda w: w.reviewing.step(-1), "P",
           _("Look at the doubtful place before"), _has_places),
    Action("confirm", _("&Confirm Structure…"), "repair", lambda w: w.reviewing.ask_confirm(w.structures.selected), "C",
           _("Say with your name that the current structure is right"), lambda w: w.reviewing.can_confirm),
    *(_view_action(number, *view) for number, view in enumerate(VIEWS, 1)),
    Action("large", _("One View &Large"), "view", lambda w: w.grid.toggle_large(w.grid.focused_name()), "Return;Enter",
           _("Let the view with the focus fill the window, or show all four"), _has_volume, in_views=True),
    Action("fit", _("Show All of &It"), "view", lambda w: w.fit_views(), "Ctrl+0",
           _("Fit all views to the images"), _has_volume),
    Action("next-volume", _("&Next Volume"), "view", lambda w: w.phase_bar.step(1), "]",
           _("Go to the next volume of the series: time, phase, echo"), _may_step_volume),
    Action("previous-volume", _("Previous &Volume"), "view", lambda w: w.phase_bar.step(-1), "[",
           _("Go to the volume before this one"), _may_step_volume),
    Action("outlines", _("&Outlines on Slices"), "view", lambda w: w.toggle_outlines(), "O",
           _("Draw the outlines of the structures on the slices"), _has_volume, toolbar=_("Outlines"),
           checked=lambda w: w.shows_outlines),
    Action("crosshair", _("&Crosshair"), "view", lambda w: w.toggle_crosshair(), "X",
           _("Draw the crosshair on the slices"), _has_volume, toolbar=_("Crosshair"),
           checked=lambda w: w.shows_crosshair),
    Action("resample", _("&Resample Upright"), "view", lambda w: w.resample(), "",
           _("Interpolate a tilted or uneven series onto an even, upright grid"), lambda w: w.can_resample),
    Action("findings", _("Fi&ndings…"), "view", lambda w: w.show_findings(), "F2",
           _("What is doubtful about the images"), lambda w: w.has_findings),
    Action("header", _("Hea&der…"), "view", lambda w: w.records.show_header(), "F3",
           _("Every element of the DICOM file of this slice"), lambda w: bool(w.series_panel.series)),
    Action("privacy", _("Hide &Identity"), "view", lambda w: w.hide_identity(not w.banner.hides_identity), "Ctrl+H",
           _("Hide the patient's name, ID and dates everywhere in the window"),
           checked=lambda w: w.banner.hides_identity),
    Action("next-window", _("&Next Preset"), "window", lambda w: w.step_preset(1), "W",
           _("Go to the next window preset"), _has_hu),
    Action("previous-window", _("&Previous Preset"), "window", lambda w: w.step_preset(-1), "Shift+W",
           _("Go to the previous window preset"), _has_hu),
    *(
        Action(f"window-{index}", f"{preset.name}   {preset.center:g} / {preset.width:g} HU", "window",
               lambda w, preset=preset: w.view_state.set_window(preset.center, preset.width), "",  # type: ignore[misc]
               _("Center {center:g}, width {width:g} HU").format(center=preset.center, width=preset.width), _has_hu)
        for index, preset in enumerate(PRESETS)
    ),
    Action("shortcuts", _("&Keys and Mouse"), "help", lambda w: w.show_shortcuts(), "F1", _("List keys and mouse")),
    Action("about", _("&About arviewer"), "help", lambda w: w.show_about(), "", _("Version and purpose")),
)  # fmt: skip
"""Every action, in the order of the menus."""


def keys_of(action: Action) -> tuple[str, ...]:
    """Return the shortcuts of an action."""
    return tuple(key for key in action.keys.split(";") if key)


def tooltip(action: Action) -> str:
    """Return the tooltip: what it does, and its first shortcut."""
    keys = keys_of(action)
    return f"{action.tip} ({keys[0]})" if keys else action.tip
