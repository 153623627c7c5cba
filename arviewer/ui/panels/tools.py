"""Repair a structure: the tools in groups, made from their table; their numbers; what they may not touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from arviewer.imaging.tools import TOOLS, Need, Overlap, Tool
from arviewer.model.scene import Scene
from arviewer.model.volume import Volume
from arviewer.ui.panels.parameter_fields import CAPTION_WIDTH, ImageValues, ParameterFields, values_of
from arviewer.ui.panels.recipe_form import title_of
from arviewer.words import _

GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (_("Draw"), (("paint", _("Paint")), ("erase", _("Erase")), ("interpolate", _("Between")))),
    (_("Values"), (("threshold", _("Threshold")), ("grow", _("Grow")))),
    (_("Seeds"), (("watershed", _("Watershed")), ("random-walker", _("Walker")))),
    (_("Cut"), (("cut-inside", _("Inside")), ("cut-outside", _("Outside")), ("lasso-keep", _("Keep")))),
    (_("Pieces"), (("keep-largest", _("Largest")), ("keep-clicked", _("Clicked")), ("drop-small", _("No small")))),
    (_("Edge"), (("smooth", _("Smooth")), ("grow-by", _("Wider")), ("shrink-by", _("Thinner")))),
    (_("Body"), (("fill-holes", _("Fill")), ("hollow", _("Hollow")), ("split-left-right", _("Left | right")))),
    (_("Other"), (("add", _("Add")), ("subtract", _("Subtract")), ("intersect", _("Common")))),
)
"""Where each tool stands, and the short word on its button; the tooltip has its title."""

OVERLAPS = {
    Overlap.ALLOW: _("May overlap others"),
    Overlap.OVERWRITE: _("Takes from others"),
    Overlap.PROTECT: _("Leaves others alone"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person set for the tool at work.

    Attributes
    ----------
    tool : Tool
    values : mapping
        Every parameter.
    other : str
        The other structure; "" when none is chosen.
    overlap : Overlap
    through_all : bool
        Whether a line in a slice cuts through all slices.
    ball : bool
        Whether the brush is a ball, not a disc in the slice.
    makes_new : bool
        Whether the result is a new structure, and the current one stays as it is.
    """

    tool: Tool
    values: dict[str, float]
    other: str
    overlap: Overlap
    through_all: bool
    ball: bool
    makes_new: bool

    @property
    def band(self) -> tuple[float, float] | None:
        """The range of values that the tool takes, where it takes all voxels of a range."""
        return (self.values["low"], self.values["high"]) if self.tool.name == "threshold" else None


