"""Windows for these tests."""

from tests.windows import dressed, hands, new_window, phantom, two_patients

__all__ = ["dressed", "hands", "new_window", "phantom", "two_patients"]
