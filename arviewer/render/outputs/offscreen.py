"""A 3D view without a screen: for pictures, for tests, and for the window that paints what it reads back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import TracebackType

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from arviewer.errors import Bug
from arviewer.model.geometry import Float
from arviewer.model.scene import Look, Scene
from arviewer.model.surface import Surface
from arviewer.render.camera import Camera, Eye
from arviewer.render.marks.overlay import Marks
from arviewer.render.outputs.window import offscreen_window
from arviewer.render.stage import Stage

Picture = npt.NDArray[np.uint8]
"""Shape (H, W, channels), row 0 at the top."""

_START = Camera((0.0, -1000.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))


class OffscreenView:
    """A stage, its marks and a window that nobody sees. Close it, or use it in a ``with``.

    A frame is drawn only when it is asked for and something changed since the last one.

    Parameters
    ----------
    size : (width, height)
        In device pixels.
    pixel_ratio : float
        Device pixels per logical pixel of the screen it will be shown on.
    samples : int
        Per pixel, for smooth edges: 0 for the fastest frame, 8 for stills.
    marks : bool
        Whether letters, cube and scale bar are drawn.

    Raises
    ------
    MachineLacks
        When the libraries for drawing are missing.
    """

    def __init__(
        self, size: tuple[int, int], pixel_ratio: float = 1.0, samples: int = 0, *, marks: bool = True
    ) -> None:
        window = offscreen_window(size, samples)
        self._window: vtkRenderWindow | None = window
        self.stage = Stage()
        self._size = size
        self._pixel_ratio = pixel_ratio
        self._camera = _START
        self._pixels = vtkUnsignedCharArray()
        self._drawn: tuple[Eye | Camera, Picture] | None = None
        self._marks = Marks(self.stage.renderer) if marks else None
        window.AddRenderer(self.stage.renderer)
        if self._marks is not None:
            window.SetNumberOfLayers(2)
            window.AddRenderer(self._marks.cube.renderer)

    def __enter__(self) -> OffscreenView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        return self._size

    @property
    def camera(self) -> Camera:
        """Where the reader stands."""
        return self._camera

    @property
    def bounds_lps(self) -> tuple[Float, Float] | None:
        """Lowest and highest corner of what is visible, mm; None when nothing is."""
        return self.stage.bounds_lps

    def set_camera(self, camera: Camera) -> None:
        """Stand elsewhere."""
        self._camera = camera

    def show(self, scene: Scene) -> None:
        """Bring the view in line with a scene; touches only what changed."""
        if self.stage.show(scene):
            self._drawn = None

    def show_surfaces(self, surfaces: Mapping[Hashable, tuple[Surface, Look]]) -> None:
        """Bring the view in line with surfaces that belong to no scene."""
        if self.stage.show_surfaces(surfaces):
            self._drawn = None

    def resize(self, size: tuple[int, int], pixel_ratio: float = 1.0) -> None:
        """Change the size, in device pixels, and the device pixels per logical pixel."""
        if (size, pixel_ratio) != (self._size, self._pixel_ratio):
            self._size, self._pixel_ratio = size, pixel_ratio
            self._open_window().SetSize(*size)
            self._drawn = None

    def frame(self, eye: Eye | None = None) -> Picture:
        """Return the picture, shape (H, W, 4), opaque, C-contiguous, read-only.

        Parameters
        ----------
        eye : Eye, optional
            Whose picture; the camera's when not given.
        """
        seen = self._camera if eye is None else eye
        if self._drawn is None or self._drawn[0] != seen:
            self._drawn = seen, self._draw(self._camera.eye(self._size) if eye is None else eye)
        return self._drawn[1]

    def picture(self, eye: Eye | None = None) -> Picture:
        """Return the picture, shape (H, W, 3), red green blue, row 0 at the top."""
        return np.ascontiguousarray(self.frame(eye)[..., :3])

    def _draw(self, eye: Eye) -> Picture:
        window = self._open_window()
        self.stage.look_through(eye)
        if self._marks is not None:
            self._marks.update(eye, self._size, self._pixel_ratio, self.stage.proposed)
        window.Render()
        width, height = self._size
        window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, self._pixels, 0)
        picture = np.asarray(vtk_to_numpy(self._pixels)).reshape(height, width, 4)[::-1].copy()
        picture[..., 3] = 255
        picture.setflags(write=False)
        return picture

    def _open_window(self) -> vtkRenderWindow:
        if self._window is None:
            raise Bug("A closed view was asked to draw.")
        return self._window

    def close(self) -> None:
        """Let the graphics memory go; a second call does nothing."""
        window, self._window = self._window, None
        if window is None:
            return
        self.stage.clear()
        window.Finalize()
        window.GetRenderers().RemoveAllItems()
        self._drawn = None
