"""What a command is: a name, one line for a person, its options, and what it does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the command line.

    Attributes
    ----------
    name, text : str
    add_options : callable
        Takes the parser of the command.
    run : callable
        Takes the options; returns the exit code.
    """

    name: str
    text: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
