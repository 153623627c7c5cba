"""Rendered pixels: each point where the closed form says, on the lettered side, in each eye."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from vtkmodules.vtkCommonCore import vtkObjectBase

from arviewer.errors import Bug
from arviewer.model.scene import Look
from arviewer.model.surface import Surface
from arviewer.render.camera import STANDARD_VIEWS, Camera, Eye, rotation
from arviewer.render.letters import EdgeLetters, edge_letters, letters_of
from arviewer.render.marks.cube import _face_pixels
from arviewer.render.marks.overlay import letter_font_px, round_length_mm
from arviewer.render.marks.stamps import BRIGHT, text_coverage
from arviewer.render.outputs.offscreen import OffscreenView
from arviewer.render.stereo import Angles, eye_from_angles, eye_pair

SIZE = (640, 480)
CENTER = np.array([12.0, -140.0, 900.0])
MARKERS = {"L": (60.0, 0.0, 0.0), "A": (0.0, -50.0, 0.0), "H": (0.0, 0.0, 40.0)}
"""Three balls at different distances on three sides of the centre: no mirror maps them onto themselves."""
COLORS = {"L": (1.0, 0.0, 0.0), "A": (0.0, 1.0, 0.0), "H": (0.0, 0.0, 1.0)}
BOUNDS = (CENTER - 70, CENTER + 70)
RADIUS = 3.0


@pytest.fixture(scope="module")
def view(ball: Callable[..., Surface]) -> Iterator[OffscreenView]:
    with OffscreenView(SIZE, marks=False) as target:
        target.show_surfaces({k: (ball(tuple(CENTER + at), RADIUS, k), Look(COLORS[k])) for k, at in MARKERS.items()})
        yield target


def centroid(picture: np.ndarray, letter: str) -> np.ndarray:
    """Column and row of a marker's pixels: those in which its primary color stands out."""
    channel = "LAH".index(letter)
    values = picture.astype(int)
    others = np.delete(values, channel, axis=2).max(axis=2)
    rows, columns = np.nonzero(values[..., channel] > others + 12)
    assert len(rows) > 20, f"marker {letter} is not in the picture"
    return np.array([columns.mean(), rows.mean()])


def hidden(letter: str, eye: Eye) -> bool:
    """Whether another marker stands before this one."""
    where = {k: eye.in_eye(CENTER + at)[0] for k, at in MARKERS.items()}
    return any(
        np.linalg.norm((p - where[letter])[:2]) < 2 * RADIUS + 3 and p[2] > where[letter][2]
        for k, p in where.items()
        if k != letter
    )


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("name", STANDARD_VIEWS)
def test_markers_are_drawn_where_the_closed_form_says_and_on_the_lettered_side(
    view: OffscreenView, name: str, parallel: bool
) -> None:
    """Six views: within 1 px of Camera.project, and toward the edge that bears the marker's letter."""
    camera = Camera.standard(name, BOUNDS, SIZE[0] / SIZE[1], parallel)
    view.set_camera(camera)
    picture = view.picture()
    letters = edge_letters(camera)
    edges = {letters.left: (-1, 0), letters.right: (1, 0), letters.top: (0, -1), letters.bottom: (0, 1)}
    checked = 0
    for letter, offset in MARKERS.items():
        if abs(np.dot(camera.forward_lps, offset)) > 1:
            continue
        found = centroid(picture, letter)
        assert np.linalg.norm(found - camera.project(CENTER + offset, SIZE)[0]) < 1.0
        toward = edges.get(letter) or -np.array(edges[{"L": "R", "A": "P", "H": "F"}[letter]])
        assert (found - camera.project(CENTER, SIZE)[0]) @ toward > 50
        checked += 1
    assert checked == 2


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("turn", [(25, 40, 10), (-130, -20, 70), (100, 60, -160)])
def test_oblique_pictures_agree_with_the_closed_form(
    view: OffscreenView, turn: tuple[float, float, float], parallel: bool
) -> None:
    """All three markers within 1 px after orbit, roll and pan."""
    camera = Camera.standard("anterior", BOUNDS, SIZE[0] / SIZE[1], parallel)
    camera = camera.orbit(*turn[:2]).roll(turn[2]).pan(31, -17, SIZE)
    view.set_camera(camera)
    picture = view.picture()

    for letter, offset in MARKERS.items():
        assert np.linalg.norm(centroid(picture, letter) - camera.project(CENTER + offset, SIZE)[0]) < 1.0


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("name", STANDARD_VIEWS)
def test_each_eye_draws_markers_within_half_a_pixel(view: OffscreenView, name: str) -> None:
    """Off-axis pair: analytic pixel in each eye, and near markers crossed, far ones uncrossed."""
    camera = Camera.standard(name, BOUNDS, SIZE[0] / SIZE[1], parallel=False)
    eyes = eye_pair(camera, SIZE, 30.0)
    pictures = [view.picture(eye) for eye in eyes]
    for letter, offset in MARKERS.items():
        if any(hidden(letter, eye) for eye in eyes):
            continue
        left, right = (centroid(picture, letter) for picture in pictures)
        for found, eye in zip((left, right), eyes, strict=True):
            assert np.linalg.norm(found - eye.project(CENTER + offset, SIZE)[0]) < 0.5
        nearer = -np.dot(camera.forward_lps, offset)
        if abs(nearer) > 10:
            assert (left - right)[0] * nearer > 0
            assert abs((left - right)[0]) > 2


