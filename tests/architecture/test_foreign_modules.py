"""Foreign packages stay in their rooms, down to their submodules."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VTK_PURE = (
    # What only computes: no window, no OpenGL.
    "vtkCommonColor", "vtkCommonComputationalGeometry", "vtkCommonCore", "vtkCommonDataModel",
    "vtkCommonExecutionModel", "vtkCommonMath", "vtkCommonMisc", "vtkCommonSystem", "vtkCommonTransforms",
    "vtkFilters", "vtkImaging", "util.numpy_support",
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """A foreign module and the places that may import it."""

    name: str
    modules: tuple[str, ...]
    places: tuple[str, ...]
    exempt: tuple[str, ...] = ()

    def forbids(self, module: str, place: str) -> bool:
        inside = any(within(module, name) for name in self.modules) and not any(
            module.startswith(name) for name in self.exempt
        )
        return inside and not any(place.startswith(allowed) for allowed in self.places)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


RULES = (
    Rule("Qt lives in ui", ("PyQt6", "PyQt5", "PySide6", "qtpy"), ("arviewer/ui/",)),
    Rule(
        "VTK's rendering lives in render and the viewports",
        ("vtkmodules",),
        ("arviewer/render/", "arviewer/ui/viewports"),
        tuple(f"vtkmodules.{name}" for name in VTK_PURE),
    ),
    Rule(
        "VTK's filters live in render, the viewports and meshing",
        ("vtkmodules",),
        ("arviewer/render/", "arviewer/ui/viewports", "arviewer/imaging/meshing"),
    ),
    Rule("The umbrella vtk package is imported nowhere", ("vtk", "vtkmodules.all"), ()),
    Rule("pyvista lives in render", ("pyvista", "pyvistaqt"), ("arviewer/render/",)),
    Rule(
        "pydicom lives in imaging/dicom and formats/dicom",
        ("pydicom",),
        ("arviewer/imaging/dicom", "arviewer/formats/dicom"),
    ),
    Rule(
        "Nothing read from a file is ever run",
        ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code"),
        (),
    ),
)

RUNNERS = ("eval", "exec", "compile", "__import__")
"""Built-in functions that run text."""


def offences(source: str, place: str) -> list[str]:
    """Every rule a source file breaks, with the line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for module in imported(node):
            found += [f"{place}:{node.lineno}: {rule.name} ({module})" for rule in RULES if rule.forbids(module, place)]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUNNERS:
            found.append(f"{place}:{node.lineno}: No text is run ({node.func.id})")
    return found


def imported(node: ast.AST) -> list[str]:
    """The modules an import statement names; ``from a import b`` names both a and a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        deeper = [f"{node.module}.{alias.name}" for alias in node.names]
        return [node.module] if node.module.count(".") or node.module != "vtkmodules" else deeper
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "import_module":
        return [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return []


SOURCES = sorted((ROOT / "arviewer").rglob("*.py"))


def test_there_is_something_to_check() -> None:
    """A moved package would make the next test empty."""
    assert len(SOURCES) > 30


def test_every_foreign_module_is_in_its_room() -> None:
    """The package as it is keeps every rule."""
    found = [
        line
        for path in SOURCES
        for line in offences(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("place", "line", "rule"),
    [
        ("arviewer/session/a.py", "from PyQt6 import QtCore", "Qt lives"),
        ("arviewer/render/a.py", "import PyQt6.QtGui as q", "Qt lives"),
        ("arviewer/imaging/meshing/a.py", "from vtkmodules.vtkRenderingCore import vtkActor", "VTK's rendering"),
        ("arviewer/ui/panels/a.py", "from vtkmodules.vtkInteractionStyle import vtkX", "VTK's rendering"),
        ("arviewer/cli.py", "import vtkmodules.vtkRenderingOpenGL2", "VTK's rendering"),
        ("arviewer/imaging/meshing/a.py", "from vtkmodules.qt import QVTKRenderWindowInteractor", "VTK's rendering"),
        ("arviewer/cli.py", "from vtkmodules import vtkRenderingCore", "VTK's rendering"),
        ("arviewer/imaging/recipes/a.py", "from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D", "VTK's filters"),
        ("arviewer/formats/a.py", "from vtkmodules.util.numpy_support import vtk_to_numpy", "VTK's filters"),
        ("arviewer/render/a.py", "import vtk", "umbrella"),
        ("arviewer/render/a.py", "from vtk import vtkActor", "umbrella"),
        ("arviewer/render/a.py", "import vtk.util", "umbrella"),
        ("arviewer/render/a.py", "from vtkmodules.all import vtkActor", "umbrella"),
        ("arviewer/imaging/a.py", "import pyvista as pv", "pyvista lives"),
        ("arviewer/ui/a.py", "from pyvistaqt import QtInteractor", "pyvista lives"),
        ("arviewer/session/a.py", "def f():\n    import pydicom", "pydicom lives"),
        ("arviewer/imaging/recipes/a.py", "from pydicom.dataset import Dataset", "pydicom lives"),
        ("arviewer/session/a.py", "import pickle", "Nothing read"),
        ("arviewer/workers/a.py", "from marshal import loads", "Nothing read"),
        ("arviewer/formats/a.py", "import shelve", "Nothing read"),
        ("arviewer/formats/a.py", "importlib.import_module('pickle')", "Nothing read"),
        ("arviewer/formats/a.py", "eval('1')", "No text"),
        ("arviewer/formats/a.py", "exec(text)", "No text"),
    ],
)
def test_each_rule_rejects_an_offending_source(place: str, line: str, rule: str) -> None:
    """One crafted source per rule and per way of writing it."""
    assert any(rule in offence for offence in offences(line + "\n", place))


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("arviewer/ui/window.py", "from PyQt6 import QtCore"),
        ("arviewer/ui/viewports.py", "import vtkmodules.vtkRenderingOpenGL2"),
        ("arviewer/ui/viewports/target.py", "import vtkmodules.vtkRenderingOpenGL2"),
        ("arviewer/imaging/meshing/contour.py", "from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D"),
        ("arviewer/render/bridge.py", "import pyvista"),
        ("arviewer/imaging/dicom/scan.py", "import pydicom"),
        ("arviewer/model/volume.py", "import vtkish, codecs"),
    ],
)
def test_each_room_may_have_what_it_needs(place: str, line: str) -> None:
    """The rules do not reject what they allow."""
    assert offences(line + "\n", place) == []
