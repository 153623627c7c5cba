"""The one door: what it writes, where, and what it refuses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arviewer.errors import GeometryError, InputRefused, UsageError
from arviewer.formats.acceptance import require_current
from arviewer.formats.export import export
from arviewer.formats.meshes import FORMATS, Format
from arviewer.formats.stl import read_stl
from arviewer.model.findings import Finding, FindingKind, Severity
from arviewer.model.masks import BrickMask, cropped
from arviewer.model.scene import Item, Look
from arviewer.model.segmentation import Confirmation, MaskEdit, Provenance, Segment, State
from arviewer.model.study import Instance, PixelFormat, StoredPixels
from arviewer.model.surface import Surface, SurfaceError

every_format = pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
CONFIRMED = Confirmation("Dr. Test", "2026-11-24T09:00:00+01:00", "ab" * 32)
GAP = Finding(FindingKind.MISSING_SLICES, Severity.ERROR, (40, 41), (), {"count": 2})


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_and_its_sidecar_appear_together_and_nothing_else(tmp_path: Path, l_block: Surface) -> None:
    """One surface to NAME.stl gives NAME.stl and NAME.json, and no other file; missing folders are made."""
    exported = export([l_block], tmp_path / "new" / "bone.stl")
    assert names_in(tmp_path / "new") == ["bone.json", "bone.stl"]
    assert exported.files[0].path == tmp_path / "new" / "bone.stl"
    found = read_stl(exported.files[0].path.read_bytes(), "bone.stl")
    assert np.abs(found.corners() - l_block.points_lps[l_block.triangles]).max() < 1e-4


def test_the_json_has_the_keys_that_scripts_rely_on(tmp_path: Path, l_block: Surface) -> None:
    """Every key of the public document is there with the model's own figures."""
    touching = Finding(FindingKind.TOUCHING, Severity.WARNING, (3,), (), {"name": "bone", "other": "vessels"})
    surface = replace(l_block, findings=(touching,))
    document = json.loads(json.dumps(export([surface], tmp_path / "bone.ply", frame="ras").to_json()))
    assert document["structure"] == "bone"
    assert document["series"] == "2.25.101"
    (file,) = document["files"]
    assert file["path"] == str(tmp_path / "bone.ply")
    assert (file["format"], file["unit"], file["frame"], file["closed"]) == ("ply", "mm", "ras", True)
    assert file["triangles"] == len(l_block.triangles)
    assert file["volume_ml"] == pytest.approx(0.105)
    np.testing.assert_allclose(file["bounds_lps_mm"], l_block.bounds_lps)
    assert {key: file["error_mm"][key] for key in ("mean", "p95", "max")} == {"mean": 0.02, "p95": 0.1, "max": 0.25}
    (finding,) = document["findings"]
    assert set(finding) == {"kind", "severity", "message", "slices", "files", "remedy"}
    assert finding["kind"] == "touching"
    assert (
        finding["message"] == "bone touches vessels at the same brightness; the border between them was drawn by shape."
    )


def test_the_sidecar_tells_where_the_mesh_comes_from(tmp_path: Path, l_block: Surface) -> None:
    """Series, mask hash, recipe, parameters, errors, state, findings, version, frame, unit, and the mesh's hash."""
    surface = replace(l_block, findings=(GAP,), confirmation=CONFIRMED)
    export([surface], tmp_path / "bone.stl", accept=["missing-slices"])
    sidecar = json.loads((tmp_path / "bone.json").read_text())
    assert sidecar["describes"] == "bone.stl"
    assert sidecar["series_uids"] == ["2.25.101"]
    assert sidecar["frame_of_reference_uid"] == "2.25.202"
    assert sidecar["state"] == "confirmed"
    assert sidecar["accepted"] == ["missing-slices"]
    assert sidecar["findings"][0]["kind"] == "missing-slices"
    (structure,) = sidecar["structures"]
    assert structure["mask_sha256"] == "ab" * 32
    assert structure["recipe"] == "bone"
    assert structure["parameters"] == {"low_hu": 250.0, "fill": True}
    assert structure["term"]["value"] == "272673000"
    assert sidecar["files"][0]["sha256"] == hashlib.sha256((tmp_path / "bone.stl").read_bytes()).hexdigest()
    assert (sidecar["files"][0]["unit"], sidecar["files"][0]["frame"]) == ("mm", "lps")
    assert b"STATE=confirmed" in (tmp_path / "bone.stl").read_bytes()[:80]


@pytest.mark.hazard("H02")
def test_one_proposed_structure_makes_the_file_proposed(tmp_path: Path, l_block: Surface, rod: Surface) -> None:
    """Merged files state the weaker state and the larger error."""
    exported = export(
        [replace(l_block, confirmation=CONFIRMED), replace(rod, error_mm=SurfaceError(0.5, 0.6, 0.7))],
        tmp_path / "both.stl",
    )
    assert exported.files[0].state is State.PROPOSED
    assert b"STATE=proposed MAX_ERROR_MM=0.7000" in (tmp_path / "both.stl").read_bytes()[:80]
    assert exported.files[0].error_mm.max == 0.7
    assert 0.02 < exported.files[0].error_mm.mean < 0.5


