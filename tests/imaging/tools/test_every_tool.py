"""What holds for every tool of the table: cancel at any moment, no memory, odd volumes, shared bricks, its words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arviewer.errors import Cancelled, InputRefused, TooLarge, UsageError
from arviewer.imaging.tools import TARGET, TOOLS, Need, apply
from arviewer.imaging.tools.tool import HIGHEST, LOWEST, Tool
from arviewer.model.intent import Hand, Lasso
from arviewer.model.masks import BRICK, BrickMask, MaskBox
from arviewer.model.volume import Volume, VolumeGeometry
from tests.imaging.tools.scenes import centres_lps

VALUES: Mapping[str, Mapping[str, float]] = {
    "threshold": {"low": 100.0},
    "grow": {"by_click": 0.0, "low": 100.0},
    "watershed": {"low": 100.0, "margin_mm": 3.0},
    "random-walker": {"low": 100.0, "margin_mm": 1.0},
}
"""Other than the defaults, so that each tool does something to the scene."""


REFUSED = {
    ("one slice", "grow"),  # the clicks lie beside it
    ("one slice", "keep-clicked"),
    ("one slice", "interpolate"),
    ("one slice", "drop-small"),
    ("one slice", "lasso-keep"),
    ("one to ten", "intersect"),  # the other structure lies between two slices, or all within the first
    ("one to ten", "watershed"),
    ("one to ten", "random-walker"),
}
"""Where the scene leaves a tool nothing to do."""


@pytest.fixture
def volume(grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume]) -> Volume:
    return scene(grid("oblique", half_mm=14.0, spacing_mm=(0.7, 0.9, 1.3)), ct)


def scene(geometry: VolumeGeometry, ct: Callable[..., Volume], dtype: Any = np.int16, **changes: Any) -> Volume:
    """Two bright balls that touch, in the dark."""
    empty = ct(np.zeros(geometry.shape_kji, dtype), geometry)
    return ct(np.where(balls(empty).any(axis=0), 300, -50).astype(dtype), geometry, **changes)


def balls(volume: Volume) -> np.ndarray:
    points = centres_lps(volume) - volume.geometry.center_lps
    one = np.linalg.norm(points - (6.0, 0.0, 0.0), axis=-1) <= 5.5
    two = np.linalg.norm(points - (-4.5, 0.0, 0.0), axis=-1) <= 5.0
    return np.stack((one, two))


def structure(volume: Volume, tool: Tool) -> MaskBox:
    """The two balls with a hole; for the tools that need gaps or seeds, some of it."""
    one, two = balls(volume)
    voxels = one | two
    middle = np.linalg.norm(centres_lps(volume) - volume.geometry.center_lps - (6.0, 0.0, 0.0), axis=-1)
    if tool.name == "interpolate":
        voxels = voxels & (np.arange(len(voxels)) % 3 == 0)[:, None, None]
    elif Need.OTHERS in tool.needs:
        voxels = middle <= max(2.0, 0.51 * volume.geometry.spacing_mm[2])
    else:
        voxels[0, 0, :3] = True
        voxels &= middle > 1.6
    return MaskBox((0, 0, 0), voxels)


def hand(volume: Volume) -> Hand:
    """Everything any tool needs."""
    center = volume.geometry.center_lps
    matrix = np.eye(4)
    matrix[:3, 3] = -center
    square = np.array([[2.0, -9.0], [12.0, -9.0], [12.0, 9.0], [2.0, 9.0]])
    away = np.linalg.norm(centres_lps(volume) - center - (-4.5, 0.0, 0.0), axis=-1) <= 2.5
    near = np.linalg.norm(centres_lps(volume) - center - (7.0, 0.0, 0.0), axis=-1) <= 1.5
    return Hand(
        center + np.array([[6.0, 3.0, 0.5], [7.0, -2.5, 0.0]]),
        lasso=Lasso(matrix, square),
        others={"other": MaskBox((0, 0, 0), (away | near) & volume.slice_valid[:, None, None])},
    )


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_cancel_at_any_moment_leaves_nothing_behind(volume: Volume, tool: Tool) -> None:
    """At the first, second, ... call of progress: nothing comes back, nothing given has changed, no thread is left."""
    mask, shown = structure(volume, tool), hand(volume)
    before = (mask.sha256(), shown.others["other"].sha256(), volume.voxels.copy())
    threads = threading.active_count()
    calls: list[float] = []

    def run(stop_at: int) -> None:
        calls.clear()

        def progress(fraction: float, what: str = "") -> None:
            assert 0.0 <= fraction <= 1.0
            calls.append(fraction)
            if len(calls) == stop_at:
                raise Cancelled

        apply(volume, mask, tool.name, VALUES.get(tool.name, {}), shown, progress)

    run(0)
    total = len(calls)
    assert calls == sorted(calls)
    assert calls[-1] == 1.0
    for n in sorted({*range(1, min(total, 12) + 1), total}):
        with pytest.raises(Cancelled):
            run(n)
    assert (mask.sha256(), shown.others["other"].sha256()) == before[:2]
    assert np.array_equal(volume.voxels, before[2])
    assert threading.active_count() == threads


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_it_changes_the_scene_and_shares_the_bricks_that_stay(volume: Volume, tool: Tool) -> None:
    mask = BrickMask.of(structure(volume, tool))
    applied = apply(volume, mask, tool.name, VALUES.get(tool.name, {}), hand(volume))
    assert applied.edit.tool == tool.name
    assert set(applied.edit.parameters) == {p.name for p in tool.parameters}
    for name, after in applied.masks.items():
        before = {TARGET: mask, "other": BrickMask.of(hand(volume).others["other"])}.get(name)
        if before is not None:
            same = {p for p, b in after.bricks.items() if np.array_equal(b, before.bricks.get(p, False))}
            assert name != TARGET or after.sha256() != mask.sha256()
            if name == TARGET:
                assert all(after.bricks[place] is mask.bricks[place] for place in same)
        for k, j, i in after.bricks:
            assert min(k, j, i) >= 0
            assert all(at * BRICK < n for at, n in zip((k, j, i), volume.geometry.shape_kji, strict=True))


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_no_memory_is_said_and_not_a_crash(volume: Volume, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("arviewer.imaging.tools.table.importlib.import_module", fails)
    with pytest.raises(TooLarge) as said:
        apply(volume, structure(volume, tool), tool.name, {}, hand(volume))
    assert tool.title in said.value.what
    assert said.value.remedy


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_what_a_tool_needs_is_asked_for(volume: Volume, tool: Tool) -> None:
    nothing = MaskBox((0, 0, 0), np.zeros((0, 0, 0), bool))
    if Need.STRUCTURE in tool.needs:
        with pytest.raises(UsageError, match="not empty"):
            apply(volume, nothing, tool.name, {}, hand(volume))
        with pytest.raises(UsageError, match="not empty"):
            apply(volume, BrickMask.of(nothing), tool.name, {}, hand(volume))
    if tool.needs & (Need.CLICK | Need.STROKE | Need.LASSO | Need.OTHERS):
        with pytest.raises(UsageError, match="needs"):
            apply(volume, structure(volume, tool), tool.name, {})


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize("odd", ["one slice", "one to ten", "no numbers", "lost slices"])
def test_odd_volumes_work_or_say_why_not(
    tool: Tool, odd: str, grid: Callable[..., VolumeGeometry], ct: Callable[..., Volume]
) -> None:
    geometry = grid("oblique", half_mm=13.0, spacing_mm=(0.6, 0.6, 6.0 if odd == "one to ten" else 1.3))
    if odd == "one slice":
        middle = geometry.shape_kji[0] // 2
        matrix = geometry.lps_from_ijk.matrix.copy()
        matrix[:3, 3] += middle * matrix[:3, 2]
        geometry = VolumeGeometry.of_grid((1, *geometry.shape_kji[1:]), matrix, geometry.frame_of_reference_uid)
    volume = scene(geometry, ct)
    if odd == "no numbers":
        values = volume.voxels.astype(np.float32)
        values[values < 0] = np.nan
        volume = ct(values, geometry, unit="BQML")
    if odd == "lost slices":
        valid = np.arange(len(volume.voxels)) % 5 != 2
        volume = scene(geometry, ct, slice_valid=valid)
    mask = structure(volume, tool)
    if odd == "lost slices":
        mask = MaskBox((0, 0, 0), mask.voxels & volume.slice_valid[:, None, None])
    if (odd, tool.name) in REFUSED:
        with pytest.raises((InputRefused, UsageError)) as said:
            apply(volume, mask, tool.name, VALUES.get(tool.name, {}), hand(volume))
        assert said.value.why or said.value.remedy
        return
    applied = apply(volume, mask, tool.name, VALUES.get(tool.name, {}), hand(volume))
    for name, made in applied.masks.items():
        voxels = made.within((0, 0, 0), geometry.shape_kji)
        assert voxels.any()
        if name == TARGET:
            assert not voxels[~volume.slice_valid].any()


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_each_is_described(tool: Tool) -> None:
    for text in (tool.title, tool.help, *(p.help for p in tool.parameters)):
        assert text[0].isupper() or text[0].isdigit()
    assert tool.help.endswith(".")
    for p in tool.parameters:
        assert p.minimum <= p.default <= p.maximum
        assert p.help.endswith(".")
        if p.unit in ("mm", "ml"):
            assert p.name.endswith(f"_{p.unit}")


def row(tool: Tool) -> str:
    """How the manual lists a tool."""
    numbers = {LOWEST: "no limit", HIGHEST: "no limit"}

    def said(p: Any) -> str:
        if p.unit == "" and (p.minimum, p.maximum) == (0.0, 1.0):
            return f"`{p.name}` (0 or 1; {p.default:g}): {p.help}"
        unit = {"": "", "image": " in the images' unit"}.get(p.unit, f" {p.unit}")
        reach = "any value" if p.minimum == LOWEST else f"{p.minimum:g} to {p.maximum:g}"
        return f"`{p.name}` ({reach}{unit}; {numbers.get(p.default, f'{p.default:g}')}): {p.help}"

    return f"| `{tool.name}` | {tool.title} | {tool.help} | {' '.join(map(said, tool.parameters))} |"


def test_the_page_of_tools_lists_each_with_its_parameters() -> None:
    """What the table says, the manual says."""
    page = (Path(__file__).parents[3] / "docs/users/tools.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.startswith("| `")] == [row(tool) for tool in TOOLS.values()]
