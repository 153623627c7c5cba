"""What this machine has for drawing in 3D, asked before VTK is, because VTK dies where it is missing."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arviewer.errors import MachineLacks
from arviewer.words import _

LIBRARIES = ("libX11.so.6", "libGL.so.1", "libEGL.so.1")
"""What VTK opens by itself when the first picture is drawn."""

PACKAGES = (
    "apt-get install -y --no-install-recommends libgl1 libegl1 libglib2.0-0 libxkbcommon0 libfontconfig1 "
    "libdbus-1-3 libxcursor1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 xvfb xauth"
)
"""The line that was enough on a bare Debian 12 and 13."""

PROBE_SECONDS = 60
"""Longest time the trial picture may take; the first start of a software driver takes about one second."""

Loader = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class OpenGL:
    """What a machine has for drawing in 3D.

    Attributes
    ----------
    libraries : mapping of str to bool
        Which of `LIBRARIES` load.
    vendor, renderer, version : str
        What the driver says of itself; "" when no picture could be drawn.
    problem : str
        Why no picture could be drawn; "" when one was.
    """

    libraries: Mapping[str, bool] = field(default_factory=dict)
    vendor: str = ""
    renderer: str = ""
    version: str = ""
    problem: str = ""

    @property
    def works(self) -> bool:
        """Whether a trial picture was drawn."""
        return not self.problem


def loadable(load: Loader = ctypes.CDLL) -> dict[str, bool]:
    """Return which of `LIBRARIES` this machine can load."""
    return {name: _loads(name, load) for name in LIBRARIES}


def _loads(name: str, load: Loader) -> bool:
    try:
        load(name)
    except OSError:
        return False
    return True


def require_opengl(load: Loader = ctypes.CDLL) -> None:
    """Raise unless VTK can draw here; call it before anything of VTK's rendering is made.

    VTK's wheel opens these libraries by name when it draws, and ends the process with a segmentation fault
    when libX11 is missing, so that nothing could be said afterwards.

    Raises
    ------
    MachineLacks
        Naming the libraries, with the line that installs them.
    """
    found = loadable(load)
    missing = [name for name in ("libX11.so.6", "libGL.so.1") if not found[name]]
    if not found["libEGL.so.1"] and not os.environ.get("DISPLAY"):
        missing.append("libEGL.so.1")
    if missing:
        raise MachineLacks(
            _("This computer cannot draw in 3D yet."),
            _("It has no {libraries}.").format(libraries=", ".join(missing)),
            _("As administrator: {line}").format(line=PACKAGES),
        )


def has_egl() -> bool:
    """Return whether pictures can be drawn without any X server."""
    return _loads("libEGL.so.1", ctypes.CDLL)


def describe() -> OpenGL:
    """Return what this machine has, having drawn a tiny picture in a process of its own, which may die."""
    libraries = loadable()
    try:
        require_opengl()
    except MachineLacks as lack:
        return OpenGL(libraries, problem=lack.why)
    command = [sys.executable, "-m", "arviewer.render.opengl"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        return OpenGL(libraries, problem=_("The trial picture took longer than a minute."))
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [""])[-1]
        why = _("The trial picture ended with code {code}. {reason}").format(code=done.returncode, reason=reason)
        return OpenGL(libraries, problem=why.strip())
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return OpenGL(libraries, said["vendor"], said["renderer"], said["version"])


def _probe() -> dict[str, str]:
    """Draw one small picture and return what the driver says of itself."""
    from arviewer.render.outputs.window import offscreen_window

    window = offscreen_window((16, 16))
    window.Render()
    said = dict(
        line.split(": ", 1)
        for line in window.ReportCapabilities().splitlines()
        if line.startswith("OpenGL ") and ": " in line
    )
    window.Finalize()
    return {key: said.get(f"OpenGL {key} string", "").strip() for key in ("vendor", "renderer", "version")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_probe()) + "\n")
