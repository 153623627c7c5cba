"""The four views, two by two; any of them can fill the place of all."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QWidget

from arviewer.model.scene import Scene
from arviewer.model.volume import Volume
from arviewer.render.slices import reslicer
from arviewer.session.view_state import ViewState
from arviewer.ui.viewports.badge import FindingsBadge
from arviewer.ui.viewports.hands import ViewHand
from arviewer.ui.viewports.slice_layers import Shade
from arviewer.ui.viewports.slice_view import SliceView
from arviewer.ui.viewports.view_3d import View3D

PLACES = {"axial": (0, 0), "3d": (0, 1), "coronal": (1, 0), "sagittal": (1, 1)}


class ViewGrid(QWidget):
    """Axial, coronal, sagittal and 3D.

    Attributes
    ----------
    slices : dict of str to SliceView
    view_3d : View3D
    badges : list of FindingsBadge
        One in each view.

    Signals
    -------
    large_changed
        One view fills the place of all, or no longer.
    """

    large_changed = pyqtSignal()

    def __init__(self, view_state: ViewState, on_findings: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slices = {name: SliceView(name, view_state) for name in ("axial", "coronal", "sagittal")}
        self.view_3d = View3D()
        self._views: dict[str, QWidget] = {**self.slices, "3d": self.view_3d}
        self._large = ""
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for name, place in PLACES.items():
            layout.addWidget(self._views[name], *place)
        for index in (0, 1):
            layout.setRowStretch(index, 1)
            layout.setColumnStretch(index, 1)
        self.badges = [FindingsBadge(view, on_findings) for view in self._views.values()]
        for name, view in self.slices.items():
            view.maximize_wanted.connect(lambda name=name: self.toggle_large(name))
        self.view_3d.maximize_wanted.connect(lambda: self.toggle_large("3d"))
        self._unwatch = view_state.watch(self._look_again)

    @property
    def large(self) -> str:
        """The view that fills the place of all; "" when none does."""
        return self._large

    def toggle_large(self, name: str) -> None:
        """Let a view fill the place of all four, or show all again."""
        self._large = "" if self._large else name
        for other, view in self._views.items():
            view.setVisible(self._large in ("", other))
        layout = self.layout()
        assert isinstance(layout, QGridLayout)
        row, column = PLACES[name]
        # A row or column that holds nothing would keep its share of the room.
        layout.setRowStretch(1 - row, 0 if self._large else 1)
        layout.setColumnStretch(1 - column, 0 if self._large else 1)
        self._views[name].setFocus()
        self.large_changed.emit()

    def close_views(self) -> None:
        """Let go of graphics memory and of the view state."""
        self._unwatch()
        self.view_3d.close_view()

    def show_scene(self, before: Scene, after: Scene) -> None:
        """Follow the document."""
        for view in self.slices.values():
            view.show_scene(before, after)
        self.view_3d.show_scene(before, after)
        for badge in self.badges:
            badge.show_volume(after.volume)

    def renew(self, volume: Volume) -> None:
        """Draw the slices of a volume anew that is still being read."""
        reslicer(volume).renew()
        for view in self.slices.values():
            view.renew()

    def show_outlines(self, shown: bool) -> None:
        """Draw the outlines of structures on the slices, or not."""
        for view in self.slices.values():
            view.shows_outlines = shown
            view.update()

    def show_crosshair(self, shown: bool) -> None:
        """Draw the crosshair, or not."""
        for view in self.slices.values():
            view.shows_crosshair = shown
            view.update()

    def hold(self, hand: ViewHand | None) -> None:
        """Give the left button of all views to a tool, or back."""
        for view in self.slices.values():
            view.hold(hand)
        self.view_3d.hold(hand)

    def show_shade(self, shade: Shade | None) -> None:
        """Show voxels as a veil over the slices, or none."""
        for view in self.slices.values():
            view.show_shade(shade)

    def focused_name(self) -> str:
        """Return the name of the view that has the focus, or "3d"."""
        return next((name for name, view in self._views.items() if view.hasFocus()), "3d")

    def _look_again(self) -> None:
        for view in self.slices.values():
            view.update()
