"""Structures are repaired, undone, redone, confirmed; their surfaces follow in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from queue import Empty, Queue

import numpy as np
import pytest

from arviewer.errors import ArviewerError, UsageError
from arviewer.imaging.meshing import surface
from arviewer.model.geometry import Affine
from arviewer.model.intent import Hand
from arviewer.model.masks import BrickMask, MaskBox
from arviewer.model.scene import Item, Look, Scene
from arviewer.model.segmentation import CodedTerm, MaskEdit, Provenance, Segment, Segmentation, State
from arviewer.model.study import Patient, Series
from arviewer.model.volume import Region, Volume, VolumeGeometry
from arviewer.session.document import Document
from arviewer.session.edits import AddStructures, RemoveStructure
from arviewer.session.jobs import Jobs
from arviewer.session.mask_edits import Confirm, EditMasks, LayOntoImages
from arviewer.session.remaking import Remaking, fitting
from arviewer.session.repairs import edit_of, lay_onto_images, repair

SHAPE = (50, 60, 70)
AT = "2026-01-02T03:04:05+00:00"


@pytest.fixture(scope="module")
def volume() -> Volume:
    voxels = np.zeros(SHAPE, np.int16)
    voxels[10:40, 10:40, 10:40] = 400
    voxels[44:47, 50:55, 60:66] = 400
    matrix = np.diag([0.7, 0.8, 1.1, 1.0])
    geometry = VolumeGeometry(SHAPE, Affine(matrix, to_space="1.2.3", from_space="grid"))
    series = Series("1.2.3.4", "1.2", "1.2.3", Patient(), 1, "CT", "blocks")
    return Volume(voxels, geometry, series=series, unit="HU", slice_valid=np.ones(SHAPE[0], np.bool_))


@pytest.fixture
def document(volume: Volume) -> Document:
    mask = MaskBox((0, 0, 0), volume.voxels > 200)
    made_by = Provenance("bone", {"low_hu": 200.0}, "1", ("1.2.3.4",))
    segment = Segment("bone", CodedTerm("272673000", "SCT", "Bone"), mask, made_by, threshold=200.0)
    made = surface(Segmentation(volume, (segment,)), "bone")
    opened = Document(Scene(volume))
    opened.apply(AddStructures((Item(segment, made, Look()),)))
    return opened


def largest_kept(document: Document) -> None:
    scene = document.scene
    assert scene.volume is not None
    repaired = repair(scene.volume, scene.item("bone").segment, "keep-largest", {}, Hand())
    document.apply(edit_of(scene, "bone", repaired))


def test_a_tool_is_one_step_that_is_remembered_undone_and_redone(document: Document) -> None:
    before = document.scene.item("bone").segment.mask.sha256()
    largest_kept(document)
    item = document.scene.item("bone")
    assert item.is_stale
    assert item.segment.edits[0].tool == "keep-largest" == item.surface.edits[0].tool
    assert document.undo_words == "Keep the largest piece: bone"
    after = item.segment.mask.sha256()
    assert after != before
    document.undo()
    assert document.scene.item("bone").segment.mask.sha256() == before
    assert not document.scene.item("bone").is_stale
    document.redo()
    assert document.scene.item("bone").segment.mask.sha256() == after


def test_confirmed_to_the_voxel_and_proposed_again_by_an_edit(document: Document) -> None:
    document.apply(Confirm("bone", " Dr. A. Surgeon ", AT))
    item = document.scene.item("bone")
    assert item.segment.state is State.CONFIRMED is item.surface.state
    assert item.segment.confirmation is not None
    assert (item.segment.confirmation.by, item.segment.confirmation.at) == ("Dr. A. Surgeon", AT)
    largest_kept(document)
    assert document.scene.item("bone").segment.state is State.PROPOSED is document.scene.item("bone").surface.state
    document.undo()
    assert document.scene.item("bone").surface.state is State.CONFIRMED


def test_what_is_not_shown_cannot_be_confirmed_and_nobody_confirms_nothing(document: Document) -> None:
    with pytest.raises(UsageError, match="Who"):
        document.apply(Confirm("bone", "  ", AT))
    largest_kept(document)
    with pytest.raises(UsageError, match="surface"):
        document.apply(Confirm("bone", "Dr. A. Surgeon", AT))


def test_a_structure_on_a_grid_of_its_own_is_not_edited(document: Document, volume: Volume) -> None:
    item = document.scene.item("bone")
    foreign = replace(item.segment, geometry=volume.geometry)
    with pytest.raises(UsageError, match="grid"):
        repair(volume, foreign, "keep-largest", {}, Hand())


def test_the_steps_of_one_stroke_are_one_undo_and_one_record_and_cost_the_touched_bricks(document: Document) -> None:
    start = document.scene.item("bone").segment.mask
    held = document._held_bytes()
    edit = MaskEdit("paint", {"radius_mm": 3.0}, "1")
    mask = BrickMask.of(start)
    document.apply(EditMasks("bone", "Paint", {"bone": mask}, edit, gesture="stroke 1"))
    bricks = document._held_bytes() - held
    for i in range(40, 45):
        mask = mask.with_box((20, 20, i), np.ones((2, 2, 1), np.bool_))
        document.apply(EditMasks("bone", "Paint", {"bone": mask}, edit, gesture="stroke 1"))
    assert len(document.scene.item("bone").segment.edits) == 1
    assert document._held_bytes() - held - bricks <= 2 * 32**3
    document.undo()
    assert document.scene.item("bone").segment.mask is start


def test_a_structure_that_lost_all_its_voxels_goes_and_undo_brings_it_back(document: Document) -> None:
    nothing = MaskBox((0, 0, 0), np.zeros((0, 0, 0), np.bool_))
    document.apply(EditMasks("bone", "Erase", {"bone": nothing}, MaskEdit("erase")))
    assert "bone" not in document.scene.items
    document.undo()
    assert "bone" in document.scene.items


def test_images_of_another_series_do_not_place_the_boundary(document: Document, volume: Volume) -> None:
    segment = document.scene.item("bone").segment
    assert fitting(segment, volume).threshold == 200.0
    other = replace(volume, series=replace(volume.series, uid="9.9"))
    assert fitting(segment, other).threshold is None


def test_a_structure_of_a_file_is_laid_onto_the_images_and_can_then_be_changed(
    document: Document, volume: Volume
) -> None:
    item = document.scene.item("bone")
    own = volume.geometry.part(Region((5, 5, 5), SHAPE))
    foreign = replace(
        item.segment, geometry=own, mask=MaskBox((0, 0, 0), item.segment.mask.within((5, 5, 5), (45, 55, 65)))
    )
    document.apply(RemoveStructure("bone"))
    document.apply(AddStructures((Item(foreign, item.surface, Look()),)))
    mask, edit = lay_onto_images(volume, document.scene.item("bone").segment)
    assert edit.parameters["volume_before_ml"] == pytest.approx(edit.parameters["volume_after_ml"])
    document.apply(LayOntoImages("bone", mask, edit))
    moved = document.scene.item("bone")
    assert moved.segment.mask.sha256() == item.segment.mask.sha256()
    assert moved.is_stale
    largest_kept(document)


def test_a_threshold_places_the_surface_too(document: Document, volume: Volume) -> None:
    scene = document.scene
    repaired = repair(volume, scene.item("bone").segment, "threshold", {"low": 150.0}, Hand())
    document.apply(edit_of(scene, "bone", repaired))
    assert document.scene.item("bone").segment.threshold == 150.0
    largest_kept(document)
    assert document.scene.item("bone").segment.threshold == 150.0, "other tools leave it"
    within = repair(volume, scene.item("bone").segment, "threshold", {"low": 150.0, "within": 1.0}, Hand())
    document.apply(edit_of(document.scene, "bone", within))
    document.undo()
    document.undo()
    document.undo()
    assert document.scene.item("bone").segment.threshold == 200.0


class Main:
    """The main thread of a script: runs what the jobs hand over."""

    def __init__(self) -> None:
        self.waiting: Queue[Callable[[], None]] = Queue()

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            try:
                self.waiting.get(timeout=0.05)()
            except Empty:
                continue
        assert condition()


@pytest.fixture
def main() -> Main:
    return Main()


@pytest.fixture
def jobs(main: Main) -> Iterator[Jobs]:
    threads = threading.active_count()
    made = Jobs(main.waiting.put)
    yield made
    made.close()
    assert threading.active_count() == threads


def test_a_stale_surface_is_made_anew_in_every_step_that_has_its_mask(
    document: Document, main: Main, jobs: Jobs
) -> None:
    failures: list[ArviewerError] = []
    remaking = Remaking(document, jobs, failures.append)
    largest_kept(document)
    words = document.undo_words
    main.until(lambda: not document.scene.item("bone").is_stale)
    item = document.scene.item("bone")
    assert item.surface.mask_sha256 == item.segment.mask.sha256()
    assert item.surface.edits == item.segment.edits
    assert document.undo_words == words, "no step of its own"
    document.undo()
    document.redo()
    assert not document.scene.item("bone").is_stale
    remaking.close()
    assert not failures


def test_a_surface_nobody_needs_any_more_is_dropped(document: Document, main: Main, jobs: Jobs) -> None:
    remaking = Remaking(document, jobs, lambda error: pytest.fail(str(error)))
    largest_kept(document)
    assert remaking.busy
    document.undo()
    main.until(lambda: not remaking.busy)
    assert not document.scene.item("bone").is_stale
    document.redo()
    main.until(lambda: not document.scene.item("bone").is_stale)
    remaking.close()


def test_it_waits_while_a_brush_is_down(document: Document, main: Main, jobs: Jobs) -> None:
    remaking = Remaking(document, jobs, lambda error: pytest.fail(str(error)))
    remaking.hold()
    largest_kept(document)
    assert not remaking.busy
    remaking.release()
    assert remaking.busy
    main.until(lambda: not document.scene.item("bone").is_stale)
    remaking.close()
