"""Still pictures: the right shape, the right eye at the right place, and whole files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import arviewer
from arviewer.errors import GeometryError, OutputFailed, UsageError
from arviewer.model.scene import Look
from arviewer.model.surface import Surface
from arviewer.render.camera import Camera
from arviewer.render.composing import anaglyph
from arviewer.render.outputs.offscreen import OffscreenView
from arviewer.render.picture import DEFAULT_LOOKS, default_look, draw, picture_to_png
from arviewer.render.stereo import comfortable_separation_mm, eye_pair


@pytest.fixture(scope="module")
def surfaces(ball: Callable[..., Surface]) -> list[Surface]:
    """Anatomy on the patient's left and a marker on the right, nearer to the front."""
    return [ball((40, 0, 0), 25.0, "bone"), ball((-40, -60, 20), 10.0, "vessels")]


def eye_pictures(surfaces: list[Surface], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """What each eye sees, drawn by hand."""
    with OffscreenView(size) as view:
        view.show_surfaces({s.name: (s, DEFAULT_LOOKS[s.name]) for s in surfaces})
        bounds = view.bounds_lps
        assert bounds is not None
        camera = Camera.standard("anterior", bounds, size[0] / size[1], parallel=False)
        camera = camera.fitting(np.vstack([s.points_lps for s in surfaces]), size[0] / size[1])
        left, right = eye_pair(camera, size, comfortable_separation_mm(camera))
        return view.picture(left), view.picture(right)


def reddest(picture: np.ndarray) -> np.ndarray:
    values = picture.astype(int)
    rows, columns = np.nonzero(values[..., 0] > values[..., 1] + 60)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.hazard("H01")
def test_the_left_eye_is_at_the_left_and_above(surfaces: list[Surface]) -> None:
    """Side by side and top-bottom are exactly the two eyes' pictures; swapped eyes fail here."""
    left, right = eye_pictures(surfaces, (320, 240))
    assert np.abs(left.astype(int) - right).max() > 50

    np.testing.assert_array_equal(
        draw(surfaces, stereo="side-by-side", size=(640, 240), samples=0), np.hstack((left, right))
    )
    np.testing.assert_array_equal(
        draw(surfaces, stereo="top-bottom", size=(320, 480), samples=0), np.vstack((left, right))
    )


@pytest.mark.hazard("H01")
def test_the_near_marker_is_crossed_in_the_pair(surfaces: list[Surface]) -> None:
    """The marker before the screen plane lies further right in the left half."""
    pair = draw(surfaces, stereo="side-by-side", size=(640, 240), samples=0)

    assert reddest(pair[:, :320])[0] - reddest(pair[:, 320:])[0] > 2


def test_an_anaglyph_gives_red_to_the_left_eye(surfaces: list[Surface]) -> None:
    """Its red is the left eye's brightness, its green and blue are the right eye's."""
    left, right = eye_pictures(surfaces, (320, 240))
    mixed = draw(surfaces, stereo="anaglyph", size=(320, 240), samples=0)

    np.testing.assert_array_equal(mixed[..., 1:], right[..., 1:])
    np.testing.assert_allclose(mixed[..., 0], left @ (0.2126, 0.7152, 0.0722), atol=0.51)
    np.testing.assert_array_equal(mixed, anaglyph(left, right))


@pytest.mark.hazard("H01")
def test_a_mono_picture_has_the_patients_left_at_the_right(surfaces: list[Surface]) -> None:
    """From the front the right-sided red marker is at the left; from behind at the right."""
    assert reddest(draw(surfaces, "anterior", size=(320, 240), samples=0))[0] < 140
    assert reddest(draw(surfaces, "posterior", size=(320, 240), samples=0))[0] > 180


@pytest.mark.parametrize("stereo", ["off", "side-by-side", "top-bottom", "anaglyph"])
@pytest.mark.parametrize("size", [(121, 77), (1, 1), (2, 300)])
def test_every_size_is_met_exactly(surfaces: list[Surface], stereo: str, size: tuple[int, int]) -> None:
    """Odd sizes too, which do not halve."""
    picture = arviewer.draw(surfaces, stereo=stereo, size=size)

    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(
    "wrong",
    [
        {"view": "front"},
        {"stereo": "3d"},
        {"size": (0, 100)},
        {"size": (100, -5)},
        {"size": (16385, 10)},
        {"looks": {"bone": Look(visible=False), "vessels": Look(opacity=0.5, visible=False)}},
    ],
    ids=str,
)
def test_wrong_usage_is_said(surfaces: list[Surface], wrong: dict[str, object]) -> None:
    """Unknown names, impossible sizes and nothing visible are usage errors, before any window is opened."""
    with pytest.raises(UsageError):
        draw(surfaces, **wrong)


def test_nothing_to_draw_is_said() -> None:
    """An empty list is an error, not an empty picture."""
    with pytest.raises(UsageError, match="nothing"):
        draw([])


def test_surfaces_of_two_frames_of_reference_are_refused(surfaces: list[Surface], ball: Callable[..., Surface]) -> None:
    """No overlay without a registration."""
    with pytest.raises(GeometryError):
        draw([*surfaces, ball((0, 0, 0), 5.0, "other", "1.2.3")])


def test_looks_given_win_over_the_usual_ones(surfaces: list[Surface]) -> None:
    """Green bone when asked for; else ivory; skin is see-through; unknown structures differ in color."""
    (bone,) = surfaces[:1]
    asked = draw([bone], size=(100, 100), looks={"bone": Look((0, 1, 0))}, samples=0)[50, 50].astype(int)
    usual = draw([bone], size=(100, 100), samples=0)[50, 50].astype(int)

    assert asked[1] > asked[0] + 60
    assert usual[0] >= usual[1] > usual[2] > 80  # it may lie on a stripe: nobody has confirmed it
    assert default_look("skin").opacity == 0.25
    assert default_look("kidney", 0) != default_look("spleen", 1)


def test_a_png_reads_back_elsewhere(tmp_path: Path) -> None:
    """Another reader finds every pixel."""
    picture = np.random.default_rng(3).integers(0, 256, (37, 53, 3), dtype=np.uint8)

    path = picture_to_png(picture[:, ::-1], tmp_path / "new" / "a.png")

    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), picture[:, ::-1])


def test_a_picture_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    """A file where a folder should be: the error names it, and nothing was touched."""
    (tmp_path / "file").write_text("mine", encoding="utf-8")

    with pytest.raises(OutputFailed, match="file"):
        picture_to_png(np.zeros((2, 2, 3), dtype=np.uint8), tmp_path / "file" / "a.png")

    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
