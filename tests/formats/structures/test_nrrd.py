"""NRRD: spaces by every name, units, byte orders, layers, and what is no volume."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest

from arviewer.errors import InputRefused
from arviewer.formats.reading import load, scan
from arviewer.formats.structures import structures
from tests.formats.structures.test_grid_files import labels_of, save_nrrd, structures_here
from tests.structure_files import Case, assert_true, inside_lps, points_of


@pytest.mark.hazard("H01")
@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-anterior-superior", (1, -1, 1)),
        ("LAS", (1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
    ],
)
def test_spaces_by_every_name(case: Case, tmp_path: Path, space: str, signs: tuple[int, int, int]) -> None:
    """The structures are on their sides."""
    own = np.diag([*signs, 1.0]) @ case.geometry.lps_from_ijk.matrix
    place = {"space directions": own[:3, :3].T, "space origin": own[:3, 3]}
    path = save_nrrd(case, tmp_path / "a.nrrd", labels_of(case), **place)
    path.write_bytes(path.read_bytes().replace(b"space: left-posterior-superior", f"space: {space}".encode()))

    found = structures_here(path, case)

    assert_true(found[0], case.parts["block"], share=0.05)
    assert inside_lps(found[1], points_of(case.geometry, labels_of(case) == 2)).all()


@pytest.mark.hazard("H05")
@pytest.mark.parametrize(("unit", "factor"), [("mm", 1.0), ("cm", 10.0), ("m", 1000.0), ("um", 0.001)])
def test_units_become_millimetres(case: Case, tmp_path: Path, unit: str, factor: float) -> None:
    """Spacing and place."""
    own = case.geometry.lps_from_ijk.matrix / factor
    place = {"space directions": own[:3, :3].T, "space origin": own[:3, 3], "space units": [unit] * 3}
    path = save_nrrd(case, tmp_path / "a.nrrd", labels_of(case), **place)

    assert_true(structures_here(path, case)[0], case.parts["block"], share=0.05)


@pytest.mark.hazard("H11")
@pytest.mark.parametrize(("order", "name"), [("<", "little"), (">", "big")])
def test_both_byte_orders(case: Case, tmp_path: Path, order: str, name: str) -> None:
    """Every value."""
    values = np.random.default_rng(4).integers(-900, 900, case.geometry.shape_kji).astype(np.int16)
    path = save_nrrd(case, tmp_path / "a.nrrd", values, encoding="raw", endian="little")
    head, _, _body = path.read_bytes().partition(b"\n\n")
    head = head.replace(b"endian: little", f"endian: {name}".encode())
    path.write_bytes(head + b"\n\n" + values.astype(f"{order}i2").tobytes())

    np.testing.assert_array_equal(load(scan(path).series[0]).voxels, values)


@pytest.mark.hazard("H05")
@pytest.mark.parametrize("units", ['"inch" "inch" "inch"', '"mm" "mm" "cm"'])
def test_a_unit_that_is_not_known_is_refused(case: Case, tmp_path: Path, units: str) -> None:
    """Taken for millimetres, everything would be 25 times too small."""
    path = save_nrrd(case, tmp_path / "u.nrrd", labels_of(case))
    path.write_bytes(path.read_bytes().replace(b"encoding:", f"space units: {units}\nencoding:".encode(), 1))

    with pytest.raises(InputRefused, match=r"u\.nrrd(.|\n)*unit of length"):
        structures(path, case.series)


@pytest.mark.parametrize(("kind", "opens"), [("list", True), ("time", True), ("vector", False), ("RGB-color", False)])
def test_vectors_and_colors_are_no_volumes(case: Case, tmp_path: Path, kind: str, opens: bool) -> None:
    """Three samples at each voxel are three volumes only when the file counts them."""
    matrix = case.geometry.lps_from_ijk.matrix
    values = np.random.default_rng(2).normal(size=(3, *case.geometry.shape_kji[::-1])).astype(np.float32)
    header = {
        "space": "left-posterior-superior",
        "kinds": [kind, "domain", "domain", "domain"],
        "space directions": np.vstack([[np.nan] * 3, matrix[:3, :3].T]),
        "space origin": matrix[:3, 3],
    }
    nrrd.write(str(tmp_path / "v.nrrd"), values, header)

    if opens:
        assert len(scan(tmp_path / "v.nrrd").series) == 3
    else:
        with pytest.raises(InputRefused, match="vectors or tensors"):
            scan(tmp_path / "v.nrrd")


@pytest.mark.hazard("H25")
def test_the_voxels_of_a_detached_header_are_part_of_the_source(case: Case, tmp_path: Path) -> None:
    """Other voxels under the same header are another source."""
    path = save_nrrd(case, tmp_path / "a.nhdr", labels_of(case), encoding="raw")
    one = structures_here(path, case)[0].segments[0].made_by
    save_nrrd(case, path, np.roll(labels_of(case), 1, axis=2), encoding="raw")
    other = structures_here(path, case)[0].segments[0].made_by

    assert one.parameters["source_sha256"] != other.parameters["source_sha256"]
    assert [source.path.name for source in one.sources] == ["a.nhdr", "a.raw"]


def test_layers_are_unpacked_once(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of seventy segments is packed as a whole: unpacked for each, it would take minutes."""
    from arviewer.formats import grid_file, label_map
    from arviewer.formats.reading import read_header

    layers = np.stack([labels_of(case) == n for n in range(1, 5)], axis=-1).astype(np.uint8)
    matrix = case.geometry.lps_from_ijk.matrix
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.vstack([[np.nan] * 3, matrix[:3, :3].T]),
        "space origin": matrix[:3, 3],
    }
    nrrd.write(str(tmp_path / "a.seg.nrrd"), layers.transpose(3, 2, 1, 0), header)
    calls = []
    plain = grid_file.unpacked
    monkeypatch.setattr(grid_file, "unpacked", lambda *args: calls.append(1) or plain(*args))

    names = label_map.names_in(read_header(tmp_path / "a.seg.nrrd"))

    assert len(names) == 4
    assert len(calls) == 1
