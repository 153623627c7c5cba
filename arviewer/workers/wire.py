"""Model values as JSON plus arrays, so that two processes can talk without trusting each other's code.

Only plain values, arrays, and the frozen dataclasses and enums of ``arviewer.model`` travel; they are built
by their own constructors on arrival, which check them again. (Python's own serializer would run whatever a
worker that read a hostile file sent.)

An object that occurs twice travels once and is one object again on arrival.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from arviewer.errors import Bug
from arviewer.model.masks import BrickMask
from arviewer.workers import memory

TRUSTED_ROOM = "arviewer.model."


class Packer:
    """Turns one value into JSON, and gathers its arrays into blocks.

    Attributes
    ----------
    blocks : list of Block
        To be sent beside the JSON, in this order.
    """

    def __init__(self) -> None:
        self.blocks: list[memory.Block] = []
        self._loose: list[tuple[dict[str, Any], npt.NDArray[Any]]] = []
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []

    def pack(self, value: object) -> Any:
        """Return `value` as JSON; call once, after which `blocks` is complete."""
        tree = self._encode(value)
        self._pack_loose()
        return tree

    def _encode(self, value: object) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, Enum):
            return {"e": _name(type(value)), "v": value.value}
        if isinstance(value, Path):
            return {"p": str(value)}
        if isinstance(value, BrickMask):
            value = value.box()  # dense, so that it travels as one array
        if isinstance(value, np.ndarray) or dataclasses.is_dataclass(value):
            return self._encode_once(value)
        if isinstance(value, (tuple, list)):
            return {"t" if isinstance(value, tuple) else "l": [self._encode(v) for v in value]}
        if isinstance(value, Mapping):
            return {"d": [[self._encode(k), self._encode(v)] for k, v in value.items()]}
        raise Bug(f"{type(value).__name__} cannot travel between processes.")

    def _encode_once(self, value: Any) -> dict[str, Any]:
        if id(value) in self._seen:
            return {"r": self._seen[id(value)]}
        number = self._seen[id(value)] = len(self._kept)
        self._kept.append(value)
        if isinstance(value, np.ndarray):
            return self._encode_array(value, number)
        fields = {f.name: self._encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"n": number, "c": _name(type(value)), "f": fields}

    def _encode_array(self, array: npt.NDArray[Any], number: int) -> dict[str, Any]:
        if array.dtype.hasobject:
            raise Bug("An array of objects cannot travel between processes.")
        node: dict[str, Any] = {"n": number, "s": list(array.shape), "y": array.dtype.str}
        place = memory.locate(array)
        if place is None:
            self._loose.append((node, np.ascontiguousarray(array)))
        else:
            node["a"], node["o"] = self._number(place[0]), place[1]
        return node

    def _number(self, block: memory.Block) -> int:
        for number, known in enumerate(self.blocks):
            if known is block:
                return number
        self.blocks.append(block)
        return len(self.blocks) - 1

    def _pack_loose(self) -> None:
        """Copy every array that lies in ordinary memory into one block."""
        if not self._loose:
            return
        size = sum(-(-array.nbytes // memory.ALIGNMENT) * memory.ALIGNMENT for _, array in self._loose)
        block = memory.Block.create(size)
        number, offset = self._number(block), 0
        for node, array in self._loose:
            if array.size:
                memory.view(block, offset, array.shape, array.dtype)[...] = array
            node["a"], node["o"] = number, offset
            offset += -(-array.nbytes // memory.ALIGNMENT) * memory.ALIGNMENT


def unpack(tree: Any, blocks: Sequence[memory.Block]) -> Any:
    """Return the value that `Packer.pack` made into `tree`; arrays are views of `blocks`."""
    return _Unpacker(blocks).decode(tree)


class _Unpacker:
    def __init__(self, blocks: Sequence[memory.Block]) -> None:
        self._blocks = blocks
        self._known: dict[int, Any] = {}

    def decode(self, tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        if "r" in tree:
            return self._known[tree["r"]]
        if "n" in tree:
            value = self._known[tree["n"]] = self._array(tree) if "a" in tree else self._object(tree)
            return value
        return self._plain(tree)

    def _plain(self, tree: dict[str, Any]) -> Any:
        ((kind, content),) = ((k, v) for k, v in tree.items() if k != "v")
        if kind == "e":
            return _trusted(content)(tree["v"])
        if kind == "p":
            return Path(content)
        if kind == "d":
            return MappingProxyType({self.decode(k): self.decode(v) for k, v in content})
        items = [self.decode(item) for item in content]
        return tuple(items) if kind == "t" else items

    def _array(self, tree: dict[str, Any]) -> npt.NDArray[Any]:
        shape, dtype = tuple(tree["s"]), np.dtype(tree["y"])
        if 0 in shape:
            return np.empty(shape, dtype)
        return memory.view(self._blocks[tree["a"]], tree["o"], shape, dtype)

    def _object(self, tree: dict[str, Any]) -> Any:
        return _trusted(tree["c"])(**{name: self.decode(value) for name, value in tree["f"].items()})


def _name(cls: type) -> str:
    if not cls.__module__.startswith(TRUSTED_ROOM):
        raise Bug(f"{cls.__module__}.{cls.__qualname__} is not a model value and cannot travel between processes.")
    return f"{cls.__module__}:{cls.__qualname__}"


def _trusted(name: str) -> type[Any]:
    module, _, qualname = name.partition(":")
    cls = getattr(importlib.import_module(module), qualname, None) if module.startswith(TRUSTED_ROOM) else None
    if not isinstance(cls, type) or not (dataclasses.is_dataclass(cls) or issubclass(cls, Enum)):
        raise Bug(f"{name!r} is not a model value.")
    return cast("type[Any]", cls)
