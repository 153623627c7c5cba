"""A VTK window that needs no screen."""

from __future__ import annotations

import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the OpenGL classes
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from arviewer.render.opengl import has_egl, require_opengl


def offscreen_window(size: tuple[int, int], samples: int = 0) -> vtkRenderWindow:
    """Return a render window without a screen: EGL, which needs no X server, else whatever VTK finds.

    Parameters
    ----------
    size : (width, height) in pixels
    samples : int
        Per pixel, for smooth edges; 0 for none, the fastest and the same on every driver.

    Raises
    ------
    MachineLacks
        When the libraries for drawing are missing.
    """
    require_opengl()
    window = _new()
    window.SetOffScreenRendering(True)
    window.SetShowWindow(False)
    window.SetMultiSamples(samples)
    window.SetSize(*size)
    return window


def _new() -> vtkRenderWindow:
    if has_egl():
        try:
            from vtkmodules.vtkRenderingOpenGL2 import vtkEGLRenderWindow
        except ImportError:  # a VTK built without EGL, as on Windows and macOS
            return vtkRenderWindow()
        return vtkEGLRenderWindow()
    return vtkRenderWindow()
