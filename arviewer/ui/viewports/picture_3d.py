"""The 3D picture as Qt paints it: in full when it rests, with light surfaces and fewer pixels while it moves."""

from __future__ import annotations

import time
from collections.abc import Hashable

import numpy as np
from PyQt6.QtGui import QImage

from arviewer.model.geometry import Float
from arviewer.model.scene import Look, Scene
from arviewer.model.surface import Surface
from arviewer.render.camera import Camera
from arviewer.render.coarse import HEAVY_TRIANGLES, light
from arviewer.render.outputs.offscreen import OffscreenView
from arviewer.render.shapes import bounds_of
from arviewer.render.stage import surfaces_of
from arviewer.ui.viewports.pictures import image_of

SLOW_FRAME_S = 0.05
"""A moving picture that takes longer is drawn with fewer pixels."""
COARSE = 0.5
"""Of the pixels along each side, then."""

Size = tuple[int, int]


class Picture3D:
    """Draws scenes off screen.

    Attributes
    ----------
    frame_s : float
        How long the last moving picture took, in s.
    """

    def __init__(self) -> None:
        self.frame_s = 0.0
        self._scene = Scene()
        self._sketch: tuple[Surface, Look, str] | None = None
        self._still: OffscreenView | None = None
        self._moving: OffscreenView | None = None
        self._closed = False

    def close(self) -> None:
        """Let the graphics memory go; safe to call twice."""
        self._closed = True
        for view in (self._still, self._moving):
            if view is not None:
                view.close()
        self._still = self._moving = None

    def show(self, scene: Scene) -> None:
        """Follow the document."""
        self._scene = scene

    def show_sketch(self, sketch: Surface | None, look: Look, instead_of: str) -> None:
        """Show a surface beside the structures and instead of one of them, or none."""
        self._sketch = None if sketch is None else (sketch, look, instead_of)

    def bounds_lps(self) -> tuple[Float, Float] | None:
        """Return the lowest and highest corner of what is visible, else of the images; None without images."""
        shown = [bounds_of(item.surface) for item in self._scene.items.values() if item.look.visible]
        if shown:
            lows, highs = zip(*shown, strict=True)
            return np.min(lows, axis=0), np.max(highs, axis=0)
        if self._scene.volume is None:
            return None
        corners = self._scene.volume.geometry.corners_lps()
        return corners.min(axis=0), corners.max(axis=0)

    def image(self, camera: Camera, size: Size, ratio: float, *, moving: bool) -> QImage | None:
        """Return the picture; None once closed.

        Parameters
        ----------
        size : (width, height)
            In logical pixels.
        ratio : float
            Device pixels to a logical one.

        Raises
        ------
        MachineLacks
            When this computer cannot draw in 3D.
        """
        if self._closed:
            return None
        started = time.perf_counter()
        if (moving or self._stale()) and self._heavy():
            image = self._draw_moving(camera, size, ratio)
        else:
            image = self._draw_still(camera, size, ratio)
        if moving:
            self.frame_s = time.perf_counter() - started
        return image

    def _stale(self) -> bool:
        """Whether a surface is but the shadow of its structure: a light copy will do until it is made anew."""
        return any(item.is_stale for item in self._scene.items.values())

    def _heavy(self) -> bool:
        return sum(len(item.surface.triangles) for item in self._scene.items.values()) > HEAVY_TRIANGLES

    def _wanted(self) -> dict[Hashable, tuple[Surface, Look]]:
        wanted = surfaces_of(self._scene)
        if self._sketch is not None:
            sketch, look, instead_of = self._sketch
            wanted.pop(instead_of, None)
            wanted[None] = sketch, look  # no structure is called so
        return wanted

    def _draw_still(self, camera: Camera, size: Size, ratio: float) -> QImage:
        if self._still is None:
            self._still = OffscreenView(_device(size, ratio), ratio)
        self._still.show_surfaces(self._wanted())
        return _drawn(self._still, camera, size, ratio)

    def _draw_moving(self, camera: Camera, size: Size, ratio: float) -> QImage:
        if ratio > 1 or self.frame_s > SLOW_FRAME_S:
            ratio = max(ratio * COARSE, COARSE)
        if self._moving is None:
            self._moving = OffscreenView(_device(size, ratio), ratio)
        self._moving.show_surfaces({key: (light(surface), look) for key, (surface, look) in self._wanted().items()})
        return _drawn(self._moving, camera, size, ratio)


def _drawn(view: OffscreenView, camera: Camera, size: Size, ratio: float) -> QImage:
    view.resize(_device(size, ratio), ratio)
    view.set_camera(camera)
    return image_of(view.frame())


def _device(size: Size, ratio: float) -> Size:
    return max(int(size[0] * ratio + 0.5), 1), max(int(size[1] * ratio + 0.5), 1)