@every_format
def test_no_identity_in_any_byte(tmp_path: Path, l_block: Surface, entry: Format) -> None:
    """A name in the source's file names, in a finding's words and in the folder is in neither file."""
    file = "SENTINEL^PATIENT_0040.dcm"
    lost = Finding(FindingKind.CORRUPT_SLICE, Severity.ERROR, (40,), (file,), {"count": 1, "why": f"{file} ends early"})
    folder = tmp_path / "SENTINEL^PATIENT"
    exported = export(
        [replace(l_block, findings=(lost,))], folder / f"bone{entry.suffixes[0]}", accept=["corrupt-slice"]
    )
    for path in folder.iterdir():
        assert b"SENTINEL" not in path.read_bytes(), path.name
    assert exported.to_json()["findings"][0]["files"] == [file]


@pytest.mark.parametrize("target", ["existing", "slash/", "plain"])
@every_format
def test_a_folder_gets_one_file_for_each_structure(
    tmp_path: Path, l_block: Surface, rod: Surface, entry: Format, target: str
) -> None:
    """A folder that exists, a path that ends in a slash, a name without suffix: all are folders."""
    (tmp_path / "existing").mkdir()
    exported = export([l_block, rod], f"{tmp_path}/{target}", format=entry.name)
    suffix = entry.suffixes[0]
    assert names_in(tmp_path / target) == ["bone.json", f"bone{suffix}", "rod.json", f"rod{suffix}"]
    assert [file.structures for file in exported.files] == [("bone",), ("rod",)]
    assert exported.to_json()["structure"] == "bone+rod"


def test_names_become_safe_and_unique(tmp_path: Path, l_block: Surface) -> None:
    """Separators, blanks, dots, line breaks, long names and equal names; what they were is in the sidecar."""
    given = ["../../etc/passwd", "left\nrib 7", "Bone", "bone", "ß" * 200, "..."]
    export([replace(l_block, name=name) for name in given], tmp_path / "out")
    stems = sorted(path.stem for path in (tmp_path / "out").glob("*.stl"))
    assert stems == sorted(["etc_passwd", "left_rib_7", "Bone", "bone-2", "ß" * 32, "structure"])
    assert json.loads((tmp_path / "out" / "left_rib_7.json").read_text())["structure"] == "left\nrib 7"
    export([replace(l_block, name="a\nelement vertex 0")], tmp_path / "one.ply")
    assert (tmp_path / "one.ply").read_bytes().count(b"element vertex") == 1


def test_one_file_may_be_insisted_on(tmp_path: Path, l_block: Surface, rod: Surface) -> None:
    """With one_file=True a name without suffix is a file and gets the suffix of the format."""
    exported = export([l_block, rod], tmp_path / "both", format="obj", one_file=True)
    assert [file.path.name for file in exported.files] == ["both.obj"]


def test_sidecars_of_two_formats_live_side_by_side(tmp_path: Path, l_block: Surface) -> None:
    """bone.json belongs to bone.stl; bone.ply gets bone.ply.json; doing it again changes no name."""
    for _again in range(2):
        said = [export([l_block], tmp_path / f"bone{entry.suffixes[0]}").files[0].sidecar.name for entry in FORMATS]
        assert said == ["bone.json", "bone.ply.json", "bone.obj.json"]
    assert len(names_in(tmp_path)) == 6


def test_a_json_of_another_program_is_not_overwritten(tmp_path: Path, l_block: Surface) -> None:
    """A bone.json that is not ours stays; with both names taken the export is refused."""
    (tmp_path / "bone.json").write_text('{"my": "notes"}')
    assert export([l_block], tmp_path / "bone.stl").files[0].sidecar.name == "bone.stl.json"
    (tmp_path / "rib.json").write_text("[1]")
    (tmp_path / "rib.stl.json").write_text("not even json")
    before = names_in(tmp_path)
    with pytest.raises(UsageError, match=r"rib\.json, rib\.stl\.json"):
        export([l_block], tmp_path / "rib.stl")
    assert names_in(tmp_path) == before
    assert (tmp_path / "bone.json").read_text() == '{"my": "notes"}'


