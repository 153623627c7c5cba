"""A machine without OpenGL is told so before VTK can die of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from arviewer.errors import MachineLacks
from arviewer.render.opengl import LIBRARIES, OpenGL, describe, loadable, require_opengl


def without(*missing: str):
    """A loader on a machine that lacks some libraries."""

    def load(name: str) -> object:
        if name in missing:
            raise OSError(f"{name}: cannot open shared object file")
        return object()

    return load


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_missing_library_is_named_with_the_line_that_installs_it(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the three, on a machine without a screen."""
    monkeypatch.delenv("DISPLAY", raising=False)

    with pytest.raises(MachineLacks) as caught:
        require_opengl(without(library))

    assert library in caught.value.why
    assert "apt-get install" in caught.value.remedy
    assert "libegl1" in caught.value.remedy
    assert caught.value.exit_code == 4


def test_a_screen_makes_up_for_egl(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an X server pictures can be drawn without EGL, but not without libX11."""
    monkeypatch.setenv("DISPLAY", ":7")

    require_opengl(without("libEGL.so.1"))
    assert loadable(without("libEGL.so.1")) == {"libX11.so.6": True, "libGL.so.1": True, "libEGL.so.1": False}
    with pytest.raises(MachineLacks):
        require_opengl(without("libX11.so.6"))


def test_this_machine_is_described() -> None:
    """The trial picture is drawn in a process of its own, and the driver says who it is."""
    found = describe()

    assert found.works, found.problem
    assert all(found.libraries.values())
    assert found.renderer
    assert found.version[0].isdigit()


def test_a_machine_with_a_problem_does_not_work() -> None:
    """Whoever asks gets a plain answer."""
    assert not OpenGL(problem="no driver").works


def test_slices_need_no_rendering_modules() -> None:
    """Slice pictures and outlines import nothing that opens a graphics library."""
    code = (
        "import sys, arviewer.render.slices, arviewer.render.outlines, arviewer.render.stereo, arviewer.render.letters;"
        "print([m for m in sys.modules if 'Rendering' in m or 'pyvista' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