def test_a_headset_eye_with_asymmetric_fields_is_drawn_within_half_a_pixel(view: OffscreenView) -> None:
    """Fields of -52, 42, 44, -52 degrees and mirrored, tilted head, near enough that markers are large."""
    for angles in ((-52, 42, 44, -52), (-42, 52, 44, -52)):
        pose = np.eye(4)
        pose[:3, :3] = rotation((0, 0, 1), 20) @ np.column_stack(((1, 0, 0), (0, 0, 1), (0, -1, 0)))
        pose[:3, 3] = np.add(CENTER, (40, -220, 15))
        eye = eye_from_angles(pose, Angles(*np.deg2rad(angles)))
        picture = view.picture(eye)
        for letter, offset in MARKERS.items():
            assert np.linalg.norm(centroid(picture, letter) - eye.project(CENTER + offset, SIZE)[0]) < 0.5


@pytest.mark.parametrize("parallel", [True, False])
def test_the_nearer_surface_hides_the_farther(ball: Callable[..., Surface], parallel: bool) -> None:
    """From the front the anterior ball is seen, from behind the posterior one."""
    front, behind = ball((0, -30, 0), 8.0), ball((0, 30, 0), 8.0)
    with OffscreenView((100, 100), marks=False) as target:
        target.show_surfaces({"f": (front, Look((1, 0, 0))), "b": (behind, Look((0, 0, 1)))})
        for name, channel in (("anterior", 0), ("posterior", 2)):
            target.set_camera(Camera.standard(name, ((-40, -40, -40), (40, 40, 40)), 1.0, parallel))
            assert np.argmax(target.picture()[50, 50]) == channel


def test_what_is_behind_translucent_skin_is_seen(ball: Callable[..., Surface]) -> None:
    """A red core shows through a gray shell, and is hidden when the shell is solid."""
    core, shell = ball((0, 0, 0), 8.0), ball((0, 0, 0), 20.0)
    with OffscreenView((100, 100), marks=False) as target:
        target.set_camera(Camera.standard("left", ((-20, -20, -20), (20, 20, 20)), 1.0))
        red = []
        for opacity in (0.25, 1.0):
            target.show_surfaces({"core": (core, Look((1, 0, 0))), "shell": (shell, Look((0.6, 0.6, 0.6), opacity))})
            r, g, _ = target.picture()[50, 50].astype(int)
            red.append(r - g)
    assert red[0] > 60
    assert red[1] < 15


def test_a_zoomed_parallel_picture_is_cut_by_nothing(ball: Callable[..., Surface]) -> None:
    """However near the reader comes, a parallel picture shows the surface's outside."""
    with OffscreenView((100, 100), marks=False) as target:
        target.show_surfaces({"b": (ball((0, 0, 0), 20.0), Look((1, 0, 0)))})
        camera = Camera.standard("anterior", ((-20, -20, -20), (20, 20, 20)), 1.0).zoom(8)
        target.set_camera(camera)
        picture = target.picture().astype(int)

    assert camera.distance_mm < 20
    assert (picture[..., 0] - picture[..., 1]).min() > 60


