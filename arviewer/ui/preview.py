"""A volume that is looked at while it is read: its slices are drawn anew as they arrive."""

from __future__ import annotations

from PyQt6.QtCore import QObject, QTimer

from arviewer.model.volume import Volume
from arviewer.ui.viewports.grid import ViewGrid

RENEWALS_PER_S = 10


class Preview(QTimer):
    """Draws the views anew ten times a second, until it is stopped."""

    def __init__(self, volume: Volume, grid: ViewGrid, parent: QObject) -> None:
        super().__init__(parent)
        self.timeout.connect(lambda: grid.renew(volume))
        self.start(1000 // RENEWALS_PER_S)

    def end(self) -> None:
        """Let the volume go."""
        self.stop()
        self.deleteLater()