@pytest.mark.parametrize(
    ("target", "options", "names"),
    [
        ("bone.xyz", {}, [".stl", ".ply", ".obj"]),
        ("bone", {"format": "step"}, ["stl", "ply", "obj"]),
        ("bone.stl", {"frame": "scanner"}, ["lps", "ras"]),
        ("bone.stl", {"accept": ["everything"]}, ["missing-slices", "tilted"]),
        ("bone.stl", {"format": "ply"}, [".ply"]),
        ("bone.stl", {"one_file": False}, ["slash"]),
        ("bones/", {"one_file": True}, ["name"]),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(
    tmp_path: Path, l_block: Surface, target: str, options: dict[str, Any], names: list[str]
) -> None:
    """Unknown or contradicting choices: UsageError naming what there is; nothing is written."""
    with pytest.raises(UsageError) as caught:
        export([l_block], f"{tmp_path}/{target}", **options)
    for name in names:
        assert name in caught.value.remedy
    assert names_in(tmp_path) == []


def test_nothing_to_export_is_said(tmp_path: Path) -> None:
    """No surfaces at all is a wrong call."""
    with pytest.raises(UsageError, match="nothing to export"):
        export([], tmp_path / "bone.stl")


@pytest.mark.parametrize(
    "finding",
    [GAP, replace(GAP, severity=Severity.WARNING), Finding(FindingKind.NO_GEOMETRY, Severity.ERROR)],
    ids=["missing slices", "missing slices as a warning", "another error"],
)
def test_lost_data_leaves_only_when_accepted_by_name(tmp_path: Path, l_block: Surface, finding: Finding) -> None:
    """Refused with the option that accepts it; another kind does not; that kind does, and it is recorded."""
    surface = replace(l_block, findings=(finding,))
    with pytest.raises(InputRefused) as caught:
        export([surface], tmp_path / "bone.stl", accept=["tilted"])
    assert f"--accept {finding.kind}" in caught.value.remedy
    assert names_in(tmp_path) == []
    exported = export([surface], tmp_path / "bone.stl", accept=[str(finding.kind)])
    assert exported.to_json()["accepted"] == [str(finding.kind)]


def test_warnings_do_not_hold_an_export_up(tmp_path: Path, l_block: Surface) -> None:
    """Approximation is a finding, not an error: it is written into the sidecar."""
    tilt = Finding(FindingKind.TILTED, Severity.WARNING, (), (), {"angle_deg": 12.0})
    export([replace(l_block, findings=(tilt,))], tmp_path / "bone.stl")
    assert json.loads((tmp_path / "bone.json").read_text())["findings"][0]["kind"] == "tilted"


@pytest.mark.parametrize(
    ("uids", "series"),
    [(("1.2", "1.3"), ("2.1", "2.1")), (("", ""), ("2.1", "2.2")), (("1.2", ""), ("2.1", "2.1"))],
)
def test_two_frames_of_reference_never_share_a_file(
    tmp_path: Path, l_block: Surface, rod: Surface, uids: tuple[str, str], series: tuple[str, str]
) -> None:
    """Other frames, or none and another series, are refused in one file, and written to files of their own."""
    surfaces = [
        replace(surface, frame_of_reference_uid=uid, made_by=Provenance("bone", series_uids=(source,)))
        for surface, uid, source in zip((l_block, rod), uids, series, strict=True)
    ]
    with pytest.raises(GeometryError):
        export(surfaces, tmp_path / "both.stl")
    assert names_in(tmp_path) == []
    assert len(export(surfaces, tmp_path / "apart").files) == 2


@pytest.mark.hazard("H05")
@pytest.mark.parametrize(("factor", "figure"), [(0.001, "0.1 mm"), (1000.0, "100000 mm"), (20.1, "2010 mm")])
def test_a_size_no_body_has_is_refused_with_its_number(
    tmp_path: Path, rod: Surface, factor: float, figure: str
) -> None:
    """A rod in metres, in micrometres, or just longer than 2 m names its size and the limits."""
    with pytest.raises(InputRefused, match=figure) as caught:
        export([replace(rod, points_lps=rod.points_lps * factor)], tmp_path / "rod.stl")
    assert "1 and 2000 mm" in caught.value.why
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        (lambda s: replace(s, triangles=s.triangles[:, ::-1]), GeometryError, "inside out"),
        (lambda s: replace(s, points_lps=s.points_lps * (-1, 1, 1)), GeometryError, "inside out"),
        (lambda s: replace(s, triangles=s.triangles[:0]), InputRefused, "no surface"),
        (lambda s: replace(s, points_lps=s.points_lps * np.nan), GeometryError, "not finite"),
        (lambda s: replace(s, triangles=s.triangles + 1), GeometryError, "without points"),
        (lambda s: replace(s, points_lps=s.points_lps + np.array([0, 0, 9000])), InputRefused, "too far"),
        (lambda s: replace(s, error_mm=SurfaceError(0.0, 0.0, np.nan)), InputRefused, "error"),
    ],
)
def test_a_surface_that_is_no_solid_is_refused(
    tmp_path: Path, l_block: Surface, change: Any, error: type[Exception], reason: str
) -> None:
    """Inside out, mirrored, empty, not finite, pointless, far away, of unknown error: refused, each by its reason."""
    with pytest.raises(error, match=reason):
        export([change(l_block)], tmp_path / "bone.stl")
    assert names_in(tmp_path) == []