def ink_matches(picture: np.ndarray, text: str, font: int, box: tuple[slice, slice]) -> bool:
    """Whether the fully inked pixels of a word are bright somewhere in a part of the picture, and its gaps not."""
    ink = np.flipud(text_coverage(text, font))
    bright = np.abs(picture[box].astype(int) - BRIGHT).max(axis=2) < 3
    height, width = ink.shape
    windows = np.lib.stride_tricks.sliding_window_view(bright, (height, width))
    return bool(((windows | (ink < 1)).all(axis=(2, 3)) & (~windows | (ink > 0)).all(axis=(2, 3))).any())


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("name", STANDARD_VIEWS)
def test_each_eyes_picture_carries_the_letters_at_its_edges(ball: Callable[..., Surface], name: str) -> None:
    """The pixels of each letter stand at the edge it names, and no other letter does."""
    with OffscreenView(SIZE) as target:
        target.show_surfaces({"b": (ball(tuple(CENTER), 30.0), Look((0.5, 0.3, 0.3)))})
        camera = Camera.standard(name, BOUNDS, SIZE[0] / SIZE[1], parallel=False)
        font = letter_font_px(SIZE)
        for eye in eye_pair(camera, SIZE):
            picture = target.picture(eye)
            letters = edge_letters(camera)
            for word, box in (
                (letters.left, np.s_[200:280, 0:60]),
                (letters.right, np.s_[200:280, 580:640]),
                (letters.top, np.s_[0:60, 280:360]),
                (letters.bottom, np.s_[420:480, 280:360]),
            ):
                assert [other for other in "RLAPHF" if ink_matches(picture, other, font, box)] == [word]


@pytest.mark.hazard("H01")
@pytest.mark.parametrize("name", STANDARD_VIEWS)
def test_the_cube_shows_the_side_the_reader_looks_at_upright_and_unmirrored(name: str) -> None:
    """Of all six faces, plain, mirrored and upside down, the one in the corner is most like the view's own."""
    with OffscreenView((960, 960)) as target:
        target.set_camera(Camera.standard(name, BOUNDS, 1.0))
        side = 120
        seen = np.flipud(target.picture()[-side:, :side].mean(axis=2))
    start = round(side * (1 - 1 / 1.8) / 2)
    seen = seen[start : side - start, start : side - start]
    likeness = {}
    for letter in "RLAPHF":
        face = _face_pixels(letter).mean(axis=2)
        rows = np.linspace(0, len(face) - 1, len(seen)).round().astype(int)
        face = face[np.ix_(rows, rows)]
        for how, turned in (("plain", face), ("mirrored", face[:, ::-1]), ("upside down", face[::-1])):
            likeness[letter, how] = np.corrcoef(seen.ravel(), turned.ravel())[0, 1]
    own = name[0].upper()
    best = max(likeness, key=lambda key: likeness[key])
    assert likeness[own, "plain"] > 0.9
    assert likeness[best] == pytest.approx(likeness[own, "plain"], abs=0.02 if own in "AH" else 0)
    assert best[0] == own


def test_the_letters_follow_an_oblique_camera() -> None:
    """Right and down directions decide, whatever the camera's history."""
    camera = Camera.standard("anterior", BOUNDS).orbit(-30, 0)

    assert edge_letters(camera) == EdgeLetters("RA", "LP", "H", "F")
    assert edge_letters(camera.eye(SIZE)) == edge_letters(camera)
    assert letters_of((0, 0, -1), (1, 0, 0)) == EdgeLetters("H", "F", "R", "L")


def test_the_scale_bar_is_as_long_as_it_says(ball: Callable[..., Surface]) -> None:
    """From the middle of one tick to the middle of the other: 50 mm within a pixel."""
    with OffscreenView(SIZE) as target:
        target.show_surfaces({"b": (ball(tuple(CENTER), 2.0), Look())})
        camera = Camera.standard("anterior", BOUNDS, SIZE[0] / SIZE[1])
        target.set_camera(camera)
        corner = target.picture()[400:, 400:].astype(int)

    assert round_length_mm(SIZE[0] * 0.22 * camera.mm_per_pixel(SIZE)) == 50
    bright = (np.abs(corner - BRIGHT).max(axis=2) < 3).sum(axis=1)
    assert bright.max() - 1 == pytest.approx(50 / camera.mm_per_pixel(SIZE), abs=1)


