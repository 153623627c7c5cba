"""The stage changes what changed and nothing else."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from arviewer.errors import Bug, GeometryError
from arviewer.model.masks import MaskBox
from arviewer.model.scene import Item, Look, Scene
from arviewer.model.segmentation import CodedTerm, Provenance, Segment
from arviewer.model.surface import Surface
from arviewer.render.camera import Camera
from arviewer.render.props.registry import prop_for
from arviewer.render.props.surface import mesh_of
from arviewer.render.stage import Stage


def item(surface: Surface, look: Look | None = None) -> Item:
    mask = MaskBox((0, 0, 0), np.ones((1, 1, 1), bool))
    return Item(Segment(surface.name, CodedTerm("", "", ""), mask, Provenance("test")), surface, look or Look())


@pytest.fixture
def scene(ball: Callable[..., Surface]) -> Scene:
    return Scene().with_item(item(ball((0, 0, 0), 5.0, "a"))).with_item(item(ball((20, 0, 0), 5.0, "b")))


def test_a_change_of_look_rebuilds_no_mesh(scene: Scene) -> None:
    """Fifty looks later, two props were made and the mesh was not touched."""
    stage = Stage()
    assert stage.show(scene)
    mesh = mesh_of(scene.items["a"].surface)
    touched = mesh.GetMTime()

    for n in range(50):
        scene = scene.with_look("a", Look((n / 50, 0.5, 0.5), 1 - n / 100, n % 3 > 0))
        assert stage.show(scene)

    assert stage.builds == 2
    assert mesh.GetMTime() == touched


def test_an_equal_scene_changes_nothing(scene: Scene) -> None:
    """The view need not draw again."""
    stage = Stage()
    stage.show(scene)

    assert not stage.show(Scene(scene.volume, scene.items))
    assert stage.builds == 2


def test_only_the_new_surface_is_built(scene: Scene, ball: Callable[..., Surface]) -> None:
    """One item got another surface, one went: one prop is made, one stands."""
    stage = Stage()
    stage.show(scene)

    stage.show(scene.with_item(item(ball((0, 0, 9), 3.0, "a"))).without_item("b"))

    assert stage.builds == 3
    assert stage.renderer.GetViewProps().GetNumberOfItems() == 1
    assert stage.bounds_lps is not None
    np.testing.assert_allclose(stage.bounds_lps[1], (3, 3, 12))


def test_hidden_things_have_no_bounds(scene: Scene) -> None:
    """The camera frames what is seen."""
    stage = Stage()
    stage.show(scene.with_look("b", Look(visible=False)))

    assert stage.bounds_lps is not None
    np.testing.assert_allclose(stage.bounds_lps[1], (5, 5, 5))
    stage.clear()
    assert stage.bounds_lps is None


def test_two_views_share_one_mesh_that_goes_with_its_surface(ball: Callable[..., Surface]) -> None:
    """Points and normals exist once, and not longer than the surface."""
    surface = ball((0, 0, 0), 5.0)
    mesh = weakref.ref(mesh_of(surface))
    assert mesh_of(surface) is mesh()

    del surface
    gc.collect()

    assert mesh() is None


def test_normals_point_outward(ball: Callable[..., Surface]) -> None:
    """Smooth shading of a coarse ball: the normal is the direction from the centre, and no corner was added."""
    surface = ball((10, 20, 30), 5.0, steps=4)
    mesh = mesh_of(surface)

    points, normals = (np.array(mesh.GetPoints().GetData()), np.array(mesh.GetPointData().GetNormals()))

    assert len(points) == len(surface.points_lps)
    assert np.einsum("ij,ij->i", (points - (10, 20, 30)) / 5, normals).min() > 0.97


def test_two_frames_of_reference_are_never_shown_together(ball: Callable[..., Surface]) -> None:
    """Refused, and the stage shows what it showed."""
    stage = Stage()
    first = {"a": (ball((0, 0, 0), 5.0), Look())}
    stage.show_surfaces(first)

    with pytest.raises(GeometryError):
        stage.show_surfaces({**first, "b": (ball((0, 0, 0), 5.0, uid="1.2.3"), Look())})

    assert stage.renderer.GetViewProps().GetNumberOfItems() == 1


def test_an_empty_surface_can_stand_on_stage(surface_of: Callable[..., Surface]) -> None:
    """It is nothing to see, not an error."""
    stage = Stage()
    stage.show_surfaces({"none": (surface_of("none", np.zeros((0, 3)), np.zeros((0, 3), int)), Look())})

    assert stage.bounds_lps is None


def test_everything_visible_lies_between_near_and_far(scene: Scene) -> None:
    """Even when a parallel camera stands inside the anatomy; a perspective keeps its near plane before the eye."""
    stage = Stage()
    stage.show(scene)
    inside = Camera((7.0, -0.5, 0.0), (7.0, 0.0, 0.0), (0.0, 0.0, 1.0))

    for parallel in (True, False):
        camera = Camera(inside.position_lps, inside.focal_lps, inside.up_lps, parallel=parallel)
        stage.look_through(camera.eye((100, 100)))
        near, far = stage.renderer.GetActiveCamera().GetClippingRange()
        depth = np.array([-5.0, 5.0]) - stage.renderer.GetActiveCamera().GetPosition()[1]
        assert 0 < near < far
        assert far > depth[1]
        assert near < depth[0] or not parallel


def test_an_unknown_kind_of_thing_is_a_bug() -> None:
    """Adding a kind without a prop is noticed."""
    with pytest.raises(Bug, match="float"):
        prop_for(1.0, Look())
