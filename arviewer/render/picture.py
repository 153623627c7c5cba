"""One still picture of surfaces, mono or for two eyes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from pathlib import Path

import imagecodecs
import numpy as np

from arviewer.errors import OutputFailed, UsageError
from arviewer.formats.atomic import AtomicFiles
from arviewer.model.scene import Look
from arviewer.model.surface import Surface
from arviewer.render.camera import STANDARD_VIEWS, Camera
from arviewer.render.composing import COMPOSERS, Picture, fill_to
from arviewer.render.outputs.offscreen import OffscreenView
from arviewer.render.stereo import comfortable_separation_mm, eye_pair
from arviewer.words import _

MAX_SIDE_PIXELS = 16384
"""Longest side of a picture: what OpenGL drivers commonly allow."""

SMOOTH_SAMPLES = 8
"""Samples per pixel of a still picture."""

DEFAULT_LOOKS: Mapping[str, Look] = {
    "bone": Look((0.95, 0.91, 0.82)),
    "skin": Look((0.87, 0.68, 0.56), 0.25),
    "lungs": Look((0.52, 0.68, 0.88), 0.55),
    "vessels": Look((0.80, 0.13, 0.13)),
}
"""How structures look that nobody gave a look, by name; skin lets the bone be seen through it."""

OTHER_COLORS = ((0.62, 0.78, 0.55), (0.85, 0.70, 0.35), (0.66, 0.58, 0.82), (0.45, 0.75, 0.75), (0.80, 0.55, 0.65))
"""Colors of structures without a usual one, in the order in which they come."""


def default_look(name: str, number: int = 0) -> Look:
    """Return the usual look of a structure; one without gets the color of that `number`."""
    return DEFAULT_LOOKS.get(name, Look(OTHER_COLORS[number % len(OTHER_COLORS)]))


def draw(
    surfaces: Sequence[Surface],
    view: str = "anterior",
    stereo: str = "off",
    size: tuple[int, int] = (1280, 960),
    looks: Mapping[str, Look] | None = None,
    samples: int = SMOOTH_SAMPLES,
) -> Picture:
    """Return a picture of surfaces with R L A P H F marks, orientation cube and scale bar.

    Parameters
    ----------
    surfaces : sequence of Surface
        All in one frame of reference.
    view : {"anterior", "posterior", "left", "right", "head", "feet"}
        The side of the patient the reader looks at.
    stereo : {"off", "side-by-side", "top-bottom", "anaglyph"}
        "off" is a parallel projection, in which the scale bar holds everywhere. The others are two perspectives
        without squeezing: each eye gets its part of the picture; left eye at the left or above.
    size : (width, height)
        Of the whole picture in pixels, each 1 to 16384.
    looks : mapping of structure name to Look, optional
        Names that are left out look as usual.
    samples : int
        Per pixel, for smooth edges; 0 for none.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    UsageError
        Unknown view or stereo, impossible size, nothing to draw.
    GeometryError
        When the surfaces lie in different frames of reference.
    MachineLacks
        When this computer cannot draw in 3D.
    """
    _check(surfaces, view, stereo, size)
    (across, down), join = COMPOSERS.get(stereo, ((1, 1), None))
    part = max(1, size[0] // across), max(1, size[1] // down)
    wanted = _with_looks(surfaces, looks or {})
    with OffscreenView(part, samples=samples) as target:
        target.show_surfaces(wanted)
        bounds = target.bounds_lps
        if bounds is None:
            raise UsageError(_("There is nothing to draw."), _("No surface is visible."))
        camera = Camera.standard(view, bounds, part[0] / part[1], parallel=join is None)
        target.set_camera(camera)
        if join is None:
            return target.picture()
        # A box around a body has corners that the body does not reach; in a perspective they would cost size.
        shown = [surface.points_lps for surface, look in wanted.values() if look.visible]
        camera = camera.fitting(np.vstack(shown), part[0] / part[1])
        eyes = eye_pair(camera, part, comfortable_separation_mm(camera))
        return fill_to(join(target.picture(eyes.left), target.picture(eyes.right)), size)


def _check(surfaces: Sequence[Surface], view: str, stereo: str, size: tuple[int, int]) -> None:
    if not surfaces:
        raise UsageError(_("There is nothing to draw."), _("No surface was given."))
    if view not in STANDARD_VIEWS:
        raise UsageError(
            _("There is no view {view!r}.").format(view=view),
            _("There is {names}.").format(names=", ".join(STANDARD_VIEWS)),
        )
    kinds = ("off", *COMPOSERS)
    if stereo not in kinds:
        raise UsageError(
            _("There is no stereo {stereo!r}.").format(stereo=stereo),
            _("There is {names}.").format(names=", ".join(kinds)),
        )
    if len(size) != 2 or min(size) < 1 or max(size) > MAX_SIDE_PIXELS:
        raise UsageError(
            _("A picture cannot have that size."),
            _("It is {size}.").format(size="×".join(map(str, size))),
            _("Give a width and a height from 1 to {most} pixels.").format(most=MAX_SIDE_PIXELS),
        )


def _with_looks(surfaces: Sequence[Surface], looks: Mapping[str, Look]) -> dict[Hashable, tuple[Surface, Look]]:
    others = iter(range(len(surfaces)))
    wanted: dict[Hashable, tuple[Surface, Look]] = {}
    for number, surface in enumerate(surfaces):
        usual = surface.name in DEFAULT_LOOKS
        look = looks.get(surface.name) or default_look(surface.name, 0 if usual else next(others))
        wanted[number] = surface, look
    return wanted


def picture_to_png(picture: Picture, path: str | PathLike[str]) -> Path:
    """Write a picture as PNG: beside, flushed, read back, compared, and only then in place.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    OutputFailed
        When the disk refuses, or what was read back differs; an earlier file of that name is untouched.
    """
    target = Path(path)

    def verify(found: bytes) -> None:
        if not np.array_equal(imagecodecs.png_decode(found), picture):
            raise OutputFailed(_("The picture did not read back as it was drawn."), target.name)

    with AtomicFiles() as files:
        files.add(target, bytes(imagecodecs.png_encode(np.ascontiguousarray(picture))), verify)
    return target