@pytest.mark.parametrize(("longest", "expected"), [(99.9, 50), (100, 100), (49, 20), (0.7, 0.5), (1999, 1000)])
def test_scale_bars_have_round_lengths(longest: float, expected: float) -> None:
    """1, 2 or 5 times a power of ten, not longer than there is room."""
    assert round_length_mm(longest) == pytest.approx(expected)


def bright_letter(picture: np.ndarray) -> int:
    return int((np.abs(picture.astype(int) - BRIGHT).max(axis=2) < 3).any(axis=1)[: len(picture) // 4].sum())


def test_letters_keep_their_size_on_dense_screens() -> None:
    """Twice the device pixels at a pixel ratio of 2: letters twice as high, so the same on the screen."""
    with OffscreenView(SIZE) as target:
        plain = bright_letter(target.picture())
        target.resize((1280, 960), pixel_ratio=2.0)
        dense = bright_letter(target.picture())

    assert dense == pytest.approx(2 * plain, abs=2)


def test_a_tiny_picture_still_has_its_letters() -> None:
    """48 by 32 pixels: nothing fails, something bright stands at the edges."""
    with OffscreenView((48, 32)) as target:
        assert (target.picture() > 180).any()


def test_a_frame_is_drawn_only_when_something_changed(ball: Callable[..., Surface]) -> None:
    """Asking again gives the same array; a new look, camera or size gives another."""
    surface = ball((0, 0, 0), 5.0)
    with OffscreenView((64, 48)) as target:
        target.show_surfaces({"a": (surface, Look())})
        target.set_camera(Camera.standard("left", surface.bounds_lps))
        first = target.frame()
        assert target.frame() is first
        assert first.shape == (48, 64, 4)
        assert (first[..., 3] == 255).all()
        target.show_surfaces({"a": (surface, Look((1, 0, 0)))})
        second = target.frame()
        target.set_camera(target.camera.orbit(10, 0))
        third = target.frame()
        target.resize((80, 40))
        fourth = target.frame()
    assert (first != second).any()
    assert third is not second
    assert fourth.shape == (40, 80, 4)


def test_two_views_draw_at_once(ball: Callable[..., Surface]) -> None:
    """Interleaved frames of two windows on one mesh, each of its own camera."""
    surface = ball((0, 0, 0), 5.0)
    with OffscreenView((64, 64), marks=False) as a, OffscreenView((96, 64), marks=False) as b:
        for target, color in ((a, (1, 0, 0)), (b, (0, 0, 1))):
            target.show_surfaces({"s": (surface, Look(color))})
            target.set_camera(Camera.standard("left", surface.bounds_lps))
        for _ in range(3):
            assert np.argmax(a.picture()[32, 32]) == 0
            assert np.argmax(b.picture()[32, 48]) == 2
            a.set_camera(a.camera.orbit(10, 0))


def live_windows() -> int:
    gc.collect()
    names = ("RenderWindow", "OpenGLRenderer")
    return sum(isinstance(o, vtkObjectBase) and o.GetClassName().endswith(names) for o in gc.get_objects())


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4


def test_opening_and_closing_leaves_nothing_behind(ball: Callable[..., Surface]) -> None:
    """20 views: no window or renderer lives on, and memory after the 20th is that after the 5th within 10 MB."""
    surface = ball((0, 0, 0), 5.0)
    before = live_windows()
    sizes = []
    for _ in range(20):
        with OffscreenView((320, 240)) as target:
            target.show_surfaces({"s": (surface, Look())})
            target.set_camera(Camera.standard("left", surface.bounds_lps))
            target.picture()
            assert live_windows() >= before + 3, "one window, the stage's renderer, the cube's"
        del target
        gc.collect()
        sizes.append(resident_kib())

    assert live_windows() == before
    assert sizes[-1] - sizes[4] < 10_000


def test_closing_twice_is_closing_once_and_a_closed_view_draws_no_more() -> None:
    """One explicit way out, safe to take again."""
    target = OffscreenView((32, 32))
    target.picture()
    target.close()
    target.close()
    with pytest.raises(Bug):
        target.picture()