def test_progress_rises_from_start_to_end(tmp_path: Path, l_block: Surface, rod: Surface) -> None:
    """Fractions never fall, stay within 0 and 1, and end at 1; every step has a word."""
    said: list[tuple[float, str]] = []
    export([l_block, rod], tmp_path / "out", progress=lambda fraction, what="": said.append((fraction, what)))
    fractions = [fraction for fraction, _what in said]
    assert fractions == sorted(fractions)
    assert min(fractions) >= 0
    assert fractions[-1] == 1
    assert len({what for _fraction, what in said}) >= 4


@pytest.mark.hazard("H25")
def test_a_surface_of_other_voxels_does_not_leave(l_block: Surface) -> None:
    """Edited since the surface was made: refused by name; the same voxels as bricks are the same structure."""
    voxels = np.zeros((4, 5, 6), bool)
    voxels[1:3, 1:4, 2:5] = True
    mask = cropped(voxels)
    segment = Segment("bone", l_block.term, mask, l_block.made_by)
    item = Item(segment, replace(l_block, mask_sha256=mask.sha256()), Look())
    require_current(item)
    require_current(replace(item, segment=replace(segment, mask=BrickMask.of(mask))))

    voxels[2, 2, 3] = False
    edited = replace(item, segment=segment.edited(cropped(voxels), MaskEdit("erase")))
    with pytest.raises(InputRefused, match="out of date") as caught:
        require_current(edited)
    assert "bone" in caught.value.what
    assert caught.value.remedy


def test_the_error_says_what_it_is_against(tmp_path: Path, l_block: Surface) -> None:
    """In the JSON on the terminal, in the sidecar, and in the comments of a file that has room for them."""
    exported = export([l_block], tmp_path / "bone.ply").to_json()
    sidecar = json.loads((tmp_path / "bone.json").read_text())
    for error in (exported["files"][0]["error_mm"], sidecar["structures"][0]["error_mm"]):
        assert error["label"] == "mesh against voxels, not anatomy"
    assert b"mesh against voxels, not anatomy" in (tmp_path / "bone.ply").read_bytes()[:2000]


@pytest.mark.hazard("H25")
def test_an_export_says_which_voxels_it_shows_and_when(tmp_path: Path, l_block: Surface) -> None:
    """Hash of the mask, version and time in the sidecar; confirmation of other voxels counts for nothing."""
    stale = replace(CONFIRMED, mask_sha256="cd" * 32)
    export([replace(l_block, confirmation=stale)], tmp_path / "bone.ply")

    told = json.loads((tmp_path / "bone.json").read_text())
    assert (told["state"], told["structures"][0]["mask_sha256"]) == ("proposed", "ab" * 32)
    assert told["version"]
    assert datetime.fromisoformat(told["exported_at"]).tzinfo is not None
    assert b"bone mask sha256 " + b"ab" * 32 in (tmp_path / "bone.ply").read_bytes()


def sources_in(folder: Path) -> tuple[Instance, ...]:
    """Two files as the images something was made from."""
    found = []
    for name in ("a", "b"):
        path = folder / name
        path.write_bytes(name.encode() * 100)
        status = path.stat()
        stored = StoredPixels(PixelFormat(1, 1), "", 0, 0, file_bytes=status.st_size, changed_ns=status.st_mtime_ns)
        found.append(Instance(path, sop_instance_uid=f"1.2.{name}", stored=stored))
    return tuple(found)


def test_the_sidecar_names_the_images_by_uid_and_hash(tmp_path: Path, l_block: Surface) -> None:
    """Which bytes a mesh was made from can be checked later."""
    made_by = replace(l_block.made_by, sources=sources_in(tmp_path))
    export([replace(l_block, made_by=made_by)], tmp_path / "out.stl")
    told = json.loads((tmp_path / "out.json").read_text())["instances"]
    assert [(one["sop_instance_uid"], one["sha256"]) for one in told] == [
        (f"1.2.{name}", hashlib.sha256(name.encode() * 100).hexdigest()) for name in ("a", "b")
    ]


@pytest.mark.hazard("H12")
def test_nothing_is_written_when_an_image_changed_since(tmp_path: Path, l_block: Surface) -> None:
    """The mesh might not be of the images that are there now."""
    made_by = replace(l_block.made_by, sources=sources_in(tmp_path))
    (tmp_path / "b").write_bytes(b"another")
    with pytest.raises(InputRefused, match="b is gone or has changed"):
        export([replace(l_block, made_by=made_by)], tmp_path / "out.stl")
    assert not list(tmp_path.glob("out*"))
