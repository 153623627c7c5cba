"""The composition root: the only place that puts document, jobs, window and outputs together."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

from arviewer.errors import ArviewerError, MachineLacks
from arviewer.words import _
from arviewer.workers.progress import Progress, part, silent

DEMO_STRUCTURES = ("bone", "vessels", "lungs", "skin")
DEMO_VIEWS = ("anterior", "left")
DEMO_SIZE = (1600, 1200)
DEMO_PAIR_SIZE = (1920, 1080)


def sample_folder() -> Path:
    """Return the folder of the sample patient: beside the package in a checkout, inside it when installed.

    Raises
    ------
    MachineLacks
        When neither is there.
    """
    package = Path(__file__).parent
    for folder in (package.parent / "sample_dicom", package / "sample_dicom"):
        if folder.is_dir():
            return folder
    raise MachineLacks(
        _("The sample patient is not there."),
        _("No folder sample_dicom beside or inside {folder}.").format(folder=package),
        _("Install arviewer again, or open a folder of your own: arviewer FOLDER"),
    )


def has_screen() -> bool:
    """Return whether a window can be opened: a Wayland or an X server answers."""
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return True  # asked for by name
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    if not os.environ.get("DISPLAY"):
        return False
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)
    if display:
        x11.XCloseDisplay(ctypes.c_void_p(display))
    return bool(display)


def open_window(paths: Sequence[Path], structures: Sequence[str] = ()) -> int:
    """Open the window, load `paths`, build `structures`; return the exit code when it closes.

    Raises
    ------
    MachineLacks
        When there is no screen, or a library that Qt or OpenGL needs.
    """
    from arviewer.render.opengl import require_opengl

    require_opengl()
    if not has_screen():
        raise MachineLacks(
            _("No window can be opened."),
            _("No screen answers: neither DISPLAY nor WAYLAND_DISPLAY leads to one."),
            _("Log in to a desktop, or use `arviewer render` and `arviewer export`, which need no screen."),
        )
    from arviewer.ui.application import run_window

    try:
        sample = sample_folder()
    except MachineLacks:
        sample = None
    return run_window(paths, structures, sample)


def demo(output: Path, say: Callable[[str], None], progress: Progress = silent) -> int:
    """Show the sample patient; without a screen do the same off screen and leave the results in `output`.

    Parameters
    ----------
    output : Path
        Folder for pictures and meshes; used only without a screen.
    say : callable
        Tells a person what happens.
    """
    folder = sample_folder()
    if has_screen():
        return open_window([folder], DEMO_STRUCTURES)
    say(_("No screen here: doing the same off screen. Pictures and meshes go to {folder}/.").format(folder=output))
    for path in demo_off_screen(folder, output, progress):
        say(f"  {path}")
    return 0


def demo_off_screen(folder: Path, output: Path, progress: Progress = silent) -> list[Path]:
    """Segment the patient in `folder`; write meshes, views, a stereo pair and slices; return what was written."""
    from arviewer.formats.export import export
    from arviewer.imaging.dicom import load, scan
    from arviewer.imaging.structure import build
    from arviewer.render.picture import draw, picture_to_png
    from arviewer.session.choice import choose

    volume = load(choose(scan(folder, progress=part(progress, 0.0, 0.1))), progress=part(progress, 0.1, 0.2))
    built = []
    for number, name in enumerate(DEMO_STRUCTURES):
        share = part(progress, 0.2 + 0.15 * number, 0.35 + 0.15 * number)
        built.append(build(volume, name, progress=share))
    surfaces = [surface for _segment, surface in built]
    exported = export(surfaces, f"{output}/", progress=part(progress, 0.8, 0.9))
    written = [Path(file["path"]) for file in exported.to_json()["files"]]
    pictures = {f"{view}.png": draw(surfaces, view=view, size=DEMO_SIZE) for view in DEMO_VIEWS}
    pictures["stereo-pair.png"] = draw(surfaces, stereo="side-by-side", size=DEMO_PAIR_SIZE)
    for name, picture in pictures.items():
        picture_to_png(picture, output / name)
        written.append(output / name)
    progress(1.0, _("Done"))
    return written


class Check(TypedDict):
    """One thing a machine has or lacks."""

    name: str
    ok: bool
    found: str
    remedy: str


class Report(TypedDict):
    """What `doctor` found; `ok` when nothing is missing."""

    ok: bool
    checks: list[Check]


def doctor() -> Report:
    """Look at this machine: Python, OpenGL, screen, decoders, a worker process, the sample patient."""
    probes: list[tuple[str, Callable[[], str]]] = [
        ("Python", lambda: f"{platform.python_version()} on {platform.platform()}"),
        ("OpenGL", _probe_opengl),
        (_("Screen"), _probe_screen),
        (_("Image decoders"), _probe_decoders),
        (_("Worker process"), _probe_worker),
        (_("Sample patient"), lambda: str(sample_folder())),
    ]
    checks = [_check(name, probe) for name, probe in probes]
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def _check(name: str, probe: Callable[[], str]) -> Check:
    try:
        return {"name": name, "ok": True, "found": probe(), "remedy": ""}
    except ArviewerError as error:
        return {"name": name, "ok": False, "found": f"{error.what} {error.why}".strip(), "remedy": error.remedy}


def _probe_opengl() -> str:
    from arviewer.render.opengl import describe, require_opengl

    require_opengl()
    found = describe()
    if not found.works:
        raise MachineLacks(
            _("No 3D picture can be drawn."), found.problem, _("Install or update the graphics driver (Mesa).")
        )
    return f"{found.renderer}, {found.version}"


def _probe_screen() -> str:
    if has_screen():
        return os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "offscreen"
    return _("none; pictures and meshes can be made without one")


def _probe_decoders() -> str:
    try:
        import imagecodecs
    except ImportError as error:
        raise MachineLacks(
            _("Compressed images cannot be read."), str(error), _("Install imagecodecs: pip install imagecodecs")
        ) from error
    from arviewer.imaging.dicom.syntaxes import COMPRESSIONS

    names = dict.fromkeys(compression.name for compression in COMPRESSIONS.values())
    return f"imagecodecs {imagecodecs.__version__}: {', '.join(names)}"


def _probe_worker() -> str:
    from arviewer.workers.worker import Worker

    worker = Worker()
    try:
        worker.call("arviewer.workers.echo:echo", "alive")
    finally:
        worker.close()
    return _("starts and answers ({python})").format(python=Path(sys.executable).name)
