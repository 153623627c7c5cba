"""Numbers that a person may change: of recipes and of tools, with unit and range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arviewer.errors import UsageError
from arviewer.words import _


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a person may change.

    Attributes
    ----------
    name : str
        With its unit in it (``low_hu``).
    unit : str
        "HU", "ml", "mm"; "" for a switch (0 or 1) or a plain number.
    default, minimum, maximum : float
        The range includes both ends.
    help : str
        One line for a person.
    """

    name: str
    unit: str
    default: float
    minimum: float
    maximum: float
    help: str


def values_of(owner: str, parameters: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, float]:
    """Return every parameter with its value, defaults filled in.

    Parameters
    ----------
    owner : str
        The recipe or tool, for the sentence.

    Raises
    ------
    UsageError
        When there is no such parameter, or a value is no number or out of range.
    """
    known = {p.name: p for p in parameters}
    for name in given:
        if name not in known:
            raise UsageError(
                _("{owner!r} has no parameter {name!r}.").format(owner=owner, name=name),
                _("It has {names}.").format(names=", ".join(known)) if known else _("It has none."),
            )
    return {p.name: _number(owner, p, given.get(p.name, p.default)) for p in parameters}


def _number(owner: str, parameter: Parameter, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not parameter.minimum <= number <= parameter.maximum:
        raise UsageError(
            _("{} of {!r} is out of range.").format(parameter.name, owner),
            _("It is {}; the range is {:g} to {:g} {}.").format(
                value, parameter.minimum, parameter.maximum, parameter.unit
            ),
        )
    return number
