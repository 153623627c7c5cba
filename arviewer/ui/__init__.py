"""The window: views, panels, dialogs.

Lives here: everything that imports PyQt6. May import: every room but ``cli`` and ``app``. Must not do: change the
scene other than by ``Document.apply``, or run long work on the thread of the window.
"""
