"""What nobody has confirmed looks so in every 3D picture; confirming it makes no mesh anew."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from arviewer.model.masks import BrickMask, MaskBox
from arviewer.model.scene import Item, Look, Scene
from arviewer.model.segmentation import CodedTerm, Confirmation, Provenance, Segment, State
from arviewer.model.surface import Surface
from arviewer.model.volume import Volume
from arviewer.render.camera import Camera
from arviewer.render.coarse import between
from arviewer.render.outputs.offscreen import OffscreenView
from arviewer.render.picture import draw
from arviewer.render.props.surface import HATCH_MM, HATCH_SHADE, mesh_of
from arviewer.render.shapes import OfShape
from arviewer.render.stage import STALE_COLOR, Stage, surfaces_of

SIZE = (400, 400)
LOOK = Look((0.9, 0.9, 0.9))


def confirmed(surface: Surface) -> Surface:
    return replace(surface, confirmation=Confirmation("Dr. A", "2026-01-02T03:04:05+00:00", surface.mask_sha256))


@pytest.fixture
def view() -> Iterator[OffscreenView]:
    with OffscreenView(SIZE, marks=False) as opened:
        yield opened


def on_ball(camera: Camera, center: tuple[float, float, float], radius: float) -> np.ndarray:
    """The point of a ball's anterior side that each pixel of the anterior picture shows, NaN beside it."""
    rows, columns = np.indices(SIZE[::-1])
    x0, y0 = camera.project(center, SIZE)[0]
    mm = camera.mm_per_pixel(SIZE)
    right, up = (columns - x0) * mm, (y0 - rows) * mm
    with np.errstate(invalid="ignore"):
        depth = np.sqrt(radius**2 - right**2 - up**2)
    return np.stack((right, -depth, up), axis=-1) + center


@pytest.mark.parametrize("zoom", [1.0, 2.2])
def test_stripes_lie_in_the_patient(view: OffscreenView, ball: Callable[..., Surface], zoom: float) -> None:
    """Where x + y + z is a whole number of distances and a half, whatever the zoom: both eyes see them at one place."""
    center = (300.0, -200.0, 1000.0)
    surface = ball(center, 30.0, steps=200)
    camera = Camera.standard("anterior", surface.bounds_lps, 1.0).zoom(zoom)
    view.set_camera(camera)
    view.show_surfaces({1: (surface, LOOK)})
    hatched = view.picture().astype(float).mean(axis=2)
    view.show_surfaces({1: (confirmed(surface), LOOK)})
    plain = view.picture().astype(float).mean(axis=2)

    points = on_ball(camera, center, 30.0)
    front = np.linalg.norm((points - center)[..., ::2], axis=-1) < 20  # not where it turns away
    off_mm = np.abs(np.mod(points.sum(axis=-1), HATCH_MM) - HATCH_MM / 2)
    ratio = hatched / np.maximum(plain, 1)
    assert ratio[front & (off_mm < 0.2)] == pytest.approx(HATCH_SHADE, abs=0.12)
    assert ratio[front & (off_mm > 2.0)] == pytest.approx(1, abs=0.03)
    assert (front & (off_mm > 2.0)).sum() > 500


def test_confirming_makes_no_mesh_anew(ball: Callable[..., Surface]) -> None:
    """The stage keeps its prop, and the mesh is the same object."""
    surface = ball((0, 0, 0), 10.0)
    stage = Stage()
    assert stage.show_surfaces({1: (surface, LOOK)})
    assert stage.proposed == ("ball",)
    assert stage.show_surfaces({1: (confirmed(surface), LOOK)}), "it looks different"
    assert stage.builds == 1
    assert stage.proposed == ()
    assert not stage.show_surfaces({1: (confirmed(surface), LOOK)}), "nothing has changed"
    assert mesh_of(confirmed(surface)) is mesh_of(surface)


def test_what_is_made_of_a_shape_goes_with_it(ball: Callable[..., Surface]) -> None:
    """It is kept as long as some surface has the arrays, and no longer."""

    class Made:
        pass

    made_of = OfShape(lambda _surface: Made())
    surface = ball((0, 0, 0), 10.0)
    other = confirmed(surface)
    made = weakref.ref(made_of(surface))
    del surface
    gc.collect()
    assert made() is made_of(other)
    del other
    gc.collect()
    assert made() is None


def test_pictures_say_what_is_proposed(ball: Callable[..., Surface]) -> None:
    """Words in the corner of every picture, each eye of a pair too; none once it is confirmed."""
    surface = ball((0, 0, 0), 10.0)
    for stereo, size in (("off", (500, 400)), ("side-by-side", (1000, 400)), ("off", (90, 80))):
        proposed = draw([surface], size=size, stereo=stereo, samples=0).astype(int)
        sure = draw([confirmed(surface)], size=size, stereo=stereo, samples=0).astype(int)
        different = np.abs(proposed - sure).max(axis=2) > 60
        halves = (different,) if stereo == "off" else np.split(different, 2, axis=1)
        for half in halves:
            assert half[: size[1] // 2, : half.shape[1] // 2].sum() > 20, (stereo, size)


def test_a_hidden_structure_is_not_named(view: OffscreenView, ball: Callable[..., Surface]) -> None:
    """Words only about what is seen."""
    view.show_surfaces({1: (ball((0, 0, 0), 10.0), replace(LOOK, visible=False))})
    assert view.stage.proposed == ()


def test_a_stale_surface_is_gray(ball: Callable[..., Surface]) -> None:
    """Whatever its color was; it keeps its opacity, and stays hidden when it was."""
    surface = ball((0, 0, 0), 10.0)
    segment = Segment("ball", CodedTerm("", "", ""), MaskBox((0, 0, 0), np.ones((2, 2, 2), bool)), Provenance("test"))
    item = Item(segment, surface, Look((1.0, 0, 0), 0.4))
    assert surfaces_of(Scene().with_item(item))["ball"][1] == item.look
    stale = replace(item, segment=replace(segment, mask=BrickMask.of(segment.mask)))
    assert stale.segment.state is State.PROPOSED
    assert surfaces_of(Scene().with_item(stale))["ball"][1] == Look(STALE_COLOR, 0.4)


@pytest.mark.hazard("H01")
def test_a_sketch_lies_where_the_values_do(chiral_volume: Volume, stored_volume: Volume) -> None:
    """In each way the volume can be stored: the ball of 900 HU alone lies between 850 and 950, at its place."""
    for volume in (chiral_volume, stored_volume):
        sketch = between(volume, 850, 950)
        assert sketch is not None
        near = np.linalg.norm(sketch.points_lps - (39.0, 0, 0), axis=1) < 6
        assert near.mean() > 0.25
        assert sketch.points_lps[near].mean(axis=0) == pytest.approx((39.0, 0, 0), abs=0.5)
    assert between(chiral_volume, 4000, 5000) is None
