"""Windows for these tests, and structures to bring."""

from tests.structure_files import case
from tests.windows import dressed, hands, new_window, phantom, two_patients

__all__ = ["case", "dressed", "hands", "new_window", "phantom", "two_patients"]
