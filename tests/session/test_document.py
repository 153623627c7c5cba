"""The document: every change through one door, and every change undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arviewer.errors import UsageError
from arviewer.model.masks import MaskBox
from arviewer.model.scene import Item, Look, Scene
from arviewer.model.segmentation import IMPORTED, CodedTerm, Provenance, Segment
from arviewer.model.surface import Surface, SurfaceError
from arviewer.session.document import Document
from arviewer.session.edits import AddStructures, ChangeLook, RemoveStructure

TERM = CodedTerm("272673000", "SCT", "Bone")


def an_item(name: str, size: int = 8) -> Item:
    mask = MaskBox((0, 0, 0), np.ones((size, 1, 1), dtype=np.bool_))
    segment = Segment(name, TERM, mask, Provenance("bone"))
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]], dtype=np.int32)
    surface = Surface(name, points, triangles, TERM, Provenance("bone"), "for", SurfaceError(0, 0, 0), True, 1.0)
    return Item(segment, surface, Look())


edits = st.lists(
    st.one_of(
        st.builds(lambda n: AddStructures((an_item(n),)), st.sampled_from("abc")),
        st.builds(RemoveStructure, st.sampled_from("abc")),
        st.builds(
            lambda n, o, g: ChangeLook(n, Look(opacity=o), "opacity", g),
            st.sampled_from("abc"),
            st.floats(0, 1),
            st.sampled_from(["", "drag"]),
        ),
        st.sampled_from(["undo", "redo"]),
    ),
    max_size=30,
)


@given(edits)
def test_undo_all_then_redo_all_returns_the_very_same_scenes(actions: list) -> None:
    """Whatever was done, going back to the start and forward again visits the same objects."""
    document = Document()
    start = document.scene
    for action in actions:
        if isinstance(action, str):
            getattr(document, action)()
        else:
            try:
                document.apply(action)
            except UsageError:
                continue

    while document.redo_words:
        document.redo()
    forward = [document.scene]
    while document.undo_words:
        document.undo()
        forward.append(document.scene)
    assert document.scene is start
    for expected in reversed(forward[:-1]):
        document.redo()
        assert document.scene is expected


def test_a_look_edit_shares_mesh_and_mask() -> None:
    """Fading a structure copies nothing."""
    document = Document(Scene().with_item(an_item("bone")))
    before = document.scene.item("bone")

    document.apply(ChangeLook("bone", Look(opacity=0.3), "opacity"))

    after = document.scene.item("bone")
    assert after.look.opacity == 0.3
    assert after.surface is before.surface
    assert after.segment is before.segment


def test_a_drag_is_one_step() -> None:
    """Edits of one gesture merge; the next gesture begins a new step."""
    document = Document(Scene().with_item(an_item("bone")))
    for opacity in (0.9, 0.5, 0.2):
        document.apply(ChangeLook("bone", Look(opacity=opacity), "opacity", "drag-1"))
    document.apply(ChangeLook("bone", Look(opacity=0.7), "opacity", "drag-2"))

    document.undo()
    assert document.scene.item("bone").look.opacity == 0.2
    document.undo()
    assert document.scene.item("bone").look.opacity == 1.0
    assert document.undo_words == ""


def test_a_recipe_does_not_replace_an_imported_structure() -> None:
    """Both stay, under different names; found again, each is renewed in its place."""
    imported = an_item("bone")
    made_by = Provenance(IMPORTED, {"source_sha256": "ab"})
    imported = replace(imported, segment=replace(imported.segment, made_by=made_by), look=Look(opacity=0.4))
    document = Document(Scene().with_item(imported))

    document.apply(AddStructures((an_item("bone"),)))
    document.apply(AddStructures((an_item("bone", 9),)))

    assert list(document.scene.items) == ["bone", "bone (2)"]
    assert document.scene.item("bone") is imported
    assert document.scene.item("bone (2)").segment.mask.voxels.shape == (9, 1, 1)
    assert document.scene.item("bone (2)").look == Look()


def test_the_words_say_what_will_be_undone() -> None:
    """Undo and redo name the edit as a person would."""
    document = Document()
    document.apply(AddStructures((an_item("bone"),)))
    document.apply(ChangeLook("bone", Look(visible=False), "visibility"))

    assert document.undo_words == "Hide bone"
    document.undo()
    assert (document.undo_words, document.redo_words) == ("Add bone", "Hide bone")


def test_a_renewed_structure_keeps_its_look() -> None:
    """Segmenting again with another threshold does not reset the color a person chose."""
    document = Document(Scene().with_item(an_item("bone")))
    document.apply(ChangeLook("bone", Look(color=(1, 0, 0)), "color"))
    renewed = an_item("bone")

    document.apply(AddStructures((renewed,)))

    assert document.scene.item("bone").look.color == (1, 0, 0)
    assert document.scene.item("bone").surface is renewed.surface


def test_a_refused_edit_changes_nothing() -> None:
    """An edit that raises leaves scene and history as they were, and tells nobody."""
    document = Document(Scene().with_item(an_item("bone")))
    told = []
    document.watch(lambda before, after: told.append(after))

    with pytest.raises(UsageError, match="skin"):
        document.apply(RemoveStructure("skin"))

    assert list(document.scene.items) == ["bone"]
    assert (document.undo_words, told) == ("", [])


def test_watchers_hear_before_and_after_until_they_leave() -> None:
    """Each change is told once, with both scenes."""
    document = Document()
    told = []
    leave = document.watch(lambda before, after: told.append((list(before.items), list(after.items))))

    document.apply(AddStructures((an_item("bone"),)))
    document.undo()
    leave()
    document.redo()

    assert told == [([], ["bone"]), (["bone"], [])]


def test_history_is_capped_by_bytes_and_keeps_the_newest() -> None:
    """Old steps go first; the present and one step back always stay."""
    document = Document(max_history_bytes=1000)
    for size in (400, 400, 400):
        document.apply(AddStructures((an_item("bone", size),)))
        document.apply(RemoveStructure("bone"))

    steps = 0
    while document.undo_words:
        document.undo()
        steps += 1
    assert 1 <= steps < 6


def imported(name: str, number: int, source: str = "aa") -> Item:
    item = an_item(name)
    made_by = Provenance(IMPORTED, {"source_sha256": source, "segment_number": number})
    return Item(replace(item.segment, made_by=made_by), item.surface, Look((1.0, 0.0, 0.0)))


def test_structures_of_a_file_are_one_step() -> None:
    """All come at once and go at once; what is on stage under the same name stays."""
    document = Document()
    document.apply(AddStructures((an_item("Liver"),)))
    document.apply(AddStructures((imported("Liver", 1), imported("Spleen", 2))))

    assert list(document.scene.items) == ["Liver", "Liver (2)", "Spleen"]
    assert document.scene.item("Liver (2)").segment.name == "Liver (2)"
    assert document.undo_words == "Add 2 structures"
    document.undo()
    assert list(document.scene.items) == ["Liver"]


def test_the_same_file_again_renews_its_structures() -> None:
    """Known by the bytes it came from and its number there; a look that was given stays, another file is another."""
    document = Document()
    document.apply(AddStructures((imported("Liver", 1),)))
    document.apply(ChangeLook("Liver", Look(opacity=0.3), "opacity"))
    document.apply(AddStructures((again := imported("Liver", 1),)))

    assert list(document.scene.items) == ["Liver"]
    assert document.scene.item("Liver").surface is again.surface
    assert document.scene.item("Liver").look.opacity == 0.3
    document.apply(AddStructures((imported("Liver", 1, source="bb"),)))
    assert list(document.scene.items) == ["Liver", "Liver (2)"]
    assert document.undo_words == "Add Liver"