class ToolsPanel(QWidget):
    """A button for each tool, and the form of the one at work.

    Attributes
    ----------
    buttons : dict of str to QPushButton
    fields : ParameterFields
    tool : Tool or None
        The one at work.

    Signals
    -------
    tool_changed
        Another tool is at work, or none.
    changed
        A number or choice of the tool at work is another one.
    apply_wanted
        The tool shall do its work.
    lay_wanted
        The current structure shall get the grid of the images.
    """

    tool_changed = pyqtSignal()
    changed = pyqtSignal()
    apply_wanted = pyqtSignal()
    lay_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool | None = None
        self.buttons: dict[str, QPushButton] = {}
        self._volume: Volume | None = None
        self._values: ImageValues | None = None
        self._remembered: dict[str, dict[str, float]] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)  # the button of the tool at work puts it down again
        self.why = QLabel()
        self.why.setObjectName("quiet")
        self.why.setWordWrap(True)
        self.lay_button = QPushButton(_("&Lay It onto the Images"))
        self.lay_button.clicked.connect(self.lay_wanted)
        self.fields = ParameterFields()
        self.fields.changed.connect(self._remember)
        self.fields.changed.connect(self.changed)
        self.other = QComboBox()
        self.overlap = QComboBox()
        self.overlap.setToolTip(_("What becomes of voxels that other structures have"))
        for rule, words in OVERLAPS.items():
            self.overlap.addItem(words, rule)
        self.reach = QComboBox()
        self.reach.addItem(_("Through all slices"), True)
        self.reach.addItem(_("This slice only"), False)
        self.brush = QComboBox()
        self.brush.addItem(_("Disc, in this slice"), False)
        self.brush.addItem(_("Ball, through slices"), True)
        self.result = QComboBox()
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.apply_button = QPushButton(_("&Apply"))
        self.apply_button.setProperty("primary", True)
        self.apply_button.clicked.connect(self.apply_wanted)
        self._lay_out()
        for box in (self.result, self.other, self.overlap, self.reach, self.brush):
            box.activated.connect(lambda _index: self.changed.emit())
        self.allow("")
        self._show_tool()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(0, 0)
        for row, (caption, tools) in enumerate(_groups()):
            label = QLabel(caption)
            label.setObjectName("quiet")
            grid.addWidget(label, row, 0)
            for column, (name, words) in enumerate(tools, 1):
                grid.addWidget(self._button(name, words), row, column)
                grid.setColumnStretch(column, 1)
        self._choices = QFormLayout()
        self._choices.setContentsMargins(0, 0, 0, 0)
        self._choices.setVerticalSpacing(4)
        rows = {
            _("Result"): self.result,
            _("With"): self.other,
            _("Brush"): self.brush,
            _("Cuts"): self.reach,
            _("Overlap"): self.overlap,
        }
        for words, box in rows.items():
            head = QLabel(words)
            head.setMinimumWidth(CAPTION_WIDTH)
            head.setBuddy(box)
            self._choices.addRow(head, box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self.why)
        layout.addWidget(self.lay_button)
        layout.addLayout(grid)
        layout.addWidget(self.hint)
        layout.addWidget(self.fields)
        layout.addLayout(self._choices)
        layout.addWidget(self.apply_button)

    def _button(self, name: str, words: str) -> QPushButton:
        tool = TOOLS[name]
        button = QPushButton(words)
        button.setCheckable(True)
        button.setToolTip(f"{tool.title}: {tool.help}")
        button.setAccessibleName(tool.title)
        button.setStyleSheet("padding: 3px 2px;")
        button.clicked.connect(lambda on, name=name: self.choose(name if on else ""))
        self._group.addButton(button)
        self.buttons[name] = button
        return button

    # What is at work

    def choose(self, name: str) -> None:
        """Put a tool to work; "" puts the one at work down."""
        tool = TOOLS[name] if name and self.buttons[name].isEnabled() else None
        for other, button in self.buttons.items():
            button.setChecked(tool is not None and other == tool.name)
        if tool is not self.tool:
            self.tool = tool
            self._show_tool()
            self.tool_changed.emit()

    def allow(self, why_not: str, *, new: bool = False, lay: bool = False) -> None:
        """Let tools be chosen, or say why those that change the current structure cannot be.

        Parameters
        ----------
        new : bool
            Whether a new structure can be made all the same.
        lay : bool
            Whether laying it onto the grid of the images would help.
        """
        self.lay_button.setVisible(lay)
        self.why.setText(why_not)
        self.why.setVisible(bool(why_not))
        for name, button in self.buttons.items():
            button.setEnabled(not why_not or (new and can_begin(TOOLS[name])))
        if self.tool is not None and not self.buttons[self.tool.name].isEnabled():
            self.choose("")

    @property
    def makes_new(self) -> bool:
        """Whether the tool at work makes a new structure."""
        return self.tool is not None and can_begin(self.tool) and bool(self.result.currentData())

    def show_scene(self, scene: Scene, target: str) -> None:
        """Offer the other structures that lie on the grid of the images."""
        if scene.volume is not self._volume:
            self._volume, self._values = scene.volume, None if scene.volume is None else values_of(scene.volume)
            self._remembered.clear()
            self.choose("")
        self._offer_results(target if target in scene.items and not self.why.text() else "")
        others = [name for name, item in scene.items.items() if name != target and item.segment.geometry is None]
        if others != [self.other.itemData(n) for n in range(self.other.count())]:
            chosen = self.other.currentData()
            self.other.clear()
            for name in others:
                self.other.addItem(title_of(name), name)
            self.other.setCurrentIndex(max(self.other.findData(chosen), 0 if others else -1))
        self._show_choices()

    def _offer_results(self, target: str) -> None:
        """Offer to change the current structure, where that can be, or to make a new one."""
        offered = [(_("Changes {name}").format(name=title_of(target)), False)] if target else []
        offered.append((_("New structure"), True))
        if [words for words, _new in offered] != [self.result.itemText(n) for n in range(self.result.count())]:
            self.result.clear()
            for words, new in offered:
                self.result.addItem(words, new)

    def wish(self) -> Wish | None:
        """Return what is set for the tool at work; None when there is none."""
        if self.tool is None:
            return None
        return Wish(
            self.tool,
            self.fields.values(),
            self.other.currentData() or "",
            self.overlap.currentData(),
            bool(self.reach.currentData()),
            bool(self.brush.currentData()),
            self.makes_new,
        )

    def step(self, name: str, factor: float) -> None:
        """Make a number of the tool at work larger or smaller."""
        if name in self.fields.inputs:
            self.fields.set_value(name, self.fields.values()[name] * factor)

    def _show_tool(self) -> None:
        tool = self.tool
        self.fields.show_parameters(() if tool is None else tool.parameters, self._values)
        for name, value in self._remembered.get(tool.name if tool else "", {}).items():
            self.fields.set_value(name, value)
        self.hint.setText(_("Choose a tool. Esc puts it down.") if tool is None else _hint(tool))
        self._show_choices()

    def _show_choices(self) -> None:
        needs = self.tool.needs if self.tool is not None else Need.NOTHING
        at_work = self.tool is not None
        self._choices.setRowVisible(self.result, self.tool is not None and can_begin(self.tool))
        self._choices.setRowVisible(self.other, Need.OTHERS in needs)
        self._choices.setRowVisible(self.reach, Need.LASSO in needs)
        self._choices.setRowVisible(self.brush, Need.STROKE in needs)
        self._choices.setRowVisible(self.overlap, at_work and Need.OTHERS not in needs and self.other.count() > 0)
        by_hand = Need.CLICK | Need.STROKE | Need.LASSO
        self.apply_button.setVisible(at_work and not needs & by_hand)
        self.apply_button.setEnabled(Need.OTHERS not in needs or self.other.count() > 0)

    def _remember(self) -> None:
        if self.tool is not None:
            self._remembered[self.tool.name] = self.fields.values()


def _groups() -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
    """Return the groups with the tools that there are; those that no group knows come last, three to a row."""
    groups = [(caption, [one for one in tools if one[0] in TOOLS]) for caption, tools in GROUPS]
    known = {name for _caption, tools in GROUPS for name, _words in tools}
    more = [(name, tool.title) for name, tool in TOOLS.items() if name not in known]
    rows = [more[n : n + 3] for n in range(0, len(more), 3)]
    return [group for group in groups if group[1]] + [(_("More"), row) for row in rows]


def can_begin(tool: Tool) -> bool:
    """Return whether a tool needs no structure to begin with."""
    return not tool.needs & (Need.STRUCTURE | Need.OTHERS)


def _hint(tool: Tool) -> str:
    """Return what the hand does with a tool."""
    if Need.STROKE in tool.needs:
        return _("Draw in a slice. Ctrl erases, or paints; Shift+wheel or [ ] sets the size; Esc takes a stroke back.")
    if Need.LASSO in tool.needs:
        return _("Draw a line round it, in a slice or in 3D. Alt+drag turns the 3D view.")
    if Need.CLICK in tool.needs:
        return _("{help} Click in a slice.").format(help=tool.help)
    return tool.help
