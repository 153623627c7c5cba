"""The images and the files of `tests.structure_files`."""

from tests.structure_files import case

__all__ = ["case"]
