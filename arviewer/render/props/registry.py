"""Which kind of thing is drawn by which prop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from vtkmodules.vtkRenderingCore import vtkProp

from arviewer.errors import Bug
from arviewer.model.scene import Look


class Prop(Protocol):
    """One thing on stage: made from a model value, restyled without being made anew."""

    @property
    def vtk_props(self) -> tuple[vtkProp, ...]:
        """What VTK is given to draw."""
        ...

    def show(self, value: Any) -> None:
        """Show another value of the very same shape; must not touch geometry."""
        ...

    def wear(self, look: Look) -> None:
        """Take on another look; must not touch geometry."""
        ...


Maker = Callable[[Any, Look], Prop]
M = TypeVar("M", bound=Maker)

_makers: dict[type, Maker] = {}


def draws(kind: type) -> Callable[[M], M]:
    """Register the decorated class or function as what draws values of `kind`."""

    def register(maker: M) -> M:
        _makers[kind] = maker
        return maker

    return register


def prop_for(value: object, look: Look) -> Prop:
    """Return a new prop for a model value; raise `Bug` when no kind of prop draws it."""
    try:
        maker = _makers[type(value)]
    except KeyError:
        raise Bug(f"Nothing draws a {type(value).__name__}.") from None
    return maker(value, look)
